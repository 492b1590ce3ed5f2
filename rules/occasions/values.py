"""One row per value on record that a condition of the protocol reads."""

from rules.occasions.column import WHO, YES, Column

VALUES = (
    *WHO,
    Column("usable", YES, "every comparison that the protocol makes of the value can be made", True),
)
