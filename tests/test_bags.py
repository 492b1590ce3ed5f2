"""Lots and bags: expiry, requirements of a product and whose bag it was, from the records to the answer."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import protocol
import rules
from protocol.errors import StudyError

HEAD = """
protocol: bags
version: 1
first_day: 0
arms: {active: everybody}
"""
PLAIN = HEAD + "treatments: {drug: {due: day 0, window: ±1 d, dose: 100 mg}}"


def requiring(what: str) -> str:
    """Return a protocol whose product requires something."""
    return HEAD + f"products: {{drug: {{requires: {what}}}}}\n" + PLAIN.removeprefix(HEAD)


Row = dict[str, str]


def report(text: str, given: list[Row], lots: list[Row] | None = None, **how: date) -> rules.Report:
    """Return the audit of participants whose day zero is 1 March."""
    dose = {"subject": "1", "treatment": "drug", "amount": "100", "unit": "mg", "start": "2024-03-01 10:00", "lot": "L"}
    people = dict.fromkeys(row.get("subject", "1") for row in given)
    tables = {
        "subjects": [{"subject": s, "arm": "active", "day_zero": "2024-03-01"} for s in people],
        "administrations": [dose | row for row in given],
    }
    if lots is not None:
        tables["lots"] = lots
    return rules.audit(protocol.read_text(text), rules.from_frames("s", tables, data_cut=date(2024, 4, 1)), **how)


def codes(text: str, given: list[Row], lots: list[Row] | None = None, **how: date) -> list[str]:
    """Return the codes of all findings and queries."""
    found = report(text, given, lots, **how)
    return sorted([*found.findings["code"], *found.queries["code"]])


EXPIRIES = [
    ("On the day of its expiry a bag is still good.", {"expires": "2024-03-01"}, []),
    ("On the day after it is not.", {"expires": "2024-02-29"}, ["product_expired"]),
    ("Of a month the last day counts.", {"expires": "2024-03"}, []),
    ("A time of day counts to the minute.", {"expires": "2024-03-01 11:00", "end": "2024-03-01 11:00"}, []),
    ("A minute more is too late.", {"expires": "2024-03-01 11:00", "end": "2024-03-01 11:01"}, ["product_expired"]),
    ("Begun after the time, whenever it ended.", {"expires": "2024-03-01 09:59"}, ["product_expired"]),
    ("Begun before the time, and no end is on record.", {"expires": "2024-03-01 11:00"}, ["use-time"]),
    ("The end of another day is late enough.", {"expires": "2024-03-02 08:00"}, []),
    ("Across midnight the end counts.", {"expires": "2024-03-01", "end": "2024-03-02 00:10"}, ["product_expired"]),
    ("No expiry on record is not asked for.", {"expires": ""}, []),
    (
        "A dose not given uses nothing.",
        {"expires": "2024-02-01", "status": "not given", "amount": ""},
        ["dose_not_given"],
    ),
]


@pytest.mark.parametrize(("row", "found"), [c[1:] for c in EXPIRIES], ids=[c[0] for c in EXPIRIES])
def test_the_end_of_the_use_is_judged_by_the_expiry(row: Row, found: list[str]) -> None:
    """A day of expiry lasts to its end; a time of day to its minute; the end of the infusion counts."""
    assert codes(PLAIN, [row]) == found


def test_every_bag_of_a_dose_is_judged_by_its_own_expiry() -> None:
    """Of two bags of one dose the expired one is found, and the dose is one."""
    bags = [
        {"start": "2024-03-01 10:00", "end": "2024-03-01 10:20", "amount": "50", "bag": "A", "expires": "2024-03-01"},
        {"start": "2024-03-01 10:30", "end": "2024-03-01 10:50", "amount": "50", "bag": "B", "expires": "2024-02-01"},
    ]
    found = report(PLAIN, bags).findings
    assert found.select("code", "occurrence", "record").rows() == [("product_expired", 1, "administrations:2")]
    verdicts = rules.validate(
        protocol.read_text(PLAIN),
        rules.from_frames(
            "s",
            {
                "subjects": [{"subject": "1", "arm": "active", "day_zero": "2024-03-01"}],
                "administrations": [{"subject": "1", "treatment": "drug", "unit": "mg"} | bag for bag in bags],
            },
        ),
    )
    assert verdicts.select("verdict", "codes").rows() == [("deviates", "product_expired")]


def test_an_expiry_in_the_table_of_lots_counts_and_two_that_disagree_are_asked_about() -> None:
    """The lot's expiry stands for its bags; where the record says otherwise and it matters, the site is asked."""
    lots = [{"lot": "L", "measure": "expires", "at": "2024-02-29"}]
    assert codes(PLAIN, [{}], lots) == ["product_expired"]
    assert codes(PLAIN, [{"lot": "M"}], lots) == []
    assert codes(PLAIN, [{"expires": "2024-03-31"}], lots) == ["expiry"]
    assert codes(PLAIN, [{"expires": "2024-01-31"}], lots) == ["product_expired"]


