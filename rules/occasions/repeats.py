"""One row per stretch in which a modification orders that an assessment is repeated, and an interval of it is over."""

from datetime import date

from rules.occasions.column import DAY, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("began", DAY, "day on which it was ordered", date(2024, 3, 10), "date"),
    Column("in_time", YES, "it was repeated within every interval that is over", True, "repeat"),
)

REPEATS = Occasions(_COLUMNS, records="observations", day=("last_done", "began"), about="@again")
