"""One row per occasion at which something is measured: a visit held, or an assessment with a day of its own."""

from datetime import date

from rules.occasions.column import DAY, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("expected", YES, "the occasion is expected of this participant", True, "@expected_fact"),
    Column("expected_fact", TEXT, "what is missing when that cannot be told", "condition"),
    Column("over", YES, "its window, the data cut and the day of the run are past", True),
    Column("missed", YES, "an assessment has no result, and none will come", False),
    Column("incomplete", YES, "of an assessment only some measures have a result, and no more will come", False),
    Column("untold", YES, "a measure has no result on record, and nothing says whether one will come", False),
    Column("timed", YES, "the protocol states a window in days", True),
    Column("outside", YES, "a result was taken neither in the window nor at the visit", False, "sampling-date"),
    Column("due", DAY, "day on which it is due", date(2024, 3, 15), "day-zero"),
)

ASSESSMENTS = Occasions(_COLUMNS, records="@table", day=("day", "due"))
