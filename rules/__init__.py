"""What follows from a protocol and the facts: calendars, verdicts, an audit."""

from rules.audit import Report, audit, schedule, validate
from rules.facts import Study, from_frames, init_study, read_study

__all__ = ["Report", "Study", "audit", "from_frames", "init_study", "read_study", "schedule", "validate"]
