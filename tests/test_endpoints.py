"""What participants contribute to endpoints, the seed's table, and the verb that prints it."""

from __future__ import annotations

import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

import protocol
import rules
from perprotocol.cli import app
from rules.endpoints import Outcomes, outcomes
from rules.endpoints.days import with_days
from rules.endpoints.participants import OBSERVED, read_participants
from rules.endpoints.published import COMPARED
from rules.endpoints.received import RECEIVED
from rules.endpoints.results import RESULTS
from rules.endpoints.sets import SETS

EXAMPLE = Path(__file__).parent.parent / "examples" / "uc-msc-saa"
ZERO = date(2024, 1, 1)
CASES = yaml.safe_load(Path(__file__).with_name("endpoint_cases.yaml").read_text("utf-8"))
TRIAL = """
protocol: trial
version: 1
first_day: 0
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {a: one, b: two}
measures:
  anc: {unit: 10^9/L}
  hb: {unit: g/L}
  both: {cases: {well: [anc > 1 10^9/L, hb > 100 g/L within 2 d], not-well: otherwise}}
  response:
    cases:
      CR: [not reached death, anc > 1.5 10^9/L]
      PR: [not reached death, anc > baseline + 0.5 10^9/L]
      NR: otherwise
events: {relapse: relapse, transplant: transplant}
treatments:
  drug: {due: day 0, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}}
  late-drug: {due: day 14, window: ±3 d, dose: {amount: 10 mg, tolerance: ±10 %}}
visits: {check: {due: day 60, window: ±3 d}}
"""
Row = dict[str, Any]


def on(day: object) -> str:
    """The date of a study day; a text is a date already."""
    return str(ZERO + timedelta(day)) if isinstance(day, int) else str(day)


