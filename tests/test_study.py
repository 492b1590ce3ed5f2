"""A study folder is read whole or refused with every fault of every file, and no row of it is lost."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import StudyError
from protocol.quantity import Quantity, parse_unit
from rules.door.tables import SCHEMAS
from rules.facts import Examination, Study, examine_study, from_frames, init_study, read_study

CASES = {
    title: case
    for file in sorted((Path(__file__).parent / "bad_studies").glob("*.yaml"))
    for title, case in yaml.safe_load(file.read_text("utf-8")).items()
}
ONE = {"subject": "001"}


def _write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding, newline="")
    return folder


def _balanced(examination: Examination) -> bool:
    return all(
        balance.read == balance.used + sum(balance.ignored.values()) + sum(balance.refused.values())
        for balance in examination.balances.values()
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_fault_says_where_it_is_and_what_to_write(case: dict[str, Any], tmp_path: Path) -> None:
    """The faults of a bad study are exactly those of its case, in order, and its rows still balance."""
    folder = _write(tmp_path / "study", case.get("files", {}))
    for name, digits in case.get("bytes", {}).items():
        (folder / name).write_bytes(bytes.fromhex(digits))
    examination = examine_study(folder)
    told = [str(fault) for fault in examination.faults]
    assert len(told) == len(case["faults"]), told
    for fault, text, expected in zip(examination.faults, told, case["faults"], strict=True):
        assert (fault.file, fault.line) == (expected["file"], expected.get("line")), text
        assert fault.column == expected.get("column"), text
        assert fault.path == expected.get("path", ""), text
        assert fault.remedy, text
        assert all(str(word) in text for word in expected["words"]), (text, expected["words"])
    assert _balanced(examination)
    with pytest.raises(StudyError) as raised:
        read_study(folder)
    assert raised.value.faults == examination.faults


def test_a_row_with_two_faults_is_refused_once(tmp_path: Path) -> None:
    """Refused rows are counted by their first reason, used and ignored rows beside them."""
    rows = "subject,visit,date\n001,v1,2024-03-01\n\n002,v1,soon\n001,v2,soon\n"
    balance = examine_study(_write(tmp_path / "study", {"subjects.csv": "subject\n001\n", "visits.csv": rows})).balances
    assert (balance["visits"].read, balance["visits"].used) == (4, 1)
    assert balance["visits"].ignored == {"blank row": 1}
    assert balance["visits"].refused == {"date is no date": 2}


def test_a_thousand_rows_with_one_fault_are_told_in_a_hundred_lines_and_a_count() -> None:
    """A fault of every row names the first rows and counts the others."""
    rows = [{"subject": "001", "visit": "v", "date": "soon"}] * 1000
    with pytest.raises(StudyError) as raised:
        from_frames("x", {"subjects": [ONE], "visits": rows})
    assert len(raised.value.faults) == 101
    assert "900 more rows" in str(raised.value.faults[-1])


@pytest.mark.parametrize("name", ["study", "studie"])
def test_a_folder_that_is_not_there_says_what_was_looked_for(name: str, tmp_path: Path) -> None:
    """The message names the folder, what it should hold, how to begin one, and a near one if there is one."""
    (tmp_path / "studies").mkdir()
    with pytest.raises(StudyError, match="is not there") as raised:
        read_study(tmp_path / name)
    told = str(raised.value)
    assert "subjects.csv" in told
    assert "perprotocol init" in told
    assert str(tmp_path / "studies") in told


def test_a_table_given_as_the_study_asks_for_its_folder(tmp_path: Path) -> None:
    """A single table is no study."""
    folder = _write(tmp_path / "study", {"subjects.csv": "subject\n001\n"})
    with pytest.raises(StudyError, match="give the folder that holds it"):
        read_study(folder / "subjects.csv")


SUBJECTS = "Subject,Arm,Birth Date\n002,对照组,2019-06\n001,msc,2018年3月5日\n"
DOSES = "SUBJECT,Treatment,Start,Amount,Unit,note\n001,uc-msc,2024-03-15T10:20,1.62e7,cells,x\n"


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", {}), ("utf-8-sig", {}), ("gb18030", {"read as GB18030": 1}), ("utf-16", {"read as UTF-16": 1})],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_file_is_read_however_it_was_saved(
    encoding: str, note: dict[str, int], separator: str, end: str, tmp_path: Path
) -> None:
    """Encoding, byte order mark, separator, line ends and the case of headers change nothing."""
    text = SUBJECTS.replace(",", separator).replace("\n", end)
    study = read_study(_write(tmp_path / "study", {"subjects.csv": text}, encoding))
    assert study.subjects["subject"].to_list() == ["001", "002"]
    assert study.subjects["arm"].to_list() == ["msc", "对照组"]
    assert study.subjects["row"].to_list() == [3, 2]
    assert study.subjects["birth_date"].to_list() == [date(2018, 3, 5), date(2019, 6, 1)]
    assert study.subjects["birth_date_last"].to_list() == [date(2018, 3, 5), date(2019, 6, 30)]
    assert study.tables["subjects"].balance.notes == note


def test_the_same_facts_come_from_csv_parquet_and_a_workbook(tmp_path: Path) -> None:
    """The three formats give equal typed tables, each with the row numbers of its own file."""
    plain = read_study(_write(tmp_path / "study", {"subjects.csv": "subject\n001\n", "administrations.csv": DOSES}))
    doses = pl.DataFrame(
        {"subject": ["001"], "treatment": ["uc-msc"], "start": [datetime(2024, 3, 15, 10, 20)], "amount": [1.62e7]}
    ).with_columns(unit=pl.lit("cells"), note=pl.lit("x"))
    (tmp_path / "columns").mkdir()
    pl.DataFrame(ONE).write_parquet(tmp_path / "columns/subjects.parquet")
    doses.write_parquet(tmp_path / "columns/administrations.parquet")
    columns = read_study(tmp_path / "columns")
    book = read_study(_workbook(tmp_path / "book.xlsx", doses))
    same = pl.all().exclude("row", "decimals", "step")
    assert columns.administrations.select(same).equals(plain.administrations.select(same))
    assert book.administrations.select(same).equals(plain.administrations.select(same))
    assert [study.administrations["row"][0] for study in (plain, columns, book)] == [2, 1, 3]
    assert plain.administrations["step"].to_list() == [100_000]
    assert columns.administrations["step"].to_list() == [None]
    assert book.tables["administrations"].file.endswith("book.xlsx[Administrations]")
    assert book.tables["administrations"].unmapped == ("note",)
    assert book.tables["administrations"].balance.ignored == {"blank row": 1}


def _workbook(path: Path, doses: pl.DataFrame) -> Path:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        sheet = book.add_worksheet("Subjects")
        sheet.write_column(0, 0, ["subject", "001"])
        sheet = book.add_worksheet("Administrations")
        for row, cells in ((0, doses.columns), (2, doses.row(0))):
            for column, cell in enumerate(cells):
                sheet.write(row, column, cell)
        book.add_worksheet("notes").write(0, 0, "anything")
    return path


def test_a_day_in_a_workbook_has_no_time_of_day(tmp_path: Path) -> None:
    """A date cell is a midnight to Excel, and is read as the day alone."""
    book = _workbook(tmp_path / "book.xlsx", pl.DataFrame({**ONE, "treatment": "atg", "start": [date(2024, 3, 15)]}))
    row = read_study(book).administrations
    assert row["start"].to_list() == [date(2024, 3, 15)]
    assert row["start_minute"].to_list() == [None]


def test_blank_rows_are_ignored_and_counted_and_a_lone_remark_is_not(tmp_path: Path) -> None:
    """A row is blank if no cell says anything, extra columns included; a row with a remark alone lacks its subject."""
    rows = "subject,arm,remark\n001,a,\n,,\n \t,,  \n\n"
    study = read_study(_write(tmp_path / "study", {"subjects.csv": rows}))
    assert study.tables["subjects"].balance.ignored == {"blank row": 3}
    assert study.tables["subjects"].balance.read == 4
    with pytest.raises(StudyError, match=":3:subject: is empty"):
        read_study(_write(tmp_path / "other", {"subjects.csv": "subject,remark\n001,\n,see 001\n"}))


def test_what_was_recorded_is_found_by_the_row_of_a_fact(tmp_path: Path) -> None:
    """The cells of a row are kept as they were written, extra columns too, also behind cells of several lines."""
    rows = 'subject,arm,note\n001,"a\nb",x\n\n002, c ,y\n'
    table = read_study(_write(tmp_path / "study", {"subjects.csv": rows})).tables["subjects"]
    assert table.data["row"].to_list() == [2, 5]
    assert table.recorded([5, 2]).rows() == [("002", " c ", "y"), ("001", "a\nb", "x")]
    assert table.recorded(table.data["row"]).equals(table.raw[[0, 2]])
    assert table.unmapped == ("note",)
    assert table.recorded([]).is_empty()
    for row in (3, 6):
        with pytest.raises(KeyError, match=f"no row {row}"):
            table.recorded([2, row])


def test_amounts_are_whole_base_units_with_the_step_of_their_last_digit() -> None:
    """Units with powers of ten, volumes at a concentration and amounts ordered and prepared are read exactly."""
    row = {**ONE, "treatment": "uc-msc", "start": "2024-03-15"}
    doses = from_frames("x", {"subjects": [ONE], "administrations": [
        {**row, "amount": "16.2", "unit": "x10^6 cells", "ordered": "1.62×10²", "prepared": "16.2"},
        {**row, "amount": "1.62e7", "unit": "cells", "viability": "81 %", "viable_or_total": "Viable"},
        {**row, "amount": "56.7", "unit": "mg", "weight_used": "16.2"},
        {**row, "volume": "20", "concentration": "8.1e5 cells/mL"},
        {**row, "volume": "20", "concentration": "810000", "concentration_unit": "cells/mL"},
        {**row, "amount": "0", "unit": "mg"},
    ]}).administrations  # fmt: skip
    assert doses["base"].to_list() == [16_200_000, 16_200_000, 56_700_000, None, None, 0]
    assert doses["step"].to_list() == [100_000, 100_000, 100_000, None, None, 1_000_000]
    assert doses["decimals"].to_list() == [1, -5, 1, None, None, 0]
    assert doses["dimension"].to_list() == ["cells", "cells", "mass", None, None, "mass"]
    assert (doses["ordered"][0], doses["prepared"][0], doses["weight_used"][2]) == (162_000_000, 16_200_000, 16_200)
    assert (doses["viability"][1], doses["viable_or_total"][1]) == (81.0, "viable")
    assert doses["concentration"].to_list() == [None, None, None, 810_000.0, 810_000.0, None]
    assert doses["concentration_dimension"].to_list() == [None] * 3 + ["cells"] * 2 + [None]


@given(st.decimals(0, 10**6, places=4), st.sampled_from(["mg", "µg", "g", "10^6 cells", "IU", "mL"]), st.booleans())
def test_an_amount_is_the_exact_number_of_its_base_units(amount: Decimal, unit: str, typed: bool) -> None:
    """As text or as a float, an amount is what exact arithmetic makes of its digits, never one unit beside it."""
    doses = pl.DataFrame({**ONE, "treatment": "a", "start": "2024-03-01", "amount": str(amount), "unit": unit})
    if typed:
        doses = doses.with_columns(pl.col("amount").cast(pl.Float64))
    exact = Quantity.of(amount, parse_unit(unit)).base
    assert _base_or_fault(doses) == (exact if isinstance(exact, int) else "amount too fine")


def _base_or_fault(doses: pl.DataFrame) -> int | str:
    try:
        base = from_frames("x", {"subjects": [ONE], "administrations": doses}).administrations["base"][0]
    except StudyError as error:
        return "amount too fine" if "finer than" in str(error) else str(error)
    assert isinstance(base, int)
    return base


def test_weights_and_heights_become_grams_and_millimetres_and_words_stay_words() -> None:
    """Body measures are whole numbers whatever their unit; other values are numbers or words as recorded."""
    row = {**ONE, "at": "2024-03-14"}
    seen = from_frames("x", {"subjects": [ONE], "observations": [
        {**row, "measure": "Weight", "value": "16.2", "unit": "kg"},
        {**row, "measure": "weight", "value": 16200, "unit": "g"},
        {**row, "measure": "weight", "value": "35.7", "unit": "lb"},
        {**row, "measure": "height", "value": "1.045", "unit": "m"},
        {**row, "measure": "anc", "value": 0.45, "unit": "10^9/L", "low": "1.5", "high": 8},
        {**row, "measure": "t-cells", "value": "not analysable"},
        {**row, "measure": "urine protein", "value": "<0.5"},
    ]}).observations  # fmt: skip
    assert seen["grams"].to_list() == [16_200, 16_200, 16_193, None, None, None, None]
    assert seen["mm"].to_list() == [None, None, None, 1045, None, None, None]
    assert seen["word"].to_list() == [None] * 5 + ["not analysable", "<0.5"]
    assert (seen["value"][4], seen["low"][4], seen["high"][4]) == (0.45, 1.5, 8.0)


def test_status_words_are_understood_in_several_spellings_and_in_chinese() -> None:
    """A status is one of four words, or nothing where nothing is recorded."""
    words = ["Given", "partial", "未给药", "unknown", None]
    rows = [{**ONE, "treatment": "atg", "start": "2024-03-01", "status": word} for word in words]
    status = from_frames("x", {"subjects": [ONE], "administrations": rows}).administrations["status"]
    assert status.to_list() == ["given", "partly given", "not given", "unknown", None]


def test_typed_columns_of_parquet_are_taken_as_they_are() -> None:
    """Dates, categories, whole-number ids and NaN come in without a detour over text."""
    frame = pl.DataFrame({
        "subject": [1.0, 2.0], "treatment": pl.Series(["atg", "csa"], dtype=pl.Categorical()),
        "start": [date(2024, 3, 1), date(2024, 3, 2)], "end": [datetime(2024, 3, 1), datetime(2024, 3, 3)],
        "amount": [50.0, float("nan")], "unit": ["mg", None], "occurrence": [1, 2],
    })  # fmt: skip
    study = from_frames("x", {"subjects": pl.DataFrame({"subject": [2, 1]}), "administrations": frame})
    doses = study.administrations
    assert study.subjects["subject"].to_list() == ["1", "2"]
    assert doses["s"].to_list() == [0, 1]
    assert doses["base"].to_list() == [50_000_000, None]
    assert doses["end_minute"].to_list() == [None, None]
    assert doses["occurrence"].to_list() == [1, 2]
    assert study.tables["administrations"].balance.notes == {"amount: NaN, read as empty": 1}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"subject": [["001"]]}, "subject: holds List"),
        ({**ONE, "enrolled": [True]}, "enrolled: holds Boolean"),
        ({**ONE, "enrolled": [date(1899, 12, 30)]}, "is outside the years"),
    ],
)
def test_typed_columns_that_cannot_be_what_they_are_named_are_refused(column: dict[str, Any], words: str) -> None:
    """A column of lists, truths or impossible days is one clear fault."""
    with pytest.raises(StudyError, match=words) as raised:
        from_frames("x", {"subjects": pl.DataFrame(column)})
    assert len(raised.value.faults) == 1


def test_times_with_a_zone_move_to_the_time_zone_of_the_study(tmp_path: Path) -> None:
    """With a time_zone a zoned time is moved to it; without, it is kept as written, and counted."""
    visits = "subject,visit,date\n001,v1,2018-11-23T17:00:00Z\n001,v2,2018-11-23T17:00+08:00\n001,v3,2018-11-23T17:00\n"
    files = {"subjects.csv": "subject\n001\n", "visits.csv": visits}
    plain = read_study(_write(tmp_path / "plain", files))
    moved = read_study(_write(tmp_path / "moved", {**files, "study.yaml": "time_zone: Asia/Shanghai"}))
    assert plain.visits["date_minute"].to_list() == [1020, 1020, 1020]
    assert plain.tables["visits"].balance.notes == {"date: time with a zone, kept as written": 2}
    assert moved.visits["date"].to_list() == [date(2018, 11, 24), date(2018, 11, 23), date(2018, 11, 23)]
    assert moved.visits["date_minute"].to_list() == [60, 1020, 1020]


def test_the_settings_of_a_study_stand_in_study_yaml(tmp_path: Path) -> None:
    """Name, data cut and finality are read as text; a data cut given in the call goes before the file's."""
    text = "name: ＳＡＡ 01\ndata_cut: 2024-06-01\nfinal: yes\nprotocol: uc-msc-saa\ncolour: blue\n"
    folder = _write(tmp_path / "study", {"subjects.csv": "subject\n001\n", "study.yaml": text, "notes.txt": "x"})
    study = read_study(folder)
    assert (study.name, study.data_cut, study.final) == ("ＳＡＡ 01", date(2024, 6, 1), True)
    assert (study.settings["protocol"], study.settings["colour"]) == ("uc-msc-saa", "blue")
    assert read_study(folder, data_cut=date(2024, 7, 1)).data_cut == date(2024, 7, 1)
    assert set(study.hashes) == {"study/subjects.csv", "study/study.yaml"}
    assert study.unread == ("study/notes.txt",)
    assert read_study(_write(tmp_path / "bare", {"subjects.csv": "subject\n001\n"})).name == "bare"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_has_all_its_typed_columns_present_or_absent(name: str) -> None:
    """A table with only its required columns, and one that is absent, have the columns and dtypes SCHEMAS states."""
    cells = {"date": "2024-03-01", "datetime": "2024-03-01"}
    required = [column for column in SCHEMAS[name].columns if column.required]
    row = {c.name: c.words[0][0] if c.kind == "enum" else cells.get(c.kind, "001") for c in required}
    row |= {"lot": "001"} if name == "lots" else {}  # a lot or a bag must be named
    absent, present = from_frames("x", {"subjects": [ONE]}), from_frames("x", {"subjects": [ONE], name: [row]})
    for table in (absent.data(name), present.data(name)):
        assert dict(table.schema) == SCHEMAS[name].typed()
    assert present.data(name).height == 1


