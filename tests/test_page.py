"""The HTML page: complete, well-formed, needing nothing beside itself, and safe to open whatever was recorded."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol
import rules
from rules.manifest import write_manifest
from rules.page.axis import lay_axis
from rules.page.html import report_page, table_page
from rules.page.labels import Labels
from rules.page.listing import anchor, steps
from rules.page.marks import Mark, place_labels, text_width
from rules.page.markup import Markup, css_string, tag

DAY = date(2024, 6, 20)
HOSTILE = '<script>alert("1")</script>'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_VOID = {"meta", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """A page taken apart: elements opened and closed in order, ids, links, and the text people see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self.open]

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tests ask for."""
        values = dict(attrs)
        self.elements.append((name, values))
        if name not in _VOID:
            self.open.append(name)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if name == "a":
            self.links.append(str(values["href"]))
        self.loaded += [str(values[k]) for k in ("src", "srcset", "data", "action", "xlink:href") if k in values]
        if name in ("link", "iframe", "object", "embed", "img", "base"):
            self.faults.append(f"<{name}> may load something")

    def handle_endtag(self, name: str) -> None:
        """Elements close in the order in which they were opened."""
        if not self.open or self.open.pop() != name:
            self.faults.append(f"</{name}> closes what is not open")

    def handle_data(self, data: str) -> None:
        """Text outside style and script."""
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that can be read."""
        return "".join(self.words)


def hostile_study() -> rules.Study:
    """A study in which names, sites, reasons and units try to be markup, formulas and style."""
    doses = [
        ("001", "2024-03-15", "1.62e8"), ("001", "2024-03-24", "1.62e7"), (HOSTILE, "2024-03-15", "1.62e7"),
        (HOSTILE, "2024-03-27", "8e6"), ("003", "2024-03-15", "1.62e7"),
    ]  # fmt: skip
    people = [("001", "=cmd|calc", "msc"), (HOSTILE, '"><img src=x onerror=alert(1)>', "msc"), ("003", "", "control")]
    return rules.from_frames(
        '</style></title><b>"study" \\',
        {
            "subjects": [
                {"subject": s, "site": site, "arm": arm, "day_zero": "2024-03-01", "birth_date": "2020-01-05"}
                for s, site, arm in people
            ],
            "observations": [
                {"subject": s, "measure": "weight", "value": "16.2", "unit": "kg", "at": f"2024-03-{d}"}
                for s, _, _ in people
                for d in ("14", "21")
            ],
            "administrations": [
                {"subject": s, "treatment": "uc-msc", "start": d, "amount": a, "unit": "cells",
                 "viable_or_total": "viable", "lot": "<i>&amp;", "source": "javascript:alert(1)"}
                for s, d, a in doses
            ],
            "visits": [
                {"subject": "001", "visit": "weekly 1", "date": "2024-03-08", "status": "done"},
                {"subject": "001", "visit": "weekly 2", "date": "2024-03-25", "status": "done"},
                {"subject": "001", "visit": "day 60", "date": "2024-04-30", "status": "not done"},
            ],
        },
        data_cut=DAY,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["en", "zh"])
def made(request: pytest.FixtureRequest) -> tuple[rules.Report, str]:
    """The audit of the hostile study in a language, and its page."""
    trial, study = protocol.read("uc-msc-saa"), hostile_study()
    report = rules.audit(trial, study, as_of=DAY, lang=request.param)
    calendar = rules.schedule(trial, study, as_of=DAY)
    return report, report_page(report, calendar, write_manifest(report))


def test_the_page_is_well_formed_and_loads_nothing(made: tuple[rules.Report, str]) -> None:
    """Every element is closed, nothing is fetched from anywhere, and the page forbids it too."""
    _, text = made
    page = Page(text)
    assert page.faults == []
    assert page.loaded == []
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"@import|url\s*\(|https?://", "".join(re.findall(r"<style>.*?</style>", text, re.S)))
    assert "default-src 'none'" in [v.get("content") or "" for n, v in page.elements if n == "meta"][1]


