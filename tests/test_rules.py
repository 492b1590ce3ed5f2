"""Every rule on its cases: rows of a table with a title that a monitor would say, in `cases/<code>.yaml`."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from rules.deviations import RULES
from rules.occasions import TABLES, column, example
from rules.rule import Rule

ANSWERS = {True: "deviates", False: "complies", None: "cannot tell"}
PAIRS = (("Lt", "LtEq"), ("Gt", "GtEq"), ("Eq", "NotEq"), ("And", "Or"), ("Plus", "Minus"), ("Multiply", "FloorDivide"))
SWAPPED = dict(PAIRS) | {second: first for first, second in PAIRS}

MEASURED = [
    rule
    for rule in RULES
    if rule.measure is not None and set(rule.measure.meta.root_names()) <= {c.name for c in TABLES[rule.table].columns}
]
"""Rules whose measure follows from the row itself; that of the others is a word of its sentence."""

of_each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def cases_of(rule: Rule) -> list[dict[str, Any]]:
    """Return the cases of a rule: title, changes to the complying row, verdict."""
    path = Path(__file__).parent / "cases" / f"{rule.code}.yaml"
    cases: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    return cases


def verdicts(rule: Rule, rows: list[dict[str, Any]]) -> list[str]:
    """Return the rule's verdict of each row: its changes applied to the complying example."""
    table = pl.concat([example(rule.table, row) for row in rows])
    answers = table.select(applies=rule.applies, answer=rule.deviates)
    return [ANSWERS[answer] if applies else "not applicable" for applies, answer in answers.iter_rows()]


def nullable(rule: Rule) -> list[str]:
    """Return the columns that a rule reads and that may be null."""
    return [name for name in rule.inputs() if column(rule.table, name).fact]


def answer(applies: pl.Expr, deviates: pl.Expr) -> pl.Expr:
    """A verdict as a number, so that many can be worked out at once: 3 not applicable, 2 cannot tell, 1, 0."""
    return pl.when(applies).then(deviates.cast(pl.Int8).fill_null(2)).otherwise(3)


def mutants(node: Any, alike: dict[str, list[str]]) -> Iterator[Any]:
    """Yield a serialised expression with one fault each.

    A limit moved, *and* for *or*, one side of them or a *not* left out, a number one off, another column of its kind.
    """
    match node:
        case {"BinaryExpr": {"op": op, "left": left, "right": right} as body}:
            if op in SWAPPED:
                yield {"BinaryExpr": body | {"op": SWAPPED[op]}}
            if op in ("And", "Or"):
                yield from (left, right)
        case {"Function": {"function": {"Boolean": "Not"}, "input": [inner]}}:
            yield inner
        case {"Function": {"function": {"Boolean": {"IsBetween": _}}} as body}:
            for closed in ("Left", "Right", "None"):
                yield {"Function": body | {"function": {"Boolean": {"IsBetween": {"closed": closed}}}}}
        case {"Literal": {"Dyn": {"Int": number}}}:
            yield from ({"Literal": {"Dyn": {"Int": number + step}}} for step in (-1, 1))
        case {"Column": str(name)}:
            yield from ({"Column": other} for other in alike[name] if other != name)
    for key, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        for changed in mutants(part, alike):
            yield node | {key: changed} if isinstance(node, dict) else [*node[:key], changed, *node[key + 1 :]]


def changed_a_little(expression: pl.Expr, table: str) -> list[pl.Expr]:
    """Every mutant of an expression over a table."""
    columns = TABLES[table].columns
    alike = {c.name: [other.name for other in columns if other.dtype == c.dtype] for c in columns}
    whole = json.loads(expression.meta.serialize(format="json"))
    return [pl.Expr.deserialize(io.StringIO(json.dumps(m)), format="json") for m in mutants(whole, alike)]


