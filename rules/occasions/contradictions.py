"""One row per two records, or two statements of one record, that cannot both be right."""

from rules.occasions.column import TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("contradict", YES, "both cannot be right", False),
    Column("kind", TEXT, "which contradiction it is", "born-later"),
)

CONTRADICTIONS = Occasions(_COLUMNS, records="@table", day=("day",), about="record")
