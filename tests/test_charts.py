"""The charts of a report: what they show is what was found, worked out once more; small, safe, in both languages."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
import yaml
from scipy import stats

import protocol
import rules
from rules.deviations import RULES
from rules.manifest import write_manifest
from rules.page.funnel import PER, draw_funnel, steps
from rules.page.html import report_page
from rules.page.labels import Labels
from rules.page.matrix import MOST_RULES, MOST_SITES, draw_matrix
from rules.page.swimlanes import Lane, draw_lanes, lay_days
from rules.rates import site_rates

ROOT = Path(__file__).resolve().parents[1]
EN, ZH = Labels("en"), Labels("zh")
HOSTILE = '<script>alert("1")</script>'


def drawn(markup: str) -> ElementTree.Element:
    """Return the drawing as a tree; what is not well-formed is a fault."""
    return ElementTree.fromstring(markup)


def texts(tree: ElementTree.Element, look: str) -> list[str]:
    """Return the texts of a look, without their titles."""
    return [
        "".join([e.text or "", *(child.tail or "" for child in e)]) for e in tree.iter("text") if e.get("class") == look
    ]


def findings(*rows: tuple[str, str | None, str]) -> pl.DataFrame:
    """Return findings of these codes, sites and importance."""
    return pl.DataFrame(rows, schema={"code": pl.String, "site": pl.String, "importance": pl.String}, orient="row")


# --- by rule and site -------------------------------------------------------------------------------------------------


def test_every_number_stands_at_its_rule_and_site() -> None:
    """Three late doses at one site, one at another, an overdose at a site without a name: most first."""
    late = [("dose_late", "b", "important")] * 3 + [("dose_late", "a", "unclassified")]
    tree = drawn(draw_matrix(findings(*late, ("overdose", None, "unclassified")), EN))
    assert texts(tree, "lane") == [EN.code("dose_late"), EN.code("overdose")]
    assert [text[:2] for text in texts(tree, "tick")] == ["b", "no", "a"]
    titles = [e.text for e in tree.iter("title")]
    wanted = {"Dose after its window, b: 3", "Dose after its window, a: 1", "4, 3 important"}
    assert wanted | {"Amount above the tolerance, no site: 1"} <= set(titles)
    assert texts(tree, "total") == ["4", "1"]


def test_what_has_no_room_stands_together() -> None:
    """Of many rules and sites the most frequent are drawn, and the sum of all numbers is the number of deviations."""
    codes = [rule.code for rule in RULES][: MOST_RULES + 9]
    rows = [(code, f"s{n}", "unclassified") for n in range(MOST_RULES + 9) for code in codes[: n + 1]]
    tree = drawn(draw_matrix(findings(*rows), EN))
    assert len(texts(tree, "lane")) <= MOST_RULES
    assert len(texts(tree, "tick")) == MOST_SITES
    assert texts(tree, "tick")[-1].startswith("all")
    counts = [int(text) for look in ("count", "count light") for text in texts(tree, look)]
    assert sum(counts) == len(rows) == sum(map(int, texts(tree, "total")))


# --- the funnel -------------------------------------------------------------------------------------------------------


def funnel_of(sites: list[tuple[int, int]]) -> tuple[ElementTree.Element, pl.DataFrame]:
    """Return the drawing of sites with these days and deviations, and their rates."""
    rows = [(f"{n}", f"s{n}", d) for n, (d, _) in enumerate(sites)]
    days = pl.DataFrame(rows, schema=["subject", "site", "days"], orient="row")
    found = pl.DataFrame({"subject": [f"{n}" for n, (_, k) in enumerate(sites) for _ in range(k)]})
    funnel = site_rates(found, days)
    return drawn(draw_funnel(funnel, EN)), funnel.sites


def test_the_curves_are_where_an_independent_normal_has_its_quantiles() -> None:
    """Each point of each curve, taken back to days and rate, is 2 or 3 of scipy's standard errors from the mean."""
    sites = [(400, 8), (900, 12), (1500, 40), (3000, 50), (250, 3), (2000, 38)]
    tree, _ = funnel_of(sites)
    days, number = (np.array([pair[i] for pair in sites], float) for i in (0, 1))
    mean = number.sum() / days.sum()
    spread = np.mean((number / days - mean) ** 2 * days / mean)
    written = [
        (e.get("class"), e.text or "", float(e.get("x") or 0), float(e.get("y") or 0)) for e in tree.iter("text")
    ]
    ticks = {float(said): x for look, said, x, _ in written if look == "tick quiet" and re.fullmatch(r"\d+", said)}
    levels = {float(said): y - 4 for look, said, _, y in written if look == "head"}
    at_x, at_y = (np.polyfit([*places.values()], [*places], 1) for places in (ticks, levels))
    curves = [e for e in tree.iter("path") if "limit" in (e.get("class") or "")]
    assert len(curves) == 4
    seen = 0
    for curve, cut in zip(curves, (-2, 2, -3, 3), strict=True):
        for place in re.findall(r"([\d.]+) ([\d.]+)", curve.get("d") or ""):
            d, rate = np.polyval(at_x, float(place[0])), np.polyval(at_y, float(place[1])) / PER
            wanted = stats.norm(loc=mean, scale=np.sqrt(spread * mean / d)).ppf(stats.norm.cdf(cut))
            if 0 < wanted < max(levels) / PER:
                seen += 1
                assert rate == pytest.approx(wanted, abs=2e-4), (cut, d)
    assert seen > 100


