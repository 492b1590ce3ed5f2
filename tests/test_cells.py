"""Cells are read as people write them; a column is read exactly as its cells are, one by one."""

from datetime import date
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ScalarError
from rules.door.cells import FEW, Day, Number, looks_like_number, parse_date, parse_number, read_dates, read_numbers

IDES = date(2024, 3, 15)
SHANGHAI = ZoneInfo("Asia/Shanghai")

DATES = {
    "2024-03-15": Day(IDES, IDES),
    "2024/3/15": Day(IDES, IDES),
    "2024/03/15": Day(IDES, IDES),
    "2024.3.15": Day(IDES, IDES),
    "20240315": Day(IDES, IDES),
    "2024年3月15日": Day(IDES, IDES),
    "2024年3月15日 10:20": Day(IDES, IDES, 620),
    "2024年3月": Day(date(2024, 3, 1), date(2024, 3, 31)),
    "2024年": Day(date(2024, 1, 1), date(2024, 12, 31)),
    "2024-02": Day(date(2024, 2, 1), date(2024, 2, 29)),
    "2023-02": Day(date(2023, 2, 1), date(2023, 2, 28)),
    "2024": Day(date(2024, 1, 1), date(2024, 12, 31)),
    "2024-03-15T10:20": Day(IDES, IDES, 620),
    "2024-03-15 10:20": Day(IDES, IDES, 620),
    "2024-03-15T10:20:59": Day(IDES, IDES, 620),
    "2024-03-15T10:20:59.123": Day(IDES, IDES, 620),
    "2024-03-15T00:00": Day(IDES, IDES, 0),
    "2024-03-15 9:05": Day(IDES, IDES, 545),
    "2024-03-15T10:20Z": Day(IDES, IDES, 620, zoned=True),
    "2024-03-15T10:20+08:00": Day(IDES, IDES, 620, zoned=True),
}

NO_DATES = {
    "2024-02-30": ("2024-02 has 29 days", "2024-02"),
    "2023-02-29": ("28 days", "2023-02"),
    "2024-13-01": ("no month 13", "01 to 12"),
    "2024-00-01": ("no month 0", "01 to 12"),
    "2024-03-00": ("31 days", "2024-03"),
    "20240230": ("29 days", "2024-02"),
    "03/04/2024": ("two ways", "write 2024-03-04 or 2024-04-03"),
    "03/03/2024": ("year first", "write 2024-03-03"),
    "13.04.2024": ("year first", "write 2024-04-13"),
    "31/31/2024": ("year first", "YYYY-MM-DD"),
    "3-4-2024 10:20": ("two ways", "2024-03-04 or 2024-04-03"),
    "2024-03/15": ("no date", "2024-03-15"),
    "24-03-15": ("no date", "2024-03-15"),
    "15-MAR-2024": ("no date", "2024-03-15"),
    "２０２４-03-15": ("plain digits", "write 2024-03-15"),
    "45366": ("spreadsheet", "2024-03-15"),
    "1899-12-30": ("1900 to 2199", "year"),
    "2024-03-15T24:00": ("time of day", "23:59"),
    "2024-03-15T10:60": ("time of day", "23:59"),
    "2024-03-15T10": ("no date", "T10:20"),
    "2024-03T10:20": ("no date", "2024-03"),
    "unknown": ("no date", "2024-03"),
}

NUMBERS = {
    "16.2": Number(16.2, 1),
    "16.20": Number(16.2, 2),
    "50": Number(50.0, 0),
    "-3": Number(-3.0, 0),
    "+3": Number(3.0, 0),
    ".5": Number(0.5, 1),
    "5.": Number(5.0, 0),
    "1.62e7": Number(1.62e7, -5),
    "1.62E+07": Number(1.62e7, -5),
    "1e-3": Number(0.001, 3),
    "1×10⁷": Number(1e7, -7),
    "1.62 × 10^7": Number(1.62e7, -5),
    "1.62x10^7": Number(1.62e7, -5),
    "1.62*10**7": Number(1.62e7, -5),
    "1.62 × 10⁻²": Number(0.0162, 4),
}

NO_NUMBERS = {
    "1,5": "write 1.5",
    "1,500": "write 1.500 or 1500",
    "16,200,000": "write 16200000",
    "1.234,5": "write 1234.5",
    "1,234.5": "write 1234.5",
    "0,125": "write 0.125",
    "NaN": "empty",
    "-inf": "empty",
    "N/A": "empty",
    "1e400": "meant",
    "1e99999999999": "meant",
    "１６": "write 16",
    "16.2 kg": "number alone",
    "1×10": "number alone",
    "1 500": "number alone",
    "--3": "number alone",
}


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_read_in_every_form_that_has_one_meaning(text: str) -> None:
    """The year first, Chinese, compact or partial: the first and last day it may be, and the minute if written."""
    assert parse_date(text) == DATES[text]


