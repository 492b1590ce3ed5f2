"""What differs between two versions of a protocol, in words, and what that changes for the participants of a study."""

from rules.diff.calendars import OCCURRENCES
from rules.diff.changes import Change, changes
from rules.diff.effects import Effects, effects, either_blinded
from rules.diff.said import Speaker
from rules.diff.table import DIFF, diff

__all__ = ["DIFF", "OCCURRENCES", "Change", "Effects", "Speaker", "changes", "diff", "effects", "either_blinded"]
