"""One row per exposure on record and stretch of its course: days on which one dose was taken and one was planned."""

from datetime import date

from rules.occasions.column import BIG, DAY, INT, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "first of these days", date(2024, 3, 1), "date"),
    Column("timed", YES, "the course begins with them, and the protocol states a window of its first day", True),
    Column("opens", DAY, "first day on time", date(2024, 2, 29), "day-zero"),
    Column("closes", DAY, "last day on time", date(2024, 3, 2), "day-zero"),
    Column("dosed", YES, "the protocol fixes the dose of these days", True),
    Column("given", BIG, "amount taken, in so many days or doses", 80_000_000, "@fact", "base"),
    Column("least", BIG, "smallest amount that is right for as many", 72_900_000, "@fact", "base"),
    Column("most", BIG, "largest amount that is right for as many", 89_100_000, "@fact", "base"),
    Column("fact", TEXT, "what is missing when an amount or its limits are", "weight"),
    Column("repeated", YES, "the record is of repeated doses, and the protocol says how often", True),
    Column("often", INT, "how often the drug was taken", 10_080, "frequency", "1/5040 a day"),
    Column("often_due", INT, "how often the protocol gives it", 10_080, unit="1/5040 a day"),
    Column("after_end", YES, "these days lie after the last day of the course", False),
    Column("held_days", INT, "those in a hold, but for the day on which it began", 0, "hold-end", "d"),
    Column("stopped_days", INT, "of these days those after the treatment was stopped or left", 0, "stop-date", "d"),
    Column("clashing", YES, "a record that began before covers some of the days of this one", False),
)

EXPOSURES = Occasions(_COLUMNS, records="administrations", day=("day",))