REQUIRED = [
    ("viability 70 to 95 percent", {"viability": "70"}, []),
    ("viability 70 to 95 percent", {"viability": "69.9"}, ["product_out_of_specification"]),
    ("viability 70 to 95 percent", {"viability": "95.1"}, ["product_out_of_specification"]),
    ("viability > 70 percent", {"viability": "70"}, ["product_out_of_specification"]),
    ("viability > 70 percent", {"viability": ""}, ["specification"]),
    ("released within 6 h", {"released": "2024-03-01 05:00", "end": "2024-03-01 11:00"}, []),
    (
        "released within 6 h",
        {"released": "2024-03-01 04:59", "end": "2024-03-01 11:00"},
        ["product_out_of_specification"],
    ),
    ("released within 6 h", {"released": "2024-03-01", "end": "2024-03-01 11:00"}, ["elapsed"]),
    ("released within 6 h", {"released": "2024-02-29", "end": "2024-03-01 11:00"}, ["product_out_of_specification"]),
    ("released within 6 h", {"released": "2024-03-02 05:00", "end": "2024-03-01 11:00"}, ["elapsed"]),
    ("dispensed within 1 d", {"dispensed": "2024-02-29"}, []),
    ("dispensed within 1 d", {"dispensed": "2024-02-28"}, ["product_out_of_specification"]),
    ("volume <= 100 mL", {"volume": "100"}, []),
    ("volume <= 100 mL", {"volume": "101"}, ["product_out_of_specification"]),
]


@pytest.mark.parametrize(("what", "row", "found"), REQUIRED)
def test_a_requirement_is_judged_by_what_the_record_says(what: str, row: Row, found: list[str]) -> None:
    """Values by their limits, both ends inside; times to the end of the infusion; what is missing is asked for."""
    assert codes(requiring(what), [row]) == found


RESULTS = [
    ("pass", "2024-02-20", []),
    ("fail", "2024-02-20", ["product_out_of_specification"]),
    ("fail", "2024-03-10", ["product_failed_later"]),
    ("pass", "2024-03-10", []),
]


@pytest.mark.parametrize(("value", "known", "found"), RESULTS)
def test_what_was_known_when_decides_whose_fault_it_is(value: str, known: str, found: list[str]) -> None:
    """A failure known before the use is a finding, one known after it a product event."""
    lots = [{"lot": "L", "measure": "Sterility", "value": value, "at": "2024-02-10", "known": known}]
    assert codes(requiring("sterility = pass"), [{}], lots) == found


def test_a_passed_test_that_fails_when_repeated_is_a_product_event() -> None:
    """At its use the lot had passed: the site did right."""
    lots = [
        {"lot": "L", "measure": "potency", "value": "120", "unit": "%", "known": "2024-02-10"},
        {"lot": "L", "measure": "potency", "value": "60", "unit": "%", "known": "2024-03-20"},
    ]
    assert codes(requiring("potency >= 80 percent"), [{}], lots) == ["product_failed_later"]
    assert codes(requiring("potency >= 80 percent"), [{}], lots[:1]) == []
    assert codes(requiring("potency >= 80 percent"), [{}], lots, as_of=date(2024, 3, 19)) == []


def test_a_result_in_another_kind_of_unit_cannot_be_compared() -> None:
    """Milligrams are no percent: the site is asked."""
    lots = [{"lot": "L", "measure": "potency", "value": "120", "unit": "mg", "known": "2024-02-10"}]
    assert codes(requiring("potency >= 80 percent"), [{}], lots) == ["specification"]


def test_a_fact_of_one_bag_is_none_of_the_others_of_its_lot() -> None:
    """A recall of a bag concerns that bag alone; one of the lot all its bags."""
    given = [{"subject": "1", "bag": "A"}, {"subject": "2", "bag": "B"}]
    of_bag = report(PLAIN, given, [{"lot": "L", "bag": "B", "measure": "recall", "known": "2024-03-05"}]).queries
    assert of_bag.select("subject", "code").rows() == [("2", "product_failed_later")]
    of_lot = report(PLAIN, given, [{"lot": "L", "measure": "recall", "known": "2024-03-05"}]).queries
    assert of_lot["subject"].to_list() == ["1", "2"]
    assert all("1, 2" in text for text in of_lot["message"])


def test_one_bag_of_two_lots_is_two_bags() -> None:
    """The number of a bag counts within its lot and treatment."""
    given = [{"subject": "1", "bag": "1", "lot": "L"}, {"subject": "2", "bag": "1", "lot": "M"}]
    assert codes(PLAIN, given) == []
    assert codes(PLAIN, [given[0], given[1] | {"lot": "L"}]) == ["bag_of_several"]


def test_the_dose_of_both_participants_is_in_doubt_though_one_is_asked() -> None:
    """Neither verdict is a *complies* while it is open whose bag it was."""
    subjects = [{"subject": s, "arm": "active", "day_zero": "2024-03-01"} for s in ("1", "2")]
    dose = {"treatment": "drug", "amount": "100", "unit": "mg", "start": "2024-03-01", "bag": "A"}
    study = rules.from_frames(
        "s", {"subjects": subjects, "administrations": [dose | {"subject": s} for s in ("1", "2")]}
    )
    verdicts = rules.validate(protocol.read_text(PLAIN), study)
    assert verdicts["verdict"].to_list() == ["cannot tell", "cannot tell"]
    assert verdicts["codes"].to_list() == ["bag_of_several", "bag_in_doubt"]


def test_a_lot_that_names_neither_lot_nor_bag_is_refused() -> None:
    """Nobody could tell what it is about."""
    with pytest.raises(StudyError, match="name the lot or the bag"):
        report(PLAIN, [{}], [{"lot": "", "measure": "recall"}])


def test_what_no_single_value_shows_is_named_and_not_judged() -> None:
    """A requirement that combines facts, or limits a content that is not stated, is named in the report."""
    for what in ("[{any: [viability > 1 percent, viability < 2 percent]}]", "dmso <= 1 g/kg"):
        found = report(requiring(what), [{}])
        assert ("products.drug", "product") in found.not_judged
        assert isinstance(found.queries, pl.DataFrame) and not len(found.queries)
