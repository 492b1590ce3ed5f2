"""Conditions: every way to write one is read as what it says, and reads back from its own text."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from protocol.criteria import (
    All,
    Any,
    AtLeast,
    BaselinePlus,
    Compare,
    Condition,
    Count,
    Event,
    Given,
    Inside,
    Judged,
    Limit,
    Named,
    NoneOf,
    OfBaseline,
    Reached,
    Recent,
    Words,
    leaves,
    parse_condition,
    plain_condition,
    read_condition,
)
from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range
from protocol.timing import Anchor, Duration, Moment


def quantity(text: str) -> Quantity:
    """A quantity."""
    return Quantity.parse(text)


def days(text: str) -> Duration:
    """A duration."""
    return Duration.parse(text)


LEAVES: dict[str, Condition] = {
    "anc < 0.5 10^9/L": Compare("", "anc", "<", quantity("0.5 10^9/L")),
    "anc<0.5 10^9/L": Compare("", "anc", "<", quantity("0.5 10^9/L")),
    "alt ≥ 3 U/L": Compare("", "alt", ">=", quantity("3 U/L")),
    "ordinal >= 3": Compare("", "ordinal", ">=", quantity("3")),
    "alt > 5 x uln": Compare("", "alt", ">", Limit(Decimal(5), "uln")),
    "hb >= 1 × lln": Compare("", "hb", ">=", Limit(Decimal(1), "lln")),
    "baseline alt <= 1 x uln": Compare("", "alt", "<=", Limit(Decimal(1), "uln"), baseline=True),
    "hb < 70 % of baseline": Compare("", "hb", "<", OfBaseline(Decimal(70))),
    "alt > 500 percent of baseline": Compare("", "alt", ">", OfBaseline(Decimal(500))),
    "platelets > baseline + 20 10^9/L": Compare("", "platelets", ">", BaselinePlus(1, quantity("20 10^9/L"))),
    "weight < baseline - 1 kg": Compare("", "weight", "<", BaselinePlus(-1, quantity("1 kg"))),
    "ordinal >= baseline + 1": Compare("", "ordinal", ">=", BaselinePlus(1, quantity("1"))),
    "hb >= baseline": Compare("", "hb", ">=", BaselinePlus(1, None)),
    "age < 18 y": Compare("", "age", "<", days("18 y")),
    "age at hpv 1 < 15 y": Compare("", "age", "<", days("15 y"), at=Moment.parse("hpv 1")),
    "response = partial or mixed": Compare("", "response", "=", Words(("partial", "mixed"))),
    "arm = combination-dl-1": Compare("", "arm", "=", Words(("combination-dl-1",))),
    "status != worse": Compare("", "status", "!=", Words(("worse",))),
    "atg-test-dose = no reaction within 3 d": Compare(
        "", "atg-test-dose", "=", Words(("no reaction",)), within=days("3 d")
    ),
    "anc < 0.5 10^9/L for 5 d": Compare("", "anc", "<", quantity("0.5 10^9/L"), lasting=days("5 d")),
    "anc < 0.5 10^9/L for more than 5 d": Compare(
        "", "anc", "<", quantity("0.5 10^9/L"), lasting=days("5 d"), lasting_more=True
    ),
    "anc < 1 10^9/L within 7 d for 2 d": Compare(
        "", "anc", "<", quantity("1 10^9/L"), within=days("7 d"), lasting=days("2 d")
    ),
    "cellularity 25 to 50 percent": Inside("", "cellularity", Range.parse("25 to 50 percent")),
    "released within 6 h": Recent("", "released", days("6 h")),
    "event anaphylaxis": Event("", "anaphylaxis"),
    "no event transfusion within 28 d": Event("", "transfusion", negated=True, within=days("28 d")),
    "event iar grade >= 3": Event("", "iar", grade=(">=", 3)),
    "event toxicity for 3 d": Event("", "toxicity", lasting=days("3 d")),
    "given heparin within 2 d": Given("", "heparin", within=days("2 d")),
    "not given heparin within 2 d": Given("", "heparin", negated=True, within=days("2 d")),
    "reached progression": Reached("", "progression"),
    "not reached stop-decision": Reached("", "stop-decision", negated=True),
    "full-counts": Named("", "full-counts"),
    "not full-counts": Named("", "full-counts", negated=True),
    "delay of cycle > 14 d": Count("", "delay", "cycle", ">", days("14 d")),
    "omissions of isatuximab > 4": Count("", "omissions", "isatuximab", ">", 4),
    "doses of atg >= 5": Count("", "doses", "atg", ">=", 5),
    "total of atg <= 90 mg": Count("", "total", "atg", "<=", quantity("90 mg")),
    "level of gemcitabine >= -1": Count("", "level", "gemcitabine", ">=", -1),
    "level of gemcitabine >= −1": Count("", "level", "gemcitabine", ">=", -1),
    "resumptions of alxn1840 > 3": Count("", "resumptions", "alxn1840", ">", 3),
    "time from hpv-2 1 to hpv-2 2 < 5 mo - 4 d": Count(
        "", "time", "hpv-2 1", "<", days("5 mo - 4 d"), "hpv-2 2", Anchor.parse("hpv-2 1"), Anchor.parse("hpv-2 2")
    ),
}


@pytest.mark.parametrize("text", LEAVES)
def test_a_leaf_is_read_as_what_it_says(text: str) -> None:
    """One text, one meaning, and the text is kept as written."""
    leaf = parse_condition(text)
    assert leaf == LEAVES[text]
    assert leaf.text == text
    assert read_condition(plain_condition(leaf)) == leaf


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anc low",
        "anc <",
        "< 5",
        "anc < ten 10^9/L",
        "response > partial",
        "event",
        "event Fever",
        "no fever",
        "given drug for 3 d",
        "reached x within 3 d",
        "anc < 0.5 10^9/L for ever",
        "time from a 1 < 3 d",
        "level of x > high",
        "anc ＜ 5 10^9/L",
        "response = 完全，部分",
        "Full counts",
    ],
)
def test_what_is_no_condition_is_refused_with_a_remedy(text: str) -> None:
    """Nothing is taken for a condition that only looks like one."""
    with pytest.raises(ScalarError) as fault:
        parse_condition(text)
    assert fault.value.why
    assert fault.value.remedy


TREES: list[tuple[object, Condition]] = [
    (["a", "b"], All((Named("", "a"), Named("", "b")))),
    ({"all": ["a", "b"]}, All((Named("", "a"), Named("", "b")))),
    ({"any": ["a", {"all": ["b", "c"]}]}, Any((Named("", "a"), All((Named("", "b"), Named("", "c")))))),
    ({"none": "a"}, NoneOf((Named("", "a"),))),
    ({"at_least": "2", "of": ["a", "b", "c"]}, AtLeast(2, (Named("", "a"), Named("", "b"), Named("", "c")))),
    ({"at_least": 1, "of": ["a"]}, AtLeast(1, (Named("", "a"),))),
    ({"text": "in the physician's judgement"}, Judged("in the physician's judgement")),
]


@pytest.mark.parametrize(("node", "expected"), TREES, ids=[str(node) for node, _ in TREES])
def test_a_tree_is_read_as_what_it_says(node: object, expected: Condition) -> None:
    """Lists mean all of them; what is written back reads the same."""
    read = read_condition(node)
    assert read == expected
    assert read_condition(plain_condition(read)) == expected


@pytest.mark.parametrize(
    "node",
    [
        [],
        {},
        {"either": ["a"]},
        {"all": []},
        {"at_least": 2, "of": ["a"]},
        {"of": ["a"]},
        {"all": ["a"], "any": ["b"]},
        5,
    ],
)
def test_what_is_no_tree_is_refused(node: object) -> None:
    """An empty list, an unknown word, or more than there are."""
    with pytest.raises((ScalarError, ValidationError)):
        read_condition(node)


def test_all_faults_of_a_tree_are_said_with_their_places() -> None:
    """Two bad leaves at different depths are both reported."""
    with pytest.raises(ValidationError) as error:
        read_condition({"any": ["a", "anc low", {"none": ["b", "x y"]}]})
    assert [details["loc"] for details in error.value.errors()] == [("any", 1), ("any", 2, "none", 1)]


def test_a_condition_knows_the_names_it_reads() -> None:
    """Measures, events, criteria, and what a moment counts from."""
    tree = read_condition(
        {"any": ["anc < 1 10^9/L", "no event flare", "age at hpv 1 < 15 y", {"none": ["not low", "reached relapse"]}]}
    )
    assert tree.names() == {"anc", "flare", "age", "hpv", "low", "relapse"}
    assert parse_condition("time from a 1 to b 2 < 3 d").names() == {"a", "b"}
    assert read_condition({"text": "judged"}).names() == frozenset()


def test_leaves_are_found_in_reading_order() -> None:
    """A tree is a way to its leaves; a sentence for a person has none."""
    tree = read_condition([{"any": ["a", "b"]}, {"text": "judged"}, "c"])
    assert [leaf.text for leaf in leaves([tree])] == ["a", "b", "c"]
