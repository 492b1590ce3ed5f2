"""One row per participant and eligibility criterion."""

from rules.occasions.column import TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("judged", YES, "the participant was enrolled and criteria apply to the group", True),
    Column("excludes", YES, "the criterion keeps people out", False),
    Column("holds", YES, "the criterion's condition holds", True, "@fact"),
    Column("fact", TEXT, "what is missing when it cannot be told", "observation"),
)

CRITERIA = Occasions(_COLUMNS, records="subjects", day=("at",), about="@criterion")
