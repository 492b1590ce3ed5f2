"""One row per value on record that orders another dose of a course, and what was done about it."""

from datetime import date

from rules.occasions.column import DAY, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the sample", date(2024, 3, 10), "date"),
    Column("over", YES, "the time to act, the data cut and the day of the run are past", True),
    Column("taken", YES, "the drug was being taken on that day", True),
    Column("acted", YES, "the dose was changed as ordered, the value taken again, or a reason given", True, "amount"),
)

LEVELS = Occasions(_COLUMNS, records="observations", day=("day",))