def test_every_finding_and_query_is_on_the_page_under_its_own_id(made: tuple[rules.Report, str]) -> None:
    """What the audit found can be found, linked to, and no id stands twice."""
    report, text = made
    page = Page(text)
    both = pl.concat([report.findings, report.queries])
    assert len(report.findings) > 3 and len(report.queries) > 3
    assert {anchor(i) for i in both["id"]} <= set(page.ids)
    assert all(identity in page.text for identity in both["id"])
    assert all(message in page.text for message in both["message"])
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_recorded_text_stays_text(made: tuple[rules.Report, str]) -> None:
    """Markup in a name, a site or a lot is shown as it was typed and never becomes an element."""
    _, text = made
    page = Page(text)
    assert [name for name, _ in page.elements].count("script") == 1
    assert not any(name in ("img", "i") and "onerror" in values for name, values in page.elements)
    assert HOSTILE in page.text and '"><img src=x onerror=alert(1)>' in page.text and "<i>&amp;" in page.text
    assert text.count("</style>") == 1
    assert "=cmd|calc" in page.text


def test_the_values_as_recorded_stand_beside_those_understood(made: tuple[rules.Report, str]) -> None:
    """1.62e8 as it was typed, 1.62×10⁸ as it was read, and the place of the record."""
    report, text = made
    slip = report.findings.filter(pl.col("code") == "overdose").row(0, named=True)
    article = next(a for a in re.findall(r"<article.*?</article>", text, re.S) if anchor(slip["id"]) in a)
    words = Page(article).text
    for said in ("1.62e8", "1.62×10⁸", slip["record"], "16.2 kg", Labels(report.lang)("recorded")):
        assert said in words


def test_every_participant_has_a_timeline_with_shapes_beside_colours(made: tuple[rules.Report, str]) -> None:
    """A deviation is a diamond with its code, a query a box with a question mark, each with its sentence."""
    report, text = made
    drawings = re.findall(r"<svg [^>]*class=\"timeline\".*?</svg>", text, re.S)
    assert len(drawings) == len(report.study.subjects)
    mine = next(d for d in drawings if "overdose" in d)
    said = Page(mine).text
    assert '<path d="M' in mine and 'class="finding"' in mine
    assert "overdose" in said and "?" in said
    slip = report.findings.filter(pl.col("code") == "overdose")["message"][0]
    assert slip in said


def test_the_first_screen_says_draft_days_and_manifest(made: tuple[rules.Report, str]) -> None:
    """Study, as-of, data cut, manifest, the disclaimer once, and DRAFT in the running foot of every printed page."""
    report, text = made
    labels, page = Labels(report.lang), Page(text)
    head = text[text.index("<header>") : text.index("</header>")]
    for said in (str(DAY), labels("data cut"), labels("draft"), labels("disclaimer")):
        assert said in head
    assert page.text.count(labels("disclaimer")) == 1
    assert labels("draft") in re.findall(r"@bottom-left \{(.*?)\}", text)[0]
    assert write_manifest(report)["hash"] in page.text


def test_a_page_holds_no_clock(made: tuple[rules.Report, str]) -> None:
    """When the page was written stands in the manifest, never in the result."""
    report, text = made
    run = write_manifest(report)["run"]
    assert run["utc"][:13] not in text and str(run["platform"]) not in text