def tables_of(case: Row) -> dict[str, list[Row]]:
    """The records of the participant of a case."""

    def given(name: str, day: object) -> Row:
        return {"subject": "1", "treatment": name, "start": on(day), "amount": "10", "unit": "mg"}

    counts = [
        {"subject": "1", "measure": measure, "value": str(value), "unit": unit, "at": on(day)}
        for key, measure, unit in (("counts", "anc", "10^9/L"), ("hb", "hb", "g/L"))
        for day, value in case.get(key, {}).items()
    ]
    words = [
        {"subject": "1", "measure": "response", "value": word, "unit": "", "at": on(day)}
        for day, word in case.get("words", {}).items()
    ]
    events = [{"subject": "1", "event": n, "start": on(d)} for n, d in case.get("events", {}).items()]
    return {
        "subjects": [{"subject": "1", "arm": "a", "day_zero": on(0)}],
        "administrations": [given("drug", 0), *(given(n, d) for n, d in case.get("doses", {}).items())],
        "observations": counts + words,
        "milestones": [
            {"subject": "1", "milestone": n, "date": on(d)}
            for n, d in {"randomised": 0, **case.get("milestones", {})}.items()
        ],
        "visits": [
            {"subject": "1", "visit": n, "date": on(d), "status": "not done"} for n, d in case.get("visits", {}).items()
        ],
    } | (
        {} if case.get("without_events") else {"events": events or [{"subject": "1", "event": "hold", "start": on(0)}]}
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_participant_counts_as(case: Row) -> None:
    """Answer, time and day of each case, or that they cannot be told."""
    text = TRIAL + yaml.safe_dump({"endpoints": {"e": case["endpoint"]}}, allow_unicode=True)
    tables = {name: rows for name, rows in tables_of(case).items() if rows}
    study = rules.from_frames("s", tables, data_cut=ZERO + timedelta(case.get("cut", 200)))
    row = read_participants(with_days(protocol.read_text(text)), study, None, "en")[0].row(0, named=True)
    told = case["told"] | ({"date": ZERO + timedelta(case["told"]["date"])} if "date" in case["told"] else {})
    assert {key: row[key] for key in told} == told
    assert row["because"]
    if told["state"] != "told":
        assert row["answer"] is None
        assert row["days"] is None


def test_a_participant_without_an_arm_or_who_failed_screening_counts_nowhere() -> None:
    """Neither is of the trial."""
    trial = protocol.read_text(TRIAL + "endpoints: {e: {event: relapse}}")
    people = [
        {"subject": "1", "arm": "a", "screening_outcome": "enrolled"},
        {"subject": "2", "arm": "", "screening_outcome": "enrolled"},
        {"subject": "3", "arm": "a", "screening_outcome": "screen failure"},
    ]
    study = rules.from_frames("s", {"subjects": people}, data_cut=ZERO)
    assert read_participants(with_days(trial), study, None, "en")[0]["subject"].to_list() == ["1"]


# --- the seed's table ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> Outcomes:
    """The outcomes of the synthetic example."""
    return outcomes(protocol.read("uc-msc-saa"), rules.read_study(EXAMPLE))


def figure(found: Outcomes, **wanted: str | None) -> Row:
    """The one figure of all participants that has these fields."""
    rows = found.results.filter(pl.col("analysis_set") == "all")
    for name, value in wanted.items():
        rows = rows.filter(pl.col(name).eq_missing(pl.lit(value, pl.String)))
    assert len(rows) == 1
    return rows.row(0, named=True)


def test_every_published_figure_comes_out(found: Outcomes) -> None:
    """Eleven figures of the abstract, at the precision in which it prints them."""
    assert found.published["agrees"].to_list() == ["yes"] * 11
    assert found.published["published"].to_list() == found.published["computed"].to_list()
    assert {
        "4/9 (44 %)",
        "1/9 (11 %)",
        "2/9 (22 %)",
        "88.9 % ± 10.5 %",
        "38.1 % ± 17.2 %",
        "66.7 % ± 15.7 %",
        "0.153",
        "48 mo",
    } <= {*found.published["published"]}
    assert not found.differs


@pytest.mark.parametrize(
    ("name", "arm", "value", "error"),
    [
        ("overall-survival", "msc", 8 / 9, (8 / 9 / 9 / 9) ** 0.5),
        ("overall-survival", "control", 8 / 9, (8 / 9 / 9 / 9) ** 0.5),
        ("failure-free-survival", "msc", 8 / 9 * 6 / 7 * 5 / 6 * 4 / 5 * 3 / 4, None),
        ("failure-free-survival", "control", 6 / 9, (6 / 9 * 3 / 9 / 9) ** 0.5),
    ],
)
def test_survival_is_the_product_that_a_hand_computes(
    found: Outcomes, name: str, arm: str, value: float, error: float | None
) -> None:
    """Without an end of observation in between, Greenwood's error is that of a share."""
    row = figure(found, endpoint=name, arm=arm, figure="survival")
    assert row["value"] == pytest.approx(100 * value)
    if error is not None:
        assert row["error"] == pytest.approx(100 * error)


def test_a_response_at_one_year_that_nobody_recorded_is_left_out_and_named(found: Outcomes) -> None:
    """203 had left the trial: eight of nine are told."""
    row = figure(found, endpoint="response-1-year", arm="msc", figure="share", answer="NR")
    assert (row["of"], row["not_told"]) == (8, 1)
    assert found.open


def test_the_per_protocol_set_is_neither_every_finding_nor_every_important_one(found: Outcomes) -> None:
    """109 got ten times the dose and is out; 111 missed one dose, important, and is in; of 101 a query is open."""
    members = dict(zip(found.sets["subject"], found.sets["member"], strict=True))
    assert {who: said for who, said in members.items() if said != "in"} == {"101": "cannot tell", "109": "out"}
    report = rules.audit(protocol.read("uc-msc-saa"), rules.read_study(EXAMPLE))
    important = report.findings.filter(pl.col("importance") == "important")["subject"].to_list()
    assert important == ["109", "111"]
    assert report.findings["subject"].n_unique() == 8


def test_one_participant_more_or_less_changes_no_other(found: Outcomes) -> None:
    """What each contributes follows from their own records: the rows of nine are those of the whole."""
    study = rules.read_study(EXAMPLE)
    some = {
        name: table.raw.filter(pl.col("subject").str.starts_with("1")) if "subject" in table.raw.columns else table.raw
        for name, table in study.tables.items()
    }
    part = outcomes(protocol.read("uc-msc-saa"), rules.from_frames("some", some, data_cut=study.data_cut))
    assert part.participants.rows() == found.participants.filter(pl.col("subject").str.starts_with("1")).rows()


# --- the verb -----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    """What the command prints."""
    return CliRunner().invoke(app, ["endpoints", *arguments], prog_name="perprotocol")


def test_the_verb_prints_the_published_figures_beside_the_computed() -> None:
    """And says that it is a check of arithmetic, that the file is a draft, and that nobody was randomised."""
    shown = run("uc-msc-saa", str(EXAMPLE), "--as-of", "2020-12-31")
    assert shown.exit_code == 0
    for said in (
        "38.1 % ± 17.2 %",
        "0.153",
        "no evidence",
        "DRAFT",
        "not randomised",
        "the sponsor decides",
        "7 of 9 in, 1 out, 1 cannot tell",
    ):
        assert said in shown.stdout
    assert run("uc-msc-saa", str(EXAMPLE), "--strict", "-q").exit_code == 3


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        ("results", RESULTS),
        ("participants", OBSERVED),
        ("sets", SETS),
        ("received", RECEIVED),
        ("published", COMPARED),
    ],
)
def test_each_table_is_an_array_of_flat_objects(table: str, schema: dict[str, Any]) -> None:
    """With its fields in order."""
    shown = run("uc-msc-saa", str(EXAMPLE), "--table", table, "--format", "json", "-q")
    assert shown.exit_code == 0
    assert list(json.loads(shown.stdout)[0]) == list(schema)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("format", ["table", "markdown", "html", "csv", "parquet"])
