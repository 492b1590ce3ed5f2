"""Dataset-JSON 1.1: valid by CDISC's schema, read back as it was, and bad files named with their place."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

from perprotocol.formats.dataset_json import About, read_dataset_json, write_dataset_json
from protocol import StudyError

ABOUT = About("S1", "2024-06-01T00:00:00", "perprotocol", "0.1.0")
FRAME = pl.DataFrame(
    {"STUDYID": ["S1", "S1"], "VISITNUM": [1.0, 9.3], "VISIT": ["筛选", None], "ASTDT": [date(2020, 1, 1), None]}
)
PLAIN: dict[str, Any] = {
    "datasetJSONCreationDateTime": "2024-06-01T00:00:00", "datasetJSONVersion": "1.1.0", "itemGroupOID": "IG.SV",
    "records": 1, "name": "SV", "label": "Visits",
    "columns": [{"itemOID": "a", "name": "VISIT", "label": "b", "dataType": "string"}], "rows": [["WEEK 2"]],
}  # fmt: skip


def schema() -> Any:
    """Return CDISC's schema of the format."""
    real = os.environ.get("PERPROTOCOL_REAL_DATA")
    if real is None:
        pytest.skip("PERPROTOCOL_REAL_DATA is not set: CDISC's schema is not at hand")
    return json.loads((Path(real) / "schemas/dataset-json-1.1.schema.json").read_text("utf-8"))


def written(folder: Path) -> Path:
    """Return the place of a file with the frame."""
    path = folder / "sv.json"
    write_dataset_json(
        FRAME, path, "SV", "Subject Visits", {"VISIT": "Visit Name"}, {"STUDYID": 1, "VISITNUM": 2}, ABOUT
    )
    return path


def refused(path: Path, data: object) -> str:
    """Return what is said of a file that holds this."""
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        list(read_dataset_json(path))
    return str(caught.value)


def test_what_is_written_is_valid(tmp_path: Path) -> None:
    """CDISC's own schema accepts the file."""
    jsonschema.Draft201909Validator(schema()).validate(json.loads(written(tmp_path).read_text("utf-8")))


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    """Texts, numbers and missing values are read as they were; a date as its text."""
    (back,) = read_dataset_json(written(tmp_path))
    assert back.drop("ASTDT").equals(FRAME.drop("ASTDT"))
    assert back["ASTDT"].to_list() == ["2020-01-01", None]


def test_a_dataset_without_rows_is_written_and_read(tmp_path: Path) -> None:
    """No rows is a list of none, and valid."""
    path = tmp_path / "sv.json"
    write_dataset_json(FRAME.clear(), path, "SV", "Subject Visits", {}, {}, ABOUT)
    jsonschema.Draft201909Validator(schema()).validate(json.loads(path.read_text("utf-8")))
    (back,) = read_dataset_json(path)
    assert back.columns == FRAME.columns and len(back) == 0


def test_rows_of_ndjson_are_read_in_chunks(tmp_path: Path) -> None:
    """The first line describes the dataset, every other one is a row."""
    path = tmp_path / "sv.ndjson"
    head = {**PLAIN, "records": 5}
    del head["rows"]
    path.write_text("\n".join([json.dumps(head), *(f'["WEEK {n}"]' for n in range(5))]) + "\n", encoding="utf-8")
    chunks = list(read_dataset_json(path, chunk=2))
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    assert pl.concat(chunks)["VISIT"].to_list() == [f"WEEK {n}" for n in range(5)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (json.dumps(PLAIN)[:-20], "sv.json:1:"),
        (json.dumps(PLAIN)[:-20], "cut off"),
        ([PLAIN], "holds no object"),
        ({"clinicalData": {}}, "is Dataset-JSON 1.0"),
        ({**PLAIN, "datasetJSONVersion": "1.0.0"}, "is Dataset-JSON 1.0"),
        ({"datasetJSONVersion": "1.1.0", "rows": []}, "'columns' or 'rows' is missing"),
        ({**PLAIN, "records": 7}, "says that it has 7 records and has 1"),
        ({**PLAIN, "rows": [["a", "b"]]}, "row 1 has 2 cells and the file 1 columns"),
        ({**PLAIN, "columns": [{"name": "VISIT", "dataType": "varchar"}]}, "the data type 'varchar'"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, data: object, said: str) -> None:
    """Each fault is named with its place and what to do."""
    assert said in refused(tmp_path / "sv.json", data)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    """Only UTF-8 is JSON."""
    path = tmp_path / "sv.json"
    path.write_bytes(json.dumps({**PLAIN, "label": "访视"}, ensure_ascii=False).encode("gb18030"))
    with pytest.raises(StudyError, match="is not UTF-8 at byte"):
        list(read_dataset_json(path))
