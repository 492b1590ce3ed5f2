"""One row per participant who withdrew consent in full, and one per participant who was declared lost to follow-up."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("withdrew", YES, "the row is about consent withdrawn in full", True),
    Column("procedure_after", YES, "a visit or measurement is dated after consent was withdrawn", False),
    Column("lost", YES, "the row is about a participant declared lost", False),
    Column("absent", YES, "something due since the last contact did not take place", False),
)

LEAVING = Occasions(_COLUMNS, records="subjects", day=("late_day", "contact"), about="@rule")
