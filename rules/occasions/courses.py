"""One row per participant and course: a treatment taken by days, from its first day to its last."""

from datetime import date

from rules.occasions.column import BIG, DAY, INT, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("expected", YES, "the course is expected of this participant", True, "@expected_fact"),
    Column("expected_fact", TEXT, "what is missing when that cannot be told", "condition"),
    Column("begun", YES, "a record says that the drug was taken", True),
    Column("denied", YES, "a record says that it was not", False),
    Column("over", YES, "the days to begin on, the data cut and the day of the run are past", True),
    Column("final", YES, "the study declares its data final", False),
    Column("day", DAY, "first day on which it was taken", date(2024, 3, 1), "date"),
    Column("due", DAY, "day on which it was to begin", date(2024, 3, 1), "day-zero"),
    Column("spaced", YES, "it was begun, and the protocol states the longest gap", True),
    Column("gap", INT, "longest gap, days of a hold not counted", 0, "hold-end", "d"),
    Column("gap_limit", INT, "longest gap that the protocol allows; 0 where it states none", 2, unit="d"),
    Column("closed", YES, "it was begun, and the protocol says when it ends", True),
    Column("short", INT, "days at its end on which it should still have been taken", 0, "@short_fact", "d"),
    Column("short_fact", TEXT, "what is missing when that cannot be told", "course-end"),
    Column("counted", YES, "it is over, and the protocol states the share of doses to be taken", True),
    Column("taken", BIG, "doses taken", 2_721_600, unit="1/5040 dose"),
    Column("wanted", BIG, "doses to be taken, without holds and gaps that are findings", 2_721_600, unit="1/5040 dose"),
    Column("low_share", INT, "smallest share of doses that is right; 0 where none is stated", 8_000, unit="0.01 %"),
    Column("high_share", INT, "largest share of doses that is right; 0 where none is stated", 12_000, unit="0.01 %"),
)  # fmt: skip

COURSES = Occasions(_COLUMNS, records="administrations", day=("day", "due"))
