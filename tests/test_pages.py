"""Every rule's page: five headings, and two examples that are executed."""

import re
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

import rules.deviations
from rules.deviations import BY_CODE, RULES
from rules.occasions import Value
from rules.rule import CATEGORIES, Rule
from tests.test_rules import cases_of, of_each_rule, verdicts

HEADINGS = ("What", "Why it matters", "Reference", "Deviates", "Complies")
WORDS = {"yes": True, "no": False}


def sections(rule: Rule) -> dict[str, str]:
    """Return the text under each heading of a page; what stands before the first is its title."""
    title, *rest = re.split(r"^(.+)\n-{3,}\n", rule.page, flags=re.MULTILINE)
    return {"": title.strip()} | {heading: text.strip() for heading, text in zip(rest[::2], rest[1::2], strict=True)}


def values(text: str) -> dict[str, Value]:
    """Return the columns of an example: `day = 2024-03-13, timed = yes, amount = 14579999`."""
    pairs = [part.split(" = ") for part in text.split(", ")]
    return {name: WORDS[word] if word in WORDS else value(word) for name, word in pairs}


def value(word: str) -> Value:
    """Return the number or the day that a word means."""
    return date.fromisoformat(word) if "-" in word else int(word)


def test_every_file_is_a_registered_rule_with_cases() -> None:
    """A file in `rules/deviations` is the rule of that name, stands in the catalogue once, and has cases."""
    files = {path.stem for path in Path(rules.deviations.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(BY_CODE)
    assert len(RULES) == len(BY_CODE)
    for code in files:
        assert getattr(import_module(f"rules.deviations.{code}"), code) is BY_CODE[code]
    assert files == {path.stem for path in (Path(__file__).parent / "cases").glob("*.yaml")}


@of_each_rule
def test_a_page_says_what_why_where_and_shows_both_sides(rule: Rule) -> None:
    """A page has its title and the five headings in order, none of them empty."""
    page = sections(rule)
    assert page[""] == f"{rule.title}."
    assert tuple(page) == ("", *HEADINGS)
    assert all(page.values())


@of_each_rule
@pytest.mark.parametrize("heading", ["Deviates", "Complies"])
def test_the_examples_of_a_page_are_true(rule: Rule, heading: str) -> None:
    """The row under *Deviates* deviates, and the row under *Complies* complies."""
    assert verdicts(rule, [values(sections(rule)[heading])]) == [heading.lower()]


@of_each_rule
def test_a_case_is_told_in_a_sentence(rule: Rule) -> None:
    """The title of a case is a sentence of its own."""
    titles = [case["title"] for case in cases_of(rule)]
    assert len(set(titles)) == len(titles)
    assert all(title[0].isupper() and title.endswith(".") for title in titles)


@of_each_rule
def test_a_rule_has_a_category_in_use(rule: Rule) -> None:
    """The category is one that deviations are sorted by."""
    assert rule.category in CATEGORIES
