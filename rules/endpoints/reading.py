"""The outcomes as tables for people: one section an endpoint, then the analysis sets and the published figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from rules.endpoints.figure import p_text
from rules.endpoints.outcomes import Outcomes
from rules.endpoints.participants import CANNOT_TELL, NOT_YET
from rules.endpoints.received import AS_PLANNED
from rules.endpoints.results import SUCCESS, YES, Drawn
from rules.endpoints.sets import EVERYONE, IN, OPEN, OUT
from rules.endpoints.words import Words

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading, what is said of it, a table of texts with headings in the language, and perhaps a figure."""

    heading: str
    notes: Sequence[str]
    frame: pl.DataFrame
    figure: Drawn | None = None


def sections(found: Outcomes, words: Words) -> Iterator[Section]:
    """Everything in the order of reading."""
    if len(found.published):
        yield Section(words("published"), [words("published note")], _published(found, words))
    for name, endpoint in found.protocol.endpoints.items():
        if endpoint.kind != "event" and len(found.results.filter(pl.col("endpoint") == name)):
            yield _section(found, name, words)
    events = [name for name, endpoint in found.protocol.endpoints.items() if endpoint.kind == "event"]
    rows = found.results.filter(pl.col("endpoint").is_in(events))
    if len(rows):
        yield Section(words("events"), [], _events(found, rows, words))
    for name in found.protocol.analysis_sets:
        yield _set(found, name, words)
    if len(others := found.received.filter(pl.col("received") != AS_PLANNED)):
        shown = others.select("subject", "arm", "actual_arm", "received", "because")
        yield Section(words("treated"), [words("treated note")], for_reading(shown, words))
    open_rows = found.participants.filter(pl.col("state") == CANNOT_TELL)
    if len(open_rows):
        yield Section(words("not told"), [words("not told note")], _open(found, open_rows, words))


def facts(found: Outcomes, words: Words) -> list[tuple[str, str]]:
    """What the outcomes are of: the arms with their short names, and how many participants there are."""
    arms = found.participants.unique("subject")["arm"]
    said = [(arm, f"{words.title(found.protocol, 'arms', arm)}: {(arms == arm).sum()}") for arm in found.protocol.arms]
    return [(words("participants"), str(len(arms))), *(said if len(said) > 1 else [])]


def remarks(found: Outcomes, words: Words) -> list[str]:
    """What a reader must know: how it was computed, and what the figures do not show."""
    said = [words("methods")]
    for name, note in found.notes:
        title = words.title(found.protocol, "endpoints", name) if name else ""
        said.append(words(f"note {note}", title=title))
    return said


def for_reading(frame: pl.DataFrame, words: Words) -> pl.DataFrame:
    """A table of the outcomes with headings and words in the language, and figures of a sensible length."""
    texts = []
    for name, dtype in frame.schema.items():
        column = frame[name]
        if dtype == pl.Float64:
            column = pl.Series([None if x is None else f"{x:.4g}" for x in column], dtype=pl.String)
        elif dtype == pl.String and name in _TRANSLATED:
            column = pl.Series([None if x is None else words.value(x) for x in column], dtype=pl.String)
        elif dtype == pl.Boolean:
            column = pl.Series(
                [None if x is None else words.value("yes" if x else "no") for x in column], dtype=pl.String
            )
        texts.append(column.alias(words.column(name)))
    return pl.DataFrame(texts)


_TRANSLATED = frozenset({"state", "received", "answer", "figure", "member", "agrees", "analysis_set"})


# --- endpoints ----------------------------------------------------------------------------------------------------


def _section(found: Outcomes, name: str, words: Words) -> Section:
    endpoint = found.protocol.endpoints[name]
    rows = found.results.filter(pl.col("endpoint") == name)
    origin = found.protocol.origin(f"endpoints.{name}.{'due' if endpoint.kind == 'response' else 'event'}")
    notes = [_definition(found, name, words), words("source", basis=words.value(origin.basis), source=origin.text)]
    title = words.title(found.protocol, "endpoints", name)
    if endpoint.kind == "response":
        return Section(title, notes, _responses(found, rows, words))
    tests = [(row["analysis_set"], row["value"]) for row in rows.filter(pl.col("figure") == "p").iter_rows(named=True)]
    said = [f"{_set_title(found, of, words)} {words('p', p=p_text(p))}" for of, p in tests]
    notes += [words("log-rank test", tests=words("listed").join(said))] if said else []
    drawn = next((one for one in found.curves if one.endpoint == name and one.analysis_set == EVERYONE), None)
    return Section(title, notes, _survival(found, rows, words), drawn)


def _definition(found: Outcomes, name: str, words: Words) -> str:
    endpoint = found.protocol.endpoints[name]
    if endpoint.kind == "response":
        measure = words.title(found.protocol, "measures", str(endpoint.measure))
        return words("response of", measure=measure, due=endpoint.due, window=endpoint.window or words("that day"))
    events = words("or").join(words.happening(found.protocol, event) for event in endpoint.event)
    stops = words("or").join(words.happening(found.protocol, event) for event in endpoint.censor)
    return words("time to", origin=words.title(found.protocol, "milestones", str(endpoint.from_)), events=events) + (
        words("stops at", stops=stops) if stops else ""
    )


def _set_title(found: Outcomes, name: str, words: Words) -> str:
    return words("everyone") if name == EVERYONE else words.title(found.protocol, "analysis_sets", name)


def _of(found: Outcomes, row: Row, words: Words) -> dict[str, str]:
    of = (
        {words.column("analysis_set"): _set_title(found, row["analysis_set"], words)}
        if found.protocol.analysis_sets
        else {}
    )
    return of | {words.column("arm"): row["arm"]}


