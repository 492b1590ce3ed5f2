"""What stands in the datasets of an export: doses not given, missed visits, deviations confirmed and only detected."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import protocol
import rules
from perprotocol.cli import app
from perprotocol.formats.sdtm.exporting import Exported, datasets_of, export_study
from perprotocol.formats.sdtm.folder import as_text
from perprotocol.formats.sdtm.frames import study_day
from perprotocol.formats.sdtm.importing import import_study
from perprotocol.formats.sdtm.standard import dataset
from perprotocol.formats.sdtm.supplements import QNAMES, pieces, together
from perprotocol.formats.sdtm.terms import (
    cdisc_test,
    frequency_in,
    frequency_out,
    known_tests,
    read_unit,
    route_out,
    unit_term,
)
from protocol.quantity import parse_unit
from rules.audit import Report
from rules.course.frequency import times_and_days
from rules.door.tables import SCHEMAS

UC = protocol.read("uc-msc-saa")
CUT = date(2025, 1, 1)
PEOPLE: list[dict[str, object]] = [
    {"subject": "1", "arm": "msc", "site": "01", "sex": "男", "birth_date": "2018-06", "day_zero": "2024-03-01"},
    {"subject": "2", "screening_outcome": "screen failure", "site": "01"},
]


def audited(trial: protocol.Protocol = UC, **tables: list[dict[str, object]]) -> Report:
    """Return the audit of a small study."""
    study = rules.from_frames("S1", {"subjects": PEOPLE} | tables, data_cut=CUT)
    return rules.audit(trial, study, as_of=CUT)


def rows(of: Exported, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a dataset."""
    return of.datasets[name].select(columns).rows()


def test_participants_have_cdisc_terms_and_days() -> None:
    """Sex and arm are coded, a partial date of birth stays partial, a screen failure has no reference date."""
    out = datasets_of(audited())
    assert rows(out, "DM", "USUBJID", "SUBJID", "SEX", "ARMCD", "ARMNRS", "BRTHDTC", "RFSTDTC") == [
        ("S1-1", "1", "M", "MSC", None, "2018-06", "2024-03-01"),
        ("S1-2", "2", "U", None, "SCREEN FAILURE", None, None),
    ]


DOSE: dict[str, object] = {"subject": "1", "treatment": "uc-msc", "start": "2024-03-15T10:00", "unit": "cells"}
DOSES: list[dict[str, object]] = [
    {**DOSE, "amount": "1.62e7", "route": "iv", "status": "given", "ordered": "1.7e7", "reason": "late delivery"},
    {**DOSE, "start": "2024-03-22", "status": "not given", "reason": "fever"},
    {**DOSE, "start": "2024-03-29", "amount": "0"},
    {**DOSE, "start": "2024-02-29", "status": "unknown"},
]


def test_a_dose_not_given_has_no_amount_and_no_record_in_ex() -> None:
    """ECOCCUR is N, its reason stands beside it; a recorded amount of 0 is no dose; nobody knows is not done."""
    out = datasets_of(audited(administrations=DOSES))
    assert rows(out, "EC", "ECMOOD", "ECOCCUR", "ECSTAT", "ECREASOC", "ECDOSE", "ECDOSU", "ECROUTE", "ECSTDY") == [
        ("PERFORMED", "Y", None, None, 1.62e7, "CELLS", "INTRAVENOUS", 15),
        ("SCHEDULED", None, None, None, 1.7e7, "CELLS", "INTRAVENOUS", None),
        ("PERFORMED", "N", None, "fever", None, None, None, 22),
        ("PERFORMED", "N", None, None, None, None, None, 29),
        ("PERFORMED", None, "NOT DONE", None, None, None, None, -1),
    ]
    assert rows(out, "EX", "EXDOSE", "EXSTDTC", "EXENDTC", "EXADJ") == [
        (1.62e7, "2024-03-15T10:00", "2024-03-15T10:00", "late delivery")
    ]


@given(st.integers(-400, 400))
def test_there_is_no_study_day_0(apart: int) -> None:
    """The reference start is day 1, the day before it day -1, and days are never skipped otherwise."""
    start = date(2024, 3, 1)
    frame = pl.DataFrame({"day": [date.fromordinal(start.toordinal() + apart)], "start": [start]})
    day = frame.select(study_day(pl.col("day"), pl.col("start"))).item()
    assert day == (apart + 1 if apart >= 0 else apart)
    assert day != 0


