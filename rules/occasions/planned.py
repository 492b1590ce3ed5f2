"""One row per planned treatment or visit, with what was done with it."""

from datetime import date

from rules.occasions.column import DAY, INT, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("treatment", YES, "the occurrence is a dose", True),
    Column("visit", YES, "the occurrence is a visit", False),
    Column("expected", YES, "the occurrence is expected of this participant", True, "@expected_fact"),
    Column("expected_fact", TEXT, "what is missing when that cannot be told", "condition"),
    Column("over", YES, "its window, the data cut and the day of the run are past", True),
    Column("done", YES, "a record says it took place", True),
    Column("denied", YES, "a record says it did not take place", False),
    Column("excused", YES, "the protocol allows or orders its absence", False, "@excused_fact"),
    Column("excused_fact", TEXT, "what is missing when that cannot be told", "reason"),
    Column("claimed", YES, "another record may be it: of a bag released for this participant, or one untold", False),
    Column("by_interval", YES, "it accompanies another dose, and a record of several days covers its day", False),
    Column("in_hour", YES, "it came at the hour that the protocol has", True, "hour"),
    Column("unknown", YES, "a record says that it is unknown whether it took place", False),
    Column("final", YES, "the study declares its data final", False),
    Column("day", DAY, "day on which it took place", date(2024, 3, 15), "date"),
    Column("due", DAY, "day on which it is due", date(2024, 3, 15), "@due_fact"),
    Column("opens", DAY, "first day on time", date(2024, 3, 14), "@due_fact"),
    Column("closes", DAY, "last day on time", date(2024, 3, 16), "@due_fact"),
    Column("due_fact", TEXT, "what is missing when these are", "day-zero"),
    Column("by_clock", YES, "the window of the visit is clock time, in hours", False),
    Column("minutes_off", INT, "by how much the visit misses that window; negative early", 0, "@time_fact", "min"),
    Column("time_fact", TEXT, "what is missing when these are", "time"),
    Column("timed", YES, "the protocol states a window in days", True),
)

PLANNED = Occasions(_COLUMNS, records="@table", day=("day", "due"))
