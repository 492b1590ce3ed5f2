"""Results on the screen and in files: what programs read, what people read, and the manifest beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len

import protocol
import rules
from rules import findings as judging
from rules.deviations import BY_CODE, RULES
from rules.findings import COUNTS
from rules.manifest import manifest_hash, write_manifest
from rules.page.labels import Labels
from rules.page.summary import by_code, by_site, by_subject
from rules.report import write_report, write_table
from rules.review.assessed import CAUSES, FIELDS
from rules.review.compare import COMPARED
from rules.review.decided import DECISIONS, HISTORY
from rules.review.logged import RECONCILIATION
from rules.telling.calendar_table import SCHEDULE
from rules.telling.departures import DEPARTURES
from rules.telling.wording import catalogue
from rules.texts import read_texts
from rules.verdicts import VERDICTS

DAY = date(2024, 4, 20)


def small_study() -> rules.Study:
    """Two children: a tenfold dose and a late one in the first, and for the second almost nothing on record."""
    return rules.from_frames(
        "small",
        {
            "subjects": [
                {"subject": "001", "arm": "msc", "site": "A", "day_zero": "2024-03-01", "birth_date": "2020-01-05"},
                {"subject": "002", "arm": "msc", "site": "B", "day_zero": "2024-03-01", "birth_date": "2020-01-05"},
            ],
            "observations": [
                {"subject": s, "measure": "weight", "value": "16.2", "unit": "kg", "at": f"2024-03-{d}"}
                for s in ("001", "002")
                for d in ("14", "21")
            ],
            "administrations": [
                _dose("001", "2024-03-15", "1.62e8"),
                _dose("001", "2024-03-24", "1.62e7"),
                _dose("002", "2024-03-15", "1.62e7"),
            ],
        },
        data_cut=DAY,
    )


def _dose(subject: str, start: str, amount: str) -> dict[str, str]:
    return {
        "subject": subject, "treatment": "uc-msc", "start": start, "amount": amount, "unit": "cells",
        "viable_or_total": "viable", "bag": "=HYPERLINK(1)",
    }  # fmt: skip


@pytest.fixture(scope="module")
def report() -> rules.Report:
    """The audit of the small study."""
    return rules.audit(protocol.read("uc-msc-saa"), small_study(), as_of=DAY)


def written(frame: pl.DataFrame, format: str, path: Path, lang: str = "en") -> str:
    """What `write_table` puts into a file."""
    write_table(frame, format, lang, path)
    return path.read_text("utf-8")


# --- for programs -------------------------------------------------------------------------------------------------


def test_json_is_an_array_of_flat_objects_with_iso_dates_and_nulls(tmp_path: Path) -> None:
    """A program reads dates as text, amounts as numbers, and null where nothing is known, NaN included."""
    frame = pl.DataFrame({"on": [date(2024, 3, 1), None], "amount": [1.5, float("nan")], "say": ['a "b"\n', None]})
    assert json.loads(written(frame, "json", tmp_path / "t")) == [
        {"on": "2024-03-01", "amount": 1.5, "say": 'a "b"\n'},
        {"on": None, "amount": None, "say": None},
    ]


def test_json_of_no_rows_is_an_empty_array(tmp_path: Path) -> None:
    """Nothing found is an answer that a program can read."""
    assert json.loads(written(pl.DataFrame(schema={"a": pl.String}), "json", tmp_path / "t")) == []


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3+cmd|' /C calc'!A0", "@x", "\t=1", "＝1", "\n=1"])
def test_csv_makes_a_text_that_begins_like_a_formula_inert(tmp_path: Path, text: str) -> None:
    """A spreadsheet must not run what somebody typed into a record."""
    write_table(pl.DataFrame({"say": [text]}), "csv", "en", tmp_path / "t.csv")
    assert pl.read_csv(tmp_path / "t.csv")["say"][0] == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "+3", "1.62×10⁷ cells", "±1 d", "2024-03-01", "−3"])
def test_csv_leaves_numbers_and_words_as_they_are(tmp_path: Path, text: str) -> None:
    """A negative number is no formula."""
    write_table(pl.DataFrame({"say": [text, "x"]}), "csv", "en", tmp_path / "t.csv")
    assert pl.read_csv(tmp_path / "t.csv", infer_schema=False)["say"][0] == text


def test_parquet_gives_the_table_back(report: rules.Report, tmp_path: Path) -> None:
    """Values and types survive the file."""
    write_table(report.findings, "parquet", "en", tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet").equals(report.findings)


@pytest.mark.parametrize("format", ["json", "csv", "parquet"])
def test_an_audit_for_programs_holds_findings_and_queries_told_apart_by_verdict(
    report: rules.Report, tmp_path: Path, format: str
) -> None:
    """One table, every row with its verdict, in the fields of the interface."""
    out = tmp_path / f"audit.{format}"
    write_report(report, None, format, out)
    read = {"json": pl.read_json, "csv": pl.read_csv, "parquet": pl.read_parquet}[format](out)
    names = list(json.loads(out.read_text("utf-8"))[0]) if format == "json" else read.columns
    assert tuple(names) == tuple(FIELDS)
    counted = dict(read["verdict"].value_counts().iter_rows())
    assert counted == {"deviates": len(report.findings), "cannot tell": len(report.queries)}
    assert counted["deviates"] > 0 and counted["cannot tell"] > 0


def test_standard_output_takes_what_no_file_takes(
    report: rules.Report, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Without a file name the bytes go to standard output, binary ones too."""
    write_table(report.findings, "parquet", "en", None)
    assert capfdbinary.readouterr().out.startswith(b"PAR1")


