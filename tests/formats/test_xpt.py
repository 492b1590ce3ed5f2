"""Transport files, version 5: what is written comes back, what is cut off or too long is said with its place."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import polars as pl
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perprotocol.formats.xpt import read_xpt, too_long, write_xpt, xpt_layout
from protocol import StudyError

FRAME = pl.DataFrame(
    {
        "STUDYID": ["S1"] * 40,
        "USUBJID": [f"S1-{n:03}" for n in range(40)],
        "EXSEQ": [float(n) for n in range(40)],
        "EXDOSE": [0.1 * n if n % 7 else None for n in range(40)],
        "EXTRT": ["脐带间充质干细胞" if n % 2 else "UC-MSC" for n in range(40)],
    }
)
LABELS = {"EXTRT": "Name of Treatment"}


def written(folder: Path, frame: pl.DataFrame = FRAME) -> Path:
    """Return the place of a file with the frame."""
    write_xpt(frame, folder / "ex.xpt", "EX", "Exposure", LABELS)
    return folder / "ex.xpt"


def refused(path: Path) -> str:
    """Return what is said of a file that cannot be used."""
    with pytest.raises(StudyError) as caught:
        list(read_xpt(path))
    return str(caught.value)


def test_what_is_written_is_read_by_pyreadstat(tmp_path: Path) -> None:
    """Names, labels, Chinese texts, numbers and missing values stand in the file."""
    frame, about = pyreadstat.read_xport(str(written(tmp_path)), output_format="polars")
    assert about.table_name == "EX"
    assert about.file_label == "Exposure"
    assert about.column_names_to_labels["EXTRT"] == "Name of Treatment"
    assert frame.equals(FRAME.select(frame.columns))


def test_rows_are_read_in_chunks_and_together_are_all_rows(tmp_path: Path) -> None:
    """No row is lost or repeated where one chunk ends and the next begins."""
    chunks = list(read_xpt(written(tmp_path), chunk=7))
    assert [len(chunk) for chunk in chunks] == [7, 7, 7, 7, 7, 5]
    assert pl.concat(chunks).equals(FRAME)


def test_chunks_that_end_with_the_file_end_there(tmp_path: Path) -> None:
    """A last chunk that is exactly full is followed by none."""
    assert [len(chunk) for chunk in read_xpt(written(tmp_path), chunk=20)] == [20, 20]


def test_a_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    """One empty chunk names the variables."""
    (only,) = read_xpt(written(tmp_path, FRAME.clear()))
    assert only.columns == FRAME.columns
    assert len(only) == 0


def test_the_layout_counts_the_rows(tmp_path: Path) -> None:
    """Headers alone tell how long a row is and how many there are."""
    layout = xpt_layout(written(tmp_path))
    assert layout.width == 2 + 6 + 8 + 8 + len("脐带间充质干细胞".encode())


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.93, 0.999])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    """pyreadstat reads such a file as if it were whole: the headers show that it is not."""
    path = written(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "is cut off" in refused(path)


def test_a_file_cut_off_at_a_record_is_refused(tmp_path: Path) -> None:
    """A length that is a multiple of 80 bytes alone does not make a file whole."""
    path = written(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 400])
    assert "is cut off: after row" in refused(path)


def test_another_format_is_named(tmp_path: Path) -> None:
    """What is no transport file, and what is one of version 8, is said with what to do."""
    path = tmp_path / "dm.xpt"
    path.write_bytes(b"STUDYID,USUBJID\n" * 20)
    assert "dm.xpt: is no SAS transport file" in refused(path)
    path.write_bytes(b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!".ljust(800))
    assert "version 8" in refused(path)


def test_an_empty_file_is_no_transport_file(tmp_path: Path) -> None:
    """Nothing is read from nothing."""
    path = tmp_path / "dm.xpt"
    path.write_bytes(b"")
    assert "is no SAS transport file" in refused(path)


def test_what_is_longer_than_allowed_is_not_written(tmp_path: Path) -> None:
    """A text of more than 200 bytes, a long name and a long label are named at once, and there is no file."""
    frame = pl.DataFrame({"AETERM": ["short", "疼" * 67], "TOOLONGNAME": ["a", "b"]})
    with pytest.raises(StudyError) as caught:
        write_xpt(frame, tmp_path / "ae.xpt", "AE", "Adverse Events", {"AETERM": "x" * 41})
    said = str(caught.value)
    assert "ae.xpt:2:AETERM" in said and "201 bytes" in said
    assert "TOOLONGNAME" in said and "41" not in said and "40 bytes" in said
    assert list(tmp_path.iterdir()) == []


def test_a_text_of_exactly_200_bytes_is_written(tmp_path: Path) -> None:
    """The limit itself is allowed, and 200 bytes come back."""
    frame = pl.DataFrame({"AETERM": ["x" * 200]})
    assert too_long(frame, "ae.xpt", "AE", {}) == []
    assert next(iter(read_xpt(written(tmp_path, frame))))["AETERM"][0] == "x" * 200


def test_dates_become_days_of_sas(tmp_path: Path) -> None:
    """A date is a number of days since 1960 with a format, as analysis data sets have it."""
    frame = pl.DataFrame({"ASTDT": [date(2020, 1, 1), None]})
    back, about = pyreadstat.read_xport(str(written(tmp_path, frame)), output_format="polars")
    assert back["ASTDT"].to_list() == [date(2020, 1, 1), None]
    assert about.original_variable_types["ASTDT"] == "DATE9"


@settings(max_examples=40)
@given(st.lists(st.floats(min_value=-1e12, max_value=1e12, allow_subnormal=False) | st.none(), min_size=1, max_size=9))
def test_numbers_come_back(values: list[float | None]) -> None:
    """A number survives the format of IBM mainframes to 15 digits."""
    with tempfile.TemporaryDirectory() as folder:
        frame = pl.DataFrame({"N": values}, schema={"N": pl.Float64})
        (back,) = read_xpt(written(Path(folder), frame))
    for one, other in zip(values, back["N"], strict=True):
        assert (one is None) == (other is None)
        assert one is None or abs(one) < 1e-60 or f"{one:.15g}" == f"{other:.15g}"
