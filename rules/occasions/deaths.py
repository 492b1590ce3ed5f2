"""One row per participant: the first record that is dated after death."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("after_death", YES, "a record is dated after death", False),
)

DEATHS = Occasions(_COLUMNS, records="@table", day=("late",), about="record")
