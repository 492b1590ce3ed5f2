"""The outcomes on the screen, as Markdown, as an HTML page with its figures, or one table for programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text

from rules.endpoints.figure import draw_curves
from rules.endpoints.outcomes import Outcomes
from rules.endpoints.reading import Section, facts, for_reading, remarks, sections, waiting
from rules.endpoints.words import Words
from rules.manifest import Manifest, write_manifest
from rules.page.html import note, page, slug
from rules.page.labels import Labels
from rules.page.markup import Child, Markup, join, tag
from rules.page.summary import marks
from rules.page.tables import html_table
from rules.page.text import Screen, as_table, markdown_table
from rules.report import write_table

TABLES = ("results", "participants", "sets", "received", "published")


def write_outcomes(
    found: Outcomes,
    format: str,
    out: Path | None,
    *,
    table: str | None = None,
    protocol_file: str | Path | None = None,
    options: Mapping[str, object] | None = None,
) -> None:
    """The outcomes in a file, with the manifest of the run beside it, or on standard output where `out` is None.

    `table`, or a format for programs, is one of the tables alone: `results` unless another is named.
    """
    words = Words(found.lang)
    manifest = write_manifest(found, options=options, protocol_file=protocol_file)
    if table is not None or format in ("json", "csv", "parquet"):
        frame: pl.DataFrame = getattr(found, table or "results")
        readable = frame if format in ("json", "csv", "parquet") else for_reading(frame, words)
        write_table(readable, format, found.lang, out)
    elif format == "html":
        _write(out, outcomes_page(found, manifest))
    elif format == "markdown":
        _write(out, _markdown(found, manifest))
    else:
        _print(found, manifest, out)
    if out is not None:
        manifest["results"] = {out.name: hashlib.sha256(out.read_bytes()).hexdigest()}
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        out.with_name(f"{out.name}.manifest.json").write_text(text, encoding="utf-8", newline="\n")


def write_figures(found: Outcomes, folder: Path) -> list[Path]:
    """The Kaplan-Meier figure of every endpoint and set as an SVG file; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    words, written = Words(found.lang), []
    for drawn in found.curves:
        path = folder / f"{drawn.endpoint}.{drawn.analysis_set}.svg"
        path.write_text(draw_curves(drawn, found.protocol, words) + "\n", encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _write(out: Path | None, text: str) -> None:
    if out is None:
        import sys  # noqa: PLC0415

        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")


def _head(found: Outcomes, manifest: Manifest, words: Words, labels: Labels) -> list[tuple[str, str]]:
    """What the outcomes are of."""
    protocol, study = found.protocol, found.study
    return [
        (words("title of", study=study.name), f"{protocol.protocol}, {labels('version', version=protocol.version)}"),
        (labels("as of"), str(found.as_of)),
        (labels("data cut"), str(study.data_cut or labels("no cut"))),
        *facts(found, words),
        (labels("manifest"), str(manifest["hash"])),
    ]


def _said(found: Outcomes, words: Words) -> list[str]:
    late = waiting(found)
    return [*remarks(found, words), *([words("not due", n=late)] if late else [])]


def _print(found: Outcomes, manifest: Manifest, out: Path | None) -> None:
    words, labels = Words(found.lang), Labels(found.lang)
    with Screen(out) as console:
        said = "  ".join(mark for mark, _ in marks(found, labels))
        console.print(Text(f"\n{words('title')}  ", "bold").append(said, "yellow"))
        for term, told in _head(found, manifest, words, labels):
            console.print(Text(f"{term}: ", "dim").append(told, "default"))
        for section in sections(found, words):
            _print_section(section, console, labels)
        console.print()
        for remark in _said(found, words):
            console.print(Text(remark, "dim"))
        console.print(Text(labels("disclaimer"), "dim"))


def _print_section(section: Section, console: Console, labels: Labels) -> None:
    console.print(Text(f"\n{section.heading}", "bold"))
    for said in section.notes:
        console.print(Text(said, "dim"))
    if len(section.frame):
        console.print(as_table(section.frame, labels))


def _markdown(found: Outcomes, manifest: Manifest) -> str:
    words, labels = Words(found.lang), Labels(found.lang)
    said = " ".join(f"**{mark}**" for mark, _ in marks(found, labels))
    lines = [f"# {words('title of', study=found.study.name)}", "", said, ""]
    lines += [f"- {term}: {told}" for term, told in _head(found, manifest, words, labels)[1:]]
    for section in sections(found, words):
        lines += ["", f"## {section.heading}", ""]
        lines += [*section.notes, ""]
        lines += [markdown_table(section.frame, labels).rstrip()] if len(section.frame) else []
    return "\n".join([*lines, "", *_said(found, words), "", labels("disclaimer")]) + "\n"


def outcomes_page(found: Outcomes, manifest: Manifest) -> str:
    """Everything as one HTML page that needs nothing beside itself."""
    words, labels = Words(found.lang), Labels(found.lang)
    told = list(sections(found, words))
    body: list[Child] = [_page_head(found, manifest, told, words, labels)]
    for section in told:
        content: list[Child] = [tag("h2", section.heading), *(note(said) for said in section.notes)]
        content += [draw_curves(section.figure, found.protocol, words)] if section.figure is not None else []
        content += [html_table(section.frame, labels)] if len(section.frame) else []
        body.append(tag("section", *content, id=slug(section.heading)))
    body.append(tag("section", *(note(said) for said in _said(found, words))))
    body.append(tag("footer", f"{labels('manifest')} ", tag("code", manifest["hash"])))
    return page(words("title of", study=found.study.name), body, found, manifest, labels)


def _page_head(found: Outcomes, manifest: Manifest, told: list[Section], words: Words, labels: Labels) -> Markup:
    protocol = found.protocol
    title = protocol.title.in_(found.lang) if protocol.title is not None else protocol.protocol
    kind = [words("title"), *(tag("span", mark, class_="draft", title=why) for mark, why in marks(found, labels))]
    known = [(labels("protocol"), f"{protocol.protocol}, {labels('version', version=protocol.version)}")]
    known += _head(found, manifest, words, labels)[1:-1]
    known.append((labels("manifest"), str(manifest["hash"])[:12]))
    links = [tag("a", section.heading, href=f"#{slug(section.heading)}") for section in told]
    return tag(
        "header",
        tag("p", *kind, class_="kind"),
        tag("h1", found.study.name),
        tag("p", title, class_="of"),
        tag("dl", *(tag("div", tag("dt", term), tag("dd", said)) for term, said in known), class_="facts"),
        tag("p", labels("disclaimer"), class_="disclaimer"),
        tag("nav", *(join((link, " ")) for link in links), aria_label=labels("contents")),
    )