def test_visits_are_planned_missed_or_unplanned() -> None:
    """One record a visit number; a second record of one visit, and a visit TV does not have, get a number between."""
    visits: list[dict[str, object]] = [
        {"subject": "1", "visit": "weekly 1", "date": "2024-03-08T09:00", "status": "done"},
        {"subject": "1", "visit": "weekly 1", "date": "2024-03-09"},
        {"subject": "1", "visit": "ward round", "date": "2024-03-10"},
        {"subject": "1", "visit": "weekly 2", "date": "2024-03-15", "status": "not done"},
    ]
    out = datasets_of(audited(visits=visits))
    numbers = dict(rows(out, "TV", "VISIT", "VISITNUM"))
    one, two = numbers["WEEKLY 1"], numbers["WEEKLY 2"]
    assert rows(out, "SV", "VISITNUM", "VISIT", "SVPRESP", "SVOCCUR", "VISITDY", "SVSTDTC", "SVSTDY", "SVUPDES") == [
        (one, "WEEKLY 1", "Y", "Y", 8, "2024-03-08T09:00", 8, None),
        (one + 0.01, "UNSCHEDULED", None, None, None, "2024-03-09", 9, "weekly 1"),
        (one + 0.02, "UNSCHEDULED", None, None, None, "2024-03-10", 10, "ward round"),
        (two, "WEEKLY 2", "Y", "N", 15, None, None, None),
    ]


def test_visits_numbered_by_the_protocol_keep_their_numbers() -> None:
    """Visit 4 of LZZT is VISITNUM 4, and the call after visit 8 is 8.1."""
    study = rules.from_frames("S1", {"subjects": [{"subject": "1"}]}, data_cut=CUT)
    out = datasets_of(rules.audit(protocol.read("lzzt"), study, as_of=CUT, blinded=False))
    numbers = {name: (number, day) for name, number, day in rows(out, "TV", "VISIT", "VISITNUM", "VISITDY")}
    assert numbers["VISIT-4"] == (4.0, 15)
    assert numbers["PHONE 1"][0] == 8.1
    assert numbers["VISIT-3"] == (3.0, 1) and numbers["VISIT-2"] == (2.0, -2)
    assert numbers["VISIT-1"] == (1.0, None)


LATE = {**DOSE, "start": "2024-03-18T10:00", "amount": "1.62e7"}
WEIGHT = {"subject": "1", "measure": "weight", "value": "16.2", "unit": "kg", "at": "2024-03-14"}


def decided(kind: str | None, code: str, **tables: list[dict[str, object]]) -> tuple[Report, str]:
    """Return the audit after a decision on the finding of a rule, and the finding's id."""
    before = audited(**tables)
    (finding,) = before.findings.filter(pl.col("code") == code)["id"].to_list()
    decision: dict[str, object] = {
        "subject": "1",
        "kind": kind,
        "finding": finding,
        "decided": "2024-12-01",
        "by": "PI",
    }
    return (before if kind is None else audited(decisions=[decision], **tables)), finding


def test_a_detected_deviation_is_an_analysis_dataset() -> None:
    """In OCCDS structure, one record each, with the day as a date; DV has nothing of it."""
    report, finding = decided(None, "dose_late", administrations=[LATE], observations=[WEIGHT])
    out = datasets_of(report)
    assert "DV" not in out.datasets
    found = out.datasets["ADDV"].filter(pl.col("ADVID") == finding)
    assert found.select("USUBJID", "ADVRULE", "ADVSTATE", "ASTDT", "ASTDY").row(0) == (
        "S1-1", "dose_late", "new", date(2024, 3, 18), 18,
    )  # fmt: skip


