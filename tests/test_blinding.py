"""A blinded run shows nothing from which allocation can be inferred: not an arm, an amount, a lot, a count, a hash."""

from __future__ import annotations

import re
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
from rules.blinding import ARM, blind, read_facts
from rules.report import write_report, write_table

DAY = date(2024, 4, 20)
TRIAL = """
protocol: secret
version: 1
first_day: 0
blinding: blinded
sources: {doc: a protocol for tests}
source: doc
basis: stated
arms: {active: active drug, control: placebo}
weight: {use: latest, within: 30 d}
treatments:
  infusion:
    product: {active: drugumab, control: saline}
    due: [day 0, day 7]
    window: ±1 d
    dose: {amount: 8 mg/kg, max: 800 mg, tolerance: ±10 %}
  steroid: {due: day 0, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}}
  rescue: {arm: control, due: day 14, window: ±1 d, dose: 5 mg}
visits:
  week-2: {due: day 14, window: ±2 d}
  after-rescue: {due: 3 d after rescue, window: ±2 d}
"""
SECRETS = ("active", "control", "drugumab", "saline", "LOT-A", "LOT-C", "placebo", "128", "KIT", "8 mg/kg")
FORMATS = ("table", "json", "csv", "parquet", "markdown", "html")


@pytest.fixture
def trial() -> protocol.Protocol:
    """A blinded trial, whose second treatment all have and whose third only the controls."""
    return protocol.read_text(TRIAL)


def swapped_study(first: str, second: str) -> rules.Study:
    """Two children who differ in allocation alone: 001 in one arm, 002 in the other. The second infusion is late."""
    arms = {"001": first, "002": second}

    def given(child: str, day: str) -> dict[str, Any]:
        active = arms[child] == "active"
        said = {"treatment": "drugumab", "amount": "128", "unit": "mg", "lot": "LOT-A"}
        other = {"treatment": "saline", "amount": "0", "unit": "mL", "lot": "LOT-C"}
        return {"subject": child, "start": day, "kit": f"KIT-{arms[child]}"} | (said if active else other)

    doses = [given(child, day) for child in arms for day in ("2024-03-01", "2024-03-11")]
    steroid = {"treatment": "steroid", "start": "2024-03-01", "amount": "20", "unit": "mg"}
    corrected = {"table": "administrations", "record": "r1", "column": "amount", "by": "Dr Li", "at": "2024-03-20"}
    tables: dict[str, list[dict[str, Any]]] = {
        "subjects": [
            {"subject": s, "arm": arm, "actual_arm": arm, "site": "A", "day_zero": "2024-03-01", "stratum": arm}
            for s, arm in arms.items()
        ],
        "observations": [
            {"subject": s, "measure": "weight", "value": "16", "unit": "kg", "at": "2024-03-01"} for s in arms
        ],
        "administrations": [row | {"record": f"r{n}"} for n, row in enumerate(doses, 1)]
        + [{"subject": s, "record": f"s{s}"} | steroid for s in arms],
        "corrections": [corrected | {"old": "12.8", "new": "128"}],
        "deviation_log": [
            {
                "subject": s,
                "term": "late",
                "activity": "drugumab" if arm == "active" else "saline",
                "date": "2024-03-11",
            }
            for s, arm in arms.items()
        ],
    }
    return rules.from_frames("secret", tables, data_cut=DAY)


def outputs(trial: protocol.Protocol, facts: rules.Study, folder: Path) -> dict[str, bytes]:
    """Every format of every verb, and every manifest without its clock."""
    folder.mkdir()
    report = rules.audit(trial, facts, as_of=DAY)
    calendar = rules.schedule(trial, facts, as_of=DAY)
    found = {}
    for format in FORMATS:
        manifest = write_report(report, calendar, format, folder / f"audit.{format}")
        write_table(calendar, format, "en", folder / f"schedule.{format}")
        write_table(rules.validate(trial, facts, as_of=DAY), format, "en", folder / f"validate.{format}")
        found[f"manifest {format}"] = str({k: v for k, v in manifest.items() if k != "run"}).encode()
    return found | {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.endswith("manifest.json")}


