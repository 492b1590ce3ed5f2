"""One row per hold on record that nobody closed."""

from datetime import date

from rules.occasions.column import DAY, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("held_since", DAY, "day on which the hold began", date(2024, 3, 16), "date"),
    Column("went_on", YES, "a dose was given since, or was due in it and has no record", False),
)

HOLDS = Occasions(_COLUMNS, records="events", day=("held_since",), about="hold")
