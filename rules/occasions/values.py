"""One row per value on record that a condition of the protocol reads."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("usable", YES, "every comparison that the protocol makes of the value can be made", True),
)

VALUES = Occasions(_COLUMNS, records="observations", day=("at",), about="@criterion")