def test_two_studies_that_differ_in_allocation_alone_give_the_same_bytes(
    trial: protocol.Protocol, tmp_path: Path
) -> None:
    """Every output in every format, with its manifest and the hashes of its inputs."""
    one = outputs(trial, swapped_study("active", "control"), tmp_path / "one")
    two = outputs(trial, swapped_study("control", "active"), tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_no_output_names_an_arm_a_product_a_lot_or_an_amount(trial: protocol.Protocol, tmp_path: Path) -> None:
    """Nor what only one arm has, nor a column that the study folder does not know, such as the kit."""
    for name, content in outputs(trial, swapped_study("active", "control"), tmp_path / "one").items():
        text = content.decode("utf-8", errors="replace")
        style = text.find("<style>"), text.find("</style>")
        text = text[: style[0]] + text[style[1] :] if style[0] >= 0 else text
        # A hash is no statement, whatever its digits.
        text = re.sub(r"[0-9a-f]{64}", "", text)
        assert [said for said in SECRETS if said in text.replace("name only one arm", "")] == [], name


def test_what_all_arms_have_is_judged_as_ever(trial: protocol.Protocol) -> None:
    """The late infusions of both, and the double dose of the steroid with its amounts."""
    report = rules.audit(trial, swapped_study("active", "control"), as_of=DAY)
    found = report.findings.group_by("code").agg(pl.len()).sort("code").rows()
    assert ("dose_late", 2) in found and ("overdose", 2) in found
    assert set(report.findings["arm"]) == {ARM}
    assert set(report.findings["logged"]) == {"no", "yes"}


def test_a_blinded_dose_that_is_on_time_is_not_called_right(trial: protocol.Protocol) -> None:
    """Its amount was not judged: it cannot be told, of everybody alike."""
    verdicts = rules.validate(trial, swapped_study("active", "control"), as_of=DAY)
    first = verdicts.filter((pl.col("activity") == "infusion") & (pl.col("occurrence") == 1))
    assert first["verdict"].to_list() == ["cannot tell", "cannot tell"]


def test_what_is_not_judged_is_named(trial: protocol.Protocol) -> None:
    """The blinded treatment, and what only one arm has, with what follows from it."""
    report = rules.audit(trial, swapped_study("active", "control"), as_of=DAY)
    named = {path for path, why in report.not_judged if why == "blinded"}
    assert named == {"treatments.infusion", "treatments.rescue", "visits.after-rescue"}


def test_an_unblinded_run_judges_all_and_is_marked(trial: protocol.Protocol, tmp_path: Path) -> None:
    """On the page, in the text and in the manifest."""
    facts = swapped_study("active", "control")
    report = rules.audit(trial, facts, as_of=DAY, blinded=False)
    assert {"active", "control"} == set(report.findings["arm"].drop_nulls())
    for format in ("html", "markdown", "table"):
        manifest = write_report(report, None, format, tmp_path / format)
        assert "UNBLINDED" in (tmp_path / format).read_text("utf-8")
        assert manifest["blinding"] == "unblinded"


def test_an_open_trial_is_marked_neither_way_and_may_be_read_blinded(tmp_path: Path) -> None:
    """Blinding is a choice there."""
    trial = protocol.read_text(TRIAL.replace("blinding: blinded\n", ""))
    facts = swapped_study("active", "control")
    plain = write_report(rules.audit(trial, facts, as_of=DAY), None, "markdown", tmp_path / "open")
    assert plain["blinding"] == "open" and "BLINDED" not in (tmp_path / "open").read_text("utf-8")
    assert rules.audit(trial, facts, as_of=DAY, blinded=True).blinding == "blinded"


def test_an_error_shows_no_word_that_tells_an_arm(trial: protocol.Protocol, tmp_path: Path) -> None:
    """Neither at the door nor behind it."""
    facts = swapped_study("activ", "control")
    with pytest.raises(StudyError) as error:
        blind(trial, facts)
    assert "activ" not in str(error.value) and "--unblinded" in str(error.value)
    (tmp_path / "subjects.csv").write_text("subject,arm\n001,active\n", encoding="utf-8")
    (tmp_path / "administrations.csv").write_text(
        "subject,treatment,start,amount,unit\n001,drugumab,2024-03-01,128 of drugumab,mg\n", encoding="utf-8"
    )
    with pytest.raises(StudyError) as error:
        read_facts(tmp_path, trial, None)
    assert "drugumab" not in str(error.value)
    with pytest.raises(StudyError, match="drugumab"):
        read_facts(tmp_path, trial, blinded=False)


def test_a_dose_typed_in_needs_the_unblinded_switch(tmp_path: Path) -> None:
    """An amount tells the arm."""
    (tmp_path / "secret.yaml").write_text(TRIAL, encoding="utf-8")
    typed = ["validate", str(tmp_path / "secret.yaml"), "--subject", "1", "--arm", "active", "--day-zero", "2024-03-01"]
    typed += ["--weight", "16 kg", "--treatment", "infusion", "--given", "128 mg", "--on", "2024-03-01"]
    refused = CliRunner().invoke(app, typed)
    assert refused.exit_code == 2 and "--unblinded" in refused.stderr
    assert CliRunner().invoke(app, [*typed, "--unblinded"]).exit_code == 0


def test_an_approved_protocol_file_is_no_draft(tmp_path: Path) -> None:
    """INS-12: who approved it and when stands in the manifest, and DRAFT on no page."""
    facts = swapped_study("active", "control")
    text = TRIAL.replace("blinding: blinded\n", "approved: {by: Dr Ma, on: 2024-01-01, reviewer: Dr Li}\n")
    for said, draft in ((text, False), (TRIAL.replace("blinding: blinded\n", ""), True)):
        trial = protocol.read_text(said)
        report = rules.audit(trial, facts, as_of=DAY)
        for format in ("html", "markdown", "table"):
            manifest = write_report(report, None, format, tmp_path / format)
            assert ("DRAFT" in (tmp_path / format).read_text("utf-8")) == draft
        assert ("DRAFT" in str(manifest["approval"])) == draft
        assert protocol.read_text(protocol.write(trial)) == trial