@pytest.mark.parametrize("text", NO_DATES)
def test_a_date_that_is_none_says_why_and_what_to_write(text: str) -> None:
    """A refused date names its fault and the date that may have been meant."""
    why, remedy = NO_DATES[text]
    with pytest.raises(ScalarError) as raised:
        parse_date(text)
    assert why in raised.value.why
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("text", "day", "minute"),
    [
        ("2024-03-15T17:00Z", date(2024, 3, 16), 60),
        ("2024-03-15T01:00+09:00", IDES, 0),
        ("2024-03-15T00:30+0900", date(2024, 3, 14), 1410),
        ("2024-03-15T10:00-03:30", IDES, 1290),
        ("2024-03-15T10:00", IDES, 600),
    ],
)
def test_a_time_with_a_zone_is_moved_to_the_zone_of_the_study(text: str, day: date, minute: int) -> None:
    """Only a cell that says its zone moves, across midnight if need be."""
    read = parse_date(text, SHANGHAI)
    assert (read.first, read.last, read.minute) == (day, day, minute)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_read_with_the_decimals_it_was_written_with(text: str) -> None:
    """Plain, scientific and raised forms give a number and the place of its last digit."""
    assert parse_number(text) == NUMBERS[text]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_number_that_is_none_says_what_to_write(text: str) -> None:
    """A refused number says which one may have been meant, or to leave the cell empty."""
    with pytest.raises(ScalarError) as raised:
        parse_number(text)
    assert NO_NUMBERS[text] in raised.value.remedy


@pytest.mark.parametrize(
    ("text", "meant"), [("1,5", True), ("nan", True), ("５", True), ("positive", False), ("1+", False)]
)
def test_words_are_told_from_spoilt_numbers(text: str, meant: bool) -> None:
    """Only what can have been nothing but a number is one that went wrong."""
    assert looks_like_number(text) is meant


MESSY = st.one_of(
    st.none(),
    st.sampled_from([*DATES, *NO_DATES, *NUMBERS, *NO_NUMBERS]),
    st.dates(date(1800, 1, 1), date(2300, 1, 1)).map(str),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
    st.floats().map(repr),
    st.decimals(places=3).map(str),
    st.text("0123456789-+.eE:T/ ×^⁷年月日,", min_size=1, max_size=12).map(str.strip).filter(bool),
)


A_COLUMN = st.tuples(st.lists(MESSY, max_size=12), st.sampled_from([0, FEW])).map(lambda c: c[0] + [None] * c[1])
"""Few cells, which are read one by one, or so many that they are read as a column."""


@given(A_COLUMN, st.sampled_from([None, SHANGHAI]))
def test_a_column_of_dates_is_read_as_its_cells_are(cells: list[str | None], zone: ZoneInfo | None) -> None:
    """For any cells, the column has what the parser says of each, and refuses exactly what the parser refuses."""
    column = read_dates(pl.Series("x", cells, pl.String()), zone)
    rows = zip(cells, column.first, column.last, column.minute, column.refused, strict=True)
    for cell, first, last, minute, refused in rows:
        try:
            day = parse_date(cell, zone) if cell is not None else None
        except ScalarError:
            assert refused
        else:
            assert not refused
            assert (first, last, minute) == ((day.first, day.last, day.minute) if day else (None, None, None))


@given(A_COLUMN)
def test_a_column_of_numbers_is_read_as_its_cells_are(cells: list[str | None]) -> None:
    """For any cells, the column has what the parser says of each, and refuses exactly what the parser refuses."""
    column = read_numbers(pl.Series("x", cells, pl.String()))
    for cell, value, decimals, refused in zip(cells, column.value, column.decimals, column.refused, strict=True):
        try:
            number = parse_number(cell) if cell is not None else None
        except ScalarError:
            assert refused
        else:
            assert not refused
            assert (value, decimals) == ((number.value, number.decimals) if number else (None, None))


def test_typed_numbers_have_no_precision_on_record_and_infinity_is_refused() -> None:
    """Typed numbers come in as they are: NaN is empty and counted, infinity is a fault, decimals are unknown."""
    numbers = read_numbers(pl.Series("x", [1.0, float("nan"), float("inf"), None]))
    assert numbers.value.to_list() == [1.0, None, float("inf"), None]
    assert numbers.refused.to_list() == [False, False, True, False]
    assert numbers.decimals.null_count() == 4
    assert numbers.notes == {"NaN, read as empty": 1}
