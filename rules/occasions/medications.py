"""One row per concomitant medication on record that names what the protocol prohibits, or another arm's treatment."""

from rules.occasions.column import TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("experimental", YES, "it is a treatment of the trial that the participant's arm does not get", False),
    Column("forbidden", YES, "it was new since consent and taken while it was prohibited", True, "@forbidden_fact"),
    Column("forbidden_fact", TEXT, "what is missing when that cannot be told", "consent-date"),
    Column("excepted", YES, "the protocol allows it for the recorded indication", False, "indication"),
)

MEDICATIONS = Occasions(_COLUMNS, records="events", day=("day",), about="@criterion")
