"""Tables as text: for a terminal, as wide as it is, and as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules.audit import Report
from rules.manifest import Manifest
from rules.page.labels import Labels
from rules.page.summary import IMPORTANCE, by_code, by_site, by_subject, ended, marks, not_judged
from rules.page.tables import shown

MOST, MOST_MARKDOWN = 100, 3000
"""Rows of a list that the screen and Markdown show; `json`, `csv` and `parquet` hold all of them."""

_FILE_WIDTH = 148
_LEAST_TEXT = 34
_STYLES = {"deviates": "red", "cannot tell": "yellow", "complies": "green", "important": "bold red"}

_PEOPLE: tuple[tuple[frozenset[str], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        frozenset({"because", "logged"}),
        ("subject", "date", "verdict", "code", "message", "importance", "decision", "basis", "record"),
        ("record", "basis", "importance", "code"),
    ),
    (
        frozenset({"given", "intended", "codes"}),
        ("subject", "activity", "occurrence", "date", "verdict", "given", "intended", "message", "record"),
        ("record", "intended", "given", "occurrence"),
    ),
    (
        frozenset({"moves", "status"}),
        ("subject", "activity", "occurrence", "first_allowed_day", "due", "last_compliant_day", "dose", "dose_low",
         "dose_high", "dose_unit", "status", "moves"),
        ("dose_low", "dose_high", "dose_unit", "dose", "moves"),
    ),
    (
        frozenset({"study_day", "opens", "status"}),
        ("subject", "activity", "occurrence", "study_day", "due", "opens", "closes", "dose", "dose_low", "dose_high",
         "dose_unit", "status"),
        ("study_day", "dose_low", "dose_high", "dose_unit", "dose", "closes", "opens"),
    ),
    (
        frozenset({"change", "caused_by"}),
        ("change", "subject", "date", "code", "fields", "was", "now", "caused_by", "detail"),
        ("fields", "was"),
    ),
    (
        frozenset({"found", "match"}),
        ("found", "subject", "logged_as", "logged_on", "code", "occurrence", "date", "match", "why"),
        ("occurrence",),
    ),
    (
        frozenset({"concerns"}),
        ("subject", "kind", "finding", "activity", "occurrence", "decided", "by", "document", "reason", "concerns"),
        ("document", "activity", "occurrence"),
    ),
)  # fmt: skip
"""Which columns a person needs of a table that has certain columns; and which of them go first where it is narrow."""


@dataclass(frozen=True)
class Section:
    """One table of a report with its heading, what is said of it, and the colour of its kind."""

    heading: str
    note: str
    frame: pl.DataFrame
    style: str = ""


def print_table(frame: pl.DataFrame, labels: Labels, out: Path | None) -> None:
    """The table on the screen, or as plain text in a file."""
    with Screen(out) as console:
        console.print(as_table(for_people(frame, console.width), labels))


def print_report(report: Report, manifest: Manifest, out: Path | None) -> None:
    """The whole report: what it is about, numbers first, then every list."""
    labels = Labels(report.lang)
    with Screen(out) as console:
        said = "  ".join(mark for mark, _ in marks(report, labels))
        console.print(Text(f"\n{labels('title')}  ", "bold").append(said, "yellow"))
        for term, said in head(report, manifest, labels):
            console.print(Text(f"{term}: ", "dim").append(said, "default"))
        console.print()
        for style, line in numbers(report, labels):
            console.print(Text(line, f"bold {style}"))
        for section in sections(report, labels, MOST):
            console.print(Text(f"\n{section.heading}", f"bold {section.style}"))
            if section.note:
                console.print(Text(section.note, "dim"))
            if len(section.frame):
                console.print(as_table(for_people(section.frame, console.width), labels))
        console.print(Text(f"\n{labels('disclaimer')}", "dim"))


def markdown_table(frame: pl.DataFrame, labels: Labels) -> str:
    """The columns that a person needs as a Markdown table, aligned for reading as text too."""
    frame = for_people(frame, None)
    head_row = [labels.column(name) for name in frame.columns]
    rows = [
        [_markdown(shown(v, labels, n)) for n, v in zip(frame.columns, row, strict=True)] for row in frame.iter_rows()
    ]
    widths = [max(map(cell_len, column)) for column in zip(head_row, *rows, strict=True)]
    right = [dtype.is_numeric() for dtype in frame.dtypes]

    def line(cells: Sequence[str]) -> str:
        padded = (
            f"{' ' * (w - cell_len(c))}{c}" if r else f"{c}{' ' * (w - cell_len(c))}"
            for c, w, r in zip(cells, widths, right, strict=True)
        )
        return f"| {' | '.join(padded)} |\n"

    rule = "|" + "|".join(f" {'-' * (max(w, 3) - r)}{':' * r} " for w, r in zip(widths, right, strict=True)) + "|\n"
    return line(head_row) + rule + "".join(map(line, rows))


def markdown_report(report: Report, manifest: Manifest) -> str:
    """The whole report as Markdown."""
    labels = Labels(report.lang)
    parts = [
        f"# {_markdown(labels('report of', study=report.study.name))}\n",
        *(f"**{mark}**: {why}\n" for mark, why in marks(report, labels)),
    ]
    parts.append("".join(f"- {term}: {_markdown(said)}\n" for term, said in head(report, manifest, labels)))
    parts.append("".join(f"- **{line}**\n" for _, line in numbers(report, labels)))
    for section in sections(report, labels, MOST_MARKDOWN):
        parts.append(f"## {section.heading}\n")
        parts += [f"{section.note}\n"] if section.note else []
        parts += [markdown_table(section.frame, labels)] if len(section.frame) else []
    return "\n".join([*parts, labels("disclaimer")]) + "\n"


def head(report: Report, manifest: Manifest, labels: Labels) -> list[tuple[str, str]]:
    """What the report is about: study, protocol, days, manifest."""
    protocol, study = report.protocol, report.study
    return [
        (labels("report of", study=study.name), f"{protocol.protocol}, {labels('version', version=protocol.version)}"),
        (labels("as of"), str(report.as_of)), (labels("data cut"), str(study.data_cut or labels("no cut"))),
        (labels("manifest"), str(manifest["hash"])),
    ]  # fmt: skip


def numbers(report: Report, labels: Labels) -> list[tuple[str, str]]:
    """How many deviations, queries and allowed departures, each a line of its own colour."""
    everyone = len(report.study.subjects)
    lines = []
    for style, name, rows in (
        ("red", "findings", report.findings),
        ("yellow", "queries", report.queries),
        ("blue", "departures", report.departures),
    ):
        touched = labels("of participants", n=rows["subject"].drop_nulls().n_unique(), of=everyone)
        more = ended(report, labels) if name == "findings" else []
        lines.append((style, labels("comma").join([f"{labels(name)}: {len(rows)}", touched, *more])))
    return lines


def sections(report: Report, labels: Labels, most: int) -> list[Section]:
    """Every table of the report in the order of reading, at most so many rows each: numbers first, each kind apart."""
    people = by_subject(report)
    found = people.filter((pl.col("findings") > 0) | (pl.col("queries") > 0))
    sites = by_site(report, people).select("site", "subjects", "findings", "important", "queries", "departures")
    rules = _titled(by_code(report.findings), "rule", labels, (*IMPORTANCE, "number", "events", "subjects"))
    questions = _titled(by_code(report.queries), "question", labels, ("number", "subjects"))
    asked = report.queries.drop("verdict", "importance", "basis")

    def section(name: str, note: str, frame: pl.DataFrame, style: str = "") -> Section:
        cut = labels("listed short", n=most, of=len(frame)) if len(frame) > most else ""
        said = labels(f"no {name}") if not len(frame) and f"no {name}" in labels.words else note and labels(note)
        return Section(
            labels(name), labels("space").join(text for text in (said, cut) if text), frame.head(most), style
        )

    return [
        section("by rule", "", rules, "red"),
        section("queries by kind", "", questions, "yellow"),
        section("by site", "", sites),
        section("by subject", "", found),
        section("findings", "findings note", report.findings.drop("verdict"), "red"),
        section("queries", "queries note", asked, "yellow"),
        section("departures", "departures note", report.departures, "blue"),
        *(section(name, f"{name} note", frame) for name, frame in recorded(report) if len(frame)),
        section("counts", "counts note", report.counts),
        section("balance", "balance note", report.balance),
        *([section("unmatched", "unmatched note", report.unmatched)] if len(report.unmatched) else []),
        section("not judged", "not judged note", not_judged(report)),
    ]


def recorded(report: Report) -> list[tuple[str, pl.DataFrame]]:
    """What people and the source say beside the findings: each table with the key of its heading."""
    closed = report.corrected.select("subject", "date", "code", "message", "decision", "record", "id")
    return [
        ("causes", report.causes),
        ("corrected findings", closed),
        ("reconciliation", report.reconciliation),
        ("decisions", report.decisions),
        ("history", report.history),
    ]


def _titled(rows: pl.DataFrame, name: str, labels: Labels, columns: Sequence[str]) -> pl.DataFrame:
    titles = pl.Series(name, [labels.code(code) for code in rows["code"]], dtype=pl.String)
    return rows.select(titles, "code", *columns)


def for_people(frame: pl.DataFrame, width: int | None) -> pl.DataFrame:
    """The columns that a person needs, of these as many as fit; all columns of a table of no known kind."""
    for signs, names, dispensable in _PEOPLE:
        if signs <= set(frame.columns):
            kept = [n for n in names if n in frame.columns and frame[n].null_count() < max(len(frame), 1)]
            for name in dispensable:
                if width is not None and name in kept and sum(_room(frame[n]) + 2 for n in kept) > width:
                    kept.remove(name)
            return frame.select(kept)
    return frame


def _room(column: pl.Series) -> int:
    """Cells of the screen that a column wants, before texts are wrapped."""
    if column.name in ("message", "because", "reasons", "why", "decision"):
        return _LEAST_TEXT
    longest = max((cell_len(text) for text in column.cast(pl.String).unique().drop_nulls()), default=0)
    return max(longest, len(column.name))


def as_table(frame: pl.DataFrame, labels: Labels) -> Table:
    """A frame as a table of the screen, with headings and words in the language."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    for name, dtype in frame.schema.items():
        fixed = dtype.is_temporal() or dtype.is_numeric() or name in ("subject", "verdict", "status", "importance")
        table.add_column(
            labels.column(name), justify="right" if dtype.is_numeric() else "left", no_wrap=fixed, overflow="fold"
        )
    for row in frame.iter_rows():
        cells = zip(frame.columns, row, strict=True)
        table.add_row(*(Text(_plain(shown(v, labels, n)), _STYLES.get(str(v), "")) for n, v in cells))
    return table


class Screen:
    """The screen, or a text file without colours, as a rich console."""

    def __init__(self, out: Path | None) -> None:
        self.file = out.open("w", encoding="utf-8", newline="\n") if out is not None else None

    def __enter__(self) -> Console:
        if self.file is None:
            wide = None if sys.stdout.isatty() else _FILE_WIDTH
            return Console(file=sys.stdout, highlight=False, width=wide)
        return Console(file=self.file, highlight=False, width=_FILE_WIDTH, color_system=None)

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


def _plain(text: str) -> str:
    """Without control characters: a recorded text must not steer the terminal."""
    return "".join(c for c in text if c.isprintable() or c == "\n")


def _markdown(text: str) -> str:
    """A text that stays text in a cell: no column of its own, no markup, no line of its own."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for char in "\\|`*_[]":
        safe = safe.replace(char, f"\\{char}")
    return " ".join(safe.split())
