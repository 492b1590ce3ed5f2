"""The report as one HTML page: it needs nothing beside itself, reads without JavaScript, and prints."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import polars as pl

from rules.audit import Report
from rules.manifest import Manifest, Run
from rules.page.charts import charts
from rules.page.courses import read_courses
from rules.page.labels import Labels
from rules.page.listing import anchor, write_findings
from rules.page.marks import Mark, draw_mark
from rules.page.markup import Child, Markup, css_string, join, tag
from rules.page.summary import IMPORTANCE, by_code, by_site, by_subject, ended, marks, not_judged
from rules.page.tables import html_table, shown
from rules.page.text import for_people, recorded
from rules.page.timeline import Course, draw_timeline, title_of

MOST_LISTED = 3000
"""Findings, and queries, that a page lists one by one; the tables hold all of them."""

MOST_DRAWN = 200
"""Participants whose course a page draws."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def report_page(report: Report, calendar: pl.DataFrame | None, manifest: Manifest) -> str:
    """The whole page in the report's language. Without a calendar no timelines are drawn."""
    labels = Labels(report.lang)
    people = by_subject(report)
    drawn = people.head(MOST_DRAWN)
    courses = read_courses(report, calendar, list(drawn["subject"])) if calendar is not None else {}
    sections = [
        ("overview", _overview(report, people, labels)),
        ("charts", charts(report, courses, labels)),
        ("timelines", _timelines(report, courses, people, drawn, labels) if calendar is not None else None),
        ("findings", _listing(report, labels)),
        ("queries", _queries(report, labels)),
        ("departures", _departures(report, labels)),
        *((name, _recorded(name, frame, labels)) for name, frame in recorded(report) if len(frame)),
        ("counts", _counts(report, labels)),
        ("balance", _balance(report, labels)),
        ("unmatched", _unmatched(report, labels)),
        ("not judged", _not_judged(report, labels)),
        ("manifest title", _manifest(manifest, labels)),
    ]
    kept = [(name, content) for name, content in sections if content is not None]
    body = [_head(report, manifest, [name for name, _ in kept], labels)]
    body += [content if n == "overview" else _section(n, content, labels) for n, content in kept]
    foot = tag("footer", f"{labels('manifest')} ", tag("code", manifest["hash"]))
    return page(labels("report of", study=report.study.name), [*body, foot], report, manifest, labels)


def table_page(frame: pl.DataFrame, lang: str) -> str:
    """One table as a page of its own, with the columns that a person needs; the other formats have all."""
    labels = Labels(lang)
    body: list[Child] = [tag("h1", labels("title")), html_table(for_people(frame, None), labels), _disclaimer(labels)]
    return document(labels("title"), body, _WIDE, lang)


_WIDE = """
body { max-width: none; } td { min-width: 4.5em; } td.n { min-width: 0; }
@page { size: A4 landscape; margin: 10mm; } @media print { table { font-size: 8pt; } td { min-width: 0; } }
"""


def _disclaimer(labels: Labels) -> Markup:
    return tag("p", labels("disclaimer"), class_="disclaimer")


def page(title: str, body: list[Child], report: Run, manifest: Manifest, labels: Labels) -> str:
    """The document with a running foot on every printed page: study, data cut, manifest, DRAFT, page x of y."""
    cut = report.study.data_cut or labels("no cut")
    known = (f"{labels('data cut')} {cut}", f"{labels('manifest')} {manifest['hash'][:12]}")
    said = " · ".join((report.study.name, *known, *(mark for mark, _ in marks(report, labels))))
    font = "font: 8pt system-ui, 'Noto Sans CJK SC', sans-serif; color: #555;"
    left = f"@bottom-left {{ content: {css_string(said)}; {font} }}"
    right = f'@bottom-right {{ content: counter(page) " / " counter(pages); {font} }}'
    return document(title, body, f"@page {{ {left} {right} }}", report.lang)


