"""Two runs beside each other: new, changed, gone, unchanged, each with the fact, the protocol or the rule behind it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import protocol
import rules
from perprotocol.cli import app
from protocol.errors import StudyError
from rules.report import write_report
from rules.review.compare import Run, compare, read_run
from tests.test_records import DAY, SLIP, correction, decision, study

LATE = "small/001/uc-msc/2/dose_late"


def run(folder: Path, name: str, facts: rules.Study, format: str = "json", as_of: date = DAY, **changed: Any) -> Run:
    """A run written and read again; `changed` are keys of its manifest that another tool would have written."""
    out = folder / f"{name}.{format}"
    write_report(rules.audit(protocol.read("uc-msc-saa"), facts, as_of=as_of), None, format, out)
    beside = folder / f"{out.name}.manifest.json"
    beside.write_text(json.dumps(json.loads(beside.read_text("utf-8")) | changed), encoding="utf-8")
    return read_run(out, facts)


def row(told: pl.DataFrame, identity: str) -> dict[str, Any]:
    """What became of one finding."""
    return told.row(by_predicate=pl.col("id") == identity, named=True)


@pytest.mark.parametrize("formats", [("json", "json"), ("csv", "parquet"), ("parquet", "json")])
def test_the_same_run_twice_differs_in_nothing_whatever_its_format(tmp_path: Path, formats: tuple[str, str]) -> None:
    """Dates, numbers and nulls are the same in every format."""
    told = compare(run(tmp_path, "a", study(), formats[0]), run(tmp_path, "b", study(), formats[1]))
    assert len(told) > 3
    assert set(told["change"]) == {"unchanged"}
    assert told["caused_by"].null_count() == len(told)


def test_a_fact_that_changed_is_named_by_its_cell(tmp_path: Path) -> None:
    """A finding that is gone, with the cell before and now."""
    told = compare(run(tmp_path, "a", study()), run(tmp_path, "b", study("1.62e7")))
    gone = row(told, SLIP)
    assert (gone["change"], gone["caused_by"]) == ("gone", "facts")
    assert gone["detail"] == "administrations:1 amount 1.62e8 -> 1.62e7"
    assert row(told, LATE)["change"] == "unchanged"
    back = row(compare(run(tmp_path, "b", study("1.62e7")), run(tmp_path, "a", study())), SLIP)
    assert (back["change"], back["caused_by"]) == ("new", "facts")


def test_without_the_studies_the_input_files_are_named(tmp_path: Path) -> None:
    """By the hashes of the manifests."""
    old, new = run(tmp_path, "a", study()), run(tmp_path, "b", study("1.62e7"))
    told = compare(Run(old.rows, old.manifest), Run(new.rows, new.manifest))
    assert (row(told, SLIP)["caused_by"], row(told, SLIP)["detail"]) == ("facts", "administrations")


def test_a_finding_closed_by_a_correction_has_changed_and_is_not_gone(tmp_path: Path) -> None:
    """S40 over two runs: its state, with the correction as the cause."""
    told = compare(run(tmp_path, "a", study()), run(tmp_path, "b", study("1.62e7", corrections=[correction()])))
    closed = row(told, SLIP)
    assert closed["change"] == "changed"
    assert "state: new" in closed["was"] and "state: data corrected" in closed["now"]
    assert closed["caused_by"] == "facts"


def test_a_decision_changes_the_state_and_nothing_else(tmp_path: Path) -> None:
    """The table of decisions is the cause."""
    decided = study(decisions=[decision("confirmed", finding=SLIP)])
    told = compare(run(tmp_path, "a", study()), run(tmp_path, "b", decided))
    changed = told.filter(pl.col("change") == "changed")
    assert changed["id"].to_list() == [SLIP]
    assert changed["fields"].to_list() == ["decision, state"]
    assert changed["detail"].to_list() == ["decisions"]


def test_protocol_rules_and_day_are_causes_of_their_own(tmp_path: Path) -> None:
    """What differs between the manifests, and no facts where those of the participant are the same."""
    old = run(tmp_path, "a", study(), as_of=date(2024, 3, 20))
    for cause, changed in (
        ("protocol", {"protocol hash": "0" * 64, "protocol version": "2"}),
        ("rules", {"build": "1" * 64, "version": "9"}),
    ):
        now = {"as of": "2024-03-20"} | changed
        told = compare(old, run(tmp_path, "b", study(), **now))
        assert row(told, LATE)["change"] == "new"
        assert row(told, LATE)["caused_by"] == cause
    later = compare(old, run(tmp_path, "b", study()))
    assert row(later, LATE)["caused_by"] == "day of judgement"
    assert "as of 2024-03-20 -> 2024-04-20" in row(later, LATE)["detail"]


def test_a_rule_of_another_version_is_named_with_both_versions(tmp_path: Path) -> None:
    """INS-13: of a finding whose own rule changed, the rule; of others the tool's version and build."""
    old = run(tmp_path, "a", study("1.62e7"), build="1" * 64)
    versions = old.manifest["rules"] | {"overdose": "000000000000"}
    old = Run(old.rows, old.manifest | {"rules": versions}, old.study)
    new = run(tmp_path, "b", study())
    new = Run(new.rows, new.manifest | {"inputs": old.manifest["inputs"]}, None)
    slip = row(compare(Run(old.rows, old.manifest), new), SLIP)
    assert (slip["change"], slip["caused_by"]) == ("new", "rules")
    assert slip["detail"] == f"overdose 000000000000 -> {new.manifest['rules']['overdose']}"