def test_every_format_is_written_with_its_manifest(format: str, lang: str, tmp_path: Path) -> None:
    """In both languages; the page holds its figures and asks for nothing from elsewhere."""
    out = tmp_path / "result"
    shown = run("uc-msc-saa", str(EXAMPLE), "--format", format, "-o", str(out), "--lang", lang, "-q")
    assert shown.exit_code == 0
    assert json.loads((tmp_path / "result.manifest.json").read_text("utf-8"))["results"].keys() == {"result"}
    if format == "html":
        page = out.read_text("utf-8")
        assert page.count("<svg") == 2
        assert not re.search(r"(src|href)=\"(?!#)", page)
        assert ("在险人数" in page) == (lang == "zh")


def test_figures_are_svg_files_with_the_numbers_at_risk(tmp_path: Path) -> None:
    """One for each endpoint and set, well formed."""
    assert run("uc-msc-saa", str(EXAMPLE), "--figures", str(tmp_path / "figures"), "-q").exit_code == 0
    files = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in files] == [
        f"{name}.{of}.svg" for name in ("failure-free-survival", "overall-survival") for of in ("all", "per-protocol")
    ]
    texts = [node.text for node in ElementTree.parse(files[0]).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[-9:] == ["9", "9", "9", "8", "8", "8", "7", "6", "6"]
    assert "all, log-rank p = 0.153" in texts


def test_a_published_figure_that_differs_is_an_exit_status_of_1(tmp_path: Path) -> None:
    """And is shown with what was computed."""
    study = copied(tmp_path, "88.9,10.5", "87.9,10.5")
    shown = run("uc-msc-saa", str(study), "-q")
    assert shown.exit_code == 1
    assert re.search(r"87\.9 % ± 10\.5 % +88\.9 % ± 10\.5 % +no", shown.stdout)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "failure-free-survival,p",
            "failure-survival,p",
            "published.csv:9:endpoint: 'failure-survival' is no endpoint",
        ),
        ("response-90,share,control", "response-90,share,controls", "published.csv:4:arm: 'controls' is no arm"),
        ("4 y,,,38.1", "4 years,,,38.1", "published.csv:7:at: '4 years'"),
        ("follow-up", "folow-up", "published.csv:12:figure: 'folow-up'"),
    ],
)
def test_a_published_figure_of_nothing_known_is_bad_input(tmp_path: Path, old: str, new: str, said: str) -> None:
    """With file, line, column and what to write."""
    shown = run("uc-msc-saa", str(copied(tmp_path, old, new)), "-q")
    assert shown.exit_code == 2
    assert said in shown.stderr


def copied(tmp_path: Path, old: str, new: str) -> Path:
    """The example with one thing else in its published figures."""
    home = tmp_path / "study"
    home.mkdir()
    for path in EXAMPLE.glob("*.csv"):
        text = path.read_text("utf-8")
        assert path.name != "published.csv" or old in text
        (home / path.name).write_text(text.replace(old, new) if path.name == "published.csv" else text, "utf-8")
    (home / "study.yaml").write_text((EXAMPLE / "study.yaml").read_text("utf-8"), "utf-8")
    return home


