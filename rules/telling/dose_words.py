"""Words about a dose: how much was intended, by which arithmetic, how far off it was, and with which weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.quantity import parse_unit
from rules.arrays import whole
from rules.planning.slots import Part
from rules.telling.amount_text import dose_of
from rules.telling.phrases import (
    Word,
    amounts,
    dates,
    day_texts,
    days_of,
    days_word,
    hours_text,
    kilograms,
    put,
    weights,
)

if TYPE_CHECKING:
    from rules.telling.wording import Text, Wording


def _measure(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    unit = str(hits["measure_unit"][0]) if len(hits) else ""
    if unit == "d":
        measure = pl.col("measure")
        return pl.when(measure == measure.round(0)).then(days_of(w, measure)).otherwise(hours_text(measure))
    value = pl.col("measure").round(1)
    whole = value == value.round(0)
    text = pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))
    return text + f" {unit}"


def _intended(w: Wording, hits: pl.DataFrame) -> Text:
    least, most = (w.amounts(hits, side, thousandths=True) for side in ("low", "high"))
    if least.equals(most):
        return least
    low, high = pl.lit(least), pl.lit(most)
    return pl.when(low != high).then(pl.concat_str(low, pl.lit(w.phrases["to"]), high)).otherwise(low)


def _dose_steps(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    """The arithmetic of the dose, or what is known of it where the limits cannot be computed."""
    return w.choose(hits, hits["low"].is_not_null(), "dose_known", "dose_open")


def _beside(w: Wording, hits: pl.DataFrame, phrase: str) -> pl.Expr:
    """How far an amount lies from the intended dose; without a weight, which weight it implies."""
    return w.choose(hits, hits["low"].is_not_null(), phrase, "implies")


def _slip(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The known slip that the ratio fits; empty where it fits none."""
    found, of = np.unique(whole(hits, "slip", 0), return_inverse=True)
    return pl.Series([_slip_text(w, int(slip)) for slip in found], dtype=pl.String)[of]


def _slip_text(w: Wording, slip: int) -> str | None:
    if slip in (0, 1):
        return w.phrases["slip_per_kg"] if slip else None
    factor = abs(slip) / 10_000
    phrase = "slip_pounds" if round(factor, 1) == 2.2 else "slip_daily" if factor < 10 else "slip_ten"
    return w.phrases[phrase].replace("#", f"{factor:g}").replace("@", "×" if slip > 0 else "÷")


def _dose_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def text(part: Part) -> str | None:
        dose = dose_of(part)
        return str(dose.amount or dose.start) if dose is not None else None

    return w.by_part(hits, text)


def _bounds_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What bounds or rounds the product of dose and weight: `, at most 400 mg, rounded to 10 mg`."""

    def text(part: Part) -> str:
        dose = dose_of(part)
        if dose is None:
            return ""
        caps = (dose.cap.weight, dose.cap.bsa) if dose.cap is not None else ()
        said = [w.phrases["capped_at"].replace("#", str(c)) for c in caps if c is not None]
        said += [w.phrases["at_most"].replace("#", str(dose.max))] if dose.max is not None else []
        said += [w.phrases["at_least"].replace("#", str(dose.min))] if dose.min is not None else []
        said += [w.phrases["rounded"].replace("#", " / ".join(map(str, dose.round)))] if dose.round else []
        return "".join(said)

    return w.by_part(hits, text)


def _tolerance_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def text(part: Part) -> str | None:
        dose = dose_of(part)
        return str(dose.tolerance) if dose is not None and dose.tolerance is not None else w.phrases["no_tolerance"]

    return w.by_part(hits, text)


def _weight_text(w: Wording, hits: pl.DataFrame) -> Text:
    """How the weight enters the dose: the weight and its day, or what is known without it."""
    if not hits["weighed"].any():
        return pl.lit("")
    when, ages = day_texts(hits["weight_day"]), pl.col("weight_age").cast(pl.String)
    known = put(w.phrases["weight_known"], weight=kilograms(hits["weight"]), when=when, age=ages)
    implied = pl.lit(kilograms(hits["implied"])).fill_null(w.phrases["unknown"])
    either = pl.coalesce(known, put(w.phrases["weight_unknown"], implied=implied))
    return pl.when("weighed").then(either).otherwise(pl.lit(""))


def _joined(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    return put(w.phrases["rows_joined"], pl.col("parts") > 1, it=pl.col("parts").cast(pl.String))


def _moved(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    return put(w.phrases["moved"], pl.col("delayed") > 0, it=pl.col("delayed").cast(pl.String))


def _age(w: Wording, hits: pl.DataFrame) -> pl.Series:
    years = w.phrases["years"]
    return pl.Series([years.replace("#", f"{d / 365.25:.1f}") for d in hits["age"]], dtype=pl.String)


def _pounds(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """Where reading the number as pounds (or the other way round) makes it plausible, say so."""
    phrase, out = w.phrases["pounds"], []
    pound = float(parse_unit("lb", body=True).factor)
    for g, low, high in zip(hits["grams"], hits["low"], hits["high"], strict=True):
        as_pounds = round(g / 1000 * pound)
        fits = low <= as_pounds <= high
        out.append(
            phrase.replace("#", f"{g / 1000:g}").replace("@", f"{round(as_pounds, -2) / 1000:g} kg") if fits else ""
        )
    return pl.Series(out, dtype=pl.String)


def _jump_pounds(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """Where the number read as pounds (or as kilograms where pounds stand) is the weight beside it, say so."""
    phrase, pound = w.phrases["pounds"], float(parse_unit("lb", body=True).factor)
    out = []
    for g, beside in zip(hits["grams"], hits["beside"], strict=True):
        as_pounds = g / 1000 * pound
        said = phrase.replace("#", f"{g / 1000:g}").replace("@", f"{round(as_pounds, -2) / 1000:g} kg")
        out.append(said if abs(as_pounds - beside) * NEAR <= beside else "")
    return pl.Series(out, dtype=pl.String)


NEAR = 10
"""Within a tenth the number read as pounds is the weight beside it."""

DOSE_WORDS: dict[str, Word] = {
    "measure": _measure,
    "excess": lambda w, hits: _beside(w, hits, "over_intended"),
    "shortfall": lambda w, hits: _beside(w, hits, "under_intended"),
    "dose_steps": _dose_steps,
    "implied_weight": weights("implied"),
    "given": amounts("said"),
    "least": amounts("least"),
    "most": amounts("most"),
    "ceiling": amounts("ceiling"),
    "total": amounts("total"),
    "total_limit": amounts("total_limit"),
    "intended": _intended,
    "slip": _slip,
    "weight_age": days_word("weight_age"),
    "weight_limit": days_word("weight_limit"),
    "weight_used": weights("used"),
    "weighed": weights("grams"),
    "low": weights("low"),
    "high": weights("high"),
    "age": _age,
    "pounds": _pounds,
    "beside": weights("beside"),
    "beside_day": dates("beside_day"),
    "jump_pounds": _jump_pounds,
    "dose_text": _dose_text,
    "tolerance_text": _tolerance_text,
    "bounds_text": _bounds_text,
    "weight_text": _weight_text,
    "joined": _joined,
    "moved": _moved,
}
