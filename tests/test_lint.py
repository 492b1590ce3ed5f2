"""What a rule's expression may say: everything that could turn a missing value into an answer is refused."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from rules.deviations import RULES
from rules.deviations.overdose import overdose
from rules.rule import Rule, lint

amount, most, day, capped = pl.col("amount"), pl.col("most"), pl.col("day"), pl.col("capped")
over = amount > most

REFUSED = {
    "fill_null": over.fill_null(value=True),
    "fill_null of an input": amount.fill_null(0) > most,
    "coalesce": pl.coalesce(amount, most) > most,
    "eq_missing": amount.eq_missing(most),
    "ne_missing": amount.ne_missing(most),
    "when, then, otherwise": pl.when(over).then(statement=True).otherwise(statement=False),
    "is_null": amount.is_null(),
    "is_not_null": amount.is_not_null(),
    "min_horizontal": pl.min_horizontal(amount, most) > 5,
    "sum_horizontal": pl.sum_horizontal(amount, most) > 5,
    "clip": amount.clip(upper_bound=most) > 5,
    "an aggregate": amount > most.max(),
    "any": over.any(),
    "all": over.all(),
    "len": amount > pl.len(),
    "over": amount > amount.max().over("s"),
    "shift": amount > amount.shift(1),
    "cum_sum": amount.cum_sum() > most,
    "forward_fill": amount.forward_fill() > most,
    "replace_strict with a default": amount.replace_strict({1: 2}, default=3) > most,
    "is_in of a list": amount.is_in([1, 2]),
    "is_in of a list with null": amount.is_in([1, None]),
    "a literal null": amount > pl.lit(None),
    "a typed null": amount > pl.lit(None, dtype=pl.Int64),
    "a float literal": amount * 1.1 > most,
    "a decimal literal": amount > Decimal("1.1"),
    "a series": amount > pl.Series([1]),
    "division": amount / most > 2,
    "a power": amount**2 > most,
    "a cast": amount.cast(pl.Int32) > most,
    "a loose cast": amount.cast(pl.Int8, strict=False) > 5,
    "a Python function": amount.map_batches(lambda values: values > 5, return_dtype=pl.Boolean),
    "a text literal against a yes/no": capped == pl.lit("yes"),
    "a text column against a yes/no": capped == pl.col("amount_fact"),
    "a text literal against a number": amount == pl.lit("5"),
    "a day against a number": day < amount,
    "a yes/no against a number": capped == 1,
    "a difference of days": (day - pl.col("due")) > timedelta(days=3),
    "arithmetic with yes/no": capped + capped > 1,
    "bits of numbers": amount & most,
    "a number for an answer": amount - most,
    "a pattern of columns": pl.col("^(amount|most)$") > 5,
    "several columns": pl.any_horizontal(pl.col("capped", "matched")),
    "all columns": pl.all() > 5,
    "a column that the table lacks": pl.col("grams") > 5,
    "an alias": over.alias("over"),
}

ACCEPTED = {
    "a literal yes": pl.lit(value=True),
    "a literal number": amount > 5,
    "a literal day": day >= date(2024, 3, 15),
    "a literal text beside a text": pl.col("amount_fact") == pl.lit("prepared"),
    "every comparison": (amount < most) | (amount <= most) | (amount > most) | (amount == most) | (amount != most),
    "every sum": (amount + most - 3 * most) // 2 % 7 >= -amount.abs(),
    "between": ~day.is_between(pl.col("opens"), pl.col("closes")),
    "and, or, xor, not": (over & capped) | (over ^ ~capped),
    "all and any of several": pl.all_horizontal(over, capped) | pl.any_horizontal(over, capped),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_is_clean(rule: Rule) -> None:
    """No rule of the catalogue says anything that could turn a missing value into an answer."""
    assert lint(rule) == []


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_known_to_keep_nulls_is_refused(what: str) -> None:
    """Each forbidden form is a fault that names the rule."""
    faults = lint(replace(overdose, code="suspect", deviates=REFUSED[what]))
    assert faults
    assert all(fault.startswith("suspect: ") for fault in faults)


@pytest.mark.parametrize("what", ACCEPTED)
def test_what_keeps_nulls_is_accepted(what: str) -> None:
    """Kleene logic, comparisons of one kind and whole-number sums pass."""
    assert lint(replace(overdose, deviates=ACCEPTED[what])) == []


def test_a_guard_may_not_read_what_may_be_null() -> None:
    """Not applicable is never decided on a missing value."""
    assert lint(replace(overdose, applies=amount > 5)) == ["overdose: applies reads amount, which may be null"]
    assert lint(replace(overdose, applies=capped.fill_null(value=True)))
