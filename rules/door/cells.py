"""Cells of a table: what a person wrote, read as a day, a point in time or a number.

`parse_date` and `parse_number` read one cell and say why they refuse it. `read_dates` and `read_numbers` read a whole
column at once with the same answers: the plain forms by expression, each other distinct text by the parser.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from protocol.errors import ScalarError

Read = TypeVar("Read")

FIRST_YEAR, LAST_YEAR = 1900, 2199


@dataclass(frozen=True)
class Day:
    """A point in time as far as it is known: some day from `first` to `last`, `minute` of the day if written."""

    first: date
    last: date
    minute: int | None = None
    zoned: bool = False


@dataclass(frozen=True)
class Number:
    """A number and how many digits after the point it was written with (1.62e7 has -5)."""

    value: float
    decimals: int


@dataclass(frozen=True)
class Dates:
    """A column of points in time, row by row; `refused` is true where a cell is no date."""

    first: pl.Series
    last: pl.Series
    minute: pl.Series
    refused: pl.Series
    notes: dict[str, int]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, row by row; `decimals` is null where the precision is not on record."""

    value: pl.Series
    decimals: pl.Series
    refused: pl.Series
    notes: dict[str, int]


# --- one date -----------------------------------------------------------------------------------------------------

_CLOCK = r"(?:(?:T|\s+)(\d{1,2}):(\d\d)(?::[0-5]\d(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})(?:([-/.])(\d{{1,2}})(?:\2(\d{{1,2}}){_CLOCK})?)?", re.ASCII)
_CHINESE = re.compile(rf"(\d{{4}})\s*年(?:\s*(\d{{1,2}})\s*月(?:\s*(\d{{1,2}})\s*[日号]{_CLOCK})?)?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})\b.*", re.ASCII)
_SERIAL = re.compile(r"[3-6]\d{4}(?:\.\d+)?", re.ASCII)


def parse_date(text: str, zone: ZoneInfo | None = None) -> Day:
    """The point in time a cell states, in local time of `zone` where the cell has a zone of its own.

    Year first, or in Chinese; 2024-03 and 2024 stand for the whole month and year. ScalarError otherwise.
    """
    if match := _YEAR_FIRST.fullmatch(text):
        year, _, month, day, *clock = match.groups()
    elif match := _CHINESE.fullmatch(text):
        year, month, day, *clock = match.groups()
    elif match := _COMPACT.fullmatch(text):
        (year, month, day), clock = match.groups(), [None, None, None]
    else:
        raise _no_date(text)
    first, last = _days(text, int(year), int(month) if month else None, int(day) if day else None)
    hour, minute, offset = clock
    if hour is None or minute is None:
        return Day(first, last)
    if int(hour) > 23 or int(minute) > 59:
        raise ScalarError(text, "has no such time of day", "write the time from 00:00 to 23:59")
    return _placed(first, int(hour) * 60 + int(minute), offset, zone)


