"""How doses are given: route, brand, order, prerequisites and pace, from the records to the answer."""

from __future__ import annotations

from datetime import date

import pytest

import protocol
import rules
from rules.happened.routes import route_term, same_route

HEAD = """
protocol: conduct
version: 1
first_day: 0
arms: {active: everybody}
measures: {test-dose: {values: [no reaction, reaction]}}
"""
PACED = HEAD + "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, over: 1 h to 6 h}}"
ONE_TIME = HEAD + "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, over: 30 min}}"
RATED = HEAD + (
    "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, rate: {0 min: 60 mg/h, 30 min: 120 mg/h}}}"
)
BY_VOLUME = HEAD + "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, rate: 100 mL/h}}"
ROUTED = HEAD + "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, route: intravenous}}"
TESTED = (
    HEAD + "treatments: {drug: {due: day 0, window: ±0 d, dose: 100 mg, requires: test-dose = no reaction within 3 d}}"
)
ORDERED = HEAD + (
    "treatments:\n"
    "  opener: {due: day 0, window: ±0 d, dose: 10 mg}\n"
    "  drug: {due: day 0, window: ±0 d, dose: 100 mg, after: [opener]}\n"
)
LIMITED = "{amount: 100 mg, tolerance: ±5 %}"
SERIES = HEAD + "treatments: {drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, dose: 100 mg}}"

Row = dict[str, str]


def codes(text: str, *given: Row, observations: tuple[Row, ...] = (), final: bool = False) -> list[str]:
    """Return the codes of all findings and queries about one participant whose day zero is 1 March."""
    dose = {"subject": "1", "treatment": "drug", "amount": "100", "unit": "mg", "start": "2024-03-01"}
    tables: dict[str, list[Row]] = {
        "subjects": [{"subject": "1", "arm": "active", "day_zero": "2024-03-01"}],
        "administrations": [dose | row for row in given],
    }
    if observations:
        tables["observations"] = [{"subject": "1", "measure": "test-dose"} | row for row in observations]
    report = rules.audit(
        protocol.read_text(text), rules.from_frames("s", tables, data_cut=date(2024, 4, 1), final=final)
    )
    return sorted([*report.findings["code"], *report.queries["code"]])


def ran(start: str, end: str, **more: str) -> Row:
    """Return a dose of 1 March with these times."""
    return {"start": f"2024-03-01 {start}", "end": f"2024-03-01 {end}"} | more


