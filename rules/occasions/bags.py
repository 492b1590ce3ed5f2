"""One row per record of something given that names its lot or bag: when it expired, excursions, whose it is."""

from datetime import date

from rules.occasions.column import BIG, DAY, TEXT, WHO, YES, Column, Occasions

_NOON = 19_797 * 1440 + 720
_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the administration", date(2024, 3, 15), "date"),
    Column("dated", YES, "an expiry of the lot or bag is on record", True),
    Column("used", BIG, "the end of its use, as far as the answer needs it", _NOON, "@used_fact", "min"),
    Column("expires", BIG, "the last minute of its life; a day lasts to its end", _NOON, "expiry", "min"),
    Column("used_fact", TEXT, "what is missing when the end of its use is", "use-time"),
    Column("excursed", YES, "it had been too warm or too cold before its use", True),
    Column("assessed", YES, "that had been assessed when it was used", True, "assessment"),
    Column("acceptable", YES, "the assessment says acceptable", True, "assessment"),
    Column("first_of_bag", YES, "the question about the bag is put at this record", True),
    Column("shared", YES, "the same bag is recorded for another participant", False),
    Column("released_for_another", YES, "the bag was released for another participant", False),
)

BAGS = Occasions(_COLUMNS, records="administrations", day=("day",))
