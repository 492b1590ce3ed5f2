"""Small SDTM datasets for tests: aligned tables as CSV, and what the import of them says."""

from __future__ import annotations

from pathlib import Path

import protocol
import rules
from perprotocol.formats.sdtm.importing import Imported, import_study
from rules import Study

LZZT = protocol.read("lzzt")
DM = """
USUBJID,  SUBJID, SITEID, RFSTDTC,    RFICDTC,    DTHDTC,     ARMCD,    ARM,            ARMNRS
P-001,    1,      701,    2013-01-01, 2012-12-20, ,           PLACEBO,  Placebo,
P-002,    2,      701,    2013-02-01, 2013-01-20, 2013-03-01, HIGH,     Xanomeline,
P-003,    3,      702,    ,           2013-03-20, ,           SCRNFAIL, Screen Failure, SCREEN FAILURE
"""
DS = """
USUBJID, DSSEQ, DSDECOD,                   DSCAT,              DSSCAT,              EPOCH,     DSSTDTC
P-001,   1,     INFORMED CONSENT OBTAINED, PROTOCOL MILESTONE, ,                    SCREENING, 2012-12-20
P-001,   2,     COMPLETED,                 DISPOSITION EVENT,  STUDY PARTICIPATION, SCREENING, 2013-01-01
P-001,   3,     COMPLETED,                 DISPOSITION EVENT,  STUDY PARTICIPATION, TREATMENT, 2013-07-01
P-002,   1,     ADVERSE EVENT,             DISPOSITION EVENT,  STUDY TREATMENT,     TREATMENT, 2013-02-20
P-002,   2,     DEATH,                     DISPOSITION EVENT,  STUDY PARTICIPATION, FOLLOW-UP, 2013-03-01
P-003,   1,     SCREEN FAILURE,            DISPOSITION EVENT,  STUDY PARTICIPATION, SCREENING, 2013-03-25
"""
LEFT = {
    "sv": """
    USUBJID, VISITNUM, VISIT,    SVSTDTC
    P-002,   3,        BASELINE, 2013-02-01
    P-002,   4,        WEEK 2,   2013-02-15
    P-002,   5,        WEEK 4,   2013-02-20
    """,
    "ds": """
    USUBJID, DSSEQ, DSDECOD,       DSCAT,             DSSCAT,          DSSTDTC
    P-002,   1,     ADVERSE EVENT, DISPOSITION EVENT, STUDY TREATMENT, 2013-02-20
    """,
}


def csv(text: str) -> str:
    """Return an aligned table as CSV."""
    lines = [[cell.strip() for cell in line.split(",")] for line in text.strip().splitlines()]
    width = len(lines[0])
    return "\n".join(",".join((line + [""] * width)[:width]) for line in lines) + "\n"


def folder(place: Path, **domains: str) -> Path:
    """Return a folder with these domains as CSV, and DM."""
    where = place / "sdtm"
    where.mkdir(exist_ok=True)
    for name, text in ({"dm": DM} | domains).items():
        (where / f"{name}.csv").write_text(csv(text), encoding="utf-8")
    return where


def imported(place: Path, mapping: str = "", trial: protocol.Protocol = LZZT, **domains: str) -> tuple[Imported, Study]:
    """Return what the import of these domains said, and the study it made."""
    said = place / "mapping.yaml"
    said.write_text(mapping, encoding="utf-8")
    told = import_study(folder(place, **domains), trial, place / "study", said if mapping else None)
    return told, rules.read_study(place / "study")


def told(of: Imported, what: str) -> list[tuple[str, str, int]]:
    """Return kind, value and number of records of every note of one sort."""
    return [(key[0], key[3], rows) for key, rows in of.notes.found.items() if key[4] == what]


def column(study: Study, table: str, name: str) -> list[object]:
    """Return a column of a table."""
    return study.data(table)[name].to_list()