def _days(text: str, year: int, month: int | None, day: int | None) -> tuple[date, date]:
    """The first and the last day that a year, a month of it or a day of that may mean."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ScalarError(text, f"is outside the years {FIRST_YEAR} to {LAST_YEAR}", "write the year that was meant")
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if not 1 <= month <= 12:
        raise ScalarError(text, f"has no month {month}", f"write the month from 01 to 12 after the year, {year}-MM-DD")
    length = monthrange(year, month)[1]
    if day is None:
        return date(year, month, 1), date(year, month, length)
    if not 1 <= day <= length:
        raise ScalarError(
            text,
            f"is no day: {year}-{month:02} has {length} days",
            f"write the day that was meant, or {year}-{month:02} where the day is not known",
        )
    return date(year, month, day), date(year, month, day)


def _placed(day: date, minute: int, offset: str | None, zone: ZoneInfo | None) -> Day:
    """The local day and minute: moved to `zone` if the cell says which offset it is written in."""
    if offset is None or zone is None:
        return Day(day, day, minute, offset is not None)
    ahead = timedelta(0)
    if offset != "Z":
        ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:])) * (-1 if offset[0] == "-" else 1)
    written = datetime.combine(day, time(minute // 60, minute % 60), timezone(ahead))
    local = written.astimezone(zone)
    return Day(local.date(), local.date(), local.hour * 60 + local.minute, True)


def _no_date(text: str) -> ScalarError:
    plain = unicodedata.normalize("NFKC", text)
    if plain != text and _YEAR_FIRST.fullmatch(plain):
        return ScalarError(text, "is not written in plain digits", f"write {plain}")
    if match := _YEAR_LAST.fullmatch(text):
        one, _, two, year = match.groups()
        both = dict.fromkeys(((int(one), int(two)), (int(two), int(one))))
        readings = [f"{year}-{month:02}-{day:02}" for month, day in both if _real(int(year), month, day)]
        why = "may be read two ways" if len(readings) == 2 else "does not have the year first"
        return ScalarError(text, why, "write " + (" or ".join(readings) or "the date as YYYY-MM-DD"))
    if _SERIAL.fullmatch(text):
        day = date(1899, 12, 30) + timedelta(days=int(float(text)))
        return ScalarError(text, "is a number, perhaps a spreadsheet's day count", f"write {day} if that day is meant")
    return ScalarError(text, "is no date", "write it as 2024-03-15, 2024-03-15T10:20 or, if partly known, 2024-03")


def _real(year: int, month: int, day: int) -> bool:
    return FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


# --- one number ---------------------------------------------------------------------------------------------------

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")
_DIGITS = r"([+-]?)(\d+\.?\d*|\.\d+)"
_POWER = r"(?:\s*(?:\^|\*\*)\s*([+-]?\d+)|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
_NUMBER = re.compile(_DIGITS + r"(?:[eE]([+-]?\d+))?", re.ASCII)
_TIMES = re.compile(_DIGITS + r"\s*[×xX*·]\s*10" + _POWER, re.ASCII)
_NOT_FINITE = ("nan", "inf", "infinity")
_COMMA = re.compile(r"[+-]?\d[\d.,' ]*,[\d.]*\d", re.ASCII)


def parse_number(text: str) -> Number:
    """The number a cell states: 16.2, 1.62e7, 1.62×10⁷ or 1.62 × 10^7. ScalarError otherwise, also for 1,5 and NaN."""
    if match := _NUMBER.fullmatch(text):
        sign, digits, exponent = match.groups()
    elif match := _TIMES.fullmatch(text):
        sign, digits, caret, raised = match.groups()
        exponent = caret or raised.translate(_SUPERSCRIPT)
    else:
        raise _no_number(text)
    if len(exponent or "") > 4:
        raise ScalarError(text, "is beyond all numbers a study holds", "write the number that was meant")
    value = float(Decimal(f"{sign}{digits}e{exponent or 0}"))
    if value in (float("inf"), float("-inf")):
        raise ScalarError(text, "is beyond all numbers a study holds", "write the number that was meant")
    return Number(value, len(digits.partition(".")[2]) - int(exponent or 0))


def looks_like_number(text: str) -> bool:
    """Whether a text `parse_number` refuses must have been meant as a number: 1,5 or NaN, but not 'positive'."""
    plain = unicodedata.normalize("NFKC", text)
    return bool(_COMMA.fullmatch(plain) or _NUMBER.fullmatch(plain)) or plain.lower().strip("+-") in _NOT_FINITE


def _no_number(text: str) -> ScalarError:
    plain = unicodedata.normalize("NFKC", text)
    if plain != text and _NUMBER.fullmatch(plain):
        return ScalarError(text, "is not written in plain digits", f"write {plain}")
    if _COMMA.fullmatch(text):
        return ScalarError(text, "has a comma, which is no decimal point here", f"write {_without_comma(text)}")
    if text.lower().strip("+-") in (*_NOT_FINITE, "na", "n/a", "null", "none", "", "."):
        return ScalarError(text, "is no number", "leave the cell empty where nothing is known")
    return ScalarError(text, "is no number", "write the number alone, such as 16.2 or 1.62e7; a unit has a column")


def _without_comma(text: str) -> str:
    """The number, or the two numbers, that one with a comma may mean."""
    joined = re.sub(r"[,' ]", "", text)
    if text.count(",") > 1 or 0 <= text.find(",") < text.find("."):
        return joined
    pointed = re.sub(r"[.' ]", "", text).replace(",", ".")
    return f"{pointed} or {joined}" if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text) else pointed


# --- a column -----------------------------------------------------------------------------------------------------

_ISO_DAY = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
_ISO_MINUTE = r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-5][0-9])?$"
_PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_AS_WRITTEN = "time with a zone, kept as written"
FEW = 64
"""Below so many rows each cell is read by itself: to call what reads a column costs more."""


def read_dates(column: pl.Series, zone: ZoneInfo | None = None) -> Dates:
    """The column as points in time, null where empty or refused; Date and Datetime columns as they are."""
    if isinstance(column.dtype, pl.Datetime):
        return _typed_times(column, zone)
    if column.dtype in (pl.Date, pl.Null):
        return _typed_days(column.cast(pl.Date), _nulls(column), {})
    return (_few_dates if len(column) < FEW else _text_dates)(column.cast(pl.String), zone)


def _typed_days(day: pl.Series, minute: pl.Series, notes: dict[str, int]) -> Dates:
    low, high = day.min(), day.max()
    refused = nowhere(len(day))
    if isinstance(low, date) and isinstance(high, date) and (low.year < FIRST_YEAR or high.year > LAST_YEAR):
        refused = ~day.dt.year().is_between(FIRST_YEAR, LAST_YEAR).fill_null(True)
    return Dates(day, day, minute, refused, notes)


def _typed_times(column: pl.Series, zone: ZoneInfo | None) -> Dates:
    notes = {}
    if getattr(column.dtype, "time_zone", None) is not None:
        column = (column.dt.convert_time_zone(zone.key) if zone else column).dt.replace_time_zone(None)
        if not zone:
            notes[_AS_WRITTEN] = len(column) - column.null_count()
    minute = column.dt.hour().cast(pl.Int32) * 60 + column.dt.minute().cast(pl.Int32)
    # A column of days stored as timestamps is at midnight throughout: it tells no time of day.
    if not (minute > 0).any():
        minute = _nulls(column)
    return _typed_days(column.dt.date(), minute, notes)


def _few_dates(column: pl.Series, zone: ZoneInfo | None) -> Dates:
    """The cells one by one: what `_text_dates` makes of many."""
    read = _read_each(column, lambda cell: parse_date(cell, zone))
    days = [read.get(cell) for cell in column]
    first, last = ([getattr(day, side, None) for day in days] for side in ("first", "last"))
    minute = pl.Series([day.minute if day else None for day in days], dtype=pl.Int32)
    refused = pl.Series(
        [day is None and cell is not None for day, cell in zip(days, column, strict=True)], dtype=pl.Boolean
    )
    zoned = sum(day.zoned for day in days if day)
    notes = {_AS_WRITTEN: zoned} if zoned and not zone else {}
    return Dates(pl.Series(first, dtype=pl.Date), pl.Series(last, dtype=pl.Date), minute, refused, notes)


def _text_dates(column: pl.Series, zone: ZoneInfo | None) -> Dates:
    text = pl.col("text")
    iso_day = pl.when(text.str.contains(_ISO_DAY)).then(text)
    iso_minute = pl.when(text.str.contains(_ISO_MINUTE)).then(text.str.slice(0, 16).str.replace("T", " ", literal=True))
    at = iso_minute.str.to_datetime("%Y-%m-%d %H:%M", strict=False)
    day = pl.coalesce(iso_day.str.to_date("%Y-%m-%d", strict=False), at.dt.date())
    minute = at.dt.hour().cast(pl.Int32) * 60 + at.dt.minute().cast(pl.Int32)
    frame = pl.DataFrame({"text": column}).with_columns(first=day, last=day, minute=minute)
    if frame["first"].null_count() == column.null_count():
        return Dates(frame["first"], frame["last"], frame["minute"], nowhere(len(column)), {})
    rest = frame["text"].is_not_null() & frame["first"].is_null()
    read = _read_each(frame["text"].filter(rest), lambda cell: parse_date(cell, zone))
    notes: dict[str, int] = {}
    if read:
        columns = {"first": pl.Date(), "last": pl.Date(), "minute": pl.Int32(), "zoned": pl.Boolean()}
        rows = [(cell, day.first, day.last, day.minute, day.zoned) for cell, day in read.items()]
        frame = _filled(frame, rows, columns)
        if (zoned := int(frame["zoned"].sum())) and not zone:
            notes[_AS_WRITTEN] = zoned
    refused = frame["text"].is_not_null() & frame["first"].is_null()
    return Dates(frame["first"], frame["last"], frame["minute"], refused, notes)


def read_numbers(column: pl.Series) -> Numbers:
    """The column as Float64, null where empty or refused; in numeric columns NaN is null and infinity refused."""
    if column.dtype == pl.Null or column.dtype.is_numeric():
        value = column.cast(pl.Float64)
        unknown = int(value.is_nan().sum())
        notes = {"NaN, read as empty": unknown} if unknown else {}
        value = value.fill_nan(None) if unknown else value
        return Numbers(value, _nulls(column), value.is_infinite().fill_null(False), notes)
    return (_few_numbers if len(column) < FEW else _text_numbers)(column.cast(pl.String))


def _few_numbers(column: pl.Series) -> Numbers:
    """The cells one by one: what `_text_numbers` makes of many."""
    read = _read_each(column, parse_number)
    numbers = [read.get(cell) for cell in column]
    value = pl.Series([number.value if number else None for number in numbers], dtype=pl.Float64)
    decimals = pl.Series([number.decimals if number else None for number in numbers], dtype=pl.Int32)
    refused = [number is None and cell is not None for number, cell in zip(numbers, column, strict=True)]
    return Numbers(value, decimals, pl.Series(refused, dtype=pl.Boolean), {})


def _text_numbers(column: pl.Series) -> Numbers:
    plain = pl.when(pl.col("text").str.contains(_PLAIN_NUMBER)).then(pl.col("text"))
    fraction = plain.str.extract(r"\.([0-9]*)").str.len_bytes().cast(pl.Int32).fill_null(0)
    exponent = plain.str.extract(r"[eE]([+-]?[0-9]+)$").cast(pl.Int32).fill_null(0)
    number = plain.cast(pl.Float64, strict=False)
    finite = number.is_finite()
    frame = pl.DataFrame({"text": column}).with_columns(
        value=pl.when(finite).then(number), decimals=pl.when(finite).then(fraction - exponent)
    )
    if frame["value"].null_count() == column.null_count():
        return Numbers(frame["value"], frame["decimals"], nowhere(len(column)), {})
    rest = frame["text"].is_not_null() & frame["value"].is_null()
    if read := _read_each(frame["text"].filter(rest), parse_number):
        rows = [(cell, number.value, number.decimals) for cell, number in read.items()]
        frame = _filled(frame, rows, {"value": pl.Float64(), "decimals": pl.Int32()})
    refused = frame["text"].is_not_null() & frame["value"].is_null()
    return Numbers(frame["value"], frame["decimals"], refused, {})


def _read_each(texts: pl.Series, parse: Callable[[str], Read]) -> dict[str, Read]:
    """Each distinct text with what it was read as; those refused are left out."""
    read = {}
    for text in dict.fromkeys(texts.drop_nulls() if texts.null_count() else texts):
        try:
            read[text] = parse(text)
        except ScalarError:
            continue
    return read


def _filled(frame: pl.DataFrame, rows: Sequence[tuple[object, ...]], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """The frame with its empty `columns` filled from `rows` of text and values, in the order of the frame."""
    table = pl.DataFrame(rows, schema={"text": pl.String(), **columns}, orient="row")
    joined = frame.join(table, on="text", how="left", maintain_order="left", suffix="_read")
    return joined.with_columns(pl.coalesce(name, f"{name}_read") for name in columns if name in frame.columns)


def nowhere(n: int) -> pl.Series:
    """A mask of n rows in which no row is marked."""
    return pl.Series([False]).new_from_index(0, n)


class Coded(NamedTuple):
    """The texts of a column that differ, and the place of each row's text among them; null stays null."""

    words: pl.Series
    place: pl.Series


