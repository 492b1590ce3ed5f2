"""The Chinese catalogue says what the English says: no text missing, the same words in braces, the terms in use."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import rules
from rules.deviations import BY_CODE, RULES
from rules.door.tables import DECISIONS
from rules.happened.spells import EXCUSES
from rules.occasions import TABLES, column
from rules.page.labels import Labels
from rules.review.compare import CHANGES, DAY, FACTS, LIBRARIES, OPTIONS, PROTOCOL, UNEXPLAINED
from rules.review.compare import RULES as RULES_CHANGED
from rules.review.logged import BOTH, MATCHES, ONLY_DETECTED, ONLY_LOGGED
from rules.rule import CATEGORIES, Rule
from rules.telling.wording import catalogue, placeholders, rule_text
from rules.telling.words import WORDS
from rules.texts import read_texts
from tests.test_rules import of_each_rule

STATUSES = ("upcoming", "open", "overdue", "done", "not given", "no record", "not expected")
VALUES = {
    *("complies", "deviates", "cannot tell", "not applicable"),
    *STATUSES,
    *("treatment", "visit", "assessment"),
    *("important", "not important", "unclassified"),
    *("stated", "assumed", "yes", "no", "not reconciled", "new", "finding", "query"),
    *(*EXCUSES.values(), "incomplete", "incomplete, stopped for safety", "dose modified", "interrupted", "near miss"),
    *CATEGORIES,
    *(word for _, word in DECISIONS),
    *(*MATCHES, BOTH, ONLY_DETECTED, ONLY_LOGGED),
    *(*CHANGES, FACTS, PROTOCOL, RULES_CHANGED, DAY, OPTIONS, LIBRARIES, UNEXPLAINED),
    *(rule.term for rule in RULES),
}
FORBIDDEN = ("稽查", "审计", "视察", "方案违背", "查询", "违规")
FILLED = re.compile(r"\{\w+\}|[#@]")

en, zh = catalogue("en"), catalogue("zh")


def texts(node: Any) -> list[str]:
    """Return all texts below a node of a catalogue."""
    if isinstance(node, dict):
        return [text for part in node.values() for text in texts(part)]
    return [node]


def filled(text: str) -> Counter[str]:
    """Return what the program fills into a text, and how often: words in braces, numbers and names."""
    return Counter(FILLED.findall(text))


@of_each_rule
@pytest.mark.parametrize("field", ["title", "message", "expected", "observed", "because"])
def test_a_rule_speaks_chinese_with_the_same_words(rule: Rule, field: str) -> None:
    """Every text of a rule that has a word of its own has a Chinese one, and both are filled with the same words."""
    english: str = getattr(rule, field)
    assert set(placeholders(english)) == set(placeholders(rule_text(rule, field, "zh")))
    if field != "because" or re.search("[A-Za-z]", FILLED.sub("", english)):
        assert field in zh["rules"][rule.code]


def test_no_chinese_rule_is_without_a_rule() -> None:
    """The Chinese texts belong to rules of the catalogue."""
    assert set(zh["rules"]) == set(BY_CODE)


@pytest.mark.parametrize("part", ["phrases", "facts"])
def test_phrases_and_facts_are_the_same_in_both_languages(part: str) -> None:
    """Every phrase and every question has its Chinese, filled with the same words."""
    assert set(en[part]) == set(zh[part])
    differing = [key for key, text in en[part].items() if filled(text) != filled(zh[part][key])]
    assert differing == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_word_in_braces_can_be_filled(lang: str) -> None:
    """What a template names is a word or a phrase; the two phrases with names of their own are filled in the code."""
    own = {"weight_known": {"weight", "when", "age"}, "weight_unknown": {"implied"}, "state": {"name", "since"}}
    known = set(WORDS) | set(en["phrases"])
    fields = ("title", "message", "expected", "observed", "because")
    for text in [rule_text(rule, field, lang) for rule in RULES for field in fields]:
        assert set(placeholders(text)) <= known
    for name, text in [*catalogue(lang)["phrases"].items(), *catalogue(lang)["facts"].items()]:
        assert set(placeholders(text)) <= own.get(name, known), name


def test_every_missing_fact_has_its_question() -> None:
    """Each column that may be null names a fact that can be asked for; `@` leads to a text column of the same row."""
    for table, described in TABLES.items():
        for fact in {c.fact for c in described.columns if c.fact}:
            if fact.startswith("@"):
                assert column(table, fact[1:]).dtype == pl.String()
            else:
                assert fact in en["facts"]


def test_every_value_and_heading_has_a_chinese_word() -> None:
    """What stands in a table, and over its columns, can be shown in Chinese."""
    assert (VALUES | set(en["words"])) - set(zh["words"]) == set()
    assert set(en["notes"]) == set(zh["notes"])


def test_chinese_uses_the_terms_of_the_field() -> None:
    """A deviation is 方案偏离, a query 质疑; nothing is called an audit, an inspection or a violation."""
    assert zh["words"]["deviates"] == "方案偏离"
    assert zh["words"]["important"] == "重要方案偏离"
    assert "质疑" in zh["words"]["query"]
    assert [text for text in texts(zh) for term in FORBIDDEN if term in text] == []


def test_chinese_is_written_with_chinese_marks() -> None:
    """No Latin comma, semicolon, colon, question mark or bracket stands beside a Chinese character."""
    latin = re.compile(r"[\u4e00-\u9fff][,;:?()]|[,;:?()][\u4e00-\u9fff]")
    assert [text for text in texts(zh) if latin.search(text)] == []


def _leaves(words: Any, before: str = "") -> dict[str, str]:
    """Every text of the report's words by its path, but for the words of the engine that one language may leave out."""
    if not isinstance(words, dict):
        return {before: str(words)}
    return {p: t for key, part in words.items() if key != "values" for p, t in _leaves(part, f"{before}/{key}").items()}


def test_headings_and_phrases_of_reports_are_filled_with_the_same_names() -> None:
    """Both languages have every heading and phrase, each with the same names in braces, in the field's terms."""
    english, chinese = (_leaves(read_texts("rules.page")[lang]) for lang in ("en", "zh"))
    assert set(english) == set(chinese)
    assert [key for key in english if filled(english[key]) != filled(chinese[key])] == []
    assert [text for text in chinese.values() for term in FORBIDDEN if term in text] == []


@pytest.mark.parametrize("code", [*BY_CODE, *en["facts"]])
def test_every_rule_and_every_question_has_a_title_in_both_languages(code: str) -> None:
    """What stands over a list is no code."""
    assert Labels("en").code(code) != code
    assert re.search("[\u4e00-\u9fff]", Labels("zh").code(code))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_catalogue_says_each_thing_once(lang: str) -> None:
    """No key stands twice in one block: YAML would keep the last one without a word."""
    blocks: Counter[tuple[str, ...]] = Counter()
    place: list[tuple[int, str]] = []
    for line in (Path(rules.__file__).parent / f"catalogue/{lang}.yaml").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"( *)([\w][^:#]*):(?: |$)", line):
            depth = len(found[1])
            place = [*((d, key) for d, key in place if d < depth), (depth, found[2])]
            blocks[tuple(key for _, key in place)] += 1
    assert [key for key, n in blocks.items() if n > 1] == []


def test_no_note_is_left_over() -> None:
    """Every note of the catalogue is a reason that the code can give."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(rules.__file__).parent.rglob("*.py"))
    given = {note for note in en["notes"] if f'"{note}"' in code}
    made = {f"no-{name}" for name in ("visits", "consents", "observations", "route", "end")}
    assert set(en["notes"]) - given - made == set()
