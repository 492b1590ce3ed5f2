"""An amendment in words, and what it changes for those enrolled: the difference of two audits, on simulated studies."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol
import rules
from perprotocol.simulation.study import simulate
from protocol import Protocol
from protocol.defaults import blocks
from protocol.elements import Short
from protocol.errors import StudyError
from rules.diff import changes, diff
from rules.diff.changes import ORIGIN
from rules.diff.said import Speaker, words_of
from tests.trials import INVENTED, QUICK, trial

AFTER_ALL = date(2040, 1, 1)
EXAMPLE = Path(__file__).resolve().parent.parent / "examples/amendment"
CASES = yaml.safe_load((Path(__file__).parent / "diff_cases.yaml").read_text("utf-8"))
REST = {
    "first_day": "first_day: 0\n",
    "sources": "sources: {doc: a protocol for tests}\nsource: doc\nbasis: stated\n",
    "arms": "arms: {one: everyone}\n",
    "events": "events: {toxicity: toxicity, infection: an infection}\n",
    "treatments": "treatments: {drug: {due: day 0, window: ±0 d}}\n",
}


def document(part: str) -> Protocol:
    """A protocol of a part and the smallest rest."""
    missing = [text for key, text in REST.items() if not re.search(rf"^{key}:", part, re.MULTILINE)]
    return protocol.read_text("protocol: example\nversion: 1\n" + "".join(missing) + part)


# --- in words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_difference_is_told_as_a_monitor_reads_it(case: dict[str, Any], lang: str) -> None:
    """Each pair of documents differs in exactly the sentences beside it."""
    old, new = document(case["old"]), document(case["new"])
    assert diff(old, new, lang=lang)["message"].to_list() == case[lang]


@pytest.mark.parametrize("name", [*INVENTED, *protocol.library()])
def test_a_protocol_differs_from_itself_in_nothing(name: str) -> None:
    """Neither from itself nor from what is written and read again, comments and short forms apart."""
    one = trial(name)
    assert len(diff(one, one)) == 0
    assert changes(one, protocol.read_text(protocol.write(one))) == ()


@pytest.mark.parametrize("name", protocol.library())
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_everything_can_be_said(name: str, lang: str) -> None:
    """Whatever a protocol has that another has not can be told in both languages, there and back."""
    for other in protocol.library():
        speaker = Speaker(trial(name), trial(other), lang)
        for change in changes(trial(name), trial(other)):
            assert speaker.sentence(change)
            assert "{" not in speaker.sentence(change).replace("{at_least", "").replace("{all", "").replace("{any", "")


def _leaves(words: Any, before: str = "") -> dict[str, str]:
    if not isinstance(words, dict):
        return {before: str(words)}
    return {path: text for key, part in words.items() for path, text in _leaves(part, f"{before}/{key}").items()}


def test_both_languages_have_the_same_words() -> None:
    """Every sentence, block and field has its Chinese, filled with the same names."""
    english, chinese = (_leaves(words_of(lang)) for lang in ("en", "zh"))
    assert set(english) == set(chinese)
    names = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in english.items()}
    assert names == {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in chinese.items()}
    assert not re.search("稽查|审计|方案违背|查询", str(words_of("zh")))


def _models(kind: type[Short], seen: set[type[Short]]) -> set[type[Short]]:
    from protocol.faults import _model_in

    if kind not in seen:
        seen.add(kind)
        for info in kind.model_fields.values():
            inner = _model_in(info.annotation)
            if inner is not None:
                _models(inner, seen)
    return seen


def test_every_field_of_the_language_has_a_word() -> None:
    """A field that can change is told by a name, not by its key; every block has one too."""
    named = {"protocol", "rules", "consent", "en", "zh"} | ORIGIN | {str(path[-1]) for path in blocks()}
    keys = {key for model in _models(Protocol, set()) for key in model.names_by_key()} - named
    assert keys - set(words_of("en")["fields"]) == set()
    assert {str(path[-1]) for path in blocks()} - set(words_of("en")["blocks"]) == set()


# --- for those enrolled -------------------------------------------------------------------------------------------

AMENDED: dict[str, tuple[tuple[str, str], ...]] = {
    "per-kg": (("window: ±2 d\n    limits", "window: ±1 d\n    limits"), ("amount: 1e6", "amount: 2e6")),
    "surface": (("times: 5", "times: 4"), ("{due: 5 d after infusion 2", "{due: 6 d after infusion 2")),
    "vaccine": (
        ("opens: 26 d", "opens: 29 d"),
        ("titre: {due: 28 d after vaccine 3, window: ±3 d}", "call: {due: day 7}"),
    ),
    "monthly": (("window: ±3 d, dose: {amount: 4 mg", "window: ±1 d, dose: {amount: 3.9 mg"),),
}
KEY = ("subject", "kind", "activity", "occurrence")
SHOWN = ("due", "opens", "closes", "valid_from", "valid_to", "dose", "dose_low", "dose_high", "dose_unit", "status")


def amended(name: str) -> tuple[Protocol, Protocol]:
    """A small protocol and another version of it."""
    source = INVENTED[name].read_text("utf-8")
    for was, now in AMENDED[name]:
        assert was in source, was
        source = source.replace(was, now)
    return trial(name), protocol.read_text(source.replace("version: 1", "version: 2"))


def rows_by(frame: pl.DataFrame, *key: str) -> dict[Any, dict[str, Any]]:
    """The rows of a table by these columns, each of them once."""
    found = {tuple(row[k] for k in key): row for row in frame.iter_rows(named=True)}
    assert len(found) == len(frame)
    return found


FAULTS = {"dose_late": 6, "dose_early": 6, "overdose": 6, "underdose": 6, "visit_late": 6}


@pytest.mark.parametrize("name", AMENDED)
def test_the_effect_of_an_amendment_is_the_difference_of_two_audits(name: str) -> None:
    """Findings and queries that come, go or change, and no other: each audit is run by itself and compared by hand."""
    old, new = amended(name)
    study = rules.from_frames("sim", simulate(old, 60, seed=3, faults=FAULTS).frames)
    assert len(as_the_audits_differ(old, new, study))


def as_the_audits_differ(old: Protocol, new: Protocol, study: rules.Study) -> pl.DataFrame:
    """What is told of findings, after it was found to be the difference of the two audits."""
    told = diff(old, new, study, as_of=AFTER_ALL).filter(pl.col("part") == "finding")
    reports = [rules.audit(version, study, as_of=AFTER_ALL) for version in (old, new)]
    was, now = (rows_by(pl.concat([r.findings, r.queries]), "id") for r in reports)
    by = {change: set(told.filter(pl.col("change") == change)["id"]) for change in ("new", "gone", "changed")}
    assert by["new"] == {key[0] for key in set(now) - set(was)}
    assert by["gone"] == {key[0] for key in set(was) - set(now)}
    about = ("version", "source", "basis", "record", "detected")
    differing = {
        key[0]
        for key in set(was) & set(now)
        if any(was[key][field] != now[key][field] for field in was[key] if field not in about)
    }
    assert by["changed"] == differing
    return told


@settings(QUICK, max_examples=8)
@given(
    st.sampled_from([*AMENDED, "uc-msc-saa", "lzzt"]),
    st.integers(0, 999),
    st.sampled_from(["±0 d", "±1 d", "-2 d to +1 d", "±5 d"]),
    st.sampled_from(["±1 %", "±8 %", "±30 %"]),
)
def test_whatever_windows_and_tolerances_become_so_it_is(name: str, seed: int, window: str, tolerance: str) -> None:
    """Of any such amendment, on another study each time; and whatever comes by it goes with it, if it is undone."""
    old = trial(name)
    text = re.sub(r"window: [^,}\n]*\d [dD]", f"window: {window}", protocol.write(old))
    new = protocol.read_text(re.sub(r"tolerance: [^,}\n]*%", f"tolerance: {tolerance}", text))
    assert changes(old, new)
    study = rules.from_frames("sim", simulate(old, 12, seed=seed, faults=dict.fromkeys(FAULTS, 2)).frames)
    there, back = as_the_audits_differ(old, new, study), as_the_audits_differ(new, old, study)
    for come, go in (("new", "gone"), ("changed", "changed"), ("gone", "new")):
        assert set(there.filter(pl.col("change") == come)["id"]) == set(back.filter(pl.col("change") == go)["id"])


@pytest.mark.parametrize("name", AMENDED)
def test_the_occurrences_that_move_are_the_difference_of_two_calendars(name: str) -> None:
    """Each is moved, changed, new or gone exactly where the two calendars say so."""
    old, new = amended(name)
    study = rules.from_frames("sim", simulate(old, 20, seed=5).frames)
    told = diff(old, new, study, as_of=AFTER_ALL).filter(pl.col("part") == "occurrence")
    was, now = (rows_by(rules.schedule(version, study, as_of=AFTER_ALL), *KEY) for version in (old, new))
    expected: dict[str, set[Any]] = {"new": set(now) - set(was), "gone": set(was) - set(now)}
    both = set(was) & set(now)
    expected["moved"] = {key for key in both if was[key]["due"] != now[key]["due"]}
    other = {key for key in both if any(was[key][f] != now[key][f] for f in SHOWN)}
    expected["changed"] = other - expected["moved"]
    for change, keys in expected.items():
        rows = told.filter(pl.col("change") == change)
        found = set(zip(rows["subject"], rows["activity"], rows["occurrence"], strict=True))
        assert found == {(subject, activity, number) for subject, _, activity, number in keys}, change
    assert len(told)


@pytest.mark.parametrize("name", ["per-kg", "uc-msc-saa", "remestemcel-l"])
def test_a_version_changes_nothing_for_itself(name: str) -> None:
    """With a study beside it too: no occurrence moves and no finding comes or goes."""
    one = trial(name)
    study = rules.from_frames("sim", simulate(one, 10, seed=1, faults={"dose_late": 2}).frames)
    assert len(diff(one, one, study, as_of=AFTER_ALL)) == 0


def read_example() -> tuple[Protocol, Protocol, rules.Study]:
    """The example: two versions of a small trial, and three participants."""
    old, new = (protocol.read(EXAMPLE / f"infusion-{n}.yaml") for n in (1, 2))
    return old, new, rules.read_study(EXAMPLE / "study")


def test_from_a_day_on_only_those_to_whom_the_version_applies_are_moved() -> None:
    """Of three participants the one who signed the new form is under the new version; the past stays as it was."""
    old, new, study = read_example()
    told = diff(old, new, study, as_of=date(2024, 4, 15), active=date(2024, 4, 9))
    of_study = told.filter(pl.col("part") != "protocol")
    assert set(of_study["subject"]) == {"003"}
    assert of_study["date"].min() > date(2024, 4, 10)
    always = diff(old, new, study, as_of=date(2024, 4, 15)).filter(pl.col("part") != "protocol")
    assert set(always["subject"]) == {"001", "002", "003"}


def test_for_new_participants_only_nothing_changes_for_those_enrolled() -> None:
    """The transition rule of the new version is kept."""
    old, new, study = read_example()
    for_new = new.model_copy(update={"transition": "new participants"})
    told = diff(old, for_new, study, as_of=date(2024, 4, 15), active=date(2024, 4, 12))
    assert told.filter(pl.col("part") != "protocol").rows() == []


def test_without_a_transition_a_day_is_refused() -> None:
    """Nothing is guessed of whom the version applies to."""
    old, new, study = read_example()
    with pytest.raises(StudyError, match="does not say to whom version 2 applies"):
        diff(old, new.model_copy(update={"transition": None}), study, active=date(2024, 4, 9))


def test_a_treatment_that_the_new_version_has_no_more_is_compared_too() -> None:
    """Records of it are known by the older version: they become unplanned, and no error."""
    old, new, study = read_example()
    other = new.model_copy(update={"treatments": {"other": new.treatments["cells"]}, "modifications": {}})
    told = diff(old, other, study, as_of=date(2024, 4, 15)).filter(pl.col("part") != "protocol")
    assert {"gone", "new"} <= set(told.filter(pl.col("part") == "occurrence")["change"])
    assert set(told.filter(pl.col("activity") == "cells", pl.col("part") == "occurrence")["change"]) == {"gone"}


BLINDED = """
protocol: secret
version: {version}
first_day: 0
blinding: blinded
sources: {{doc: a protocol for tests}}
source: doc
basis: stated
arms: {{active: active drug, control: placebo}}
weight: {{use: latest, within: 30 d}}
treatments:
  infusion:
    product: {{active: drugumab, control: saline}}
    due: [day 0, day 7]
    window: {window}
    dose: {{amount: 8 mg/kg, max: 800 mg, tolerance: ±10 %}}
  rescue: {{arm: control, due: day {rescue}, window: ±1 d, dose: 5 mg}}