# --- for people ---------------------------------------------------------------------------------------------------


def test_chinese_columns_stand_under_one_another(tmp_path: Path) -> None:
    """A Chinese character takes two cells, and the next column begins at the same cell in every line."""
    frame = pl.DataFrame({"kind": ["treatment", "visit"], "record": ["a:1", "b:22"]})
    lines = written(frame, "table", tmp_path / "t", "zh").splitlines()
    begins = {
        cell_len(line[: line.index(word)])
        for line, word in zip((lines[0], *lines[2:4]), ("记录", "a:1", "b:22"), strict=True)
    }
    assert len(begins) == 1


def test_a_recorded_text_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in a record are left out."""
    text = written(pl.DataFrame({"say": ["\x1b[31mred\x07"]}), "table", tmp_path / "t")
    assert "\x1b" not in text and "\x07" not in text and "red" in text


def test_markdown_keeps_a_cell_a_cell(tmp_path: Path) -> None:
    """A bar, a line break or a tag in a text opens neither a column nor markup."""
    text = written(pl.DataFrame({"say": ["a|b\n<b>c"]}), "markdown", tmp_path / "t")
    assert "a\\|b &lt;b&gt;c" in text
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_on_the_screen_begins_with_numbers_and_keeps_queries_apart(tmp_path: Path, lang: str) -> None:
    """As-of and data cut on top, then numbers, then each kind under its own heading, the disclaimer once."""
    found = rules.audit(protocol.read("uc-msc-saa"), small_study(), as_of=DAY, lang=lang)
    write_report(found, None, "table", tmp_path / "t")
    text = (tmp_path / "t").read_text("utf-8")
    labels = Labels(lang)
    order = ["as of", "data cut", "by rule", "queries by kind", "by site", "counts", "balance", "not judged"]
    places = [text.index(labels(key)) for key in order]
    assert places == sorted(places)
    assert text.count(labels("disclaimer")[:20]) == 1
    assert found.findings["subject"][0] in text


def test_a_narrow_screen_loses_columns_and_never_the_sentence(report: rules.Report) -> None:
    """What a person needs most stays."""
    from rules.page.text import for_people

    wide, narrow = for_people(report.findings, 200), for_people(report.findings, 60)
    assert set(narrow.columns) < set(wide.columns)
    assert {"subject", "date", "verdict", "message"} <= set(narrow.columns)


def test_a_long_list_on_the_screen_says_that_it_is_cut(
    report: rules.Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is left out without a word."""
    monkeypatch.setattr("rules.page.text.MOST", 1)
    write_report(report, None, "table", tmp_path / "t")
    assert Labels("en")("listed short", n=1, of=len(report.findings)) in (tmp_path / "t").read_text("utf-8")


# --- numbers ------------------------------------------------------------------------------------------------------


def test_every_view_counts_the_same_findings(report: rules.Report) -> None:
    """By rule, by site and by participant add up to the list."""
    people = by_subject(report)
    sites = by_site(report, people)
    categories = [c for c in sites.columns if c in set(report.findings["category"])]
    assert by_code(report.findings)["number"].sum() == len(report.findings)
    assert people["findings"].sum() == sites["findings"].sum() == len(report.findings)
    assert sites.select(pl.sum_horizontal(categories)).sum().item() == len(report.findings)
    assert people["queries"].sum() == report.queries["subject"].drop_nulls().len()


def test_what_a_rule_asks_is_counted_as_cannot_tell(report: rules.Report) -> None:
    """A dose without a record is a question, also in the table of answers."""
    row = report.counts.row(by_predicate=pl.col("rule") == "dose_no_record", named=True)
    assert row["deviates"] == 0
    assert row["cannot tell"] > 0
    assert row["judged"] == row["complies"] + row["cannot tell"]