def test_a_confirmed_deviation_is_tabulated() -> None:
    """DV has it with the finding that it confirms; ADDV has it no more, and on the way back it is no log."""
    report, finding = decided("confirmed", "dose_late", administrations=[LATE], observations=[WEIGHT])
    out = datasets_of(report)
    ((term, decod, day, number),) = rows(out, "DV", "DVTERM", "DVDECOD", "DVSTDTC", "DVSTDY")
    assert "late" in term.lower() or "after" in term.lower()
    assert decod and (day, number) == ("2024-03-18", 18)
    assert ("DVSEQ", "FINDING", finding) in rows(out, "SUPPDV", "IDVAR", "QNAM", "QVAL")
    assert finding not in out.datasets.get("ADDV", pl.DataFrame({"ADVID": [""]}))["ADVID"].to_list()


def test_what_was_decided_to_be_none_goes_nowhere() -> None:
    """Neither tabulated nor listed as detected."""
    report, finding = decided("not a deviation", "dose_late", administrations=[LATE], observations=[WEIGHT])
    out = datasets_of(report)
    assert "DV" not in out.datasets
    assert finding not in out.datasets.get("ADDV", pl.DataFrame({"ADVID": [""]}))["ADVID"].to_list()


def test_a_confirmed_deviation_comes_back_as_what_it_was(tmp_path: Path) -> None:
    """The decision stands beside the datasets; the record of DV is not taken for the site's log."""
    report, _ = decided("confirmed", "dose_late", administrations=[LATE], observations=[WEIGHT])
    export_study(report, tmp_path / "sdtm", "json")
    import_study(tmp_path / "sdtm", UC, tmp_path / "back")
    again = rules.audit(UC, rules.read_study(tmp_path / "back"), as_of=CUT)
    assert "deviation_log" not in again.study.tables
    assert again.findings.select("id", "state").rows() == report.findings.select("id", "state").rows()


ADULT: list[dict[str, object]] = [{**PEOPLE[0], "birth_date": "1990-06-01", "enrolled": "2024-02-28"}]


def test_a_confirmed_criterion_is_ie_and_no_deviation() -> None:
    """Entry criteria go to IE: which one, that it was not met, and on which day."""
    tables: dict[str, list[dict[str, object]]] = {"subjects": ADULT, "observations": [WEIGHT]}
    before = rules.audit(UC, rules.from_frames("S1", tables, data_cut=CUT), as_of=CUT)
    (finding,) = before.findings.filter(pl.col("code") == "criterion_not_met")["id"].to_list()
    assert "IE" not in datasets_of(before).datasets
    decision: dict[str, object] = {"subject": "1", "kind": "confirmed", "finding": finding, "decided": "2024-12-01"}
    report = rules.audit(UC, rules.from_frames("S1", tables | {"decisions": [decision]}, data_cut=CUT), as_of=CUT)
    out = datasets_of(report)
    assert rows(out, "IE", "IETESTCD", "IECAT", "IEORRES", "IESTRESC") == [("IN01", "INCLUSION", "N", "N")]
    assert "DV" not in out.datasets


def test_a_long_text_goes_on_in_the_qualifiers(tmp_path: Path) -> None:
    """DVTERM has what SDTM allows, DVTERM1 the rest, and on the way back the term is whole."""
    term = "输注延迟，产品送达晚。" * 30 + " late delivery of the product" * 10
    report = audited(deviation_log=[{"subject": "1", "term": term, "date": "2024-03-18"}])
    out = datasets_of(report)
    for frame in out.datasets.values():
        for texts in frame.select(pl.col(pl.String)):
            assert (texts.str.len_bytes().max() or 0) <= 200
    assert {"DVTERM1", "DVTERM2"} <= {qnam for (qnam,) in rows(out, "SUPPDV", "QNAM")}
    export_study(report, tmp_path / "sdtm", "xpt")
    import_study(tmp_path / "sdtm", UC, tmp_path / "back")
    assert rules.read_study(tmp_path / "back").deviation_log["term"].to_list() == [term]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")) | st.just(" "), min_size=1, max_size=900)
)
def test_pieces_of_a_text_are_the_text(text: str) -> None:
    """Whatever the signs, each piece fits, and together they are what they were."""
    text = " ".join(text.split())
    parts = [part.strip() for part in pieces(text)]
    assert all(len(part.encode()) <= 200 for part in parts)
    assert together(parts) == text


