"""Participants and visits of studies that nobody here wrote, as SDTM: what becomes of them, and what is asked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.formats.sdtm_datasets import DS, LEFT, LZZT, column, imported, told

# --- participants -------------------------------------------------------------------------------------------------


def test_participants_are_those_of_dm(tmp_path: Path) -> None:
    """Arms are linked by code, a screen failure has none and needs no reference date, consent and death are dates."""
    of, study = imported(tmp_path)
    assert column(study, "subjects", "subject") == ["1", "2", "3"]
    assert column(study, "subjects", "arm") == ["placebo", "high", None]
    assert column(study, "subjects", "screening_outcome") == [None, None, "screen failure"]
    assert ("2", "death") in study.milestones.select(
        study.subjects["subject"].gather(study.milestones["s"]), "milestone"
    ).rows()
    assert told(of, "failed-without-reference") == [("read", "", 1)]
    assert not of.notes.open


def test_subjid_that_names_two_people_is_not_taken(tmp_path: Path) -> None:
    """USUBJID names each once; the report says which is taken."""
    of, study = imported(tmp_path, dm="USUBJID,SUBJID\nA-1,1\nB-1,1\n")
    assert column(study, "subjects", "subject") == ["A-1", "B-1"]
    assert told(of, "subject-usubjid") == [("assumed", "", 1)]


def test_an_arm_that_the_protocol_does_not_have_is_asked(tmp_path: Path) -> None:
    """The arm stays empty, and a mapping file answers."""
    dm = "USUBJID,ARMCD,ARM\n1,ZAN_HIGH,Zanomaline\n2,ZAN_HIGH,Zanomaline\n"
    of, study = imported(tmp_path, dm=dm)
    assert told(of, "arm") == [("question", "ZAN_HIGH", 2)]
    assert column(study, "subjects", "arm") == [None, None]


def test_a_mapping_file_links_an_arm(tmp_path: Path) -> None:
    """By its code or by its description."""
    dm = "USUBJID,ARMCD,ARM\n1,ZAN_HIGH,Zanomaline\n2,X,Low dose zanomaline\n"
    of, study = imported(tmp_path, "arms: {zan_high: high, Low Dose Zanomaline: low}", dm=dm)
    assert column(study, "subjects", "arm") == ["high", "low"]
    assert not of.notes.open


@pytest.mark.parametrize(("mapping", "day"), [("day_zero: RFSTDTC", "2013-01-01"), ("", None)])
def test_the_reference_start_is_day_zero_only_if_so_said(tmp_path: Path, mapping: str, day: str | None) -> None:
    """Where the protocol says how day zero is found, RFSTDTC may be something else."""
    _, study = imported(tmp_path, mapping)
    assert str(column(study, "subjects", "day_zero")[0]) == str(day)


def test_the_reference_start_is_day_zero_where_nothing_else_says_so(tmp_path: Path) -> None:
    """A protocol that only records its day zero has it from RFSTDTC, and the report says that this is assumed."""
    trial = LZZT.model_copy(update={"milestones": {}})
    of, study = imported(tmp_path, trial=trial)
    assert str(column(study, "subjects", "day_zero")[0]) == "2013-01-01"
    assert told(of, "day-zero-taken") == [("assumed", "", 1)]


def test_dispositions_become_milestones(tmp_path: Path) -> None:
    """Of a completion in every epoch the last is completion; what ended the treatment is its discontinuation."""
    of, study = imported(tmp_path, ds=DS)
    people = study.subjects["subject"].gather(study.milestones["s"])
    found = study.milestones.select(people, "milestone", pl.col("date").cast(pl.String)).rows()
    assert sorted(found) == [
        ("1", "completion", "2013-07-01"), ("1", "consented", "2012-12-20"), ("2", "consented", "2013-01-20"),
        ("2", "death", "2013-03-01"), ("2", "discontinuation", "2013-02-20"), ("3", "consented", "2013-03-20"),
    ]  # fmt: skip
    assert not of.notes.open


def test_a_reason_without_what_was_ended_is_asked(tmp_path: Path) -> None:
    """ADVERSE EVENT may have ended the treatment or the participation: DSSCAT says which, else a person."""
    ds = "USUBJID,DSSEQ,DSDECOD,DSCAT,DSSTDTC\nP-001,1,ADVERSE EVENT,DISPOSITION EVENT,2013-02-20\n"
    of, study = imported(tmp_path, ds=ds)
    assert told(of, "disposition") == [("question", "ADVERSE EVENT", 1)]
    assert "stop-decision" not in column(study, "milestones", "milestone")


def test_a_mapping_file_says_what_a_disposition_is(tmp_path: Path) -> None:
    """A milestone of the protocol, then."""
    ds = "USUBJID,DSSEQ,DSDECOD,DSCAT,DSSTDTC\nP-001,1,ADVERSE EVENT,DISPOSITION EVENT,2013-02-20\n"
    of, study = imported(tmp_path, "milestones: {ADVERSE EVENT: stop-decision}", ds=ds)
    assert "stop-decision" in column(study, "milestones", "milestone")
    assert not of.notes.open


# --- visits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name", "visit"),
    [
        ("4", "WEEK 2", "visit-4"),
        ("4", "", "visit-4"),
        ("", "Week 2", "visit-4"),
        ("4", "VISIT 4", "visit-4"),
        ("1", "SCREENING 1", "visit-1"),
        ("2", "SCREENING 2", "visit-2"),
        ("8.1", "PHONE 1", "phone 1"),
        ("201", "RETRIEVAL", "retrieval"),
        ("9.299999999999999", "UNSCHEDULED 9.3", "UNSCHEDULED 9.3"),
        ("9.299999999999999", "", "unscheduled 9.3"),
        ("5.01", "WEEK 4: UNSCHEDULED 01", "WEEK 4: UNSCHEDULED 01"),
    ],
)
def test_visits_are_linked_by_name_number_or_label(tmp_path: Path, number: str, name: str, visit: str) -> None:
    """What one of them says, and no other contradicts, is the visit; an unscheduled one keeps its name."""
    of, study = imported(tmp_path, sv=f"USUBJID,VISITNUM,VISIT,SVSTDTC\nP-001,{number},{name},2013-01-15\n")
    assert column(study, "visits", "visit") == [visit]
    assert not of.notes.open


@pytest.mark.parametrize(
    ("number", "name", "what"),
    [
        ("5", "WEEK 2", "visit-twice"),
        ("101", "EARLY DISCONTINUATION", "visit-open"),
        ("6", "AMBUL ECG REMOVAL", "visit-open"),
    ],
)
def test_a_visit_that_cannot_be_linked_is_asked(tmp_path: Path, number: str, name: str, what: str) -> None:
    """It keeps its name, so that nothing follows from it."""
    of, study = imported(tmp_path, sv=f"USUBJID,VISITNUM,VISIT,SVSTDTC\nP-001,{number},{name},2013-01-15\n")
    assert told(of, what) == [("question", f"{name} ({number})", 1)]
    assert column(study, "visits", "visit") == [name]


def test_a_mapping_file_settles_visits(tmp_path: Path) -> None:
    """By name or number; also what is unscheduled, and what is ignored."""
    sv = """
    USUBJID, VISITNUM, VISIT,                 SVSTDTC
    P-001,   101,      EARLY DISCONTINUATION, 2013-02-14
    P-001,   6,        AMBUL ECG REMOVAL,     2013-02-15
    P-001,   77,       SOMETHING,             2013-02-16
    """
    mapping = "visits: {101: early-termination, Ambul ECG removal: ignore, something: unscheduled}"
    of, study = imported(tmp_path, mapping, sv=sv)
    assert column(study, "visits", "visit") == ["early-termination", "SOMETHING"]
    assert not of.notes.open


def test_a_missed_visit_stands_on_its_planned_day(tmp_path: Path) -> None:
    """Day 15 is two weeks after the reference start, since there is no day 0; without one it is left out."""
    sv = """
    USUBJID, VISITNUM, VISIT,  VISITDY, SVPRESP, SVOCCUR, SVSTDTC
    P-001,   4,        WEEK 2, 15,      Y,       N,
    P-001,   2,        ,       -2,      Y,       N,
    P-001,   5,        WEEK 4, ,        Y,       N,
    """
    of, study = imported(tmp_path, sv=sv)
    assert [str(day) for day in column(study, "visits", "date")] == ["2013-01-15", "2012-12-30"]
    assert column(study, "visits", "status") == ["not done", "not done"]
    assert told(of, "visit-no-date") == [("left out", "WEEK 4", 1)]


def test_an_early_termination_under_the_next_visits_number_is_asked(tmp_path: Path) -> None:
    """The last visit, on the day of leaving, before the window of its number opened: perhaps another visit."""
    of, study = imported(tmp_path, **LEFT)
    assert told(of, "early-termination?") == [("question", "visit-5", 1)]
    assert column(study, "visits", "visit") == ["visit-3", "visit-4", "visit-5"]


def test_a_mapping_file_names_the_early_termination(tmp_path: Path) -> None:
    """Then it is that visit, and the one whose number it had did not take place."""
    of, study = imported(tmp_path, "early_termination: early-termination", **LEFT)
    assert column(study, "visits", "visit") == ["visit-3", "visit-4", "early-termination"]
    assert told(of, "early-termination") == [("read", "visit-5", 1)]


def test_a_last_visit_inside_its_window_is_that_visit(tmp_path: Path) -> None:
    """Who left at week 4 was at week 4."""
    late = {name: text.replace("2013-02-20", "2013-03-01") for name, text in LEFT.items()}
    of, _ = imported(tmp_path, **late)
    assert told(of, "early-termination?") == []


def test_a_word_of_the_mapping_file_that_is_nowhere_is_named(tmp_path: Path) -> None:
    """A slip in a mapping file does not pass in silence; a disposition may be told apart by what it ended."""
    mapping = """
    arms: {ZAN_LOW: low}
    milestones: {STUDY TREATMENT ADVERSE EVENT: stop-decision}
    """.replace("\n    ", "\n")
    of, study = imported(tmp_path, mapping, ds=DS)
    assert told(of, "mapping-unused") == [("left out", "zan low", 1)]
    assert "stop-decision" in column(study, "milestones", "milestone")
