"""Doses, findings and events of studies that nobody here wrote, as SDTM: what is read, asked and refused."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

import protocol
from perprotocol.cli import app
from perprotocol.formats.sdtm import importing
from perprotocol.formats.sdtm.frames import iso
from perprotocol.formats.sdtm.importing import import_study
from perprotocol.formats.sdtm.notes import ORDER, sentences
from perprotocol.formats.xpt import write_xpt
from protocol import DocumentError, StudyError
from tests.formats.sdtm_datasets import DS, LEFT, LZZT, column, folder, imported, told

BAD = yaml.safe_load((Path(__file__).parent / "sdtm_bad.yaml").read_text("utf-8"))


# --- doses --------------------------------------------------------------------------------------------------------


EX = """
USUBJID, EXSEQ, EXTRT,         EXDOSE, EXDOSU, EXDOSFRQ, EXROUTE,     EXSTDTC,    EXENDTC
P-001,   1,     PLACEBO PATCH, 0,      mg,     QD,       TRANSDERMAL, 2013-01-01, 2013-07-01
P-002,   1,     XANOMELINE,    54,     mg,     QD,       TRANSDERMAL, 2013-02-01, 2013-02-14
P-002,   2,     XANOMELINE,    81,     mg,     QD,       TRANSDERMAL, 2013-02-15,
"""


def test_intervals_of_a_course_stay_intervals(tmp_path: Path) -> None:
    """With their frequency; one without an end goes on, and placebo has no amount to judge."""
    of, study = imported(tmp_path, ex=EX)
    doses = study.administrations
    assert doses["treatment"].to_list() == ["PLACEBO PATCH", "XANOMELINE", "XANOMELINE"]
    assert doses["amount"].to_list() == [None, 54.0, 81.0]
    assert doses["frequency"].to_list() == ["once daily"] * 3
    assert [str(day) for day in doses["end"]] == ["2013-07-01", "2013-02-14", "None"]
    assert told(of, "open-end") == [("read", "", 1)]
    assert told(of, "interval") == [("read", "", 2)]
    assert told(of, "placebo-zero") == [("read", "0", 1)]


UC = protocol.read("uc-msc-saa")
DOSES = """
USUBJID, EXSEQ, EXTRT,  EXDOSE,   EXDOSU, EXDOSFRQ, EXSTDTC,          EXENDTC
P-001,   1,     UC-MSC, 16200000, CELLS,  ONCE,     2013-01-15T10:00, 2013-01-15T10:00
P-001,   2,     UC-MSC, 16200000, CELLS,  ONCE,     2013-01-22T10:00, 2013-01-22T10:40
P-002,   1,     UC-MSC, 16200000, CELLS,  QS,       2013-02-15,       2013-03-01
"""
ARMS = "USUBJID,SUBJID,ARMCD\nP-001,1,MSC\nP-002,2,MSC\nP-003,3,CONTROL\n"


def test_a_dose_at_a_point_in_time_has_no_end(tmp_path: Path) -> None:
    """SDTMIG copies the start into EXENDTC: that is no infusion of no length. All digits of an amount count."""
    of, study = imported(tmp_path, trial=UC, dm=ARMS, ex=DOSES)
    assert study.administrations["end_minute"].to_list() == [None, 640]
    assert study.administrations["amount"].to_list() == [1.62e7, 1.62e7]
    assert study.administrations["unit"].to_list() == ["cells", "cells"]
    assert told(of, "interval-of-doses") == [("question", "UC-MSC", 1)]


def test_an_interval_over_single_doses_is_spread_only_if_so_said(tmp_path: Path) -> None:
    """Every seventh day from its first: then a person has decided it, and the report says so."""
    of, study = imported(tmp_path, "intervals: expand", trial=UC, dm=ARMS, ex=DOSES)
    days = [str(day) for day in study.administrations["start"]]
    assert days == ["2013-01-15", "2013-01-22", "2013-02-15", "2013-02-22", "2013-03-01"]
    assert told(of, "expanded") == [("assumed", "", 3)]
    assert not of.notes.open


EC = """
USUBJID, ECSEQ, ECLNKID, ECTRT,  ECMOOD,    ECOCCUR, ECREASOC,     ECDOSE, ECDOSU, ECSTDTC
P-001,   1,     1,       UC-MSC, PERFORMED, Y,       ,             1.6e7,  CELLS,  2013-01-15T10:00
P-001,   2,     1,       UC-MSC, SCHEDULED, ,        ,             1.7e7,  CELLS,
P-001,   3,     2,       UC-MSC, PERFORMED, N,       FEVER,        ,       ,       2013-01-22
P-001,   4,     3,       UC-MSC, SCHEDULED, ,        ,             1.7e7,  CELLS,  2013-01-29
"""


def test_collected_doses_are_read_where_their_units_are_the_protocols(tmp_path: Path) -> None:
    """EC then has it all: what was given, what was ordered for it, and what was not given and why."""
    of, study = imported(tmp_path, trial=UC, dm=ARMS, ec=EC, ex=DOSES)
    doses = study.administrations
    assert doses["status"].to_list() == [None, "not given"]
    assert doses["reason"].to_list() == [None, "FEVER"]
    assert doses["ordered"].to_list() == [17_000_000, None]
    assert told(of, "exposure-ec") == [("assumed", "", 1)]
    assert told(of, "scheduled") == [("left out", "SCHEDULED", 1)]


def test_tablets_are_not_the_protocols_unit(tmp_path: Path) -> None:
    """Then doses come from EX, and from EC only what was not given."""
    ec = EC.replace("1.6e7,  CELLS", "2,  TABLET")
    of, study = imported(tmp_path, "intervals: ignore", trial=UC, dm=ARMS, ec=ec, ex=DOSES)
    assert study.administrations["status"].to_list() == [None, None, "not given"]
    assert told(of, "exposure-ex") == [("assumed", "", 1)]


def test_a_treatment_that_is_not_the_protocols_is_asked(tmp_path: Path) -> None:
    """Its doses are left out, so that none is judged as another."""
    of, study = imported(tmp_path, ex=EX.replace("XANOMELINE,  ", "ZANOMALINE,  "))
    assert told(of, "treatment") == [("question", "ZANOMALINE", 2)]
    assert len(study.administrations) == 1


def test_a_mapping_file_names_a_treatment_or_ignores_it(tmp_path: Path) -> None:
    """What is ignored is still counted."""
    mapping = "treatments: {zanomaline: xanomeline, placebo patch: ignore}"
    of, study = imported(tmp_path, mapping, ex=EX.replace("XANOMELINE,  ", "ZANOMALINE,  "))
    assert study.administrations["treatment"].to_list() == ["xanomeline", "xanomeline"]
    assert told(of, "treatment") == [("left out", "PLACEBO PATCH", 1)]


def test_units_that_are_none_and_ends_before_starts_are_named(tmp_path: Path) -> None:
    """An amount in patches is not compared with milligrams; a row is kept as far as it is good."""
    of, study = imported(tmp_path, ex=EX.replace("54,     mg", "2,     PATCH").replace("2013-02-14", "2013-01-14"))
    assert told(of, "dose-unit") == [("question", "PATCH", 1)]
    assert told(of, "end-before-start") == [("left out", "", 1)]
    assert study.administrations["amount"].to_list() == [None, None, 81.0]


# --- findings and events ------------------------------------------------------------------------------------------


def test_weights_in_pounds_and_kilograms_are_read_each_in_its_unit(tmp_path: Path) -> None:
    """136 lb is 61.7 kg; a standard result that says otherwise, and a weight without unit, are named."""
    vs = """
    USUBJID, VSSEQ, VSTESTCD, VSTEST, VSORRES, VSORRESU, VSSTRESN, VSSTRESU, VSDTC
    P-001,   1,     WEIGHT,   Weight, 136,     LB,       61.69,    kg,       2013-01-01
    P-001,   2,     WEIGHT,   Weight, 62,      kg,       62,       kg,       2013-01-15
    P-002,   1,     WEIGHT,   Weight, 150,     LB,       150,      kg,       2013-02-01
    P-002,   2,     WEIGHT,   Weight, 68,      ,         68,       ,         2013-02-15
    P-002,   3,     SYSBP,    Blood,  120,     mmHg,     120,      mmHg,     2013-02-15
    """
    of, study = imported(tmp_path, vs=vs)
    assert study.observations["grams"].to_list() == [61_689, 62_000, 68_039]
    assert told(of, "several-units") == [("read", "kg and lb", 3)]
    assert told(of, "two-results") == [("question", "weight", 1)]
    assert told(of, "body-no-unit") == [("left out", "", 1)]
    assert told(of, "test") == [("left out", "SYSBP Blood", 1)]


def test_tests_are_linked_by_code_name_or_the_protocols_word(tmp_path: Path) -> None:
    """NEUT is the protocol's anc; giga per litre is 10^9/L; what was not done says so."""
    lb = """
    USUBJID, LBSEQ, LBTESTCD, LBTEST,      LBORRES, LBORRESU, LBORNRLO, LBSTAT,   LBDTC
    P-001,   1,     NEUT,     Neutrophils, 1.2,     GI/L,     1.5,      ,         2013-01-01
    P-001,   2,     HGB,      Hemoglobin,  9.1,     g/dL,     ,         ,         2013-01-01T08
    P-001,   3,     PLAT,     Platelets,   ,        ,         ,         NOT DONE, 2013-01-01
    """
    of, study = imported(tmp_path, trial=UC, dm=ARMS, lb=lb)
    assert column(study, "observations", "measure") == ["anc", "hb", "platelets"]
    assert column(study, "observations", "unit") == ["10^9/L", "g/dL", None]
    assert column(study, "observations", "word") == [None, None, "not done"]
    assert not of.notes.open


