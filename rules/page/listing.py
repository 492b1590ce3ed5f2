"""Findings and queries one by one: the sentence, the steps, the record as recorded, and what the protocol says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import polars as pl

from rules.audit import Report
from rules.facts import Table
from rules.page.labels import Labels
from rules.page.markup import Child, Markup, tag
from rules.page.timeline import title_of
from rules.telling.wording import catalogue

_STEP = re.compile(r"[;；]\s*")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})")
_SOURCE = re.compile(r"(?<=\(stated\)); |(?<=\(assumed\)); ")
_PLACE = re.compile(r"^(.*):(\d+)$")


def anchor(identity: str) -> str:
    """The place of a finding or query on the page: the same in every run."""
    return "f-" + hashlib.sha256(identity.encode()).hexdigest()[:12]


def write_findings(rows: pl.DataFrame, report: Report, labels: Labels) -> list[Markup]:
    """One article a row of findings or queries."""
    cells = recorded_cells(rows, report)
    prefix = recorded_prefix(report.lang)
    return [
        _article(row, cells.get(row["record"] or "", {}), prefix, report, labels) for row in rows.iter_rows(named=True)
    ]


def recorded_cells(rows: pl.DataFrame, report: Report) -> dict[str, dict[str, str]]:
    """The filled cells of every record that the rows name, as recorded: record -> column -> text."""
    tables = {table.file: table for table in report.study.tables.values()}
    wanted: dict[str, list[int]] = {}
    for record in rows["record"].drop_nulls().unique().sort():
        place = _PLACE.match(record)
        if place and place[1] in tables:
            wanted.setdefault(place[1], []).append(int(place[2]))
    return {f"{file}:{line}": cells for file, lines in wanted.items() for line, cells in _lines(tables[file], lines)}


def _lines(table: Table, lines: list[int]) -> list[tuple[int, dict[str, str]]]:
    known = [line for line in lines if line in set(table.lines.filter(table.lines.is_in(lines)))]
    frame = table.recorded(known)
    found = [
        {name: str(value) for name, value in row.items() if value not in (None, "")}
        for row in frame.iter_rows(named=True)
    ]
    return list(zip(known, found, strict=True))


def recorded_prefix(lang: str) -> str:
    """The words before the recorded cells in a chain of steps; the report shows those cells from the table itself."""
    phrase = str(catalogue(lang)["phrases"].get("evidence_record") or catalogue(lang)["phrases"]["timing"])
    found = re.search(r"[;；]\s*([^;；{]+)\{recorded\}", phrase)
    return found[1] if found else ""


def steps(because: str | None, prefix: str) -> list[str]:
    """The steps of the arithmetic, each once, without the recorded cells."""
    parts = [part for part in _STEP.split(because or "") if part]
    return list(dict.fromkeys(p for p in parts if not prefix or not p.startswith(prefix)))


def _article(
    row: Mapping[str, str | None], cells: Mapping[str, str], prefix: str, report: Report, labels: Labels
) -> Markup:
    query = row["verdict"] == "cannot tell"
    shape = "query" if query else "finding"
    title = labels.code(row["code"] or "")
    mark = [tag("b", f"{'?' if query else '◆'} {labels(shape)}"), tag("span", title), tag("code", row["code"])]
    if not query:
        mark.append(tag("span", labels.value(row["importance"])))
    return tag(
        "article",
        tag("div", *mark, tag("span", _where(row, report, labels), class_="where"), class_="top"),
        tag("p", dated(row["message"]), class_="says"),
        tag("dl", *_details(row, cells, prefix, labels)),
        id=anchor(row["id"] or ""), class_=shape, data_code=row["code"], data_site=row["site"] or "",
    )  # fmt: skip


def _where(row: Mapping[str, str | None], report: Report, labels: Labels) -> str:
    name = title_of(report.protocol, row["activity"], labels.lang) if row["activity"] else None
    occurrence = f"{name} {row['occurrence']}" if name and row["occurrence"] is not None else name
    return " · ".join(str(part) for part in (row["site"], row["subject"], occurrence, row["date"]) if part)


def _details(row: Mapping[str, str | None], cells: Mapping[str, str], prefix: str, labels: Labels) -> list[Markup]:
    """Term and description for everything the row has."""
    if row["verdict"] == "cannot tell" and row["rule"] != row["code"]:
        blocks: Child = ", ".join(
            labels.code(code) for code in (row["rule"] or "").split(", ") if code not in ("", row["code"])
        )
    else:
        blocks = None
    recorded = [tag("span", tag("i", f"{name} "), value) for name, value in cells.items()]
    place = tag("span", tag("code", row["record"])) if row["record"] else None
    lines = steps(row["because"], prefix)
    pairs: list[tuple[str, Child]] = [
        ("expected", dated(row["expected"])), ("understood", dated(row["observed"])),
        ("recorded", tag("span", *recorded, place, class_="cells") if recorded or place else None),
        ("steps", tag("ol", *(tag("li", dated(line)) for line in lines)) if lines else None),
        ("origin", _origin(row, labels)), ("blocks", blocks),
        ("log", labels.logged(row["logged"]) if row["verdict"] == "deviates" else None),
        ("state", labels.value(row["state"]) if row["state"] != "new" else None), ("decision", row["decision"]),
        *((name, row[name]) for name in ("cause", "serious_breach", "excluded_from")),
    ]  # fmt: skip
    shown = [
        part
        for term, said in pairs
        if said
        for part in (tag("dt", labels.words.get(term) or labels.column(term)), tag("dd", said))
    ]
    return [*shown, tag("dt", labels.column("id")), tag("dd", tag("span", row["id"], class_="id quiet"))]


def _origin(row: Mapping[str, str | None], labels: Labels) -> Child:
    """What the protocol says field by field, and whether it says so itself or somebody assumed it."""
    if not row["source"]:
        return None
    lines: list[Child] = []
    for part in _SOURCE.split(row["source"]):
        for basis in ("stated", "assumed"):
            text = part.removesuffix(f" ({basis})")
            if text != part:
                lines.append(tag("li", f"{text} · ", tag("span", labels.value(basis), class_=basis)))
                break
        else:
            lines.append(tag("li", part))
    return tag("ul", *lines, tag("li", labels("version", version=row["version"]), class_="quiet"))


def dated(text: str | None) -> Child:
    """A text whose days are not broken between two lines."""
    if not text:
        return None
    parts = _DAY.split(text)
    return [tag("span", part, class_="day") if i % 2 else part for i, part in enumerate(parts)]
