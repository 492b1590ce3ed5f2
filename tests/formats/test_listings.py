"""Listings to be handed over: what their reader needs, in both forms, and nothing that tells an arm when blinded."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import yaml

import protocol
import rules
from perprotocol.formats.listings.tables import ANSWER, Words
from tests.command import run

ROOT = Path(__file__).resolve().parents[2]
SAA = f"uc-msc-saa {ROOT}/examples/uc-msc-saa --as-of 2020-12-31"
WORDS = yaml.safe_load((ROOT / "perprotocol/formats/listings/words.yaml").read_text("utf-8"))

TRIAL = """
protocol: small
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
BLIND
arms: {a: one arm, b: other arm}
products: {active: active, sham: sham}
treatments:
  drug: {product: {a: active, b: sham}, due: day 0, every: 7 d, times: 2, window: ±1 d, dose: 10 mg}
visits: {final: {due: day 14, window: ±1 d}}
"""


def small(place: Path, *, blind: bool = False, site: str = "01", reason: str = "") -> str:
    """Write a small trial in which one dose is late and a visit has no record, and return PROTOCOL STUDY."""
    (place / "small.yaml").write_text(TRIAL.replace("BLIND", "blinding: blinded" if blind else ""), "utf-8")
    (place / "study").mkdir(exist_ok=True)
    with (place / "study/subjects.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("subject", "arm", "site", "day_zero"),
                *((n, arm, site, "2024-01-01") for n, arm in (("1", "a"), ("2", "b"))),
            ]
        )
    rows = [("subject", "treatment", "start", "amount", "unit", "reason"), ("1", "drug", "2024-01-01", 10, "mg", "")]
    with (place / "study/administrations.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [*rows, ("1", "drug", "2024-01-12", 10, "mg", reason), ("2", "drug", "2024-01-01", 10, "mg", "")]
        )
    (place / "study/visits.csv").write_text("subject,visit,date\n2,final,2024-01-15\n", "utf-8")
    (place / "study/study.yaml").write_text("data_cut: 2024-03-01\n", "utf-8")
    return f"{place}/small.yaml {place}/study --as-of 2024-03-01"


def folder(place: Path, line: str) -> dict[str, pl.DataFrame]:
    """Return every table of a folder of listings, as another program reads them."""
    status, _, said = run(f"export listings {line} -o {place}/out")
    assert status == 0, said
    files = sorted((place / "out").rglob("*.csv"))
    return {str(f.relative_to(place / "out")).removesuffix(".csv"): pl.read_csv(f, infer_schema=False) for f in files}


def test_a_folder_has_every_listing(tmp_path: Path) -> None:
    """Deviations, both summaries, exposure, rules, and the queries of each site in a file of their own."""
    tables = folder(tmp_path, SAA)
    study = rules.read_study(ROOT / "examples/uc-msc-saa")
    report = rules.audit(protocol.read("uc-msc-saa"), study, as_of=study.data_cut)
    assert set(tables) == {
        "about", "deviations", "summary-by-site", "summary-by-arm", "exposure", "rules", "queries/01", "queries/02",
    }  # fmt: skip
    assert sorted(tables["deviations"]["id"]) == sorted(report.findings["id"])
    order = tables["deviations"].select("site", "subject", "date").rows()
    assert order == sorted(order)
    asked = pl.concat([tables["queries/01"], tables["queries/02"]])
    assert sorted(asked["id"]) == sorted(report.queries["id"])
    assert asked.select(ANSWER).null_count().row(0) == (len(asked),) * 3
    sites = {row["site"]: row for row in tables["summary-by-site"].iter_rows(named=True)}
    assert sum(int(row["findings"]) for row in sites.values()) == len(report.findings)
    assert [row["subjects"] for row in tables["summary-by-arm"].iter_rows(named=True)] == ["9", "9"]
    assert tables["rules"]["rule"].to_list() == report.counts["rule"].to_list()
    manifest = json.loads((tmp_path / "out/manifest.json").read_text("utf-8"))
    for name, digest in manifest["results"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    assert manifest["hash"] in tables["about"]["value"].to_list()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_workbook_is_read_by_people(tmp_path: Path, lang: str) -> None:
    """Headings and words in the language, days as days, a sheet for each site, the mark and page at every foot."""
    assert run(f"export listings {SAA} --lang {lang} -o {tmp_path}/out.xlsx")[0] == 0
    book, words = openpyxl.load_workbook(tmp_path / "out.xlsx"), WORDS[lang]
    names = words["listings"]
    assert book.sheetnames == [
        *(names[key] for key in ("about", "deviations", "summary-by-site", "summary-by-arm", "exposure", "rules")),
        f"{names['queries']} 01", f"{names['queries']} 02",
    ]  # fmt: skip
    sheet = book[names["deviations"]]
    assert sheet["A1"].value == words["titles"]["deviations"]
    head = [cell.value for cell in sheet[3]]
    assert head[:4] == [Words(lang).column(name) for name in ("site", "subject", "arm", "date")]
    assert sheet["D4"].is_date
    assert ("未分级" if lang == "zh" else "unclassified") in [cell.value for cell in sheet[4]]
    queries = book[f"{names['queries']} 02"]
    assert [cell.value for cell in queries[3]][-3:] == [words["columns"][name] for name in ANSWER]
    for each in book:
        assert "DRAFT" in each.oddFooter.left.text or "草稿" in each.oddFooter.left.text
        assert "&P" in each.oddFooter.right.text or each.oddFooter.right.text == "&P / &N"
        assert each.freeze_panes is not None
    manifest = json.loads((tmp_path / "out.xlsx.manifest.json").read_text("utf-8"))
    assert manifest["results"] == {"out.xlsx": hashlib.sha256((tmp_path / "out.xlsx").read_bytes()).hexdigest()}


def test_a_blinded_listing_tells_no_arm(tmp_path: Path) -> None:
    """No summary by arm, no arm, no amount, in no file; unblinded they are there, and marked."""
    line = small(tmp_path, blind=True)
    tables = folder(tmp_path, line)
    assert "summary-by-arm" not in tables
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert not any(word in text for word in ('"a"', ",a,", ",b,", "sham", "active", "one arm", "blinded,"))
    assert tables["exposure"]["cumulative"].null_count() == len(tables["exposure"])
    assert "arm" not in tables["exposure"].columns + tables["deviations"].columns
    status, _, _ = run(f"export listings {line} --unblinded -o {tmp_path}/open")
    assert status == 0
    assert (tmp_path / "open/summary-by-arm.csv").exists()
    assert "UNBLINDED" in (tmp_path / "open/about.csv").read_text("utf-8")


def test_nothing_recorded_runs_in_a_spreadsheet(tmp_path: Path) -> None:
    """A site and a reason that begin like formulas are texts in CSV and in the workbook, and no path of a file."""
    line = small(tmp_path, site="=1+1/..", reason="=HYPERLINK(1)")
    tables = folder(tmp_path, line)
    assert [name for name in tables if name.startswith("queries/")] == ["queries/-1-1-.."]
    assert set(tables["deviations"]["site"]) == {"'=1+1/.."}
    assert run(f"export listings {line} -o {tmp_path}/out.xlsx")[0] == 0
    cells = [cell for sheet in openpyxl.load_workbook(tmp_path / "out.xlsx") for row in sheet for cell in row]
    risky = [cell for cell in cells if str(cell.value).startswith("=")]
    assert {cell.value for cell in risky} == {"=1+1/..", "=HYPERLINK(1)"}
    assert {(cell.data_type, cell.quotePrefix) for cell in risky} == {("s", True)}


def test_who_is_excluded_is_listed_with_the_reason(tmp_path: Path) -> None:
    """A decision that keeps a participant out of an analysis set is a listing of its own."""
    line = small(tmp_path)
    assert "excluded" not in folder(tmp_path, line)
    rows = "subject,kind,analysis_set,reason,by,decided\n2,excluded,per protocol,one dose only,Dr Li,2024-02-01\n"
    (tmp_path / "study/decisions.csv").write_text(rows, "utf-8")
    assert run(f"export listings {line} -o {tmp_path}/more")[0] == 0
    told = pl.read_csv(tmp_path / "more/excluded.csv", infer_schema=False)
    assert told.select("subject", "analysis_set", "reason").rows() == [("2", "per protocol", "one dose only")]


def test_sites_whose_names_are_alike_as_files_are_kept_apart(tmp_path: Path) -> None:
    """`A/1` and `A-1` are two files and two sheets."""
    line = small(tmp_path)
    (tmp_path / "study/subjects.csv").write_text(
        "subject,arm,site,day_zero\n1,a,A/1,2024-01-01\n2,b,A-1,2024-01-01\n", "utf-8"
    )
    tables = folder(tmp_path, line)
    assert {name for name in tables if name.startswith("queries/")} == {"queries/A-1", "queries/A-1-2"}
    assert run(f"export listings {line} -o {tmp_path}/out.xlsx")[0] == 0
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").sheetnames[-2:] == ["queries A-1", "queries A-1 2"]


def test_a_study_without_deviations_has_empty_listings(tmp_path: Path) -> None:
    """Nobody enrolled yet: every listing is there, with its headings."""
    line = small(tmp_path)
    for name in ("administrations", "visits"):
        (tmp_path / f"study/{name}.csv").unlink()
    (tmp_path / "study/subjects.csv").write_text("subject,arm,site,day_zero\n", "utf-8")
    tables = folder(tmp_path, line)
    assert len(tables["deviations"]) == len(tables["exposure"]) == 0
    assert "message" in tables["deviations"].columns


def test_every_word_is_there_in_both_languages() -> None:
    """No heading, title or remark is missing in one of them, and each column of a listing has a heading."""

    def keys(block: Any) -> Any:
        return {key: keys(value) for key, value in block.items()} if isinstance(block, dict) else None

    assert keys(WORDS["en"]) == keys(WORDS["zh"])
    assert all(Words("zh").column(name) != name for name in WORDS["en"]["columns"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-o taken", "is there already and is not empty"),
        ("-o nowhere/out.xlsx", "stands in a folder that is not there"),
        ("-o nowhere/out", "stands in a folder that is not there; name a place"),
        ("-o out --as-of yesterday", "'yesterday' is not a day"),
    ],
)
def test_bad_places_and_days_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, said: str
) -> None:
    """Status 2, and nothing is written."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    line = small(tmp_path).replace(" --as-of 2024-03-01", "" if "--as-of" in options else " --as-of 2024-03-01")
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    status, _, told = run(f"export listings {line} {options}")
    assert (status, said in told) == (2, True), told
    assert sorted(path.name for path in tmp_path.iterdir()) == before
