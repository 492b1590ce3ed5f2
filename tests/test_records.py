"""What people record beside the data: decisions, corrections, the site's log; each shown with what it concerns."""

from __future__ import annotations

from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl

import protocol
import rules
from rules.page.labels import Labels
from rules.report import write_report

DAY = date(2024, 4, 20)
SLIP = "small/001/uc-msc/1/overdose"
Rows = list[dict[str, Any]]


def study(amount: str = "1.62e8", sites: str = "A", **tables: Rows) -> rules.Study:
    """A child whose first dose is tenfold (or as said), second late, third on time; and other tables."""
    doses = (("2024-03-15", amount), ("2024-03-24", "1.62e7"), ("2024-03-29", "1.62e7"))
    rows = [
        {"subject": "001", "treatment": "uc-msc", "start": start, "amount": given, "unit": "cells",
         "viable_or_total": "viable", "record": f"d{n}"}
        for n, (start, given) in enumerate(doses, 1)
    ]  # fmt: skip
    weights = [
        {"subject": "001", "measure": "weight", "value": "16.2", "unit": "kg", "at": f"2024-03-{d}"}
        for d in ("14", "21", "28")
    ]
    people = [{"subject": "001", "arm": "msc", "site": sites, "day_zero": "2024-03-01", "birth_date": "2020-01-05"}]
    given = {"subjects": people, "observations": weights, "administrations": rows} | tables
    return rules.from_frames("small", given, data_cut=DAY)


def audited(facts: rules.Study, as_of: date = DAY, lang: str = "en") -> rules.Report:
    """The audit of a study under the seed's protocol."""
    return rules.audit(protocol.read("uc-msc-saa"), facts, as_of=as_of, lang=lang)


def finding(report: rules.Report, identity: str = SLIP) -> dict[str, Any]:
    """The finding of that id."""
    return report.findings.row(by_predicate=pl.col("id") == identity, named=True)


def decision(kind: str, **said: str) -> dict[str, str]:
    """A decision of Dr Li on 1 April."""
    return {"subject": "001", "kind": kind, "decided": "2024-04-01", "by": "Dr Li", "reason": "seen in source"} | said


# --- decisions ----------------------------------------------------------------------------------------------------


def test_a_decision_is_shown_with_the_finding_it_names_and_removes_nothing() -> None:
    """Who, when and why stand beside the finding; the list of findings is the same."""
    before, after = audited(study()), audited(study(decisions=[decision("confirmed", finding=SLIP, document="note 7")]))
    assert list(after.findings["id"]) == list(before.findings["id"])
    row = finding(after)
    assert (row["state"], finding(before)["state"]) == ("confirmed", "new")
    for said in ("confirmed", "Dr Li", "2024-04-01", "note 7", "seen in source"):
        assert said in row["decision"]


def test_an_activity_and_its_occurrence_name_what_a_decision_is_about() -> None:
    """By id, title or product; a hazard that was removed is shown and softens nothing."""
    hazard = decision("immediate hazard", activity="UC-MSC", occurrence="2")
    report = audited(study(decisions=[hazard]))
    late = finding(report, "small/001/uc-msc/2/dose_late")
    assert "immediate hazard" in late["decision"]
    assert late["state"] == "new"
    assert finding(report)["decision"] is None


def test_a_state_needs_an_id_and_is_never_spread_over_an_activity() -> None:
    """What is confirmed is named, not guessed: without an id the decision concerns nothing and is listed so."""
    report = audited(study(decisions=[decision("confirmed", activity="uc-msc", occurrence="1")]))
    assert set(report.findings["state"]) == {"new"}
    assert report.decisions["concerns"].to_list() == [0]


def test_a_decision_that_names_nothing_known_is_listed() -> None:
    """An id that no finding has is not passed over."""
    report = audited(study(decisions=[decision("closed", finding="small/001/uc-msc/9/overdose")]))
    assert report.decisions.select("kind", "concerns", "record").rows() == [("closed", 0, "decisions:1")]
    assert report.history["state"].to_list() == ["new", "closed"]


def test_earlier_states_stay_readable() -> None:
    """The latest decision is the state; all of them, in order of time, are the history."""
    decided = [
        decision("not a deviation", finding=SLIP, decided="2024-04-05", by="Dr Ma"),
        decision("confirmed", finding=SLIP),
    ]
    report = audited(study(decisions=decided))
    assert finding(report)["state"] == "not a deviation"
    assert report.history.select("state", "by").rows() == [
        ("new", None),
        ("confirmed", "Dr Li"),
        ("not a deviation", "Dr Ma"),
    ]