def test_a_difference_that_nothing_explains_is_said_to_be_one(tmp_path: Path) -> None:
    """Two runs of one manifest that differ are a fault of the tool, and no fact is invented for it."""
    old = run(tmp_path, "a", study())
    odd = Run(old.rows.filter(pl.col("id") != SLIP), old.manifest, old.study)
    assert row(compare(old, odd), SLIP)["caused_by"] == "nothing that the manifests name"


def test_a_line_that_moved_is_no_change(tmp_path: Path) -> None:
    """A row put before others moves their lines and changes no finding."""
    facts, other = study(), {"subject": "000", "arm": "msc", "site": "B"}
    people = [
        other,
        {"subject": "001", "arm": "msc", "site": "A", "day_zero": "2024-03-01", "birth_date": "2020-01-05"},
    ]
    doses = facts.tables["administrations"].raw.to_dicts()
    moved = study(
        subjects=people, administrations=[{"subject": "000", "treatment": "uc-msc", "status": "not given"}, *doses]
    )
    told = compare(run(tmp_path, "a", facts), run(tmp_path, "b", moved))
    assert row(told, SLIP)["change"] == "unchanged"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.json", "no result"),
        ("alone.json", "no manifest"),
        ("broken.json", "cannot be read"),
        ("", "holds 2 results"),
    ],
)
def test_what_is_no_run_is_refused_with_a_remedy(tmp_path: Path, name: str, said: str) -> None:
    """A missing file, a file without manifest, one that is cut off, a folder with several."""
    for file in ("broken.json", "x.json"):
        (tmp_path / file).write_text("[", encoding="utf-8")
        (tmp_path / f"{file}.manifest.json").write_text("{}", encoding="utf-8")
    (tmp_path / "alone.json").write_text("[]", encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        read_run(tmp_path / name)


def test_the_verb_says_how_many_and_ends_with_one_where_something_differs(tmp_path: Path) -> None:
    """0 nothing differs, 1 something does, 2 no run; all formats."""
    run(tmp_path, "a", study())
    run(tmp_path, "b", study("1.62e7"))
    a, b = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    same = CliRunner().invoke(app, ["compare", a, a])
    assert same.exit_code == 0 and "new 0" in same.stderr
    for format in ("table", "json", "csv", "parquet", "markdown", "html"):
        out = tmp_path / f"told.{format}"
        answer = CliRunner().invoke(app, ["compare", a, b, "--format", format, "-o", str(out)])
        assert answer.exit_code == 1 and out.stat().st_size > 100
    zh = CliRunner().invoke(app, ["compare", a, b, "--lang", "zh"])
    assert "已消失 1" in zh.stderr and "事实" in zh.stdout
    assert CliRunner().invoke(app, ["compare", a, str(tmp_path / "c.json")]).exit_code == 2
