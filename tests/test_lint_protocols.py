"""Lint over whole protocols: the library is clean, and of ten real ones every fault that is told is true."""

import os
from pathlib import Path

import polars as pl
import pytest

import protocol
from protocol.document import read_placed
from rules.lint import lint

REAL = os.environ.get("PERPROTOCOL_REAL_DATA")
TOLD: dict[str, dict[tuple[str, str], str]] = {
    "01-uc-msc-saa": {
        ("tolerance_missing", "treatments.methylprednisolone.dose"): "2 mg/kg/d, and nothing more",
        ("sequel_unsaid", "modifications.anaphylaxis"): "ATG ends, and of UC-MSC nothing is said",
        ("tolerance_missing", "treatments.ciclosporin.dose"): "a starting dose, and nothing more",
        ("measured_too_late", "treatments.atg.requires"): (
            "the test dose is done at screening, before day 0, and the dose of day 4 wants it within 3 days"
        ),
        ("endpoint_narrow", "endpoints.response-90"): "the visit of day 90 has ±7 d, and the endpoint the day alone",
    },
    "02-primaquine-challenge": {
        ("tolerance_missing", f"treatments.{ladder}.steps.0.dose"): "the ladders state amounts alone"
        for ladder in "abcde"
    }
    | {("tolerance_missing", "treatments.rechallenge.dose"): "45 mg, and nothing more"},
    "03-lzzt": {
        ("tolerance_missing", "treatments.xanomeline-low.dose"): "54 mg, and nothing more",
        ("tolerance_missing", "treatments.xanomeline-high.steps.0.dose"): "54 and 81 mg, and nothing more",
    },
    "04-covacta": {
        ("tolerance_missing", "treatments.study-drug.dose"): "a maximum, and no tolerance",
        ("decision_unmeasured", "criteria.not-improved"): "no visit of the file records the fever or the ordinal scale",
    },
    "05-remestemcel": {
        ("tolerance_missing", "treatments.remestemcel.dose"): "2e6 cells/kg, and nothing more",
        ("count_missing", "treatments.remestemcel.dose"): "viable or total is not said",
    },
    "06-sanofi-nct03637764": {
        ("tolerance_missing", "treatments.atezolizumab.dose"): "1200 mg, and nothing more",
        ("tolerance_missing", "treatments.isatuximab.dose.0"): "mg/kg, and nothing more",
    },
    "07-alexion-nct04573309": {
        ("tolerance_missing", "treatments.alxn1840.levels.-1.dose"): "levels in mg, and nothing more",
        (
            "decision_unmeasured",
            "treatments.alxn1840.steps.1.if",
        ): "when the committee's answer is recorded is not said",
    },
    "08-cdc-hepb-hpv": {
        ("window_empty", "treatments.hpv-3.steps.0.limits.0.closes"): "15 y - 1 d is before 15 y: no day is on time",
    },
    "09-carboplatin-gemcitabine": {
        ("pace_without_range", "treatments.gemcitabine.over"): "30 min, and no range",
    },
    "10-ciclosporin": {},
}
"""Every fault of the ten real protocols, and why it is one."""


def faults(source: str) -> pl.DataFrame:
    """The faults of a protocol, each with its line."""
    found = lint(*read_placed(source))
    return found.filter(found["kind"] == "fault")


@pytest.mark.parametrize("name", protocol.library())
def test_a_protocol_of_the_library_has_nothing_but_what_is_to_be_confirmed(name: str) -> None:
    """No fault; what is assumed is listed, each with its line and its source."""
    found = lint(*read_placed(name))
    assert found.filter(found["kind"] == "fault").rows() == []
    confirm = found.filter(found["kind"] == "to confirm")
    assert len(confirm)
    assert confirm["line"].null_count() == 0
    assert confirm.filter(confirm["code"] == "assumed")["source"].null_count() == 0


@pytest.mark.parametrize("name", protocol.library())
def test_chinese_says_the_same_as_english(name: str) -> None:
    """The same rows in both languages, none of them without a text."""
    trial, tree = read_placed(name)
    english, chinese = lint(trial, tree), lint(trial, tree, lang="zh")
    same = ["kind", "code", "file", "line", "column", "path", "source"]
    assert english.select(same).equals(chinese.select(same))
    assert not (english["message"] == chinese["message"]).any()


@pytest.mark.skipif(REAL is None, reason="PERPROTOCOL_REAL_DATA is not set: the ten real protocols are not at hand")
@pytest.mark.parametrize("name", TOLD)
def test_every_fault_told_of_a_real_protocol_is_true(name: str) -> None:
    """What is told is exactly what a person found to be so, and why stands beside it."""
    file = Path(str(REAL)).parent / "protocols" / f"{name}.yaml"
    if not file.is_file():
        pytest.skip(f"{file.name} does not lie beside the data of PERPROTOCOL_REAL_DATA")
    found = faults(str(file))
    assert set(zip(found["code"], found["path"], strict=True)) == set(TOLD[name])


def test_a_protocol_without_its_text_is_linted_too() -> None:
    """Without the tree there are no lines, and the same faults."""
    trial, tree = read_placed("uc-msc-saa")
    assert lint(trial)["line"].null_count() == len(lint(trial, tree))