def test_a_limit_is_drawn_only_where_it_lies_on_the_drawing() -> None:
    """No curve runs along the edge above or the axis below: each begins where it comes into sight."""
    tree, _ = funnel_of([(40, 1), (30000, 300), (20000, 260), (25000, 200)])
    for curve in (e for e in tree.iter("path") if "limit" in (e.get("class") or "")):
        levels = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", curve.get("d") or "")]
        assert levels[0] != levels[1]


def test_one_judged_site_has_no_limits() -> None:
    """How much sites vary cannot be seen in one: the mean is drawn, and nothing around it."""
    tree, _ = funnel_of([(55, 3), (23, 2)])
    assert [e for e in tree.iter("path") if "limit" in (e.get("class") or "")] == []
    assert texts(tree, "end") == ["mean"]


def test_a_site_that_stands_out_is_a_diamond_with_its_name() -> None:
    """Far out is a filled diamond, few days a ring; of many sites only those that stand out are named."""
    tree, told = funnel_of([(1000, 10)] * 20 + [(1000, 100), (20, 2)])
    assert told.filter(pl.col("flag") == "far out")["site"].to_list() == ["s20"]
    assert [e.get("class") for e in tree.iter("path") if e.get("class") == "finding"] == ["finding"]
    assert len([e for e in tree.iter("circle") if e.get("class") == "few"]) == 1
    assert texts(tree, "name out") == ["s20"]
    assert texts(tree, "name") == []
    said = "s20: 100 deviations in 1000 subject-days, 10 for 100; score +4."
    assert any((element.text or "").startswith(said) for element in tree.iter("title"))


@pytest.mark.parametrize(
    ("most", "about", "last"), [(1.0, 5, 1.0), (0.037, 5, 0.03), (17500, 8, 15000), (9, 8, 8), (0.5, 5, 0.5)]
)
def test_an_axis_has_whole_steps(most: float, about: int, last: float) -> None:
    """Steps are 1, 2 or 5 of a power of ten, no more than asked for."""
    found = steps(most, about)
    assert found[-1] == pytest.approx(last)
    assert len(found) <= about + 1


# --- the lanes --------------------------------------------------------------------------------------------------------


def test_a_lane_shows_doses_deviations_and_how_it_ended() -> None:
    """Days to the right are later on every lane; each end has its own mark and word."""
    lanes = [
        Lane("1", 0, 100, (0, 7, 14), ((9, "late", "s/1/x"),), ""), Lane("2", -3, 40, (0,), (), "death"),
        Lane("3", 0, 100, (), (), "completed"), Lane(HOSTILE, 0, 50, (), (), "left"),
    ]  # fmt: skip
    tree = drawn(draw_lanes(lanes, lay_days(lanes), EN, lambda key: key.replace("/", "-")))
    doses = [float(e.get("cx") or 0) for e in tree.iter("circle")]
    assert doses[:3] == sorted(doses[:3])
    assert doses[0] == doses[3]
    assert [a.get("href") for a in tree.iter("a")] == ["#s-1-x"]
    said = [e.text for e in tree.iter("title")]
    assert {"1: still on study", "2: died", "3: completed", f"{HOSTILE}: left the study", "late"} <= set(said)
    assert texts(tree, "who") == ["1", "2", "3", HOSTILE]


# --- on the page ------------------------------------------------------------------------------------------------------


