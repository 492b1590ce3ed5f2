"""A study goes out as a workbook and comes back; what a workbook would lose or run is kept, or named with its cell."""

from __future__ import annotations

import builtins
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import protocol
import rules
from perprotocol.formats.excel import write_empty, write_study
from protocol import StudyError
from rules.door.tables import SCHEMAS
from tests.command import run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/uc-msc-saa"


def book_of(path: Path, **sheets: list[list[Any]]) -> Path:
    """Return a workbook made by a library that is not ours."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def faults(path: Path) -> list[str]:
    """Return every fault of a workbook, without the folder it lies in."""
    with pytest.raises(StudyError) as caught:
        rules.read_study(path)
    return [str(fault).removeprefix(f"{path.parent.name}/") for fault in caught.value.faults]


# --- out, and in again ------------------------------------------------------------------------------------------------


def test_a_study_that_went_out_as_a_workbook_gives_the_same_audit(tmp_path: Path) -> None:
    """Every finding and query is the same but for the file its record stands in."""
    trial, study = protocol.read("uc-msc-saa"), rules.read_study(EXAMPLE)
    assert write_study(study, tmp_path / "study.xlsx") == len(study.tables) + 1
    back = rules.read_study(tmp_path / "study.xlsx")
    assert (back.name, back.data_cut, dict(back.settings)) == (study.name, study.data_cut, dict(study.settings))
    one, two = (rules.audit(trial, each, as_of=study.data_cut).rows.drop("record", "because") for each in (study, back))
    assert len(one) > 5
    assert one.equals(two)


def test_dates_are_kept_as_excel_keeps_them(tmp_path: Path) -> None:
    """Another library reads days and times as such, numbers as numbers, and an id with its leading zeros as text."""
    rows = [
        {"subject": "001", "birth_date": "2019-06", "day_zero": "2024-03-01T10:20", "enrolled": "2024-03-01T00:00"},
        {"subject": "002", "birth_date": "2019-06-30", "day_zero": "2024-03-01", "enrolled": "1890-01-01"},
    ]
    weights = [
        {"subject": "001", "measure": "weight", "value": v, "unit": "kg", "at": "2024-03-01"} for v in ("16.2", "16.20")
    ]
    doses = {"subject": "001", "treatment": "x", "start": "2024-03-01", "amount": "1.62e7", "unit": "cells"}
    study = rules.from_frames("s", {"subjects": rows[:1], "observations": weights, "administrations": [doses]})
    write_study(study, tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert [cell.value for cell in book["subjects"][2]] == [
        "001", "2019-06", datetime(2024, 3, 1, 10, 20), "2024-03-01T00:00",
    ]  # fmt: skip
    assert [row[2].value for row in book["observations"].iter_rows(min_row=2)] == [16.2, "16.20"]
    assert book["administrations"]["C2"].value == datetime(2024, 3, 1)
    assert book["administrations"]["C2"].is_date
    assert book["administrations"]["D2"].value == "1.62e7"
    back = rules.read_study(tmp_path / "s.xlsx")
    for name in study.tables:
        assert back.data(name).drop("row").equals(study.data(name).drop("row")), name


def test_only_a_date_loses_its_midnight(tmp_path: Path) -> None:
    """A day is a midnight to Excel; a text that ends like one is left alone."""
    rows = [["subject", "birth_date", "site"], ["001", datetime(2020, 1, 2), "seen at 00:00:00"]]
    subjects = rules.read_study(book_of(tmp_path / "s.xlsx", subjects=rows)).tables["subjects"].raw
    assert subjects.row(0) == ("001", "2020-01-02", "seen at 00:00:00")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@given(
    st.lists(
        st.tuples(CELL, CELL, st.sampled_from(["", "16.2", "007", "1.62e7", "16.20", "1e22", "-0", "0.1"])), max_size=6
    )
)
def test_every_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str]]
) -> None:
    """Whatever was recorded as text is read again letter by letter, formula or not."""
    rows = [
        {"subject": f"{n}", "site": site.strip(), "remark": f".{remark}", "sex": number}
        for n, (site, remark, number) in enumerate(cells)
    ]
    study = rules.from_frames(
        "s", {"subjects": [*rows, {"subject": "last", "site": "=1+1", "remark": "x", "sex": "1"}]}
    )
    path = tmp_path_factory.mktemp("book") / "s.xlsx"
    write_study(study, path)
    raw = rules.read_study(path).tables["subjects"].raw
    written = study.tables["subjects"].raw.with_columns(pl.all().replace("", None))
    assert raw.rows() == written.rows()


def test_nothing_recorded_runs_as_a_formula(tmp_path: Path) -> None:
    """A text that begins like a formula is a text with Excel's own apostrophe mark, and unchanged."""
    texts = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", '=HYPERLINK("http://x")', "＝1+1"]
    rows = [{"subject": f"{n}", "site": text, "=head": "x"} for n, text in enumerate(texts)]
    write_study(rules.from_frames("=1+1", {"subjects": rows}), tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    cells = [row[1] for row in book["subjects"].iter_rows(min_row=2)] + [book["subjects"]["C1"], book["study"]["B2"]]
    assert [cell.value for cell in cells] == [*texts, "=head", "=1+1"]
    assert {(cell.data_type, cell.quotePrefix, cell.hyperlink) for cell in cells} == {("s", True, None)}


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    """A workbook does not depend on the clock."""
    study = rules.read_study(EXAMPLE)
    for name in ("a.xlsx", "b.xlsx"):
        write_study(study, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_an_empty_workbook_has_every_table_and_says_what_its_columns_mean(tmp_path: Path) -> None:
    """Each column has its note, each column with a vocabulary offers it, and ids keep their zeros."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_empty(tmp_path / "new.xlsx")
    book = openpyxl.load_workbook(tmp_path / "new.xlsx")
    assert book.sheetnames == ["study", *SCHEMAS]
    offered = 0
    for name, schema in SCHEMAS.items():
        head = next(book[name].iter_rows(max_row=1))
        assert [cell.value for cell in head] == list(schema.names)
        assert all(cell.comment is not None for cell in head)
        offered += len(book[name].data_validations.dataValidation)
    assert offered == sum(bool(column.words) for schema in SCHEMAS.values() for column in schema.columns)
    assert book["subjects"].column_dimensions["A"].number_format == "@"
    assert rules.read_study(tmp_path / "new.xlsx").name == "new"


def test_init_makes_a_workbook_where_the_name_is_one(tmp_path: Path) -> None:
    """`init my-study.xlsx` makes it once, and never over another."""
    path = tmp_path / "my-study.xlsx"
    assert run(f"init {path}")[0] == 0
    before = path.read_bytes()
    status, _, said = run(f"init {path}")
    assert (status, path.read_bytes()) == (2, before)
    assert "is there already" in said


def test_a_blinded_workbook_tells_no_arm(tmp_path: Path) -> None:
    """Blinded, neither arm nor amount of a trial is in the file."""
    assert run(f"simulate covacta -n 6 -o {tmp_path}/study --quiet")[0] == 0
    trial = protocol.read("covacta")
    for option, seen in (("--blinded", False), ("--unblinded", True)):
        assert run(f"export excel covacta {tmp_path}/study -o {tmp_path}/book.xlsx {option}")[0] == 0
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
        words = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
        assert bool(words & set(trial.arms)) is seen
        head = [cell.value for cell in book["administrations"][1]]
        at = head.index("amount")
        amounts = [row[at] for row in book["administrations"].iter_rows(min_row=2, values_only=True)]
        assert any(a is not None for a in amounts) is seen


# --- what a workbook would lose is named with its cell ----------------------------------------------------------------

CASES = yaml.safe_load((Path(__file__).parent / "bad_workbooks.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_what_a_workbook_would_lose_is_named(tmp_path: Path, case: dict[str, Any]) -> None:
    """Every fault stands at its sheet, row and column or cell, with what to write instead; nothing else is one."""
    sheets = {name: rows for name, rows in case.items() if name not in ("title", "merged", "errors", "said")}
    path = book_of(tmp_path / "s.xlsx", **sheets)
    book = openpyxl.load_workbook(path)
    for cell in case.get("errors", ()):
        book["subjects"][cell].data_type = "e"
    if "merged" in case:
        book["subjects"].merge_cells(case["merged"])
    book.save(path)
    if case["said"]:
        assert faults(path) == [said.replace("HERE", tmp_path.name) for said in case["said"]]
    else:
        assert len(rules.read_study(path).subjects) == 2


def test_a_workbook_and_a_file_do_not_both_say_the_settings(tmp_path: Path) -> None:
    """A data cut of the sheet `study` is read as Excel's day; study.yaml beside it is one too many."""
    path = book_of(
        tmp_path / "s.xlsx",
        subjects=[["subject"], ["1"]],
        study=[["setting", "value"], ["data_cut", datetime(2024, 6, 1)]],
    )
    assert str(rules.read_study(path).data_cut) == "2024-06-01"
    (tmp_path / "study.yaml").write_text("data_cut: 2024-06-02\n", "utf-8")
    both = f"s.xlsx[study]: holds settings, and so does {tmp_path.name}/study.yaml; keep one of the two"
    assert faults(path) == [both]


def test_a_file_that_is_no_workbook_is_named(tmp_path: Path) -> None:
    """A text file under the name of a workbook ends with status 2 and no traceback."""
    (tmp_path / "s.xlsx").write_text("subject\n001\n", "utf-8")
    status, _, said = run(f"audit uc-msc-saa {tmp_path}/s.xlsx --as-of 2024-01-01")
    assert status == 2
    assert "is no workbook" in said


def test_a_text_longer_than_a_cell_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    """Excel would cut it off; nothing half-written takes the place of what was there."""
    study = rules.from_frames("s", {"subjects": [{"subject": "1", "site": "x" * 40_000}]})
    path = tmp_path / "s.xlsx"
    path.write_text("before", "utf-8")
    with pytest.raises(StudyError, match=r"s\.xlsx\[subjects\]:2:2: .* has 40000 characters"):
        write_study(study, path)
    assert path.read_text("utf-8") == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["s.xlsx"]


def test_without_the_extra_a_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is a sentence and status 2."""
    plain = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "xlsxwriter":
            raise ImportError(name)
        return plain(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("perprotocol.door.import_module", without)
    status, _, said = run(f"export excel uc-msc-saa {EXAMPLE} -o {tmp_path}/s.xlsx")
    assert status == 2
    assert "pip install 'perprotocol[excel]'" in said
