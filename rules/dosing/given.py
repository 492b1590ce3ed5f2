"""How much was given of each dose, in what the protocol counts: every bag by itself, then their sum.

The amount that is judged is the recorded one, or volume times concentration; where an infusion was cut short, the one
prepared. A total number of cells becomes a viable one by the viability of its bag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.dosing import Dose
from protocol.model import Treatment
from protocol.quantity import Range
from rules.arrays import Flags, Ints, Longs, coded, numbers
from rules.dosing.intended import UNKNOWN
from rules.happened.repeated import ASKED, ECHO, VOMITED
from rules.happened.truth import Truth
from rules.planning.slots import Part
from rules.telling.amount_text import dose_of
from rules.timing.grid import Laid

Codes: TypeAlias = npt.NDArray[np.uint8]
FACTS = (
    "amount", "unit", "count", "counted", "brand", "sources", "redose", "prepared", "volume", "dose", "condition",
    "tolerance", "height", "weight", "weight-implausible", "frequency", "clearance", "level",
)  # fmt: skip
"""Facts whose want leaves an amount or its limits unknown; arrays hold their places here."""
AGREE = 20
"""An amount and its volume × concentration agree within a twentieth. A tool default."""
COUNTED = {"viable": 1, "total": 2}


@dataclass(frozen=True)
class Given:
    """Of each dose record: the amount judged and the same as counted on record, `UNKNOWN` where it is not known.

    `fact` names what is missing then; `count_open` marks amounts of which only viable or total is not known. `branded`:
    whether the protocol names brands, and `right_brand` whether it is one of those.
    """

    amount: Longs
    recorded: Longs
    fact: Codes
    count_open: Flags
    branded: Flags
    right_brand: Truth


def amounts_given(laid: Laid, part: Ints, *, whole: bool = True) -> Given:
    """What was given of each dose; `part` is the plan's part of each, -1 for none.

    Of one cut short the amount prepared is meant, as it is judged; without `whole` what reached the participant.
    """
    frame, of = laid.evidence.frames["administrations"], laid.doses.dose_of
    n, parts = len(laid.doses.s), part[of]
    fact = np.full(len(frame), FACTS.index("amount"), np.uint8)
    recorded = _recorded(frame, fact, whole=whole)
    other = _other_dimension(frame, [*map(_dimension, laid.plan.parts), ""], parts)
    fact[other] = FACTS.index("unit")
    amount, count_open = _counted(frame, [*map(_count, laid.plan.parts), 0], parts, recorded)
    fact[count_open & ~other] = FACTS.index("count")
    untimed = _counted_otherwise(frame, [*map(_counted_at, laid.plan.parts), ""], parts)
    fact[untimed & ~other & ~count_open] = FACTS.index("counted")
    amount = np.where(untimed, UNKNOWN, amount)
    amount, recorded = _once(laid, amount, fact), _once(laid, recorded, fact)
    amount = np.where(other, UNKNOWN, amount)
    facts = np.full(n, FACTS.index("amount"), np.uint8)
    missing = np.flatnonzero(amount == UNKNOWN)[::-1]
    facts[of[missing]] = fact[missing]
    opened = np.zeros(n, np.bool_)
    opened[of[count_open]] = True
    branded, right = _brands(laid, part)
    unbranded = branded & (right < 0)
    facts[unbranded] = FACTS.index("brand")
    total = np.where(unbranded, UNKNOWN, summed(amount, of, n))
    return Given(total, summed(recorded, of, n), facts, opened, branded, right)


def products_of(laid: Laid, part: Ints) -> tuple[list[str], Ints]:
    """Products by name, and which of them each dose is, -1 for none; `part` is the plan's part of each."""
    arms = list(laid.plan.arms)
    table = [[_product(p, arm) for arm in (*arms, "")] for p in laid.plan.parts] + [[""] * (len(arms) + 1)]
    names = sorted({name for row in table for name in row if name in laid.plan.protocol.products})
    if not names:
        return names, np.full(len(part), -1, np.int32)
    place = np.array([[names.index(n) if n in names else -1 for n in row] for row in table], np.int32)
    return names, place[part, laid.evidence.arm_place[laid.doses.s]]


def _product(part: Part, arm: str) -> str:
    """What a part gives in an arm: the product it names, else its own name."""
    product = getattr(part.element, "product", None) or part.activity
    return product.get(arm, "") if isinstance(product, dict) else product


def _brands(laid: Laid, part: Ints) -> tuple[Flags, Truth]:
    """Whether the protocol names brands of what was given, and whether it was one: unknown where none is recorded.

    A treatment recorded by the name of a brand says the brand.
    """
    names, product = products_of(laid, part)
    branded, right = np.zeros(len(part), np.bool_), np.ones(len(part), np.int8)
    brands = {n: laid.plan.protocol.products[name].brand for n, name in enumerate(names)}
    for n in (n for n, words in brands.items() if words):
        rows, known = np.flatnonzero(product == n), [b.casefold() for b in brands[n]]
        frame = laid.evidence.frames["administrations"][laid.doses.place[rows]]
        own = pl.Series([w if w.casefold() in known else None for w in (*laid.doses.words, "")], dtype=pl.String)
        said = frame["brand"].zip_with(frame["brand"].is_not_null(), own.gather(laid.doses.word[rows]))
        among = said.str.to_lowercase().is_in(known)
        branded[rows], right[rows] = True, among.cast(pl.Int8).fill_null(-1).to_numpy()
    return branded, right


