"""Two calendars of the same participants beside each other: which occurrences moved, changed, came or went."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from protocol.quantity import format_number
from rules.diff.said import words_of
from rules.page.labels import Labels

OCCURRENCES: dict[str, pl.DataType] = {
    "change": pl.String(), "subject": pl.String(), "site": pl.String(), "kind": pl.String(), "activity": pl.String(),
    "occurrence": pl.Int32(), "date": pl.Date(), "fields": pl.String(), "was": pl.String(), "now": pl.String(),
    "message": pl.String(),
}  # fmt: skip
"""An occurrence that differs: moved (to another day), changed (window, dose or status), new or gone."""

SHOWN: dict[str, tuple[str, ...]] = {
    "due": ("due", "due_time"),
    "window": ("opens", "closes", "opens_time", "closes_time"),
    "counts": ("valid_from", "valid_to"),
    "dose": ("dose", "dose_low", "dose_high", "dose_unit"),
    "level": ("level",),
    "status": ("status",),
}
"""What of a schedule row is compared, as a monitor reads it."""
_KEY = ["subject", "kind", "activity", "occurrence", "nth"]


def differing(old: pl.DataFrame, new: pl.DataFrame, *, lang: str = "en") -> pl.DataFrame:
    """The rows of two calendars that differ (`OCCURRENCES`), by participant and day."""
    both = _numbered(old).join(_numbered(new), on=_KEY, how="full", coalesce=True, suffix=" now")
    was, now = pl.col("there").is_not_null(), pl.col("there now").is_not_null()
    differs = {
        name: pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c} now")) for c in columns)
        for name, columns in SHOWN.items()
    }
    named = [pl.when(differs[name]).then(pl.lit(name)) for name in SHOWN]
    change = (
        pl.when(~was).then(pl.lit("new")).when(~now).then(pl.lit("gone")).when(differs["due"]).then(pl.lit("moved"))
        .when(pl.any_horizontal(*differs.values())).then(pl.lit("changed")).otherwise(pl.lit("unchanged"))
    )  # fmt: skip
    both = both.with_columns(change=change).filter(pl.col("change") != "unchanged")
    both = both.with_columns(_dose_text(both, ""), _dose_text(both, " now"), changed=pl.concat_list(named))
    told = both.with_columns(
        site=pl.coalesce("site now", "site"),
        date=pl.coalesce("due now", "due"),
        fields=pl.col("changed").list.drop_nulls().list.join(", "),
        was=pl.when(pl.col("there").is_not_null()).then(_side("", lang)),
        now=pl.when(pl.col("there now").is_not_null()).then(_side(" now", lang)),
        message=_message(lang),
    ).sort("subject", "date", *_KEY[1:], nulls_last=True)
    return told.select(pl.col(c).cast(t) for c, t in OCCURRENCES.items())


def _numbered(calendar: pl.DataFrame) -> pl.DataFrame:
    """The calendar with rows of the same name told apart by their order."""
    return calendar.with_columns(there=pl.lit(value=True), nth=pl.int_range(pl.len()).over(_KEY[:-1]))


def _dose_text(rows: pl.DataFrame, suffix: str) -> pl.Series:
    """Doses with their unit; of a range both ends."""
    each = rows.select(f"dose{suffix}", f"dose_low{suffix}", f"dose_high{suffix}", f"dose_unit{suffix}")
    known: dict[tuple[object, ...], str | None] = {row: _dose(*row) for row in each.unique().iter_rows()}
    texts = [known[row] for row in each.iter_rows()]
    return pl.Series(f"dose text{suffix}", texts, dtype=pl.String)


def _dose(dose: float | None, low: float | None, high: float | None, unit: str | None) -> str | None:
    if unit is None or (dose is None and low is None):
        return None
    numbers = [dose] if dose is not None else [low, high]
    return " – ".join(_number(number, unit) for number in numbers if number is not None) + f" {unit}"


def _number(value: float, unit: str) -> str:
    from decimal import Decimal  # noqa: PLC0415

    return format_number(Decimal(repr(value)), scientific=unit.startswith(("cells", "vg")))


def _text(name: str, suffix: str, lang: str) -> pl.Expr:
    """What a row says of one thing on one side; null where it says nothing."""
    columns = [pl.col(f"{c}{suffix}").cast(pl.String) for c in SHOWN[name]]
    match name:
        case "due":
            return pl.concat_str(columns, separator=" ", ignore_nulls=True).replace("", None)
        case "window":
            ends = [pl.concat_str([columns[n], columns[n + 2]], separator=" ", ignore_nulls=True) for n in (0, 1)]
            return pl.when(columns[0].is_not_null() | columns[2].is_not_null()).then(_ends(*ends))
        case "counts":
            first, last = (column.fill_null("…") for column in columns)
            return pl.when(columns[0].is_not_null() | columns[1].is_not_null()).then(_ends(first, last))
        case "dose":
            return pl.col(f"dose text{suffix}")
        case "status":
            labels = Labels(lang)
            return columns[0].replace({status: labels.value(status) for status in STATUSES})
    return columns[0]


STATUSES = ("upcoming", "open", "overdue", "done", "not given", "no record", "not expected")


def _ends(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    return pl.concat_str(first, pl.lit(" – "), last)


def _side(suffix: str, lang: str) -> pl.Expr:
    """What is compared, on one side: only what differs; of a new or gone occurrence everything."""
    whole = pl.col("change").is_in(["new", "gone"])
    each = [
        pl.when(whole | pl.col("changed").list.contains(name)).then(
            pl.concat_str(pl.lit(f"{_label(name, lang)} "), _text(name, suffix, lang))
        )
        for name in SHOWN
    ]
    return pl.concat_str(each, separator=_comma(lang), ignore_nulls=True)


def _message(lang: str) -> pl.Expr:
    """What moved from where to where; of a new or gone occurrence what it is."""
    each = [
        pl.when(pl.col("changed").list.contains(name)).then(
            pl.concat_str(
                pl.lit(f"{_label(name, lang)} "),
                _text(name, "", lang).fill_null("-"),
                pl.lit(" → "),
                _text(name, " now", lang).fill_null("-"),
            )
        )
        for name in SHOWN
    ]
    both = pl.concat_str(each, separator=_comma(lang), ignore_nulls=True)
    return (
        pl.when(pl.col("change") == "new").then(_side(" now", lang))
        .when(pl.col("change") == "gone").then(_side("", lang)).otherwise(both)
    )  # fmt: skip


def _label(name: str, lang: str) -> str:
    fields: Mapping[str, str] = words_of(lang)["occurrence"]
    return fields[name]


def _comma(lang: str) -> str:
    return str(words_of(lang)["comma"])
