"""One row per participant: consent, day zero."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("consent_judged", YES, "consents are on record and apply to the group", True),
    Column("treated_before_consent", YES, "a trial procedure came before consent", False, "consent"),
    Column("zero_judged", YES, "day zero and the event that defines it are both on record", True),
    Column("zero_differs", YES, "recorded day zero and the event's day differ", False),
)

PEOPLE = Occasions(_COLUMNS, records="subjects", day=("first", "zero_recorded"), about="@rule")
