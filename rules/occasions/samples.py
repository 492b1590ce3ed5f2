"""One row per value on record of a measure for which the protocol says how long after a dose it is drawn."""

from datetime import date

from rules.occasions.column import DAY, INT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the sample", date(2024, 3, 10), "date"),
    Column("in_time", YES, "it was drawn as long after the dose as the protocol wants", True, "since-dose"),
    Column("since", INT, "how long after the dose it was drawn", 720, "since-dose", "min"),
)

SAMPLES = Occasions(_COLUMNS, records="observations", day=("day",), about="@criterion")