def countable(dose: Dose) -> bool:
    """Whether the dose says what it counts: an amount of cells must say viable or total (language, `count`)."""
    return dose.count is not None or _dimension_of(dose) != "cells"


def _recorded(frame: pl.DataFrame, fact: Codes, *, whole: bool) -> Longs:
    """The amount of each row: recorded, from volume and concentration, or prepared where it was cut short (`whole`)."""
    amount = numbers(frame["base"], UNKNOWN)
    none = frame["concentration"].null_count() == len(frame)
    product = frame["concentration"] if none else (frame["concentration"] * frame["volume"]).round()
    derived = numbers(product.cast(pl.Int64), UNKNOWN)
    both = (amount != UNKNOWN) & (derived != UNKNOWN)
    if both.any():
        same = (frame["dimension"] == frame["concentration_dimension"]).fill_null(value=False).to_numpy()
        apart = both & same & (np.abs(amount - derived) > np.maximum(amount, derived) // AGREE)
        fact[apart] = FACTS.index("volume")
        amount = np.where(apart, UNKNOWN, amount)
        derived = np.where(apart, UNKNOWN, derived)
    amount = np.where(amount == UNKNOWN, derived, amount)
    partly = frame["status"].eq_missing("partly given").to_numpy() if whole else np.zeros(len(frame), np.bool_)
    if partly.any():
        prepared = frame["prepared"].fill_null(UNKNOWN).to_numpy()
        fact[partly] = FACTS.index("prepared")
        # More given than prepared is no part of it: the larger amount is judged.
        amount = np.where(partly, np.where(prepared == UNKNOWN, UNKNOWN, np.maximum(prepared, amount)), amount)
    return amount


def _other_dimension(frame: pl.DataFrame, wanted: list[str], parts: Ints) -> Flags:
    """Rows whose amount cannot be compared with the protocol's: mg where cells are due."""
    recorded = frame["dimension"]
    if recorded.null_count():
        recorded = recorded.fill_null(frame["concentration_dimension"])
    words = sorted(set(wanted) - {""})
    differs = np.array([[w != "" for w in wanted], *([w not in ("", word) for w in wanted] for word in words)])
    other: Flags = differs[coded(recorded, {word: n for n, word in enumerate(words, 1)}, 0), parts]
    return other & recorded.is_not_null().to_numpy() if recorded.null_count() else other


def _counted(frame: pl.DataFrame, wanted: list[int], parts: Ints, amount: Longs) -> tuple[Longs, Flags]:
    """Cells in the protocol's count, and the rows that leave open what they count."""
    counts, open_ = np.array(wanted)[parts], np.zeros(len(amount), np.bool_)
    rows = np.flatnonzero(counts)
    if not len(rows):
        return amount, open_
    counts, counted = counts[rows], amount[rows]
    said, share = coded(frame["viable_or_total"][rows], COUNTED, 0), frame["viability"][rows].to_numpy()
    other = (said != counts) & (counted != UNKNOWN) & (counted != 0)
    told = other & (counts == COUNTED["viable"]) & (said == COUNTED["total"]) & ~np.isnan(share)
    viable = np.round(counted * np.where(told, share, 0) / 100).astype(np.int64)
    amount = amount.copy()
    amount[rows] = np.where(told, viable, np.where(other, UNKNOWN, counted))
    open_[rows] = other & ~told
    return amount, open_


def _once(laid: Laid, amount: Longs, fact: Codes) -> Longs:
    """The amounts without those that say a dose once more; unknown where it is open which of them counts."""
    kinds = laid.doses.kinds
    if kinds is None:
        return amount
    for kind, asked in ASKED.items():
        fact[kinds == kind] = FACTS.index(asked)
        amount = np.where(kinds == kind, UNKNOWN, amount)
    return np.where(np.isin(kinds, (ECHO, VOMITED)), 0, amount)


def _counted_otherwise(frame: pl.DataFrame, wanted: list[str], parts: Ints) -> Flags:
    """Rows whose cells were not, or not known to be, counted when the protocol counts them (freezing loses some)."""
    if not any(wanted):
        return np.zeros(len(frame), np.bool_)
    due = pl.Series(wanted, dtype=pl.String).gather(np.where(parts < 0, len(wanted) - 1, parts))
    other: Flags = ((due != "") & due.ne_missing(frame["counted"])).to_numpy()
    return other


def summed(values: Longs, of: Ints, n: int) -> Longs:
    """The sum of the rows of each dose, `UNKNOWN` where one of them is."""
    if n == len(of):
        single = np.empty(n, np.int64)
        single[of] = values
        return single
    total, missing = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    np.add.at(total, of, np.where(values == UNKNOWN, 0, values))
    missing[of[values == UNKNOWN]] = True
    return np.where(missing, UNKNOWN, total)


def _dimension(part: Part) -> str:
    dose = dose_of(part)
    return _dimension_of(dose) if dose is not None else ""


def _dimension_of(dose: Dose) -> str:
    """What the dose counts; an empty text for a share of another dose."""
    if dose.formula == "calvert":
        return "mass"
    amount = dose.amount or dose.start
    if amount is None:
        return ""
    dimension = (amount.low if isinstance(amount, Range) else amount).dimension.split("/")[0]
    return {"number": "cells", "percent": ""}.get(dimension, dimension)


def _counted_at(part: Part) -> str:
    element = part.element
    return (element.dose[0].counted or "") if isinstance(element, Treatment) and element.dose else ""


def _count(part: Part) -> int:
    element = part.element
    return COUNTED.get(element.dose[0].count or "", 0) if isinstance(element, Treatment) and element.dose else 0