def page(lang: str, *, blind: bool = False, hostile: bool = False) -> tuple[str, rules.Report]:
    """Return the page of a small study of two sites and two arms, with a late dose at each."""
    text = (
        "protocol: small\nversion: 1\nfirst_day: 0\nsources: {doc: protocol of this test}\nsource: doc\nbasis: stated\n"
        f"{'blinding: blinded' if blind else ''}\narms: {{armone: one, armtwo: two}}\n"
        "treatments: {drug: {due: day 0, every: 7 d, times: 2, window: ±1 d}}\n"
    )
    sites = (HOSTILE, "02") if hostile else ("01", "02")
    pairs = zip(("armone", "armtwo"), sites, ("0", "1"), strict=True)
    subjects = [{"subject": s, "arm": arm, "site": site, "day_zero": "2024-01-01"} for arm, site, s in pairs]
    given = [(s, day) for s in ("0", "1") for day in ("2024-01-01", "2024-01-12")]
    doses = [{"subject": s, "treatment": "drug", "start": day} for s, day in given]
    study = rules.from_frames("small", {"subjects": subjects, "administrations": doses}, data_cut=date(2024, 3, 1))
    trial = protocol.read_text(text)
    report = rules.audit(trial, study, as_of=date(2024, 3, 1), lang=lang)
    calendar = rules.schedule(trial, study, as_of=date(2024, 3, 1))
    return report_page(report, calendar, write_manifest(report)), report


def charts_of(text: str) -> str:
    """Return the section of the charts."""
    return text[text.index('<section id="charts"') : text.index('<section id="timelines"')]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_the_charts_in_its_language(lang: str) -> None:
    """All three, their notes, the remark that two sites are few, and the sites as a table beside the drawing."""
    text, report = page(lang)
    section, labels = charts_of(text), Labels(lang)
    assert len(report.findings) == 2
    for key in ("matrix", "matrix note", "funnel", "lanes", "lane goes on"):
        assert labels(key) in section, key
    assert labels("funnel few", n=2) in section
    assert section.count("<svg") == 4
    assert labels.column("per_100_days") in section
    assert ("Charts" in section) is (lang == "en")


def test_a_blinded_page_groups_nobody_by_arm() -> None:
    """The lanes are by site alone, and no arm is named."""
    text, _ = page("en", blind=True)
    assert "armone" not in text
    assert charts_of(text).count("<h4>") == 2
    assert charts_of(page("en")[0]).count("<h4>02 · two</h4>") == 1


def test_a_site_with_markup_in_its_name_stays_text() -> None:
    """What was recorded is shown as it was typed."""
    text, _ = page("en", hostile=True)
    assert HOSTILE not in text
    assert "&lt;script&gt;" in charts_of(text)


def test_a_study_without_anything_has_no_charts() -> None:
    """Nobody enrolled: no empty drawing."""
    trial = protocol.read("uc-msc-saa")
    study = rules.from_frames("none", {"subjects": [{"subject": "1"}]})
    report = rules.audit(trial, study, as_of=date(2024, 1, 1))
    text = report_page(report, rules.schedule(trial, study, as_of=date(2024, 1, 1)), write_manifest(report))
    assert 'id="charts"' not in text


def test_who_begins_after_the_day_of_the_run_has_no_lane() -> None:
    """An audit of an earlier day shows nobody who was not yet on the study, and no later dose."""
    trial = protocol.read("uc-msc-saa")
    subjects = [{"subject": s, "arm": "msc", "day_zero": day} for s, day in (("1", "2024-01-01"), ("2", "2025-01-01"))]
    given = [{"subject": "1", "treatment": "uc-msc", "start": day} for day in ("2024-01-15", "2024-01-22")]
    study = rules.from_frames("early", {"subjects": subjects, "administrations": given})
    report = rules.audit(trial, study, as_of=date(2024, 1, 20))
    text = report_page(report, rules.schedule(trial, study, as_of=date(2024, 1, 20)), write_manifest(report))
    assert charts_of(text).count('class="dose"') == 1
    assert "<title>1: still on study</title>" in charts_of(text)
    assert "2: still on study" not in text


def test_no_chinese_sentence_has_a_gap_where_its_line_was_broken() -> None:
    """Chinese has no spaces between words: a folded line of YAML would put one there."""
    for path in [ROOT / "rules/page/words.yaml", *ROOT.glob("perprotocol/formats/*/words.yaml")]:
        text = yaml.safe_dump(yaml.safe_load(path.read_text("utf-8")), allow_unicode=True, width=10**6)
        assert re.findall(r".{8}[，；。：、\u4e00-\u9fff] [\u4e00-\u9fff].{8}", text) == [], path


def test_charts_are_small() -> None:
    """Two hundred participants with a year of weekly doses are below a megabyte."""
    lanes = [Lane(f"{n:04}", 0, 365, tuple(range(0, 365, 7)), (), "") for n in range(200)]
    assert len(draw_lanes(lanes, lay_days(lanes), ZH, str)) < 900_000
    many = findings(*((f"code_{n % 40}", f"s{n % 60}", "unclassified") for n in range(5000)))
    assert len(draw_matrix(many, ZH)) < 250_000
