"""Every check of a protocol: its page with two examples that are executed, its texts in both languages, its cases."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import rules.lint.faults
from protocol.document import read_placed_text
from rules.deviations import BY_CODE as RULES
from rules.door.closures import parse_closures
from rules.lint import BY_CODE, CHECKS, lint
from rules.lint.check import Check, _chinese

HEADINGS = ("What", "Why it matters", "Way out", "Bad", "Good")
REST = {
    "version": "version: 1\n",
    "first_day": "first_day: 0\n",
    "months": "months: clamp\n",
    "sources": "sources: {doc: a protocol for tests}\nsource: doc\nbasis: stated\n",
    "arms": "arms: {one: everyone}\n",
    "treatments": "treatments: {drug: {due: day 0, window: ±0 d}}\n",
}
"""What an example leaves out."""
CASES = yaml.safe_load((Path(__file__).parent / "lint_cases.yaml").read_text("utf-8"))

of_each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)


def found(example: str) -> dict[str, list[str]]:
    """The codes that an example gives, by kind; `# --closed` in its first line names closed weekdays."""
    missing = [text for key, text in REST.items() if not re.search(rf"^{key}:", example, re.MULTILINE)]
    protocol, tree = read_placed_text("protocol: example\n" + "".join(missing) + example, "example.yaml")
    closed = re.match(r'# --closed "(.+)"', example)
    rows = lint(protocol, tree, closed=parse_closures(closed[1]) if closed else None)
    kinds = ("fault", "to confirm", "not judged")
    return {kind: rows.filter(rows["kind"] == kind)["code"].to_list() for kind in kinds}


def test_every_file_is_a_registered_check() -> None:
    """A file in `rules/lint/faults` is the check of its name and stands in the list once; no rule has its code."""
    files = {path.stem for path in Path(rules.lint.faults.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(BY_CODE)
    assert len(CHECKS) == len(BY_CODE)
    assert all(getattr(import_module(f"rules.lint.faults.{code}"), code) is BY_CODE[code] for code in files)
    assert not set(BY_CODE) & set(RULES)


@of_each_check
def test_a_page_says_what_why_and_a_way_out_and_shows_both_sides(check: Check) -> None:
    """A page has a title and the five headings in order, none of them empty."""
    title, *rest = re.split(r"^(.+)\n-{3,}\n", check.page, flags=re.MULTILINE)
    assert re.fullmatch(r"[^\n]+\.", title.strip())
    assert tuple(rest[::2]) == HEADINGS
    assert all(check.section(heading).strip() for heading in HEADINGS)


@of_each_check
def test_the_bad_example_has_the_fault_and_no_other(check: Check) -> None:
    """What stands under *Bad* gives this code, and no other fault."""
    codes = found(check.section("Bad"))
    assert check.code in codes[check.kind]
    assert set(codes["fault"]) <= {check.code}


@of_each_check
def test_the_good_example_has_no_fault(check: Check) -> None:
    """What stands under *Good* has no fault at all, and not this code."""
    codes = found(check.section("Good"))
    assert codes["fault"] == []
    assert check.code not in codes[check.kind]


@of_each_check
@pytest.mark.parametrize("name", ["title", "message", "remedy"])
def test_a_check_speaks_chinese_with_the_same_words(check: Check, name: str) -> None:
    """Every text has its Chinese, for each case of a message, filled with the same words."""
    english, chinese = getattr(check, name), _chinese()[check.code][name]
    if isinstance(english, str):
        english, chinese = {"": english}, {"": chinese}
    assert set(english) == set(chinese)
    for case, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", chinese[case])), case
        assert not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", text)) or re.search("[\u4e00-\u9fff]", chinese[case])


def test_no_chinese_text_is_without_a_check() -> None:
    """The Chinese texts belong to checks, and use the terms of the field."""
    assert set(_chinese()) == set(BY_CODE)
    assert not re.search("稽查|审计|方案违背|查询", str(_chinese()))


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_case_gives_its_faults(case: dict[str, str]) -> None:
    """Each document has exactly the faults that stand beside it."""
    codes = found(case["protocol"])
    wanted = case.get("faults", "").split()
    assert codes["fault"] == wanted
    assert set((case.get("confirm") or "").split()) <= set(codes["to confirm"])


def test_cases_have_titles_of_their_own() -> None:
    """A case is told in a sentence, and no two are told alike; every fault is among the cases."""
    titles = [case["title"] for case in CASES]
    assert len(set(titles)) == len(titles)
    assert all(title[0].isupper() and title.endswith(".") for title in titles)