def document(title: str, body: list[Child], extra: str, lang: str) -> str:
    """A whole page with its styles; `extra` are more of them."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Markup(_resource("page.css") + extra)),
    )
    content = tag("body", *body, tag("script", Markup(_resource("page.js"))))
    return "<!doctype html>\n" + tag("html", head, content, lang="zh-CN" if lang == "zh" else lang) + "\n"


def _resource(name: str) -> str:
    return resources.files("rules").joinpath(f"page/{name}").read_text(encoding="utf-8")


def _section(name: str, content: Child, labels: Labels) -> Markup:
    return tag("section", tag("h2", labels(name)), content, id=slug(name))


def slug(name: str) -> str:
    """A heading as the name of its place on the page."""
    return name.replace(" ", "-")


def note(text: str) -> Markup:
    """What is said below a heading."""
    return tag("p", text, class_="note")


# --- the first screen ---------------------------------------------------------------------------------------------


def _head(report: Report, manifest: Manifest, names: list[str], labels: Labels) -> Markup:
    protocol, study = report.protocol, report.study
    title = protocol.title.in_(labels.lang) if protocol.title is not None else protocol.protocol
    facts = [
        (labels("as of"), str(report.as_of)),
        (labels("data cut"), f"{study.data_cut or labels('no cut')}{', ' + labels('final') if study.final else ''}"),
        (labels("protocol"), f"{protocol.protocol}, {labels('version', version=protocol.version)}"),
        (labels.column("subjects"), str(len(study.subjects))),
        (labels("sites"), str(study.subjects["site"].drop_nulls().n_unique())),
        (labels("manifest"), tag("code", manifest["hash"][:12])),
    ]
    kind = [labels("title"), *(tag("span", mark, class_="draft", title=why) for mark, why in marks(report, labels))]
    links = [
        tag("a", labels("departures short" if n == "departures" else n), href=f"#{slug(n)}")
        for n in names
        if n != "overview"
    ]
    return tag(
        "header",
        tag("p", *kind, class_="kind"),
        tag("h1", study.name),
        tag("p", title, class_="of"),
        tag("dl", *(tag("div", tag("dt", term), tag("dd", said)) for term, said in facts), class_="facts"),
        tag("p", labels("disclaimer"), class_="disclaimer"),
        tag("nav", *(join((link, " ")) for link in links), aria_label=labels("contents")),
    )


def _overview(report: Report, people: pl.DataFrame, labels: Labels) -> Markup:
    """Numbers, then deviations by rule and importance, queries by question, and both by site."""
    parts: list[Child] = [_numbers(report, people, labels)]
    for rows, heading, names in (
        (report.findings, "by rule", ("rule", *IMPORTANCE, "number", "events", "subjects")),
        (report.queries, "queries by kind", ("question", "number", "subjects")),
    ):
        if len(rows):
            table = by_code(rows).with_columns(pl.col("code").alias(names[0]))
            parts += [tag("h3", labels(heading)), html_table(table, labels, names, lambda row: _code_cell(row, labels))]
    sites = by_site(report, people)
    names = (
        "site",
        "subjects",
        "findings",
        *(("important",) if sites["important"].sum() else ()),
        "queries",
        "departures",
    )
    categories = tuple(c for c in sites.columns if c not in (*names, "important", "departures"))
    heads = sites.select(*names, *categories).rename({c: labels.value(c) for c in categories})
    parts += [
        tag("h3", labels("by site")),
        html_table(heads, labels, (), lambda row: str(row["site"] or labels("no site"))),
    ]
    return tag("section", *parts, id="overview")


def _code_cell(row: dict[str, Any], labels: Labels) -> Child:
    return (labels.code(row["code"]), " ", tag("code", row["code"]))


def _numbers(report: Report, people: pl.DataFrame, labels: Labels) -> Markup:
    """Deviations, queries and allowed departures: never added up, each with its own word and line."""
    importance = report.findings["importance"]
    split = {word: int((importance == word).sum()) for word in IMPORTANCE}
    events = report.findings["event"].n_unique()
    more = [
        labels("events one") if events == 1 else labels("events", n=events),
        labels("comma").join(f"{n} {labels.value(word)}" for word, n in split.items() if n),
        *ended(report, labels),
    ]

    def box(shape: str, name: str, column: str, rows: pl.DataFrame, lines: list[str]) -> Markup:
        touched = labels("of participants", n=(people[column] > 0).sum(), of=len(people))
        said = [tag("span", line) for line in (touched, *lines)]
        return tag("div", tag("b", len(rows)), tag("span", labels(name), class_="name"), *said, class_=shape)

    return tag(
        "div",
        box("finding", "findings", "findings", report.findings, more if len(report.findings) else []),
        box("query", "queries", "queries", report.queries, []),
        box("departure", "departures short", "departures", report.departures, []),
        class_="numbers",
    )


# --- timelines ----------------------------------------------------------------------------------------------------


def _timelines(
    report: Report, courses: Mapping[str, Course], people: pl.DataFrame, drawn: pl.DataFrame, labels: Labels
) -> Markup:
    """The courses of those with most to show, grouped by site and arm."""
    how_many = "timelines all" if len(drawn) == len(people) else "timelines some"
    parts: list[Child] = [
        note(labels("timelines note") + labels("space") + labels(how_many, n=len(drawn), of=len(people))),
        _legend(labels),
    ]
    arms = report.protocol.arms
    for (site, arm), group in drawn.sort("site", "arm", nulls_last=True, maintain_order=True).group_by(
        "site", "arm", maintain_order=True
    ):
        element = arms.get(str(arm))
        title = element.title.in_(labels.lang) if element is not None and element.title is not None else arm
        parts.append(tag("h3", f"{site or labels('no site')} · {title or labels('no arm')}"))
        for row in group.iter_rows(named=True):
            name = row["subject"]
            drawing = draw_timeline(name, courses[name], report.protocol, report.as_of, labels, anchor)
            parts.append(
                tag(
                    "div",
                    _who(row, courses[name].findings, courses[name].queries, labels),
                    tag("div", drawing, class_="scroll"),
                    class_="course",
                )
            )
    return join(parts)


def _who(row: dict[str, Any], findings: pl.DataFrame, queries: pl.DataFrame, labels: Labels) -> Markup:
    """The participant's id with what was found, leading to the first of it."""
    parts: list[Child] = [tag("h4", row["subject"])]
    for shape, name, rows in (
        ("finding", "findings", findings),
        ("query", "queries", queries),
        ("departure", "departures", None),
    ):
        if row[name]:
            text = f"{labels.column(name)} {row[name]}"
            listed = rows is not None and len(rows)
            said = tag("a", text, href=f"#{anchor(rows['id'][0])}") if listed and rows is not None else text
            parts.append(tag("span", said, class_=f"badge {shape}"))
    return tag("div", *parts, class_="who")