def share_text(row: Row) -> str:
    """`1/9, 11.1 % (0.3–48.2)`; nothing can be said of nobody."""
    if row["value"] is None:
        return "–"
    return f"{row['number']}/{row['of']}, {row['value']:.1f} % ({row['low']:.1f}–{row['high']:.1f})"


def _responses(found: Outcomes, rows: pl.DataFrame, words: Words) -> pl.DataFrame:
    told = []
    for _, group in rows.group_by("analysis_set", "arm", maintain_order=True):
        first = group.row(0, named=True)
        line = _of(found, first, words)
        for row in group.iter_rows(named=True):
            if row["figure"] == "share":
                success = found.protocol.endpoints[row["endpoint"]].success
                head = words("or").join(success) if row["answer"] == SUCCESS else row["answer"]
                line[head] = share_text(row)
            else:
                line[words.value(row["figure"])] = _number_text(row)
        told.append(line | {words.column("not_told"): str(first["not_told"])})
    return pl.DataFrame(told)


def _number_text(row: Row) -> str:
    """`12.3 ± 4.5`, `11 (2–25)`."""
    if row["value"] is None:
        return "–"
    unit = f" {row['unit']}" if row["unit"] else ""
    if row["figure"] == "mean":
        return f"{row['value']:.4g}{unit}" + (f" ± {row['error']:.3g}" if row["error"] is not None else "")
    return f"{row['value']:.4g}{unit} ({row['low']:.4g}–{row['high']:.4g})"


def _survival(found: Outcomes, rows: pl.DataFrame, words: Words) -> pl.DataFrame:
    told = []
    for _, group in rows.filter(pl.col("figure") != "p").group_by("analysis_set", "arm", maintain_order=True):
        by = {(row["figure"], row["at"]): row for row in group.iter_rows(named=True)}
        if ("events", None) not in by:
            continue
        events = by["events", None]
        line = _of(found, events, words) | {words.value("events"): f"{events['number']}/{events['of']}"}
        for (figure, at), row in by.items():
            if figure == "survival":
                line[words.span(at)] = _percent_text(row, words)
                line[words("at risk then", at=words.span(at))] = str(row["number"])
        for figure in ("median", "follow-up"):
            line[words.value(figure)] = _time_text(by[figure, None], words)
        told.append(line | {words.column("not_told"): str(events["not_told"])})
    return pl.DataFrame(told)


def _percent_text(row: Row, words: Words) -> str:
    if row["value"] is None:
        return words("not estimable")
    error = f" ± {row['error']:.1f} %" if row["error"] is not None else ""
    ends = f" ({row['low']:.1f}–{row['high']:.1f})" if row["low"] is not None else ""
    return f"{row['value']:.1f} %{error}{ends}"


def _time_text(row: Row, words: Words) -> str:
    ends = [f"{end:.1f}" if end is not None else "–" for end in (row["low"], row["high"])]
    within = f" ({ends[0]} {words('to')} {ends[1]})" if row["low"] is not None else ""
    return (
        f"{row['value']:.1f} {words.value(row['unit'])}{within}"
        if row["value"] is not None
        else words("not reached") + within
    )


def _events(found: Outcomes, rows: pl.DataFrame, words: Words) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {words.column("endpoint"): words.title(found.protocol, "endpoints", row["endpoint"])}
            | _of(found, row, words)
            | {words.column("share"): share_text(row), words.column("not_told"): str(row["not_told"])}
            for row in rows.iter_rows(named=True)
        ]
    )


# --- sets, published figures, what is open ------------------------------------------------------------------------


def _set(found: Outcomes, name: str, words: Words) -> Section:
    """Who belongs to a set: numbers by arm in the note, then everybody who does not, or of whom it cannot be told."""
    rows = found.sets.filter(pl.col("analysis_set") == name)
    counted = []
    for arm in found.protocol.arms:
        mine = rows.filter(pl.col("arm") == arm)["member"]
        numbers = {f"n_{n}": (mine == member).sum() for n, member in enumerate((IN, OUT, OPEN))}
        counted.append(words("set counts", arm=arm, of=len(mine), **numbers))
    origin = found.protocol.origin(f"analysis_sets.{name}.exclude")
    notes = [words("semicolon").join(counted), words("source", basis=words.value(origin.basis), source=origin.text)]
    notes.append(words("proposed"))
    if (rows["member"] == OPEN).any():
        notes.append(words("provisional"))
    kept = ("subject", "arm", "member", "because", "findings")
    frame = for_reading(rows.filter(pl.col("member") != IN).select(kept), words)
    return Section(words.title(found.protocol, "analysis_sets", name), notes, frame)


def _published(found: Outcomes, words: Words) -> pl.DataFrame:
    rows = []
    for row in found.published.iter_rows(named=True):
        what = [
            words.value(row["figure"]),
            row["answer"] if row["answer"] not in (None, YES) else "",
            words.span(row["at"] or ""),
        ]
        rows.append(
            {
                words.column("endpoint"): words.title(found.protocol, "endpoints", row["endpoint"]),
                words.column("figure"): " ".join(word for word in what if word),
                words.column("arm"): row["arm"] or "",
                words.column("published"): row["published"],
                words.column("computed"): row["computed"] or "",
                words.column("agrees"): words.value(row["agrees"]),
                words.column("source"): row["source"] or "",
            }
        )
    return pl.DataFrame(rows)


def _open(found: Outcomes, rows: pl.DataFrame, words: Words) -> pl.DataFrame:
    titles = {name: words.title(found.protocol, "endpoints", name) for name in found.protocol.endpoints}
    kept = rows.select(pl.col("endpoint").replace(titles), "subject", "arm", "because")
    return for_reading(kept, words)


def waiting(found: Outcomes) -> int:
    """How many answers and times are not due yet."""
    return int((found.participants["state"] == NOT_YET).sum())
