"""What who writes a protocol reads: its faults line by line, and the list of checks."""

from __future__ import annotations

import polars as pl

from protocol.errors import Fault, ScalarError, StudyError
from rules.door.closures import Closures, parse_closures
from rules.lint import CHECKS
from rules.page.labels import Labels

KINDS = ("fault", "to confirm", "not judged")


def closed_days(text: str | None) -> Closures | None:
    """The weekdays typed at `--closed`; StudyError for what is none."""
    if text is None:
        return None
    try:
        closures = parse_closures(text)
    except ScalarError as error:
        raise StudyError([Fault("--closed", None, None, "", error.text, error.why, error.remedy)]) from None
    if closures.days or not closures.weekdays or len(closures.weekdays) == 7:
        why = "names no weekdays" if len(closures.weekdays) < 7 else "leaves no day of the week"
        raise StudyError([Fault("--closed", None, None, "", text, why, "write weekdays, as in 'saturday, sunday'")])
    return closures


def lint_text(found: pl.DataFrame, lang: str) -> str:
    """Every fault with its place, the reason and a way out, one below the other, under the kind of each."""
    labels = Labels(lang)
    lines: list[str] = []
    for kind in KINDS:
        rows = found.filter(pl.col("kind") == kind)
        if len(rows):
            lines += [*([""] if lines else []), f"{labels.value(kind)} ({len(rows)})"]
        for row in rows.iter_rows(named=True):
            place = ":".join(str(row[part]) for part in ("file", "line", "column") if row[part] is not None)
            lines.append(f"{place}  {row['code']}  {row['message']}")
            if kind == "fault":
                lines.append(f"    → {row['remedy']}")
    return "\n".join(lines)


def lint_counts(found: pl.DataFrame, lang: str) -> str:
    """How many of each kind, in a line."""
    labels = Labels(lang)
    counts = {kind: int((found["kind"] == kind).sum()) for kind in KINDS}
    return labels("comma").join(f"{labels.value(kind)} {number}" for kind, number in counts.items())


def list_checks(lang: str) -> pl.DataFrame:
    """Every check: its code, its title, and what it gives."""
    labels = Labels(lang)
    rows = [(check.code, check.text("title", lang), labels.value(check.kind)) for check in CHECKS]
    return pl.DataFrame(rows, schema=["code", "title", "gives"], orient="row")