def test_an_empty_study_folder_is_begun_and_can_be_read(tmp_path: Path) -> None:
    """init_study writes every table, settings and a page that names every column; it never writes over a study."""
    files = init_study(tmp_path / "new")
    study = read_study(tmp_path / "new")
    assert {path.stem for path in files if path.suffix == ".csv"} == set(SCHEMAS) == set(study.tables)
    assert study.name == "new"
    assert study.subjects.is_empty()
    page = (tmp_path / "new/README.md").read_text("utf-8")
    columns = [column for schema in SCHEMAS.values() for column in schema.columns]
    assert all(column.name in page and column.meaning in page for column in columns)
    with pytest.raises(StudyError, match="not empty"):
        init_study(tmp_path / "new")


def test_tables_in_memory_are_named_like_those_of_a_folder() -> None:
    """A table nobody knows, and a study without subjects, are refused."""
    with pytest.raises(StudyError) as raised:
        from_frames("x", {"doses": [ONE]})
    assert [fault.file for fault in raised.value.faults] == ["doses", "subjects"]


CELLS = st.sampled_from(
    ["", " ", "001", "009", "2024-03-15", "2024-02-30", "2024-03", "03/04/2024", "1,5", "16.2", "-3", "mg", "给", '"']
)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=6))
def test_no_row_is_lost_whatever_it_holds(rows: list[list[str]]) -> None:
    """Rows read are rows used, ignored and refused, and a study comes out exactly when there is no fault."""
    header = ["subject", "treatment", "start", "end", "amount", "unit", "record"]
    texts = {
        "subjects": "subject\n001\n002\n",
        "administrations": ",".join(header) + "\n" + "".join(",".join(map(_quoted, row)) + "\n" for row in rows),
    }
    examination = _examined(texts)
    assert _balanced(examination)
    assert examination.balances["administrations"].read == len(rows)
    assert (examination.study is None) == bool(examination.faults)
    if isinstance(examination.study, Study):
        assert examination.study.administrations.height == examination.balances["administrations"].used


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6))
def test_a_file_is_read_alike_by_columns_and_record_by_record(rows: list[list[str]]) -> None:
    """A blank line before the header, which makes the door read record by record, moves rows by one and no more."""
    text = "subject,arm\n" + "".join(",".join(map(_quoted, row)) + "\n" for row in rows)
    plain, closely = _examined({"subjects": text}), _examined({"subjects": "\n" + text})
    moved = [replace(fault, line=fault.line and fault.line + 1, why="") for fault in plain.faults]
    assert moved == [replace(fault, why="") for fault in closely.faults]
    assert plain.balances == closely.balances
    if plain.study and closely.study:
        assert plain.study.tables["subjects"].raw.equals(closely.study.tables["subjects"].raw)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell or "," in cell else cell


def _examined(texts: dict[str, str]) -> Examination:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return examine_study(_write(Path(folder) / "study", {f"{name}.csv": text for name, text in texts.items()}))