visits: {{week-2: {{due: day 14, window: {window}}}}}
"""


def blinded_study(arms: tuple[str, str]) -> rules.Study:
    """Two participants alike but for their arms; the second infusion of both is late."""
    rows = [{"subject": str(n), "arm": arm, "day_zero": "2024-03-01"} for n, arm in enumerate(arms)]
    doses = [
        {"subject": str(n), "treatment": "infusion", "start": day, "amount": "400", "unit": "mg"}
        for n in range(2)
        for day in ("2024-03-01", "2024-03-10")
    ]
    visits = [{"subject": str(n), "visit": "week-2", "date": "2024-03-17"} for n in range(2)]
    return rules.from_frames("secret", {"subjects": rows, "administrations": doses, "visits": visits})


def test_a_blinded_trial_is_compared_blinded() -> None:
    """What it changes for the participants is the same whoever is in which arm, and names no arm, product or amount."""
    old = protocol.read_text(BLINDED.format(version=1, window="±1 d", rescue=14))
    new = protocol.read_text(BLINDED.format(version=2, window="±3 d", rescue=21))
    told = [
        diff(old, new, blinded_study(arms), as_of=AFTER_ALL).filter(pl.col("part") != "protocol")
        for arms in (("active", "control"), ("control", "active"))
    ]
    assert told[0].equals(told[1])
    assert not re.search("active|control|drugumab|saline|rescue|400|mg", told[0].write_csv())
    assert {"dose_late", "visit_out_of_window"} == set(told[0].filter(pl.col("change") == "gone")["code"])
    open_ = diff(old, new, blinded_study(("active", "control")), as_of=AFTER_ALL, blinded=False)
    assert "rescue" in set(open_["activity"])