def test_a_list_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a page cannot hold all, it says how many it holds, of findings and of participants."""
    monkeypatch.setattr("rules.page.html.MOST_LISTED", 2)
    monkeypatch.setattr("rules.page.html.MOST_DRAWN", 1)
    trial, study = protocol.read("uc-msc-saa"), hostile_study()
    report = rules.audit(trial, study, as_of=DAY)
    page = Page(report_page(report, rules.schedule(trial, study, as_of=DAY), write_manifest(report)))
    labels = Labels("en")
    assert labels("listed some", n=2, of=len(report.findings)) in page.text
    assert labels("timelines some", n=1, of=3) in page.text
    assert [v.get("class") for _, v in page.elements].count("timeline") == 1


def test_an_audit_without_findings_says_what_was_looked_at() -> None:
    """An empty list is a sentence, beside the counts that make it evidence."""
    study = rules.from_frames("quiet", {"subjects": [{"subject": "1", "arm": "msc"}]}, data_cut=DAY)
    report = rules.audit(protocol.read("uc-msc-saa"), study, as_of=DAY)
    page = Page(report_page(report, None, write_manifest(report)))
    assert len(report.findings) == 0
    assert page.faults == []
    assert Labels("en")("no findings") in page.text
    assert "dose_late" in page.text


def test_a_table_alone_is_a_page_too() -> None:
    """Any table can be opened in a browser, with its texts escaped."""
    page = Page(table_page(pl.DataFrame({"message": [HOSTILE], "number": [0]}), "en"))
    assert page.faults == []
    assert HOSTILE in page.text


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "</style>", "}", "受试者"])
def test_a_text_in_style_cannot_end_its_string(text: str) -> None:
    """Whatever a study is called, the style sheet stays whole."""
    said = css_string(text)[1:-1]
    assert not set('"\n<>{}') & set(said)
    assert re.sub(r"\\([0-9a-f]+) ", lambda m: chr(int(m[1], 16)), said) == text


@given(st.text())
def test_any_text_becomes_text(text: str) -> None:
    """No text opens an element or leaves an attribute."""
    page = Page(tag("p", text, title=text))
    assert [name for name, _ in page.elements] == ["p"]
    assert page.faults == []


def test_markup_is_not_escaped_twice() -> None:
    """What is markup already stays so."""
    assert tag("p", Markup("<b>x</b>"), "&") == "<p><b>x</b>&amp;</p>"


def test_steps_are_told_once_and_without_the_recorded_cells() -> None:
    """The cells stand in a line of their own, from the table itself."""
    assert steps("a = 1; b = 2; a = 1; recorded: start 2024", "recorded: ") == ["a = 1", "b = 2"]
    assert steps("甲；乙；记录：丙", "记录：") == ["甲", "乙"]
    assert steps(None, "") == []


# --- the time axis ------------------------------------------------------------------------------------------------

_SPANS = st.lists(
    st.tuples(st.dates(date(2020, 1, 1), date(2026, 1, 1)), st.integers(0, 40)), min_size=1, max_size=60
).map(lambda pairs: [(d, d + timedelta(n)) for d, n in pairs])


@given(_SPANS)
def test_time_runs_to_the_right_and_everything_planned_is_on_the_axis(spans: list[tuple[date, date]]) -> None:
    """A later day never lies left of an earlier one, no span is cut, and the axis keeps to its width."""
    axis = lay_axis(spans, 100, 800)
    days = sorted({day for span in spans for day in span})
    places = [axis.x(day) for day in days]
    assert places == sorted(places)
    assert all(axis.shows(day) for day in days)
    assert axis.stretches[0].left == 100 and axis.right <= 900.001


@given(_SPANS)
def test_texts_of_a_lane_do_not_lie_on_one_another(spans: list[tuple[date, date]]) -> None:
    """On each line of texts one ends before the next begins."""
    axis = lay_axis(spans, 100, 800)
    marks = [Mark("finding", first, "x", "", f"code_{i % 4}") for i, (first, _) in enumerate(spans)]
    placed, lines = place_labels(marks, axis)
    for line in range(lines):
        row = sorted((p.left, p.left + text_width(p.text, 10.5)) for p in placed if p.line == line)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(row))


# --- a browser ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_draws_the_page_and_runs_its_filter(made: tuple[rules.Report, str], tmp_path: Path) -> None:
    """From a file, offline: the script shows the filter, and no script of a record has run."""
    report, text = made
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()]
    seen = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    form = next(values for name, values in Page(seen).elements if values.get("class") == "filter")
    assert "hidden" not in form
    assert seen.count("<article") == len(report.findings) + len(report.queries)