def test_a_decision_after_the_day_of_judgement_was_not_made_yet() -> None:
    """A run as of an earlier day shows what was decided by then."""
    facts = study(decisions=[decision("confirmed", finding=SLIP)])
    assert finding(audited(facts, date(2024, 3, 31)))["state"] == "new"
    assert finding(audited(facts, date(2024, 4, 1)))["state"] == "confirmed"


def test_serious_breach_and_exclusion_are_fields_of_their_own_and_never_derived() -> None:
    """They say who and when; without a decision they are empty, however grave the finding."""
    decided = [
        decision("serious breach", finding=SLIP, by="QA"),
        decision("excluded", finding=SLIP, analysis_set="per-protocol set"),
    ]
    row, plain = finding(audited(study(decisions=decided))), finding(audited(study()))
    assert "QA" in row["serious_breach"] and "2024-04-01" in row["serious_breach"]
    assert "per-protocol set" in row["excluded_from"]
    assert row["importance"] == plain["importance"] and row["state"] == "new"
    assert (plain["serious_breach"], plain["excluded_from"]) == (None, None)


# --- corrections --------------------------------------------------------------------------------------------------


def correction(**said: str) -> dict[str, str]:
    """The tenfold dose corrected by Dr Li on 20 March."""
    base = {"table": "administrations", "record": "d1", "column": "amount", "old": "1.62e8", "new": "1.62e7"}
    return base | {"by": "Dr Li", "at": "2024-03-20", "reason": "typing error", "source_seen": "yes"} | said


def test_a_finding_that_a_correction_removed_is_closed_and_does_not_vanish() -> None:
    """S40: old value, new value, who, why, and whether the source was seen."""
    report = audited(study("1.62e7", corrections=[correction()]))
    assert SLIP not in set(report.findings["id"])
    [closed] = report.corrected.rows(named=True)
    assert (closed["id"], closed["state"], closed["verdict"]) == (SLIP, "data corrected", "deviates")
    for said in ("amount", "1.62e8", "1.62e7", "Dr Li", "typing error", "source seen: yes"):
        assert said in closed["decision"]
    assert report.history["state"].to_list() == ["new", "data corrected"]
    assert SLIP in set(report.rows["id"])


def test_before_the_correction_the_finding_is_a_finding() -> None:
    """S40: the run of 18 March, on the data of 18 March."""
    report = audited(study(), date(2024, 3, 18))
    assert SLIP in set(report.findings["id"])
    assert len(report.corrected) == 0


def test_a_correction_that_answers_the_finding_without_source_leaves_it_open() -> None:
    """S40: after the tool's flag, and nobody saw the source."""
    for seen in ("no", ""):
        report = audited(study("1.62e7", corrections=[correction(finding=SLIP, source_seen=seen)]))
        assert "kept open" in finding(report)["decision"]
        assert finding(report)["state"] == "new"
        assert len(report.corrected) == 0
    answered = audited(study("1.62e7", corrections=[correction(finding=SLIP)]))
    assert answered.corrected["id"].to_list() == [SLIP]


def test_a_correction_after_a_decision_on_the_finding_came_after_it_was_known() -> None:
    """Somebody had decided about it before the cell was changed."""
    known = decision("confirmed", finding=SLIP, decided="2024-03-18")
    report = audited(study("1.62e7", decisions=[known], corrections=[correction(source_seen="no")]))
    assert "kept open" in finding(report)["decision"]


def test_a_cell_corrected_twice_is_taken_back_one_correction_at_a_time() -> None:
    """Each value it ever had is judged: tenfold first, then a half."""
    twice = [correction(new="8e6"), correction(old="8e6", at="2024-03-25")]
    report = audited(study("1.62e7", corrections=twice))
    assert report.corrected["code"].to_list() == ["overdose", "underdose"] or set(report.corrected["code"]) == {
        "overdose",
        "underdose",
    }


def test_a_correction_that_does_not_fit_the_cell_changes_nothing() -> None:
    """The cell says neither the new value nor the old one."""
    report = audited(study("1.60e7", corrections=[correction()]))
    assert len(report.corrected) == 0


def test_a_correction_that_made_no_finding_go_closes_nothing() -> None:
    """A lot that was misspelt."""
    report = audited(study("1.62e7", corrections=[correction(old="1.63e7")]))
    assert len(report.corrected) == 0


