"""What who writes a protocol reads: its faults line by line, the list of checks, and an amendment in words."""

from __future__ import annotations

from datetime import date

import polars as pl

from protocol import Protocol
from protocol.errors import Fault, ScalarError, StudyError
from rules.diff.said import words_of
from rules.diff.table import PARTS
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


def lint_table(found: pl.DataFrame) -> pl.DataFrame:
    """What a person needs of a list of faults, for a page: the line for the place, and no file on every row."""
    return found.select("kind", "line", "code", "title", "message", "remedy")


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


MOST = 40
"""Differences of a study that are listed of each part; other formats hold all of them."""
_CHANGES = ("moved", "changed", "new", "gone")
CHANGES = ("added", "removed", "renamed", "confirmed", "assumed", "reworded")
"""What becomes of a part of a protocol, beside being changed."""


def diff_text(
    told: pl.DataFrame, old: Protocol, new: Protocol, people: int | None, active: date | None, lang: str
) -> str:
    """An amendment sentence by sentence, then what it changes for the participants of a study, counted and listed."""
    words = words_of(lang)
    lines = [words["heading"].format(protocol=new.protocol, old=old.version, new=new.version)]
    for part in PARTS if people is not None else PARTS[:1]:
        rows = told.filter(pl.col("part") == part)
        if part == "occurrence":
            case = "always" if active is None else "active"
            lines += ["", words[case].format(n=people, version=new.version, day=active)]
        lines += [] if part == "protocol" else ["", f"{words['parts'][part]}: {_counted(rows, lang)}"]
        listed = [
            _line(row, lang) for row in rows.head(MOST if part != "protocol" else len(rows)).iter_rows(named=True)
        ]
        lines += listed or [f"  {words['same']}"]
        if len(rows) > len(listed) and listed:
            lines.append("  " + words["more"].format(n=len(rows) - len(listed)))
    return "\n".join(lines)


def diff_table(told: pl.DataFrame, lang: str) -> pl.DataFrame:
    """What a person needs of an amendment, for a page: what became of what, whose, and one sentence."""
    words = words_of(lang)
    parts, changes = words["parts"], {name: words[name] for name in (*_CHANGES, *CHANGES)}
    said = told.with_columns(pl.col("part").replace_strict(parts), pl.col("change").replace_strict(changes))
    return said.select("part", "change", "subject", "activity", "occurrence", "code", "message")


def _counted(rows: pl.DataFrame, lang: str) -> str:
    """How many of each change, in a line."""
    words = words_of(lang)
    counts = [(change, int((rows["change"] == change).sum())) for change in _CHANGES]
    counts = [each for each in counts if each[1]] or [("changed", 0)]
    return Labels(lang)("comma").join(f"{words[change]} {number}" for change, number in counts)


def _line(row: dict[str, str], lang: str) -> str:
    if row["part"] == "protocol":
        return f"  {row['message']}"
    who = " ".join(str(row[name]) for name in ("subject", "activity", "occurrence") if row[name] is not None)
    code = f"{row['code']}  " if row["code"] is not None else ""
    labels = Labels(lang)
    changed = row["fields"].split(", ") if row["change"] == "changed" and row["part"] == "finding" else []
    what = f"  [{labels('comma').join(map(labels.column, changed))}]" if changed else ""
    return f"  {words_of(lang)[row['change']]}  {who}  {code}{row['message']}{what}"
