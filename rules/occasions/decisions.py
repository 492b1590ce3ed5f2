"""One row per decision on record."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("waives", YES, "the decision is a waiver: a departure allowed in one case", False),
)

DECISIONS = Occasions(_COLUMNS, records="decisions", day=("decided",))