def test_the_standard_result_is_read_where_the_original_unit_is_none(tmp_path: Path) -> None:
    """And the report says how often."""
    lb = """
    USUBJID, LBSEQ, LBTESTCD, LBTEST,     LBORRES, LBORRESU, LBSTRESN, LBSTRESU, LBDTC
    P-001,   1,     HGB,      Hemoglobin, x,       foo,      91,       g/L,      2013-01-01
    """
    of, study = imported(tmp_path, trial=UC, dm=ARMS, lb=lb)
    assert column(study, "observations", "value") == [91.0]
    assert told(of, "standard-result") == [("read", "", 1)]


def test_events_keep_their_terms(tmp_path: Path) -> None:
    """Reported and coded term, grade, indication; what did not occur, or has no day, is left out and counted."""
    domains = {
        "ae": """
        USUBJID, AESEQ, AETERM,       AEDECOD,               AETOXGR, AEACN,            AESTDTC,    AEENDTC
        P-001,   1,     hives on arm, Urticaria,             3,       DRUG INTERRUPTED, 2013-01-05, 2013-01-07
        P-001,   2,     headache,     Headache,              ,        ,                 2013-01,
        P-001,   3,     rash,         Rash,                  ,        ,                 ,
        """,
        "cm": "USUBJID,CMSEQ,CMTRT,CMINDC,CMOCCUR,CMSTDTC\nP-001,1,ASPIRIN,PAIN,,2012\nP-001,2,HEPARIN,,N,2013-01-01\n",
        "mh": "USUBJID,MHSEQ,MHTERM,MHSTDTC\nP-001,1,ASTHMA,1990---15\n",
        "ce": "USUBJID,CESEQ,CETERM,CESTDTC\nP-001,1,relapse,2013-02-02\n",
    }
    of, study = imported(tmp_path, **domains)
    found = study.events.select("event", "detail", "grade", "indication", pl.col("start").cast(pl.String)).rows()
    assert sorted(found, key=str) == [
        ("adverse event", "headache", None, None, "2013-01-01"),
        ("adverse event", "hives on arm; Urticaria", 3, None, "2013-01-05"),
        ("concomitant medication", "ASPIRIN", None, "PAIN", "2012-01-01"),
        ("medical history", "ASTHMA", None, None, "1990-01-01"),
        ("relapse", None, None, None, "2013-02-02"),
    ]
    assert told(of, "interrupted") == [("left out", "DRUG INTERRUPTED", 1)]
    assert told(of, "did-not-occur") == [("left out", "N", 1)]
    assert told(of, "no-date") == [("left out", "", 1)]