def test_what_sdtm_has_no_place_for_stands_beside(tmp_path: Path) -> None:
    """Amendments, lots and the like as they were, and settings."""
    amendment: dict[str, object] = {"site": "01", "version": "1", "approved": "2024-01-01", "active": "2024-02-01"}
    export_study(audited(amendments=[amendment]), tmp_path / "sdtm", "json")
    assert sorted(path.name for path in (tmp_path / "sdtm/beside").iterdir()) == ["amendments.csv", "study.yaml"]
    told = import_study(tmp_path / "sdtm", UC, tmp_path / "back")
    assert told.rows["amendments"] == 1
    assert rules.read_study(tmp_path / "back").data_cut == CUT


def test_a_blinded_export_tells_no_arm(tmp_path: Path) -> None:
    """Neither arm nor amount, lot or elements by arm; with unblinded they are there."""
    people: list[dict[str, object]] = [
        {"subject": "1", "arm": "tcz", "day_zero": "2024-03-01"},
        {"subject": "2", "arm": "placebo"},
    ]
    drug = {"treatment": "study-drug", "amount": "480", "unit": "mg", "lot": "T7"}
    doses: list[dict[str, object]] = [{"subject": "1", "start": "2024-03-01T10:00", **drug}]
    study = rules.from_frames("S1", {"subjects": people, "administrations": doses}, data_cut=CUT)
    trial = protocol.read("covacta")
    hidden, shown = (datasets_of(rules.audit(trial, study, as_of=CUT, blinded=b)) for b in (True, False))
    assert "TA" not in hidden.datasets and "TA" in shown.datasets
    told = "".join(frame.write_csv() for frame in hidden.datasets.values()).lower()
    assert not [word for word in ("tcz", "placebo", "480", "t7") if word in told]
    assert rows(hidden, "DM", "ARMCD", "ARMNRS") == [(None, None), (None, None)]
    assert rows(shown, "DM", "ARMCD") == [("TCZ",), ("PLACEBO",)]


def test_results_stand_in_their_unit_and_in_the_protocols() -> None:
    """Pounds are converted to kilograms; a word is a result; what was not done says so."""
    seen: list[dict[str, object]] = [
        {**WEIGHT, "value": "35.7", "unit": "lb"},
        {"subject": "1", "measure": "anc", "value": "<0.1", "unit": "10^9/L", "at": "2024-03-14", "visit": "weekly 2"},
        {"subject": "1", "measure": "platelets", "value": "not done", "at": "2024-03-14"},
        {"subject": "1", "measure": "atg-test-dose", "value": "no reaction", "at": "2024-02-29"},
    ]
    out = datasets_of(audited(observations=seen))
    assert rows(out, "VS", "VSTESTCD", "VSORRES", "VSORRESU", "VSSTRESN", "VSSTRESU") == [
        ("WEIGHT", "35.7", "LB", pytest.approx(16.1932476), "kg")
    ]
    assert rows(out, "LB", "LBTESTCD", "LBTEST", "LBORRES", "LBSTRESC", "LBSTRESN", "LBSTAT", "VISIT") == [
        ("NEUT", "Neutrophils", "<0.1", "<0.1", None, None, "WEEKLY 2"),
        ("PLAT", "Platelets", None, None, None, "NOT DONE", None),
    ]
    assert rows(out, "XF", "XFORRES", "XFSTRESC", "XFDY") == [("no reaction", "no reaction", -1)]


# --- terms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "cdisc"),
    [
        ("µg", "ug"),
        ("mcg", "ug"),
        ("lb", "LB"),
        ("cells", "CELLS"),
        ("percent", "%"),
        ("10^9/L", "10^9/L"),
        ("mg", "mg"),
    ],
)
def test_units_are_cdisc_terms_and_mean_the_same(ours: str, cdisc: str) -> None:
    """A unit goes out as CDISC writes it, and what comes back measures the same."""
    assert unit_term(ours) == cdisc
    back = read_unit(cdisc)
    assert back is not None
    assert parse_unit(back) == parse_unit(ours)