# --- words --------------------------------------------------------------------------------------------------------


def _paths(words: dict[str, object], before: str = "") -> Iterator[str]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{key}.")
        elif before != "values.":
            yield before + key


def test_both_languages_have_the_same_words() -> None:
    """No heading falls back to the other language."""
    words = read_texts("rules.page")
    assert sorted(_paths(words["en"])) == sorted(_paths(words["zh"]))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_field_and_every_question_has_a_heading(lang: str) -> None:
    """What a table can hold can be read in both languages."""
    labels = Labels(lang)
    fields = {
        *FIELDS,
        *SCHEDULE,
        *VERDICTS,
        *DEPARTURES,
        *COUNTS,
        *CAUSES,
        *DECISIONS,
        *HISTORY,
        *RECONCILIATION,
        *COMPARED,
    }
    assert [name for name in sorted(fields) if name not in labels.words["columns"]] == []
    assert [code for code in catalogue("en")["facts"] if code not in labels.words["facts"]] == []
    assert all(labels.code(code) != code for code in BY_CODE)


# --- the manifest -------------------------------------------------------------------------------------------------


def test_the_same_run_has_the_same_hash_whoever_runs_it(report: rules.Report) -> None:
    """Operator, clock and machine are no part of what determines a result."""
    first = write_manifest(report, options={"strict": True}, operator="one")
    second = write_manifest(report, options={"strict": True}, operator="two")
    assert first["hash"] == second["hash"] == manifest_hash(first)
    assert (first["run"]["operator"], second["run"]["operator"]) == ("one", "two")


def test_another_option_language_or_input_has_another_hash(report: rules.Report) -> None:
    """Whatever can change the result changes the hash."""
    other = rules.audit(protocol.read("uc-msc-saa"), small_study(), as_of=date(2024, 4, 1))
    hashes = {
        write_manifest(report)["hash"],
        write_manifest(report, options={"strict": True})["hash"],
        write_manifest(other)["hash"],
    }
    assert len(hashes) == 3


def test_the_operator_may_stand_in_the_environment(report: rules.Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name given on the call goes before the environment; without either there is none."""
    monkeypatch.delenv("PERPROTOCOL_OPERATOR", raising=False)
    assert write_manifest(report)["run"]["operator"] is None
    monkeypatch.setenv("PERPROTOCOL_OPERATOR", "monitor 7")
    assert write_manifest(report)["run"]["operator"] == "monitor 7"
    assert write_manifest(report, operator="me")["run"]["operator"] == "me"


def test_a_rule_that_cannot_run_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """INS-23: no rule is passed over in silence, and none can be switched off."""
    broken = replace(RULES[0], deviates=pl.col("no such column"))
    monkeypatch.setattr(judging, "RULES", (broken, *RULES[1:]))
    judging._expressions.cache_clear()
    try:
        with pytest.raises(pl.exceptions.ColumnNotFoundError, match="no such column"):
            rules.audit(protocol.read("uc-msc-saa"), rules.read_study("examples/uc-msc-saa"))
    finally:
        judging._expressions.cache_clear()


def test_a_manifest_says_draft_and_names_every_input(report: rules.Report, tmp_path: Path) -> None:
    """Nobody approved the protocol file, and every table, library and day that went in is named."""
    text = tmp_path / "trial.yaml"
    text.write_text("protocol: x", encoding="utf-8")
    manifest = write_manifest(report, protocol_file=text)
    assert manifest["approval"] == "protocol file not approved: DRAFT"
    assert set(manifest["inputs"]) == {"subjects", "observations", "administrations"}
    assert manifest["protocol file"]["name"] == "trial.yaml"
    assert manifest["libraries"]["polars"] == pl.__version__
    assert (manifest["as of"], manifest["data cut"]) == ("2024-04-20", "2024-04-20")
    json.dumps(manifest)


@pytest.mark.parametrize("format", ["csv", "json", "parquet", "markdown", "html"])
def test_the_same_manifest_gives_the_same_bytes(tmp_path: Path, format: str) -> None:
    """Two runs over the same input differ in nothing, and the manifest beside the file carries the file's hash."""
    results = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        study, trial = small_study(), protocol.read("uc-msc-saa")
        calendar = rules.schedule(trial, study, as_of=DAY)
        write_report(rules.audit(trial, study, as_of=DAY), calendar, format, folder / f"audit.{format}")
        manifest = json.loads((folder / f"audit.{format}.manifest.json").read_text("utf-8"))
        results.append((manifest["hash"], manifest["results"], (folder / f"audit.{format}").read_bytes()))
    assert results[0] == results[1]
