"""USDM files as protocols: the real ones of the field, and what is said of them."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import protocol
import rules
from perprotocol.cli import app
from perprotocol.formats.usdm import Imported, import_usdm
from perprotocol.formats.usdm.report import KINDS, words

REAL = os.environ.get("PERPROTOCOL_REAL_DATA")
NAMES = ("CDISC_Pilot_Study", "Alexion_NCT04573309_Wilsons", "simple_1", "cycles_1")
real = pytest.mark.skipif(REAL is None, reason="PERPROTOCOL_REAL_DATA is not set: the USDM files are not at hand")
ZERO = date(2024, 1, 8)
STEPS = """
sources: {ta: trial arms and elements of the CDISC pilot (SDTM tables TA and TE)}
source: ta
remove: [treatments.xinoniline-patch-50, treatments.xinoniline-patch-75]
treatments:
  low: {arm: xanomeline-low-dose, route: transdermal, frequency: every morning, from: e3, to: e13, dose: 54 mg}
  high:
    arm: xanomeline-high-dose
    route: transdermal
    frequency: every morning
    steps:
      - {from: e3, before: e4, dose: 54 mg}
      - {from: e4, before: e12, dose: 81 mg}
      - {from: e12, to: e13, dose: 54 mg}
"""


def path(name: str) -> Path:
    """Where a real file lies."""
    return Path(str(REAL)) / "usdm" / f"{name}.json"


def said(imported: Imported, kind: str, key: str) -> list[dict[str, str]]:
    """The values of every remark of one kind and sentence."""
    return [remark.values for remark in imported.remarks if remark.kind == kind and remark.key == key]


def calendar(trial: protocol.Protocol, arm: str, **tables: list[dict[str, object]]) -> pl.DataFrame:
    """What is due to one participant of an arm whose day zero is `ZERO`."""
    subject = {"subject": "1", "arm": arm, "day_zero": ZERO.isoformat()}
    study = rules.from_frames(
        "one", {"subjects": pl.DataFrame([subject])} | {k: pl.DataFrame(v) for k, v in tables.items()}
    )
    return rules.schedule(trial, study, as_of=date(2025, 1, 31), blinded=False)


def days(frame: pl.DataFrame, activity: str) -> list[tuple[int | None, int | None, int | None]]:
    """Due day, first and last day of each occurrence, counted from day zero."""
    rows = frame.filter(pl.col("activity") == activity).select("due", "opens", "closes").rows()
    return [tuple((day - ZERO).days if day is not None else None for day in row) for row in rows]  # type: ignore[misc]


@real
def test_the_pilot_has_its_visit_windows() -> None:
    """Visits 4, 5, 7, 8 and 13 are ±3 days and visits 9 to 12 ±4 days, 14, 28 … 182 days after visit 3."""
    frame = calendar(import_usdm(path(NAMES[0])).protocol, "placebo")
    wanted = {"e4": (14, 3), "e5": (28, 3), "e7": (42, 3), "e8": (56, 3), "e9": (84, 4), "e10": (112, 4)}
    wanted |= {"e11": (140, 4), "e12": (168, 4), "e13": (182, 3)}
    assert {name: days(frame, name) for name in wanted} == {
        name: [(due, due - reach, due + reach)] for name, (due, reach) in wanted.items()
    }
    week_two = frame.filter(pl.col("activity") == "e4")
    assert week_two["study_day"].to_list() == [15], "counted from day 1, week 2 is day 15"


@real
def test_the_pilot_telephones_after_the_visit_as_it_took_place() -> None:
    """A telephone visit is due 14 days after the actual clinic visit before it."""
    trial = import_usdm(path(NAMES[0])).protocol
    assert {n: v.mode for n, v in trial.visits.items() if v.mode} == dict.fromkeys(
        ("wk8n", "wk12n", "wk16n", "wk20n"), "telephone"
    )
    late = [{"subject": "1", "visit": "e8", "date": "2024-03-07"}]
    assert days(calendar(trial, "placebo"), "wk8n")[0][0] == 56 + 14
    assert days(calendar(trial, "placebo", visits=late), "wk8n")[0][0] == 59 + 14


@real
def test_the_pilot_has_three_arms_and_is_blinded() -> None:
    """Arms, epochs, blinding and the day from which the amendment is effective are those of the file."""
    trial = import_usdm(path(NAMES[0])).protocol
    assert list(trial.arms) == ["placebo", "xanomeline-low-dose", "xanomeline-high-dose"]
    assert (trial.blinding, trial.version, str(trial.effective)) == ("blinded", "2", "2006-06-01")
    assert list(dict.fromkeys(visit.epoch for visit in trial.visits.values() if visit.epoch)) == [
        "Screening",
        "Treatment One",
        "Treatment Two",
        "Treatment Three",
        "Follow Up",
    ]
    assert len(trial.eligibility.include) + len(trial.eligibility.exclude) == 31
    assert trial.eligibility.include["in01"].text == "Males and postmenopausal females at least 50 years of age."


@real
def test_the_pilot_shows_where_it_contradicts_itself() -> None:
    """Patches that are coded as oral, and days counted from 0 beside timings counted from 1, are named."""
    imported = import_usdm(path(NAMES[0]))
    assert [each["route"] for each in said(imported, "contradiction", "route_form")] == [
        "Oral Route of Administration"
    ] * 2
    named = said(imported, "contradiction", "day_in_name")
    assert [(each["text"], each["day"]) for each in named[:2]] == [("Day 14", "15"), ("Day 28", "29")]


@real
def test_without_a_supplement_nobody_knows_who_gets_which_dose() -> None:
    """The file does not say which arm gets 54 and which 81 mg: a question, with what its elements say."""
    imported = import_usdm(path(NAMES[0]))
    questions = said(imported, "question", "which_arm")
    assert len(questions) == 2
    assert all("xanomeline-low-dose: Xanomeline TTS" in each["hints"] for each in questions)
    assert {name: [str(c.names()) for c in t.if_] for name, t in imported.protocol.treatments.items()} == {
        f"xinoniline-patch-{size}": [f"frozenset({{'xinoniline-patch-{size}-assigned'}})"] for size in (50, 75)
    }


@real
def test_a_supplement_says_which_arm_gets_which_step(tmp_path: Path) -> None:
    """54, 81 and 54 mg follow the visits of the high arm; the questions are settled, and each field has its source."""
    file = tmp_path / "steps.yaml"
    file.write_text(STEPS, "utf-8")
    imported = import_usdm(path(NAMES[0]), file)
    rows = calendar(imported.protocol, "xanomeline-high-dose").filter(pl.col("kind") == "treatment")
    assert rows.select("due", "dose").rows() == [
        (date(2024, 1, 8), 54.0),
        (date(2024, 1, 22), 81.0),
        (date(2024, 6, 24), 54.0),
    ]
    assert said(imported, "question", "which_arm") == []
    assert len(said(imported, "settled", "which_arm")) == 2
    assert imported.protocol.origin("treatments.high.steps").source == "ta"
    assert list(imported.protocol.criteria) == []


@real
def test_alexion_is_fifteen_milligrams_for_28_days_then_thirty_for_11() -> None:
    """One treatment in two steps, from day 1 on."""
    trial = import_usdm(path(NAMES[1])).protocol
    rows = calendar(trial, "15mg-30mg").filter(pl.col("kind") == "treatment")
    assert rows.select("study_day", "dose", "valid_to").rows() == [
        (1, 15.0, date(2024, 2, 4)),
        (29, 30.0, date(2024, 2, 15)),
    ]


@real
def test_alexion_has_five_timelines() -> None:
    """All five are read: the main one, one that an activity runs, and three entered at an event."""
    imported = import_usdm(path(NAMES[1]))
    read = [remark.key for remark in imported.remarks if remark.key.startswith("timeline_")]
    assert sorted(read) == [
        "timeline_called",
        "timeline_entered",
        "timeline_entered",
        "timeline_entered",
        "timeline_main",
    ]
    pkpd = imported.protocol.assessments["pkpd-12"]
    assert [str(moment) for moment in pkpd.due[:2]] == ["12 h after e10", "12 h after e34"]
    assert str(imported.protocol.visits["e1"].window) == "+33 d"
    assert days(calendar(imported.protocol, "15mg-30mg"), "e50") == [(53, 51, 55)]


@real
def test_alexion_repeats_day_minus_six_until_the_day_is_another() -> None:
    """A loop back while 'Day = -6' is two rounds: day -6 and day -5."""
    imported = import_usdm(path(NAMES[1]))
    frame = calendar(imported.protocol, "15mg-30mg").filter(pl.col("activity") == "e5")
    assert frame["study_day"].to_list() == [-6, -5]
    assert said(imported, "assumed", "loop_rounds")[0]["rounds"] == "2"


@real
def test_alexion_names_doses_on_other_days_than_its_durations_give() -> None:
    """Its schedule of activities has 15 mg on days 1 to 27 and 30 mg from day 28 to 40."""
    found = said(import_usdm(path(NAMES[1])), "contradiction", "days_of_dose")
    assert [(each["days"], each["course"]) for each in found] == [("1–27", "1–28"), ("28–40", "29–39")]


@real
def test_a_loop_of_cycles_runs_as_often_as_its_condition_says() -> None:
    """'Cycle 4 to 12' is nine rounds of 15 days; 'No Disease Progresssion' is a question, and a milestone ends it."""
    imported = import_usdm(path(NAMES[3]))
    trial = imported.protocol
    first, second = trial.cycles["c4-12-cycle"], trial.cycles["c13-plus-cycle"]
    assert (first.times, str(first.every)) == (9, "15 d")
    assert (second.times, str(second.to)) == (None, "c13-plus-cycle-ends")
    assert len(calendar(trial, "active").filter(pl.col("activity") == "c4-12-d1")) == 9
    assert [each["condition"] for each in said(imported, "question", "loop_condition")] == ["No Disease Progresssion"]
    assert [each["instance"] for each in said(imported, "question", "counts_from_itself")] == ["C13-PLUS-BASE"]
    assert str(trial.visits["eot-visit"].due[0]) == "44 d after last c13-plus-d1"


@real
def test_hours_stay_hours() -> None:
    """A quarter of an hour before the dose, with a window of four hours after it, is clock time."""
    trial = import_usdm(path(NAMES[2])).protocol
    names = list(trial.visits)
    visit = trial.visits[names[1]]
    assert (str(visit.due[0]), str(visit.window)) == ("15 min before 15-min", "+4 h")


@real
@pytest.mark.parametrize("name", NAMES)
def test_every_field_says_who_says_so(name: str) -> None:
    """What the file states has its object as source; what it does not is assumed."""
    trial = import_usdm(path(name)).protocol
    assert set(trial.sources) == {"usdm", "team"}
    for block in ("visits", "treatments", "arms", "assessments"):
        for key in getattr(trial, block):
            assert trial.origin(f"{block}.{key}").source.startswith("usdm "), key


@real
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_the_command_writes_the_protocol_and_prints_the_report(name: str, lang: str, tmp_path: Path) -> None:
    """The protocol can be read, and every sentence of the report has its words in the language."""
    out = tmp_path / "trial.yaml"
    args = ["import", "usdm", str(path(name)), "-o", str(out), "--format", "csv", "--lang", lang]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert protocol.read(out).protocol
    kinds = {words()["kinds"][kind][lang] for kind in KINDS}
    assert {line.split(",")[0] for line in result.stdout.splitlines()[1:]} <= kinds
    assert "{" not in result.stdout


def test_every_sentence_is_there_in_both_languages() -> None:
    """Each sentence has an English and a Chinese text with the same values."""
    import re

    for key, texts in words()["sentences"].items():
        assert set(texts) == {"en", "zh"}, key
        assert set(re.findall(r"\{(\w+)\}", texts["en"])) == set(re.findall(r"\{(\w+)\}", texts["zh"])), key