# --- the site's log -----------------------------------------------------------------------------------------------


def logged(**said: str) -> dict[str, str]:
    """An entry of the site's log."""
    return {"subject": "001", "term": "something else"} | said


def pairs(report: rules.Report) -> dict[tuple[str | None, str | None], str | None]:
    """Entry and code -> the rule that matched."""
    return {(row["log"], row["code"]): row["match"] for row in report.reconciliation.iter_rows(named=True)}


def test_each_matching_rule_is_named() -> None:
    """Activity and occurrence, activity and date, category, words, the same day: the strongest is printed."""
    log = [
        logged(activity="uc-msc", occurrence="1"),
        logged(activity="uc-msc", date="2024-03-26"),
        logged(category="wrong study treatment, administration or dose", date="2024-03-13"),
        logged(term="MSC was given late", date="2024-03-25"),
        logged(date="2024-03-24"),
    ]
    found = pairs(audited(study(deviation_log=log)))
    assert found[("deviation_log:1", "overdose")] == "activity and occurrence"
    assert found[("deviation_log:2", "dose_late")] == "activity and date"
    assert found[("deviation_log:3", "overdose")] == "category and date"
    assert found[("deviation_log:5", "dose_late")] == "same day"


def test_one_entry_may_be_several_findings_and_one_finding_in_several_entries() -> None:
    """Many to many: all pairs are kept."""
    log = [logged(activity="uc-msc", date="2024-03-15"), logged(term="tenfold overdose", date="2024-03-15")]
    report = audited(study(deviation_log=log))
    codes = set(report.findings.filter(pl.col("date") == date(2024, 3, 15))["code"])
    both = report.reconciliation.filter((pl.col("found") == "detected and logged") & (pl.col("code") == "overdose"))
    assert both["log"].to_list() == ["deviation_log:1", "deviation_log:2"]
    assert codes <= set(report.reconciliation.filter(pl.col("log") == "deviation_log:1")["code"])


def test_what_is_detected_and_not_logged_is_listed() -> None:
    """Beside `logged` of the finding."""
    report = audited(study(deviation_log=[logged(activity="uc-msc", occurrence="1")]))
    alone = report.reconciliation.filter(pl.col("found") == "detected and not logged")
    assert "dose_late" in alone["code"].to_list()
    assert finding(report, "small/001/uc-msc/2/dose_late")["logged"] == "no"
    assert finding(report)["logged"] == "yes"


def test_another_occurrence_or_another_activity_is_no_match() -> None:
    """An entry that names what it is about matches nothing else, also on the same day."""
    log = [logged(activity="uc-msc", occurrence="3", date="2024-03-15"), logged(activity="ratg", date="2024-03-15")]
    report = audited(study(deviation_log=log))
    assert set(report.findings["logged"]) == {"no"}


def test_what_is_logged_and_not_detected_says_why() -> None:
    """Judged and complying, no rule for the category, no place in time, or nothing that agrees."""
    log = [
        logged(activity="uc-msc", occurrence="3"),
        logged(category="broken thermometer", date="2024-01-01"),
        logged(),
        logged(date="2024-01-01"),
    ]
    rows = audited(study(deviation_log=log)).reconciliation.filter(pl.col("found") == "logged and not detected")
    why = {row["log"]: row["why"] for row in rows.iter_rows(named=True)}
    assert "complies" in why["deviation_log:1"]
    assert "no rule covers" in why["deviation_log:2"]
    assert "neither a day" in why["deviation_log:3"]
    assert "nothing of this participant" in why["deviation_log:4"]


def test_the_log_says_when_site_and_sponsor_became_aware() -> None:
    """INS-06: occurrence, detection and awareness are different days."""
    log = [logged(activity="uc-msc", occurrence="1", aware="2024-03-16", reported="2024-03-19")]
    row = finding(audited(study(deviation_log=log)))
    days = (row["date"], row["detected"], row["site_aware"], row["sponsor_aware"])
    assert days == (date(2024, 3, 15), DAY, date(2024, 3, 16), date(2024, 3, 19))


# --- what is said of a finding ------------------------------------------------------------------------------------


def test_one_finding_of_each_event_is_primary() -> None:
    """Counts can be given both ways."""
    report = audited(study("0"))
    for event in report.findings["event"].unique():
        same = report.findings.filter(pl.col("event") == event)
        assert (same["primary"] == "yes").sum() == 1