_SAMPLE = 1000
"""Rows by which it is judged whether texts repeat."""


def repeat(texts: pl.Series) -> bool:
    """Whether there are many rows and few texts in them, so that it pays to read each text once."""
    sample = texts.head(_SAMPLE)
    return len(sample) == _SAMPLE and 4 * sample.n_unique() < _SAMPLE


def coded(texts: pl.Series) -> Coded:
    """A column of texts to be read once each, however many rows in turn, or in all, have the same."""
    if len(texts) >= _SAMPLE and 4 * int(texts.head(_SAMPLE).rle_id()[-1]) < _SAMPLE and not texts.null_count():
        runs = texts.rle()
        words, rows = runs.struct.field("value"), runs.struct.field("len").to_numpy()
        place = pl.Series(np.repeat(np.arange(len(words), dtype=np.uint32), rows))
        if not repeat(words):
            return Coded(words, place)
        found = coded(words)
        return Coded(found.words, found.place.gather(place))
    if len(texts) < FEW:
        places = {text: n for n, text in enumerate(dict.fromkeys(text for text in texts if text is not None))}
        where = [None if text is None else places[text] for text in texts]
        return Coded(pl.Series(list(places), dtype=pl.String), pl.Series(where, dtype=pl.UInt32))
    known = pl.Categories.random()
    # The categories live as long as a column of them.
    column = texts.cast(pl.Categorical(known))
    return Coded(known.to_series(), column.to_physical())


def trimmed(texts: pl.Series) -> pl.Series:
    """The texts without blanks around them, null where nothing stands."""
    if len(texts) < FEW and all(cell is None or (cell and cell == cell.strip()) for cell in texts):
        return texts
    stripped = texts.str.strip_chars()
    empty = stripped == ""
    return stripped.set(empty.fill_null(False), None) if empty.any() else stripped


def by_code(values: Sequence[object] | pl.Series, code: pl.Series, dtype: pl.DataType) -> pl.Series:
    """What each row's word stands for; null where the row has none."""
    if len(values) == 1 and not code.null_count():
        return pl.Series(values, dtype=dtype).new_from_index(0, len(code))
    return pl.Series(values, dtype=dtype).gather(code)


def _nulls(like: pl.Series) -> pl.Series:
    return pl.Series(like.name, [None], dtype=pl.Int32()).new_from_index(0, len(like))