def _legend(labels: Labels) -> Markup:
    """Every mark beside its word."""
    from datetime import date  # noqa: PLC0415  only a day is needed to make a mark

    def icon(*content: Child) -> Markup:
        return tag("svg", *content, viewBox="0 0 24 20", aria_hidden="true")

    bar = tag("rect", x="2", y="4.5", width="20", height="11", rx="2.5", class_="window")
    tick = tag("line", x1="12", x2="12", y1="2.5", y2="17.5", class_="due")
    cut = [tag("line", x1=10 + d, x2=14 + d, y1="15", y2="5", class_="base") for d in (-2, 2)]
    items = [("legend window", icon(bar)), ("legend due", icon(tick))]
    for shape in ("dose", "visit", "denied", "finding", "query", "departure"):
        items.append(
            (f"legend {shape}", icon(draw_mark(Mark(shape, date.min, None, labels(f"legend {shape}")), 12, 10)))
        )
    items.append(("legend cut", icon(*cut)))
    return tag("ul", *(tag("li", drawing, labels(name)) for name, drawing in items), class_="legend")


# --- the lists ----------------------------------------------------------------------------------------------------


def _listing(report: Report, labels: Labels) -> Markup:
    if not len(report.findings):
        return tag("p", labels("no findings"), class_="none")
    shown_rows = report.findings.head(MOST_LISTED)
    return join([
        note(labels("findings note")), _filter(report, labels), _some(shown_rows, report.findings, labels),
        write_findings(shown_rows, report, labels),
    ])  # fmt: skip


