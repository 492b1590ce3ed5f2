"""One table at the door: its columns typed, and each row used, ignored or refused with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from protocol.errors import Fault, ScalarError
from rules.door.cells import (
    Coded,
    by_code,
    coded,
    nowhere,
    parse_date,
    parse_number,
    read_dates,
    read_numbers,
    repeat,
    trimmed,
)
from rules.door.reading import Recorded
from rules.door.tables import SCHEMAS, Column

SHOWN = 100
"""Faults of one kind in one table that are told one by one; the others are counted."""

Row = Mapping[str, object]
Explain = Callable[[Row], tuple[str, str]]

_YEAR_LAST = r"^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})\b"
_YEAR_FIRST = {"dmy": "${4}${2}${3}${2}${1}", "mdy": "${4}${2}${1}${2}${3}"}
_THOUSANDS = r"^[+-]?\d{1,3}(\.\d{3})+$"
"""With a decimal comma 1.620 is a thousand and more to one reader and less than two to another: no number."""

_SPANS = (("start", "end"), ("signed", "withdrawn"))


@dataclass(frozen=True)
class Balance:
    """What became of the rows of a table: `read` = `used` + what is in `ignored` + what is in `refused`, by reason.

    `notes` counts what was read otherwise than it stands, such as a NaN taken for an empty cell.
    """

    read: int
    used: int
    ignored: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


class Entry:
    """A table on its way in: `cells` holds the rows to judge, trimmed or as typed, `typed` the columns they mean."""

    def __init__(self, recorded: Recorded, zone: ZoneInfo | None, *, dates: str = "", comma: bool = False) -> None:
        self.dates, self.comma = dates, comma
        self.recorded = recorded
        self.schema = SCHEMAS[recorded.name]
        self.zone = zone
        self.faults = list(recorded.faults)
        self.notes = dict(recorded.notes)
        self.ignored: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.typed: dict[str, pl.Series] = {}
        self.decimals: dict[str, pl.Series] = {}
        self.unmapped = tuple(name for name in recorded.frame.columns if name not in self.schema.names)
        self.unreadable: list[str] = []
        self._coded: dict[str, Coded] = {}
        self.cells = self._trimmed()
        self.bad = nowhere(self.cells.height)
        if not recorded.usable:
            self._count(~self.bad, "no usable header")
        if recorded.misshapen:
            self._count(self.cells["row"].is_in(recorded.misshapen), "more cells than headers")
        for name in self.unreadable:
            self._count(~self.bad, f"{name} cannot be read")
        self._missing_columns()

    def __contains__(self, name: str) -> bool:
        return name in self.cells.columns

    # --- refusing -------------------------------------------------------------------------------------------------

    def refuse(self, mask: pl.Series, column: str, reason: str, explain: Explain) -> None:
        """Count the rows of `mask` as refused for `reason`, with a fault at `column` for each (at most SHOWN)."""
        if not mask.any():
            return
        mask = mask.fill_null(False)
        count = int(mask.sum())
        self._count(mask, reason)
        for row in self.cells.filter(mask).head(SHOWN).iter_rows(named=True):
            why, remedy = explain(row)
            line, value = row["row"], row.get(column)
            self.faults.append(Fault(self.recorded.file, line, column, "", shown(value), why, remedy))
        if count > SHOWN:
            why = f"{count - SHOWN} more rows have the fault: {reason}"
            self.faults.append(Fault(self.recorded.file, None, column, "", "", why, "correct them in the same way"))

    def refuse_cells(self, mask: pl.Series, column: str, reason: str, parse: Callable[[str], object]) -> None:
        """Refuse the rows of `mask`, whose cells `parse` refuses: its words are the message."""

        def explain(row: Row) -> tuple[str, str]:
            try:
                parse(shown(row[column]))
            except ScalarError as error:
                return error.why, error.remedy
            return "cannot be read", "write it as text"

        self.refuse(mask, column, reason, explain)

    def _count(self, mask: pl.Series, reason: str) -> None:
        fresh = int((mask & ~self.bad).sum())
        if fresh:
            self.refused[reason] = self.refused.get(reason, 0) + fresh
            self.bad = self.bad | mask

    # --- the form of the table ------------------------------------------------------------------------------------

    def _trimmed(self) -> pl.DataFrame:
        """The columns the schema knows, as text trimmed or as the file typed them, without the blank rows."""
        frame = self.recorded.frame
        known = [column for column in self.schema.columns if column.name in frame.columns]
        cells = pl.DataFrame([self.recorded.lines, *(self._readable(frame[c.name], c) for c in known)])
        filled = [name for name in cells.columns[1:] if cells[name].null_count() == 0]
        if filled or not cells.height:
            return cells
        blank = cells.select(pl.all_horizontal(pl.exclude("row").is_null())).to_series()
        if self.unmapped and blank.any():
            others = frame.select(self.unmapped).select(pl.all().cast(pl.String, strict=False).str.strip_chars())
            blank = blank & others.select(pl.all_horizontal((pl.all() == "").fill_null(True))).to_series()
        if blank.any():
            self.ignored["blank row"] = int(blank.sum())
            cells = cells.filter(~blank)
            self._coded.clear()
        return cells

    def coded(self, name: str) -> Coded:
        """The distinct texts of a column, and the place of each row's among them."""
        if name not in self._coded:
            self._coded[name] = coded(self.cells[name])
        return self._coded[name]

    def _text(self, texts: pl.Series) -> pl.Series:
        """The texts trimmed, null where nothing stands; those that repeat are looked at once."""
        if not repeat(texts):
            return trimmed(texts)
        found = coded(texts)
        words = trimmed(found.words)
        if words.equals(found.words):
            self._coded[texts.name] = found
            return texts
        return words.gather(found.place).alias(texts.name)

    def _readable(self, series: pl.Series, column: Column) -> pl.Series:
        """The column in a dtype its kind can be read from; nulls and a fault where there is none."""
        if series.dtype in (pl.Categorical, pl.Enum, pl.Null):
            series = series.cast(pl.String)
        dtype = series.dtype
        textual, dated = column.kind in ("text", "id", "enum"), column.kind in ("date", "datetime")
        if dtype == pl.String:
            return self._as_written(self._text(series), column)
        if dtype.is_numeric():
            return _digits(series) if textual or dated else series
        if dtype in (pl.Date, pl.Datetime) and (textual or dated):
            return series if dated else series.cast(pl.String)
        if dtype == pl.Boolean and textual:
            return series.cast(pl.String)
        why = f"holds {dtype} in every cell, not {column.kind}"
        self.faults.append(Fault(self.recorded.file, None, column.name, "", "", why, "write one plain value a cell"))
        self.unreadable.append(column.name)
        return pl.Series(series.name, [None], pl.String()).new_from_index(0, len(series))

    def _as_written(self, text: pl.Series, column: Column) -> pl.Series:
        """Dates with the year first, and numbers with a point, where the study's settings say how they are written."""
        if self.dates and column.kind in ("date", "datetime"):
            return text.str.replace(_YEAR_LAST, _YEAR_FIRST[self.dates])
        if self.comma and column.kind not in ("text", "id", "enum", "date", "datetime"):
            whole = pl.concat_str("text", pl.lit(" or "), pl.col("text").str.replace_all(".", "", literal=True))
            pointed = pl.col("text").str.replace(r"^([+-]?\d+),(\d+)", "${1}.${2}")
            unclear = pl.col("text").str.contains(_THOUSANDS)
            return (
                text.to_frame("text")
                .select(pl.when(unclear).then(whole).otherwise(pointed).alias(text.name))
                .to_series()
            )
        return text

    def _missing_columns(self) -> None:
        if not self.recorded.usable:
            return
        for name in self.schema.required:
            if name in self:
                continue
            self._count(~self.bad, f"no column {name}")
            near = get_close_matches(name, self.unmapped, n=1)
            there = ", ".join(self.recorded.frame.columns)
            remedy = f"rename '{near[0]}' to '{name}'" if near else f"add it, or rename one of {there}"
            why = f"the column '{name}' is missing: {self.schema[name].meaning}"
            self.faults.append(Fault(self.recorded.file, 1, name, "", "", why, remedy))

    # --- columns --------------------------------------------------------------------------------------------------

    def read_plain_columns(self) -> None:
        """Type every text, id, word, date and number of the table; units and what rests on them come after."""
        for column in self.schema.columns:
            if column.name not in self:
                continue
            match column.kind:
                case "text" | "id":
                    self.typed[column.name] = self.cells[column.name]
                case "enum":
                    self._read_words(column)
                case "date" | "datetime":
                    self._read_dates(column)
                case "number" | "integer":
                    self.read_number(column.name, whole=column.kind == "integer")

    def _read_words(self, column: Column) -> None:
        cells = self.cells[column.name]
        distinct, place = self.coded(column.name)
        words = dict(column.words)
        read = by_code([words.get(cell.lower()) for cell in distinct], place, pl.String())
        self.typed[column.name] = read
        if read.null_count() == cells.null_count():
            return

        def explain(row: Row) -> tuple[str, str]:
            near = get_close_matches(shown(row[column.name]).lower(), dict(column.words), n=1)
            choice = f"write '{near[0]}' if that is meant, or one of: " if near else "write one of: "
            return f"is no {column.name} known here", choice + ", ".join(column.vocabulary)

        self.refuse(cells.is_not_null() & read.is_null(), column.name, f"unknown {column.name}", explain)

    def _read_dates(self, column: Column) -> None:
        name = column.name
        dates = read_dates(self.cells[name], self.zone)
        self.typed |= {name: dates.first, f"{name}_last": dates.last}
        if column.kind == "datetime":
            self.typed[f"{name}_minute"] = dates.minute
        self._note(name, dates.notes)
        self.refuse_cells(dates.refused, name, f"{name} is no date", lambda cell: parse_date(cell, self.zone))

    def read_number(self, name: str, whole: bool = False) -> None:
        """Type a column of numbers; negative ones are refused, but not reference limits."""
        numbers = read_numbers(self.cells[name])
        self.typed[name], self.decimals[name] = numbers.value, numbers.decimals
        self._note(name, numbers.notes)
        self.refuse_cells(numbers.refused, name, f"{name} is no number", parse_number)
        if name not in ("low", "high"):
            explain = says("is below zero", "write what was meant without a minus")
            self.refuse(numbers.value < 0, name, f"{name} is negative", explain)
        if whole:
            value = numbers.value
            broken = (
                (value != value.round(0)) | (value > 1e6) if value.null_count() < len(value) else nowhere(len(value))
            )
            self.refuse(broken, name, f"{name} is not whole", says("is no whole number", "write 1, 2, 3, ..."))
            self.typed[name] = numbers.value.cast(pl.Int32, strict=False)

    def _note(self, name: str, notes: dict[str, int]) -> None:
        self.notes |= {f"{name}: {note}": count for note, count in notes.items()}

    # --- across columns and rows ----------------------------------------------------------------------------------

    def check_filled(self) -> None:
        """Refuse rows in which a required cell is empty; a dose not given, or unknown, needs no date."""
        for name in self.schema.required:
            if name not in self or name in self.unreadable or self.cells[name].null_count() == 0:
                continue
            empty = self.cells[name].is_null()
            if name == "start" and "status" in self.typed:
                empty = empty & ~self.typed["status"].is_in(["not given", "unknown"]).fill_null(False)
            explain = says(f"is empty: {self.schema[name].meaning}", "fill it in or remove the row")
            self.refuse(empty, name, f"{name} is empty", explain)

    def check_once(self, name: str) -> None:
        """Refuse rows whose id in column `name` stands in an earlier row."""
        if name not in self or self.cells[name].null_count() == self.cells.height:
            return
        ids = self.cells[name]
        if ids.n_unique() == len(ids):
            return
        again = ~ids.is_first_distinct() & ids.is_not_null()

        def explain(row: Row) -> tuple[str, str]:
            first = self.cells.filter(pl.col(name) == row[name])["row"][0]
            return f"is on line {first} already", f"keep one of the two rows, or give this one its own {name}"

        self.refuse(again, name, f"{name} twice", explain)

    def check_spans(self) -> None:
        """Refuse rows that end before they start."""
        for start, end in _SPANS:
            if start not in self.typed or end not in self.typed:
                continue
            times = pl.DataFrame({key: self.typed[key] for key in self.typed if key.split("_")[0] in (start, end)})
            first, last = pl.col(start), pl.col(f"{end}_last")
            earlier = pl.col(f"{end}_minute") < pl.col(f"{start}_minute")
            one_day = (first == last) & (first == pl.col(f"{start}_last")) & (pl.col(end) == last)
            before = times.select((last < first) | (one_day & earlier).fill_null(False)).to_series()
            self.refuse(before, end, f"{end} before {start}", _before(start))

    def assign_subjects(self, index: pl.DataFrame) -> None:
        """Give each row the number `s` of its subject from `index` (subject, s); refuse those of nobody."""
        if "subject" not in self:
            return
        words, place = self._coded.get("subject", (self.cells["subject"], None))
        found = _places(words, index["subject"])
        found = found if place is None else found.gather(place)
        self.typed["s"] = found
        if found.null_count() == 0:
            return
        known = {_folded(subject): subject for subject in reversed(index["subject"].to_list())}

        def explain(row: Row) -> tuple[str, str]:
            # Only another spelling of the same id is proposed: the nearest other id is another child.
            near = known.get(_folded(shown(row["subject"])))
            choice = (
                f"the table has '{near}': write both alike (a spreadsheet drops leading zeros), or " if near else ""
            )
            return "is not in the table subjects", f"{choice}add the subject there"

        self.refuse(found.is_null() & self.cells["subject"].is_not_null(), "subject", "unknown subject", explain)

    # --- out ------------------------------------------------------------------------------------------------------

    def used(self) -> pl.DataFrame:
        """The typed table of the rows that are used, with every column of the schema."""
        columns = {"row": self.cells["row"], **self.typed}
        height, schema = self.cells.height, self.schema.typed()
        frame = pl.DataFrame([columns[n].alias(n) if n in columns else _nulls(n, t, height) for n, t in schema.items()])
        return frame.filter(~self.bad) if self.refused else frame

    def balance(self) -> Balance:
        """The balance of the table."""
        used = int((~self.bad).sum())
        return Balance(len(self.recorded.lines), used, self.ignored, self.refused, self.notes)