def test_the_sites_deviations_become_its_log(tmp_path: Path) -> None:
    """DV is what the site recorded; a text that goes on in SUPPDV is whole again."""
    dv = "USUBJID,DVSEQ,DVTERM,DVCAT,DVSTDTC\nP-001,1,Visit late because of,visit completion,2013-01-20\n"
    supp = "RDOMAIN,USUBJID,IDVAR,IDVARVAL,QNAM,QVAL\nDV,P-001,DVSEQ,1.0,DVTERM1,a storm\n"
    _, study = imported(tmp_path, dv=dv, suppdv=supp)
    assert column(study, "deviation_log", "term") == ["Visit late because of a storm"]
    assert column(study, "deviation_log", "category") == ["visit completion"]


def test_the_design_is_compared_with_the_protocol(tmp_path: Path) -> None:
    """Week 2 is day 15 of the protocol though TV may say 14; TS tells the data cut."""
    tv = "VISITNUM,VISIT,VISITDY\n4,WEEK 2,14\n5,WEEK 4,29\n"
    ta = "ARMCD,ARM,TAETORD\nPLACEBO,Placebo,1\nHIGH,High,1\n"
    ts = "TSPARMCD,TSVAL\nDCUTDTC,2013-12-31\nTITLE,x\n"
    of, study = imported(tmp_path, tv=tv, ta=ta, ts=ts)
    assert told(of, "visit-day") == [("read", "WEEK 2 (14)", 1)]
    assert told(of, "arm-not-in-ta") == [("read", "low", 1)]
    assert str(study.data_cut) == "2013-12-31"


