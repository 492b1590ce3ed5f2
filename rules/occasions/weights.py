"""One row per body weight on record."""

from rules.occasions.column import BIG, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("aged", YES, "the participant's age on that day is known", True),
    Column("grams", BIG, "body weight", 16_200, "weight", "g"),
    Column("low", BIG, "half the median weight for the age", 8_150, "age", "g"),
    Column("high", BIG, "twice the median weight for the age", 32_600, "age", "g"),
    Column("comparable", YES, "another weight stands within 31 days", True),
    Column("jumped", YES, "more than half as much again, or less, than a weight beside it within 31 days", False),
)

WEIGHTS = Occasions(_COLUMNS, records="observations", day=("at",), about="weight")
