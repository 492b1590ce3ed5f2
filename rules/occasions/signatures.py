"""One row per participant and age from which on the participant's own consent is needed."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("of_age", YES, "something was done for the trial at that age, and who signed consents is on record", True),
    Column("unsigned", YES, "a dose or a visit came before the participant signed at that age", False, "signer"),
)

SIGNATURES = Occasions(_COLUMNS, records="subjects", day=("first",), about="@rule")