def _queries(report: Report, labels: Labels) -> Markup:
    if not len(report.queries):
        return tag("p", labels("no queries"), class_="none")
    shown_rows = report.queries.head(MOST_LISTED)
    parts: list[Child] = [note(labels("queries note")), _some(shown_rows, report.queries, labels)]
    for (subject,), rows in shown_rows.group_by("subject", maintain_order=True):
        parts += [tag("h3", subject or labels("protocol")), *write_findings(rows, report, labels)]
    return join(parts)


def _some(listed: pl.DataFrame, rows: pl.DataFrame, labels: Labels) -> Markup | None:
    return None if len(listed) == len(rows) else note(labels("listed some", n=len(listed), of=len(rows)))


def _filter(report: Report, labels: Labels) -> Markup:
    """Filters of the two lists, shown only where JavaScript runs."""
    both = pl.concat([report.findings, report.queries])
    codes = [(code, labels.code(code)) for code in both["code"].unique().sort()]
    sites = [(site, site) for site in both["site"].drop_nulls().unique().sort()]

    def choose(name: str, heading: str, options: list[tuple[str, str]]) -> Markup:
        all_of = tag("option", labels("all"), value="")
        return tag(
            "label", f"{heading} ", tag("select", all_of, *(tag("option", t, value=v) for v, t in options), name=name)
        )

    return tag(
        "form", choose("code", labels.column("rule"), codes), choose("site", labels.column("site"), sites),
        tag("label", f"{labels('search')} ", tag("input", type="search", name="text")), tag("output"),
        class_="filter", hidden=True, data_shown=labels.words["shown"],
    )  # fmt: skip


def _departures(report: Report, labels: Labels) -> Markup:
    if not len(report.departures):
        return tag("p", labels("no departures"), class_="none")
    listed = report.departures.head(MOST_LISTED)
    titles = {a: title_of(report.protocol, a, labels.lang) for a in listed["activity"].drop_nulls().unique()}
    named = listed.with_columns(pl.col("activity").replace(titles))
    names = ("subject", "site", "activity", "occurrence", "date", "kind", "days", "percent", "record")
    filled = [n for n in names if n in ("subject", "kind") or named[n].null_count() < len(named)]
    return join(
        [note(labels("departures note")), _some(listed, report.departures, labels), html_table(named, labels, filled)]
    )


def _recorded(name: str, frame: pl.DataFrame, labels: Labels) -> Markup:
    listed = frame.head(MOST_LISTED)
    return join([note(labels(f"{name} note")), _some(listed, frame, labels), html_table(listed, labels)])


def _counts(report: Report, labels: Labels) -> Markup:
    table = report.counts.with_columns(pl.col("rule").alias("code"))
    return join(
        [
            note(labels("counts note")),
            html_table(table, labels, report.counts.columns, lambda row: _code_cell(row, labels)),
        ]
    )


def _unmatched(report: Report, labels: Labels) -> Markup | None:
    if not len(report.unmatched):
        return None
    return join([note(labels("unmatched note")), html_table(report.unmatched, labels)])


def _balance(report: Report, labels: Labels) -> Markup:
    unread = report.study.unread
    files = tag("p", labels("unread", files=", ".join(unread)), class_="quiet") if unread else None
    return join([note(labels("balance note")), html_table(report.balance, labels), files])


def _not_judged(report: Report, labels: Labels) -> Markup | None:
    if not report.not_judged:
        return None
    return join([note(labels("not judged note")), html_table(not_judged(report), labels)])


def _manifest(manifest: Manifest, labels: Labels) -> Markup:
    """What determined the result, without the clock: two runs of the same manifest give the same page."""
    rows = [
        tag("tr", tag("th", key, scope="row"), tag("td", _value(value, labels)))
        for key, value in manifest.items()
        if key not in ("run", "results")
    ]
    return join([note(labels("manifest note")), tag("div", tag("table", tag("tbody", *rows)), class_="scroll")])


def _value(value: object, labels: Labels) -> Child:
    if isinstance(value, dict):
        return tag(
            "span", *(tag("span", f"{k} ", tag("code", shown(v, labels)), class_="title") for k, v in value.items())
        )
    text = labels("none") if value is None else str(value)
    return tag("code", text) if len(text) == 64 else text