@pytest.mark.parametrize(
    ("rule", "case"), [pytest.param(r, c, id=f"{r.code}: {c['title']}") for r in RULES for c in cases_of(r)]
)
def test_a_case_gets_its_verdict(rule: Rule, case: dict[str, Any]) -> None:
    """A row that a monitor describes gets the verdict that the monitor expects."""
    assert verdicts(rule, [case["row"]]) == [case["verdict"]]


@of_each_rule
def test_the_cases_show_every_verdict_that_a_rule_can_give(rule: Rule) -> None:
    """Deviates and complies, cannot tell where an input may be missing, not applicable where a guard stands."""
    wanted = {"deviates", "complies"}
    wanted |= {"cannot tell"} if nullable(rule) else set()
    wanted |= {"not applicable"} if rule.applies.meta.root_names() else set()
    assert {case["verdict"] for case in cases_of(rule)} == wanted


@of_each_rule
@pytest.mark.parametrize("part", ["applies", "deviates"])
def test_the_cases_notice_every_small_change_of_a_rule(rule: Rule, part: str) -> None:
    """Both sides of every limit and every guard are among the cases: an expression with one fault fails one of them."""
    table = pl.concat([example(rule.table, case["row"]) for case in cases_of(rule)])
    changed = changed_a_little(getattr(rule, part), rule.table)
    suspects = [answer(m, rule.deviates) if part == "applies" else answer(rule.applies, m) for m in changed]
    expected = table.select(answer(rule.applies, rule.deviates)).to_series()
    given = table.select(suspect.alias(str(i)) for i, suspect in enumerate(suspects))
    unnoticed = [str(m) for m, verdicts in zip(changed, given, strict=True) if verdicts.equals(expected)]
    assert unnoticed == [], f"no case tells these from {getattr(rule, part)}"


@pytest.mark.parametrize("rule", MEASURED, ids=lambda rule: rule.code)
def test_the_cases_say_how_large_a_deviation_is(rule: Rule) -> None:
    """The measure is that of the cases, by days and by the clock, and of no expression with one fault."""
    assert rule.measure is not None
    cases = [case for case in cases_of(rule) if "measure" in case]
    table = pl.concat([example(rule.table, case["row"]) for case in cases])
    expected = [case["measure"] for case in cases]
    assert table.select(rule.measure).to_series().to_list() == pytest.approx(expected, rel=1e-12)
    for changed in changed_a_little(rule.measure, rule.table):
        with suppress(pl.exceptions.InvalidOperationError):  # two days cannot be added
            assert table.select(changed).to_series().to_list() != pytest.approx(expected, rel=1e-12), str(changed)


def test_a_deviation_is_so_many_days_minutes_or_per_cent() -> None:
    """Amounts, rates and shares are in per cent, an interruption in minutes, everything else in days."""
    units = {rule.code: rule.measure_unit for rule in RULES if rule.measure is not None or rule.measure_unit}
    percent = {"overdose", "underdose", "infusion_too_fast", "changed_otherwise", "dose_off_level"}
    percent |= {"adherence_low", "adherence_high"}
    assert {code for code, unit in units.items() if unit == "%"} == percent
    assert {code for code, unit in units.items() if unit == "min"} == {"infusion_interrupted"}
    assert set(units.values()) == {"%", "min", "d"}


@of_each_rule
def test_a_missing_value_never_turns_into_an_answer(rule: Rule) -> None:
    """Whatever inputs of a case go missing, its verdict stays or becomes *cannot tell*; it never flips."""
    rows = [c["row"] for c in cases_of(rule)]
    inputs = nullable(rule)
    before = verdicts(rule, rows)
    for chosen in range(1, 2 ** len(inputs)):
        missing = {name: None for i, name in enumerate(inputs) if chosen >> i & 1}
        for was, now in zip(before, verdicts(rule, [row | missing for row in rows]), strict=True):
            assert now in (was, "cannot tell"), f"{was} became {now} without {sorted(missing)}"