PACES = [
    ("An infusion of an hour is within its range.", PACED, [ran("08:00", "09:00")], []),
    ("A minute less is too fast.", PACED, [ran("08:00", "08:59")], ["infusion_too_fast"]),
    ("Six hours are within the range.", PACED, [ran("08:00", "14:00")], []),
    ("A minute more is too slow.", PACED, [ran("08:00", "14:01")], ["infusion_too_slow"]),
    ("Across midnight counts on.", PACED, [{"start": "2024-03-01 23:30", "end": "2024-03-02 00:30"}], []),
    ("Without an end the site is asked.", PACED, [{"start": "2024-03-01 08:00", "end": ""}], ["infusion-time"]),
    (
        "The time of an interruption does not count.",
        PACED,
        [ran("08:00", "08:20", bag="B", amount="40"), ran("09:00", "09:39", bag="B", amount="60")],
        ["infusion_too_fast", "interruption"],
    ),
    (
        "Interruptions of one dose add up, and 31 minutes are one too many.",
        PACED.replace("over:", "interruption: up to 30 min, over:"),
        [
            ran("08:00", "08:20", bag="B", amount="40"),
            ran("08:35", "08:50", bag="B", amount="20"),
            ran("09:06", "09:36", bag="B", amount="40"),
        ],
        ["infusion_interrupted"],
    ),
    (
        "An interruption without the time at which it began cannot be told.",
        PACED.replace("over:", "interruption: not allowed, over:"),
        [{"start": "2024-03-01 08:00", "bag": "B", "amount": "40"}, ran("09:00", "09:39", bag="B", amount="60")],
        ["infusion-time"],
    ),
    (
        "Across midnight an interruption is no longer than it was.",
        PACED.replace("over:", "interruption: up to 30 min, over:"),
        [
            {"start": "2024-03-01 22:30", "end": "2024-03-01 23:50", "bag": "B", "amount": "40"},
            {"start": "2024-03-01 23:59", "end": "2024-03-02 00:30", "bag": "B", "amount": "60"},
        ],
        [],
    ),
    (
        "Of a part the same share of the time is enough.",
        PACED,
        [ran("08:00", "08:30", amount="50", prepared="100", status="partly given")],
        [],
    ),
    (
        "A part given too fast is too fast.",
        PACED,
        [ran("08:00", "08:29", amount="50", prepared="100", status="partly given")],
        ["infusion_too_fast"],
    ),
    ("Exactly the one time stated is right.", ONE_TIME, [ran("08:00", "08:30")], []),
    (
        "A little less than one time is a question to the protocol.",
        ONE_TIME,
        [ran("08:00", "08:25")],
        ["infusion-limit"],
    ),
    ("A little more is so too.", ONE_TIME, [ran("08:00", "08:40")], ["infusion-limit"]),
    ("Half of it cannot be told.", ONE_TIME, [ran("08:00", "08:15")], ["infusion-limit"]),
    ("Less than half of it is too fast.", ONE_TIME, [ran("08:00", "08:14")], ["infusion_too_fast"]),
    ("More than twice is too slow.", ONE_TIME, [ran("08:00", "09:01")], ["infusion_too_slow"]),
    ("At the fastest rates 100 mg take 65 minutes.", RATED, [ran("08:00", "09:05")], []),
    (
        "With its unit in doubt nothing is said of its rate.",
        RATED.replace("dose: 100 mg", f"route: iv, dose: {LIMITED}"),
        [ran("08:00", "08:30", amount="100000000", route="iv")],
        ["unit_doubtful"],
    ),
    ("In 64 minutes it ran faster.", RATED, [ran("08:00", "09:04")], ["infusion_too_fast"]),
    ("A rate by volume needs the volume.", BY_VOLUME, [ran("08:00", "09:00")], ["infusion-limit"]),
    ("100 mL at 100 mL/h take an hour.", BY_VOLUME, [ran("08:00", "09:00", volume="100")], []),
    ("In less they ran faster.", BY_VOLUME, [ran("08:00", "08:59", volume="100")], ["infusion_too_fast"]),
]


@pytest.mark.parametrize(("text", "given", "found"), [c[1:] for c in PACES], ids=[c[0] for c in PACES])
def test_running_time_is_judged_by_the_time_and_rate_of_the_protocol(
    text: str, given: list[Row], found: list[str]
) -> None:
    """Running time against the protocol's infusion time or rate; what is not recorded is asked for."""
    assert codes(text, *given) == found


def test_a_study_that_records_no_ends_of_infusions_says_so_once() -> None:
    """Without a column for it nothing is asked of the site; the report names what is not judged."""
    assert codes(PACED, {"start": "2024-03-01 08:00"}) == []
    tables = {"subjects": [{"subject": "1"}], "administrations": [{"subject": "1", "treatment": "drug", "start": ""}]}
    tables["administrations"][0] |= {"status": "not given"}
    report = rules.audit(protocol.read_text(PACED), rules.from_frames("s", tables))
    assert ("administrations", "no-end") in report.not_judged


@pytest.mark.parametrize(
    ("route", "found"),
    [
        ("i.v.", []),
        ("静脉滴注", []),
        ("oral", ["wrong_route"]),
        ("鞘内注射", ["wrong_route"]),
        ("", ["route"]),
        ("arm", ["route"]),
    ],
)
def test_words_for_one_route_are_one_route(route: str, found: list[str]) -> None:
    """Spellings in both languages are one term; another term deviates; no word, or an unknown one, is asked about."""
    assert codes(ROUTED, {"route": route}) == found