def test_a_figure_nobody_can_compute_is_said_to_be_not_computed(tmp_path: Path) -> None:
    """A time that the protocol does not name."""
    study = copied(tmp_path, "4 y,,,38.1", "3 y,,,38.1")
    found = outcomes(protocol.read("uc-msc-saa"), rules.read_study(study))
    assert found.published["agrees"].to_list().count("not computed") == 1
    assert found.open
    assert not found.differs


def test_without_statsmodels_the_verb_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 2, and no traceback."""
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    shown = run("uc-msc-saa", str(EXAMPLE), "-q")
    assert shown.exit_code == 2
    assert "pip install 'perprotocol[survival]'" in shown.stderr


def test_a_protocol_without_endpoints_says_so() -> None:
    """Nothing is computed, and nothing is wrong."""
    study = Path(__file__).parent.parent / "examples" / "uc-msc-saa"
    trial = protocol.read("uc-msc-saa").model_copy(update={"endpoints": {}, "analysis_sets": {}})
    facts = rules.read_study(study)
    bare = rules.from_frames("bare", {n: t.raw for n, t in facts.tables.items() if n != "published"})
    assert len(outcomes(trial, bare).results) == 0


# --- blinded ------------------------------------------------------------------------------------------------------


def test_a_blinded_run_computes_nothing_by_arm(tmp_path: Path) -> None:
    """One group of everybody, no p-value, no published figure, and in no format a word of an arm."""
    secrets = ("msc", "control", "0.153", "38.1")
    for format in ("table", "json", "csv", "markdown", "html"):
        shown = run(
            "uc-msc-saa", str(EXAMPLE), "--blinded", "--format", format, "-q", "--figures", str(tmp_path / format)
        )
        assert shown.exit_code == 0
        told = [shown.stdout, *(path.read_text("utf-8") for path in (tmp_path / format).iterdir())]
        for text in told:
            assert not [word for word in secrets if word in text.replace("uc-msc", "")], format
    found = outcomes(protocol.read("uc-msc-saa"), rules.read_study(EXAMPLE), blinded=True)
    assert set(found.results["arm"]) == {"blinded"}
    assert "p" not in set(found.results["figure"])
    assert figure(found, endpoint="overall-survival", figure="events")["of"] == 18
    assert ("published", "blinded") in found.notes


def test_a_set_that_hangs_on_blinded_amounts_cannot_be_told_of_anybody() -> None:
    """An exclusion for amounts of a treatment whose product depends on the arm is open for all alike."""
    trial = protocol.read_text(
        TRIAL.replace("arms: {a: one, b: two}", "blinding: blinded\narms: {a: one, b: two}").replace(
            "drug: {due: day 0", "drug: {product: {a: x, b: y}, due: day 0", 1
        )
        + "endpoints: {e: {event: relapse}, f: {event: death, from: first drug}}\n"
        + "analysis_sets:\n  pp: {exclude: {amount: {finding: overdose, of: drug}}}\n"
        + "  pq: {exclude: {late: {finding: dose_late, of: late-drug}}}\n"
    )
    people = [{"subject": str(n), "arm": arm, "day_zero": on(0)} for n, arm in enumerate("ab")]
    study = rules.from_frames(
        "s", {"subjects": people, "events": [{"subject": "0", "event": "relapse", "start": on(3)}]}
    )
    found = outcomes(trial, study)
    assert found.sets["member"].to_list() == ["cannot tell", "cannot tell", "in", "in"]
    unblinded = outcomes(trial, study, blinded=False)
    assert set(unblinded.results["arm"].drop_nulls()) == {"a", "b"}


def test_what_a_reader_must_know_stands_beside_the_figures() -> None:
    """Death as no event, a response without a window; a group that was not randomised, where groups are compared."""
    people = [{"subject": "1", "arm": "a", "day_zero": on(0)}, {"subject": "2", "arm": "b", "day_zero": on(0)}]
    study = rules.from_frames("s", {"subjects": people}, data_cut=ZERO)
    ends = "endpoints: {e: {event: relapse, from: day-zero}, f: {event: [death, relapse], from: day-zero}, "
    ends += "g: {measure: response, due: day 3}}"
    found = outcomes(protocol.read_text(TRIAL + ends), study)
    assert found.notes == [("e", "competing"), ("g", "no-window")]
    concurrent = protocol.read_text(TRIAL.replace("b: two", "b: {group: concurrent}") + ends)
    assert ("", "not-randomised") in outcomes(concurrent, study).notes
    assert ("", "not-randomised") not in outcomes(concurrent, study, blinded=True).notes
