"""One row per value on record that orders another dose of a course, and what was done about it."""

from datetime import date

from rules.occasions.column import DAY, INT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the sample", date(2024, 3, 10), "date"),
    Column("over", YES, "the time to act, the data cut and the day of the run are past", True),
    Column("taken", YES, "the drug was being taken on that day", True),
    Column("acted", YES, "the dose was changed as ordered, the value taken again, or a reason given", True, "amount"),
    Column("sized", YES, "the order says how far, and nothing but the order explains the change", True),
    Column("as_far", YES, "the dose was changed by as much as ordered", True),
    Column("share", INT, "dose after the change in thousandths of the dose before", 850),
)

LEVELS = Occasions(_COLUMNS, records="observations", day=("day",))