def test_a_proposal_is_never_the_sponsors_importance() -> None:
    """Its field says that it is ours, and *unclassified* stays so."""
    row = finding(audited(study()))
    assert row["proposed_importance"] == "important"
    for lang in ("en", "zh"):
        assert Labels(lang).column("proposed_importance") != Labels(lang).column("importance")
    assert "our" in Labels("en").column("proposed_importance")


def test_findings_of_one_recorded_cause_are_grouped() -> None:
    """S56: seven deviations, one cause."""
    children = [f"{n:03}" for n in range(1, 8)]
    facts = rules.from_frames(
        "closed",
        {
            "subjects": [{"subject": c, "arm": "msc", "site": "A", "day_zero": "2024-03-01"} for c in children],
            "administrations": [
                {"subject": c, "treatment": "uc-msc", "start": "2024-03-19", "amount": "1.62e7", "unit": "cells",
                 "occurrence": "1", "viable_or_total": "viable",
                 "reason": "Hospital closed" if c < "005" else "hospital closed"}
                for c in children
            ],
        },
        data_cut=date(2024, 3, 20),
    )  # fmt: skip
    report = audited(facts, date(2024, 3, 20))
    late = report.findings.filter(pl.col("code") == "dose_late")
    assert len(late) == 7
    [cause] = report.causes.rows(named=True)
    assert (cause["site"], cause["number"], cause["subjects"]) == ("A", 7, 7)


def test_what_a_decision_ended_is_counted_and_said(tmp_path: Path) -> None:
    """The number of deviations is the same, and how many of them are ended stands beside it."""
    for kind, said in (("not a deviation", True), ("confirmed", False)):
        report = audited(study(decisions=[decision(kind, finding=SLIP)]))
        for format in ("html", "markdown", "table"):
            write_report(report, None, format, tmp_path / format)
            text = (tmp_path / format).read_text("utf-8")
            assert (Labels("en")("ended", n=1) in text) == said, format


def test_all_of_it_is_on_the_page_and_in_the_text(tmp_path: Path) -> None:
    """Reconciliation, decisions, history and what a correction closed, in both languages and every format."""
    facts = study(
        "1.62e7",
        corrections=[correction()],
        decisions=[decision("waiver", activity="uc-msc", occurrence="2")],
        deviation_log=[logged(activity="uc-msc", occurrence="3")],
    )
    for lang in ("en", "zh"):
        report = audited(facts, lang=lang)
        labels = Labels(lang)
        for format in ("html", "markdown", "table"):
            out = tmp_path / f"{lang}.{format}"
            write_report(report, None, format, out)
            text = out.read_text("utf-8")
            for key in ("corrected findings", "reconciliation", "decisions", "history"):
                assert labels(key) in unescape(text), (lang, format, key)
            if format != "table":  # where words are broken between lines
                assert labels.value("logged and not detected") in text
                assert labels.value("data corrected") in text
    assert SLIP in write_rows(facts, tmp_path)


def write_rows(facts: rules.Study, folder: Path) -> str:
    """The table for programs as CSV."""
    write_report(audited(facts), None, "csv", folder / "rows.csv")
    return (folder / "rows.csv").read_text("utf-8")


def test_a_waiver_adds_a_finding_and_leaves_the_departure_one() -> None:
    """A prospective waiver is a fault of its own, of the same event as what it was to allow."""
    waiver = decision("waiver", activity="uc-msc", occurrence="2", decided="2024-03-20", reason="holiday")
    before, after = audited(study()), audited(study(decisions=[waiver]))
    added = after.findings.filter(~pl.col("id").is_in(before.findings["id"].implode()))
    [row] = added.rows(named=True)
    assert (row["code"], row["event"], row["record"]) == ("waiver_granted", "small/001/uc-msc/2", "decisions:1")
    assert "Dr Li" in row["message"] and "holiday" in row["message"]
    assert set(before.findings["id"]) <= set(after.findings["id"])
    assert "waiver" in finding(after, "small/001/uc-msc/2/dose_late")["decision"]


def test_a_date_may_differ_by_three_days_and_no_more() -> None:
    """Both sides of the limit, before and after; a partial date matches where any of its days does."""
    for day, match in (("2024-03-12", True), ("2024-03-11", False), ("2024-03-18", True), ("2024-03-19", False)):
        log = [logged(term="tenfold overdose", date=day)]
        assert (finding(audited(study(deviation_log=log)))["logged"] == "yes") == match, day
    partly = audited(study(deviation_log=[logged(term="tenfold overdose", date="2024-03")]))
    assert finding(partly)["logged"] == "yes"