@pytest.mark.parametrize("word", ["iv", "Intravenous", "静脉输注"])
def test_routes_are_cdisc_terms(word: str) -> None:
    """Whatever a site writes for it."""
    assert route_out(word) == "INTRAVENOUS"
    assert route_out("by carrier pigeon") == "BY CARRIER PIGEON"


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("once daily", "QD"), ("twice daily", "BID"), ("bid", "BID"), ("每日两次", "BID"), ("every 14 d", "Q2S"),
        ("once weekly", "QS"), ("every other day", "QOD"), ("prn", "PRN"),
    ],
)  # fmt: skip
def test_frequencies_are_cdisc_terms_and_mean_the_same(word: str, term: str) -> None:
    """The term is as often as the word was; one that CDISC does not have stays as it is."""
    assert frequency_out(word) == term
    back = frequency_in(term)
    assert back is not None and times_and_days(back) == times_and_days(word)


def test_a_dose_given_once_has_no_frequency() -> None:
    """ONCE is no frequency of a course."""
    assert frequency_in("ONCE") is None


def test_test_codes_have_one_meaning_and_fit_their_variables() -> None:
    """A code has at most 8 signs, a name at most 40, and no word stands for two tests."""
    words = [word for _, _, own in known_tests().values() for word in own]
    assert len(words) == len({*words})
    for code, (domain, name, _) in known_tests().items():
        assert len(code) <= 8 and len(name) <= 40 and domain in ("VS", "LB")
        assert cdisc_test(name) == (domain, code, name)


def test_every_column_of_a_table_has_its_qualifier() -> None:
    """So that nothing recorded is lost; each QNAM has at most 8 signs and stands for one column."""
    went_out = (
        "subjects",
        "consents",
        "milestones",
        "observations",
        "administrations",
        "visits",
        "events",
        "deviation_log",
    )
    columns = {column for table in went_out for column in SCHEMAS[table].names}
    assert columns - {"subject"} <= set(QNAMES)
    assert len({*QNAMES.values()}) == len(QNAMES)
    assert all(len(qnam) <= 8 and qnam.isalnum() and not qnam[-1].isdigit() for qnam in QNAMES.values())
    assert len({qnam[:7] for qnam in QNAMES.values()}) == len(QNAMES)


def test_every_variable_that_goes_out_is_described() -> None:
    """Label, origin and, where it is a key, its place; no variable without its words."""
    visit: dict[str, object] = {"subject": "1", "visit": "x", "date": "2024-03-10"}
    report = audited(administrations=DOSES, observations=[WEIGHT], visits=[visit])
    for name, frame in datasets_of(report).datasets.items():
        for column in frame.columns:
            assert dataset(name).variable(column).label != column, (name, column)
        assert set(dataset(name).keys) <= set(frame.columns), name


def test_numbers_as_texts_are_what_people_write() -> None:
    """No point behind a whole number, no power of ten, and no digits that a computer added."""
    assert as_text(pl.Series([16200000.0, 9.299999999999999, 0.1, None, float("nan")])).to_list() == [
        "16200000", "9.3", "0.1", None, None,
    ]  # fmt: skip


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_writes_a_folder_whole_or_not_at_all(tmp_path: Path) -> None:
    """Status 0 and every file; 2 and nothing where something is in the way, or the form is none."""
    example = str(Path(__file__).resolve().parents[2] / "examples/uc-msc-saa")
    arguments = ["export", "sdtm", "uc-msc-saa", example, "--as-of", "2020-12-31", "-q", "-o"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "out"), "--as", "json", "--format", "json"])
    assert done.exit_code == 0
    assert '"EC"' in done.stdout
    assert (tmp_path / "out/ec.json").is_file() and (tmp_path / "out/define-variables.csv").is_file()
    again = CliRunner().invoke(app, [*arguments, str(tmp_path / "out"), "--as", "json"])
    assert again.exit_code == 2 and "is not empty" in again.stderr
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "other"), "--as", "sas7bdat"]).exit_code == 2
    assert not (tmp_path / "other").exists()


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transport files need pyreadstat; Dataset-JSON needs nothing."""
    import sys

    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    example = str(Path(__file__).resolve().parents[2] / "examples/uc-msc-saa")
    arguments = ["export", "sdtm", "uc-msc-saa", example, "--as-of", "2020-12-31", "-q", "-o", str(tmp_path / "out")]
    bad = CliRunner().invoke(app, [*arguments, "--as", "xpt"])
    assert bad.exit_code == 2
    assert "pip install 'perprotocol[sdtm]'" in bad.stderr
