"""Amounts and days by column read exactly as one by one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.quantity import format_amount
from rules.telling.amount_text import amount_texts
from rules.telling.phrases import day_texts

UNITS = (
    ("cells", "cells"),
    ("mass", "mg"),
    ("mass", "g"),
    ("mass", "ng"),
    ("IU", "IU"),
    ("volume", "mL"),
    ("cells", "10^6 cells"),
)


@given(st.sampled_from(UNITS), st.lists(st.integers(0, 10**17), min_size=17, max_size=40))
def test_amounts_by_column_read_as_one_by_one(unit: tuple[str, str], values: list[int]) -> None:
    """Every amount gets the text that `format_amount` gives it."""
    texts = amount_texts(pl.Series(values, dtype=pl.Int64), *unit)
    assert texts.to_list() == [format_amount(v, *unit) for v in values]


@given(st.sampled_from(UNITS), st.integers(0, 10**15), st.lists(st.integers(0, 8), min_size=40, max_size=60))
def test_amounts_that_repeat_are_written_once(unit: tuple[str, str], least: int, more: list[int]) -> None:
    """Few amounts that lie close together get the same texts, each in its place."""
    values = [least + n for n in more]
    texts = amount_texts(pl.Series(values, dtype=pl.Int64), *unit)
    assert texts.to_list() == [format_amount(v, *unit) for v in values]


def test_a_missing_amount_has_no_text() -> None:
    """Null stays null in every way of writing."""
    for unit in UNITS:
        for rows in (1, 20):
            assert amount_texts(pl.Series([None, *[16_200_000] * rows], dtype=pl.Int64), *unit)[0] is None


@pytest.mark.parametrize("rows", [1, 63, 64, 500])
def test_days_read_the_same_however_many_there_are(rows: int) -> None:
    """Few days are written and many looked up; an unknown day stays null, never a far one."""
    days = pl.Series([0, None, 19797, -1, 219_146, None], dtype=pl.Int32)
    found = day_texts(days.gather(pl.int_range(rows, eager=True) % 6))
    said = ["1970-01-01", None, "2024-03-15", "1969-12-31", "2570-01-01", None]
    assert found.to_list() == [said[n % 6] for n in range(rows)]
    assert day_texts(pl.Series([None] * rows, dtype=pl.Int32)).to_list() == [None] * rows