def test_records_of_nobody_and_datasets_without_a_place_are_named(tmp_path: Path) -> None:
    """Nothing is passed over without a word."""
    of, _ = imported(tmp_path, sv="USUBJID,VISITNUM,SVSTDTC\nP-099,4,2013-01-15\n", qs="USUBJID,QSSEQ\nP-001,1\n")
    assert told(of, "nobody") == [("left out", "", 1)]
    assert told(of, "dataset") == [("left out", "", 1)]


def test_a_row_that_a_study_folder_cannot_hold_is_left_out_alone(tmp_path: Path) -> None:
    """A negative dose does not keep a study from being read; it is named with the reason."""
    of, study = imported(tmp_path, ex=EX.replace("54,", "-54,"))
    assert len(study.administrations) == 2
    assert told(of, "refused") == [("left out", "amount is negative", 1)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2003-12-15T13:14:17", "2003-12-15T13:14:17"), ("2003-12-15T13:14+01:00", "2003-12-15T13:14+01:00"),
        ("2003-12-15T13", "2003-12-15"), ("2003-12-15T-:15", "2003-12-15"), ("2003---15", "2003"),
        ("2003-12", "2003-12"),
        ("--12-15", None), ("2003-02-30", None), ("2003-13-01", "2003"), ("2003-01-01/2003-02-01", None), ("", None),
    ],
)  # fmt: skip
def test_a_date_is_read_as_far_as_it_is_certain(text: str, read: str | None) -> None:
    """What is missing at the end or between is left out; an interval, and no day at all, are no date."""
    frame = pl.DataFrame({"d": [text]}).select(iso(pl.col("d")))
    assert frame.item() == read


# --- the whole ----------------------------------------------------------------------------------------------------


