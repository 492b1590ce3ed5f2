"""The forecast on the screen, as Markdown, as a page with its picture, or one table for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.text import Text

from perprotocol.planning.figure import draw_forecast
from perprotocol.planning.words import Words
from perprotocol.simulation.attendance import Clinic
from perprotocol.simulation.days import written
from perprotocol.simulation.forecast import Forecast
from rules.page.html import document, note
from rules.page.labels import Labels
from rules.page.markup import Child, tag
from rules.page.tables import html_table
from rules.page.text import Screen, as_table, markdown_table
from rules.report import write_table

TABLES = ("weeks", "activities", "weekdays", "changes")
_QUARTER = 13
_MOST_CHANGES = 12
_NARROW = "td { min-width: 4em; } td.n { min-width: 0; } header + ul { margin: 1.5rem 0; padding-left: 1.2rem; }"


@dataclass(frozen=True)
class Section:
    """A heading, what is said of it, and a table of texts with headings in the language."""

    heading: str
    note: str
    frame: pl.DataFrame


def write_forecast(found: Forecast, format: str, lang: str, out: Path | None, table: str | None = None) -> None:
    """The forecast in a file, or on standard output; a table for programs keeps its own names."""
    words = Words(lang)
    if table is not None or format in ("json", "csv", "parquet"):
        frame: pl.DataFrame = getattr(found, table or "activities")
        write_table(frame if format in ("json", "csv", "parquet") else _read(frame, words), format, lang, out)
    elif format == "html":
        _write(out, _page(found, words))
    elif format == "markdown":
        _write(out, _markdown(found, words))
    else:
        _print(found, words, out)


def write_figure(found: Forecast, lang: str, path: Path) -> None:
    """The picture as an SVG file."""
    path.write_text(draw_forecast(found, Words(lang)) + "\n", encoding="utf-8", newline="\n")


def _write(out: Path | None, text: str) -> None:
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")


def headlines(found: Forecast, words: Words) -> list[str]:
    """What a planner asks first: how much in the busiest week, how much outside, and which change saves most."""
    busy = found.busiest
    week = {name: f"{busy[name]:.1f}" for name in ("attendances", "infusions")}
    most = f"{busy['attendances_most']:.0f}"
    case = "busy" if found.weeks["infusions"].sum() else "busy without infusions"
    said = [words(case, week=busy["week"], begins=busy["begins"], attendances_most=most, **week)]
    said.append(words("outside", outside=f"{found.outside:.1f}", missed=f"{found.missed:.1f}"))
    if not len(found.changes):
        return [*said, words("nothing saves")]
    best = found.changes.row(0, named=True)
    numbers = {name: f"{best[name]:.1f}" for name in ("saved", "outside")}
    title = words.title(found.protocol, best["activity"])
    return [*said, words("saves", title=title, window=best["window"], wider=best["wider"], **numbers)]


def assumptions(found: Forecast, words: Words) -> list[str]:
    """Everything the figures rest on beside the protocol."""
    site = found.site
    said = words(
        "as if", participants=site.participants, over=site.over, first=written(site.first),
        leaves=f"{100 * site.leaves:g}", closed=_closed(site.clinic, words), runs=found.runs,
        on_time=f"{100 * site.punctuality.on_time:g}", delay=f"{site.punctuality.delay:g}",
    )  # fmt: skip
    names = words("listed").join(words.title(found.protocol, name) for name in found.ward)
    return [said, *([words("ward", names=names)] if names else []), words("how")]


def _closed(clinic: Clinic, words: Words) -> str:
    days = [words.all["values"][day + 1] for day in sorted(clinic.weekdays)]
    days += [str(written(day)) for day in sorted(clinic.days)]
    return words("listed").join(days) or words("nowhere")


def sections(found: Forecast, words: Words) -> Iterator[Section]:
    """The four tables in the order of reading."""
    tables = {
        "activities": found.activities,
        "changes": found.changes.head(_MOST_CHANGES),
        "weekdays": found.weekdays,
        "weeks": _quarters(found.weeks, words),
    }
    for name, frame in tables.items():
        if name in ("activities", "changes"):
            titles = [words.title(found.protocol, activity) for activity in frame["activity"]]
            frame = frame.with_columns(pl.Series("activity", titles, dtype=pl.String))  # noqa: PLW2901
        if len(frame):
            yield Section(words(name), words(f"{name} note"), _read(frame, words))


def _quarters(weeks: pl.DataFrame, words: Words) -> pl.DataFrame:
    """Thirteen weeks a row: means of a week, and the busiest one."""
    rows = []
    for part in weeks.iter_slices(_QUARTER):
        busiest = part.sort("attendances", descending=True, maintain_order=True).row(0, named=True)
        means = {name: part[name].mean() for name in ("attendances", "visits", "infusions")}
        first, last = part["week"][0], part["week"][-1]
        rows.append(
            {"weeks": words("quarter", first=first, last=last), "begins": part["begins"][0], **means}
            | {"busiest": busiest["attendances"], "attendances_most": busiest["attendances_most"]}
        )
    return pl.DataFrame(rows)


def _read(frame: pl.DataFrame, words: Words) -> pl.DataFrame:
    """A table with headings and words in the language, numbers to one decimal."""
    values = words.all["values"]
    texts = []
    for name, dtype in frame.schema.items():
        column = frame[name]
        if dtype == pl.Float64:
            column = column.round(1)
        elif name in ("kind", "weekday"):
            column = pl.Series([values[value] for value in column], dtype=pl.String)
        elif name == "window":
            column = column.fill_null(words("no window"))
        texts.append(column.alias(words.column(name)))
    return pl.DataFrame(texts)


def _print(found: Forecast, words: Words, out: Path | None) -> None:
    labels = Labels(words.lang)
    with Screen(out) as console:
        trial = words("of", protocol=found.protocol.protocol, version=found.protocol.version)
        console.print(Text(f"\n{words('title')}: ", "bold").append(trial))
        for said in headlines(found, words):
            console.print(said)
        for section in sections(found, words):
            console.print(Text(f"\n{section.heading}", "bold"))
            console.print(Text(section.note, "dim"))
            console.print(as_table(section.frame, labels))
        console.print()
        for said in assumptions(found, words):
            console.print(Text(said, "dim"))


def _markdown(found: Forecast, words: Words) -> str:
    labels = Labels(words.lang)
    lines = [f"# {words('title')}: {found.protocol.protocol}", ""]
    lines += [f"- {said}" for said in headlines(found, words)]
    for section in sections(found, words):
        lines += ["", f"## {section.heading}", "", section.note, "", markdown_table(section.frame, labels).rstrip()]
    return "\n".join([*lines, "", *assumptions(found, words)]) + "\n"


def _page(found: Forecast, words: Words) -> str:
    """One page that needs nothing beside itself: the answers, the picture, the tables, what they rest on."""
    labels, protocol = Labels(words.lang), found.protocol
    title = protocol.title.in_(words.lang) if protocol.title is not None else protocol.protocol
    body: list[Child] = [
        tag(
            "header",
            tag("p", words("title"), class_="kind"),
            tag("h1", protocol.protocol),
            tag("p", title, class_="of"),
        ),
        tag("ul", *(tag("li", said) for said in headlines(found, words))),
        draw_forecast(found, words),
    ]
    for section in sections(found, words):
        body += [tag("h2", section.heading), note(section.note), html_table(section.frame, labels)]
    body += [tag("h2", words("assumed")), *(note(said) for said in assumptions(found, words))]
    body.append(tag("p", labels("disclaimer"), class_="disclaimer"))
    return document(f"{words('title')}: {protocol.protocol}", body, _NARROW, words.lang)