def _places(words: pl.Series, known: pl.Series) -> pl.Series:
    """The place of each word among those known, which are in order; null where it is none of them."""
    if not len(known):
        return _nulls("s", pl.Int32(), len(words))
    if words.equals(known):
        return pl.int_range(len(known), dtype=pl.Int32, eager=True)
    place = known.search_sorted(words).clip(0, len(known) - 1).cast(pl.Int32)
    missing = known.gather(place).ne_missing(words)
    return place.set(missing, None) if missing.any() else place


def shown(value: object) -> str:
    """A cell as a message shows it."""
    if value is None:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def says(why: str, remedy: str) -> Explain:
    """The same words for every row."""
    return lambda _: (why, remedy)


def _nulls(name: str, dtype: pl.DataType, height: int) -> pl.Series:
    return _null(name, dtype).new_from_index(0, height)


@cache
def _null(name: str, dtype: pl.DataType) -> pl.Series:
    return pl.Series(name, [None], dtype)


def _before(start: str) -> Explain:
    return lambda row: (f"is before the {start} {shown(row[start])}", "correct one of the two, or exchange them")


def _digits(numbers: pl.Series) -> pl.Series:
    """Numbers as text, whole ones without a point: ids that went through a program that made them floats."""
    whole = numbers.dtype.is_float() and bool((numbers == numbers.round(0)).all())
    return (numbers.cast(pl.Int64) if whole else numbers).cast(pl.String)


def _folded(subject: str) -> str:
    """A subject id without case, separators and leading zeros: what two spellings of one id share."""
    return "".join(sign for sign in subject.lower() if sign.isalnum()).lstrip("0")