def test_participants_in_stretches_are_the_same_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds some participants at a time; the tables are sorted by participant, and nothing else changes."""
    domains = {"ex": EX, "ds": DS, **{"sv": LEFT["sv"]}}
    whole, _ = imported(tmp_path, **domains)
    (tmp_path / "study").rename(tmp_path / "whole")
    monkeypatch.setattr(importing, "ROWS", 1)
    parts, study = imported(tmp_path, **domains)
    assert whole.notes.found == parts.notes.found, "what is said once is said once"
    for path in sorted((tmp_path / "whole").glob("*.csv")):
        assert path.read_text("utf-8") == (tmp_path / "study" / path.name).read_text("utf-8"), path.name
    assert study.administrations["s"].is_sorted()


def test_parquet_that_came_in_can_be_audited_in_parts(tmp_path: Path) -> None:
    """Every table is sorted by participant."""
    import_study(folder(tmp_path, ex=EX, ds=DS), LZZT, tmp_path / "study", tables="parquet")
    files = sorted((tmp_path / "study").glob("*.parquet"))
    assert [path.stem for path in files] == ["administrations", "milestones", "subjects"]
    for path in files:
        assert pl.read_parquet(path)["subject"].is_sorted()


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["title"])
def test_what_cannot_be_used_is_refused_whole(tmp_path: Path, case: dict[str, Any]) -> None:
    """Every fault is named with its file, and nothing is written."""
    where = folder(tmp_path)
    for name, what in case.get("files", {}).items():
        path = where / name
        if what is None:
            path.unlink()
        elif "cut" in what:
            write_xpt(pl.DataFrame({"USUBJID": ["P-001"] * 99, "EXTRT": ["x"] * 99}), path, "EX", "Exposure", {})
            path.write_bytes(path.read_bytes()[: int(path.stat().st_size * what["cut"])])
        elif "bytes" in what:
            path.write_bytes(what["bytes"].encode(what["encoding"]))
        else:
            path.write_text(what.get("text") or what["csv"], encoding="utf-8")
    said = tmp_path / "mapping.yaml"
    said.write_text(case.get("mapping", ""), encoding="utf-8")
    with pytest.raises((StudyError, DocumentError)) as caught:
        import_study(where, LZZT, tmp_path / "study", said if case.get("mapping") else None)
    for text in case["says"]:
        assert text in str(caught.value)
    assert not (tmp_path / "study").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_command_says_with_its_status_whether_something_is_open(tmp_path: Path) -> None:
    """0 where all is linked, 3 where a question is open, 2 for bad input; the folder is there in the first two."""
    where = folder(tmp_path, ex=EX)
    arguments = ["import", "sdtm", str(where), "--protocol", "lzzt", "--quiet"]
    assert CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "one")]).exit_code == 0
    (where / "sv.csv").write_text("USUBJID,VISITNUM,VISIT,SVSTDTC\nP-001,77,X,2013-01-15\n", encoding="utf-8")
    asked = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "two"), "--format", "json", "--lang", "zh"])
    assert asked.exit_code == 3
    assert "待定" in asked.stdout and "访视" in asked.stdout
    assert (tmp_path / "two/import-report.csv").is_file()
    (where / "sv.csv").write_text("VISITNUM\n1\n", encoding="utf-8")
    bad = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "three")])
    assert bad.exit_code == 2 and "Traceback" not in bad.output
    assert not (tmp_path / "three").exists()


def test_every_note_has_words_in_both_languages() -> None:
    """Each sentence is there in English and Chinese, with the same places to fill in."""
    en, zh = sentences("en"), sentences("zh")
    assert set(en) == set(zh)
    assert set(en["kinds"]) == set(zh["kinds"]) == set(ORDER)  # type: ignore[arg-type]
    for key in set(en) - {"kinds"}:
        places = [{name for _, name, _, _ in Formatter().parse(text[key]) if name} for text in (en, zh)]
        assert places[0] == places[1], key
        assert re.search("[一-鿿]", zh[key]), key
    used = "".join(path.read_text("utf-8") for path in Path(importing.__file__).parent.glob("*.py"))
    for key in set(en) - {"kinds"}:
        stem = re.sub("-(open|twice|ignored|unscheduled|ec|ex|subjid|usubjid)$", "-", key)
        assert f'"{key}"' in used or f'f"{stem}' in used, f"nobody says {key}"
