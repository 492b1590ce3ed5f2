"""One row per participant and version with a consent form that everyone must sign again."""

from rules.occasions.column import WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column(
        "form_due", YES, "something was done for the trial while the form was due, and consents are on record", True
    ),
    Column("outdated", YES, "a dose or a visit came after the form was due and before it was signed", False, "form"),
)

RECONSENTS = Occasions(_COLUMNS, records="subjects", day=("first",), about="@rule")
