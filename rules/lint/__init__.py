"""What is wrong with a protocol before a participant is enrolled: checks over the document, its plan and its days."""

from rules.lint.draft import Draft
from rules.lint.faults import BY_CODE, CHECKS
from rules.lint.run import LINT, lint

__all__ = ["BY_CODE", "CHECKS", "LINT", "Draft", "lint"]