def test_a_narrower_route_is_its_wider_one_and_not_the_other_way_round() -> None:
    """A drip is intravenous; whether an intravenous dose was a drip cannot be told."""
    assert same_route("IV drip", "intravenous") is True
    assert same_route("iv", "intravenous drip") is None
    assert same_route("iv push", "intravenous drip") is False
    assert same_route("by mouth", "PO") is True
    assert same_route("by pump", "by pump") is True
    assert route_term("  Intravenous  infusion ") == "INTRAVENOUS"


TESTS = [
    ("A test dose without reaction three days before is enough.", [{"value": "no reaction", "at": "2024-02-27"}], []),
    ("One of four days before is too old.", [{"value": "no reaction", "at": "2024-02-26"}], ["prerequisite_missing"]),
    ("A reaction forbids the dose.", [{"value": "reaction", "at": "2024-02-29"}], ["prerequisite_missing"]),
    (
        "One of the day after does not show what was before.",
        [{"value": "no reaction", "at": "2024-03-02"}],
        ["prerequisite"],
    ),
]


@pytest.mark.parametrize(
    ("clock", "found"),
    [("09:59", []), ("10:01", ["prerequisite_missing"]), ("", [])],
    ids=["before", "after", "no time"],
)
def test_what_was_shown_later_on_the_day_was_not_shown_before_the_dose(clock: str, found: list[str]) -> None:
    """A reaction four days ago, none in the test of the day: its time decides; without one it counts as before."""
    shown = ({"value": "reaction", "at": "2024-02-29"}, {"value": "no reaction", "at": f"2024-03-01 {clock}".strip()})
    assert codes(TESTED, {"start": "2024-03-01 10:00"}, observations=shown) == found


@pytest.mark.parametrize(("shown", "found"), [c[1:] for c in TESTS], ids=[c[0] for c in TESTS])
def test_what_must_come_before_a_dose_is_judged_by_the_last_value_before_it(shown: list[Row], found: list[str]) -> None:
    """A value that fails or is too old is a finding; one that came later tells nothing."""
    assert codes(TESTED, {}, observations=tuple(shown)) == found


def test_a_prerequisite_of_which_nothing_is_on_record_is_asked_for_once_and_found_in_final_data() -> None:
    """Nothing on record is a query; where the study declares its data final it is a finding."""
    weight = {"measure": "weight", "value": "16", "unit": "kg", "at": "2024-02-29"}
    assert codes(TESTED, {}, observations=(weight,)) == ["prerequisite"]
    assert codes(TESTED, {}, observations=(weight,), final=True) == ["prerequisite_missing"]


ORDERS = [
    ("Begun when the first was over.", ran("08:00", "08:30"), ran("08:30", "09:00"), []),
    ("Begun a minute before the first was over.", ran("08:00", "08:30"), ran("08:29", "09:00"), ["order_reversed"]),
    ("Begun before the first.", ran("08:00", "08:30"), ran("07:00", "07:30"), ["order_reversed"]),
    ("Without a time the order cannot be told.", {}, ran("08:29", "09:00"), ["order"]),
]


@pytest.mark.parametrize(("first", "then", "found"), [c[1:] for c in ORDERS], ids=[c[0] for c in ORDERS])
def test_the_order_on_a_day_is_judged_by_clock_times(first: Row, then: Row, found: list[str]) -> None:
    """What comes first must be over before the other begins."""
    assert codes(ORDERED, {"treatment": "opener", "amount": "10"} | first, then) == found


def test_a_number_against_the_order_is_a_finding() -> None:
    """Of two exchanged numbers one is out of order; which dose is which is asked about."""
    doses = [{"start": f"2024-03-{day:02}", "occurrence": n} for day, n in ((1, "2"), (8, "1"), (15, "3"))]
    found = codes(SERIES, *doses)
    assert found.count("out_of_order") == 1
    assert "dose_late" not in found
    assert codes(SERIES, *({"start": dose["start"], "occurrence": str(n)} for n, dose in enumerate(doses, 1))) == []
    twice_first = ({"start": dose["start"], "occurrence": n} for dose, n in zip(doses, "113", strict=True))
    assert codes(SERIES, *twice_first) == ["out_of_order"], "its day says which dose it is"
