"""The unit words people write, what they measure, and how many base units each is: the only table of units.

Dimensions are those of a trial, not of physics: cells are not IU, and a kilogram of body is not a kilogram of drug.

Base units of what is measured: mass ng; cells 1; IU and U 0.001; vg 10^6 vg; dose and AUC 0.001; volume nL;
weight (of the body) g; surface 0.01 m²; length µm; amount (of substance) pmol; time min; calendar (months and years,
which have no fixed length) month; percent 0.01 %; temperature 0.001 Cel; activity kBq; absorbed dose mGy;
pressure mmHg; number 1.

Base units of what is divided by: kg of body, m² of body, L, g, mmol, one cell, dose, U or IU; time is an hour alone
(mg/h, mL/min) and a day beside a body (mg/kg/d). An amount a day with no body (mg/d) has the dimension mass/day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from protocol.errors import ScalarError
from protocol.scalar import plain

F = Fraction
_ROWS: tuple[tuple[str, str, Fraction, str], ...] = (
    # as pint writes it, dimension, base units in one, the words people write
    ("kg", "mass", F(10**12), "kg KG Kg kilogram kilograms 公斤 千克"),
    ("g", "mass", F(10**9), "g gram grams 克"),
    ("mg", "mass", F(10**6), "mg MG milligram milligrams 毫克"),
    ("µg", "mass", F(10**3), "µg ug mcg MCG microgram micrograms 微克"),
    ("ng", "mass", F(1), "ng NG nanogram nanograms 纳克"),
    ("pg", "mass", F(1, 10**3), "pg picogram picograms 皮克"),
    ("lb", "mass", F(45359237 * 10**4), "lb lbs pound pounds 磅"),
    ("oz", "mass", F(28349523125), "oz ounce ounces 盎司"),
    ("cell", "cells", F(1), "cells cell Cells CELLS {cells} {cell} 个 个细胞 细胞"),
    ("IU", "IU", F(10**3), "IU iu [iU] [IU] 国际单位"),
    ("kIU", "IU", F(10**6), "kIU"),
    ("mIU", "IU", F(1), "mIU"),
    ("MIU", "IU", F(10**9), "MIU"),
    ("µIU", "IU", F(1, 10**3), "µIU uIU"),
    ("U", "U", F(10**3), "U unit units 单位"),
    ("kU", "U", F(10**6), "kU"),
    ("mU", "U", F(1), "mU"),
    ("vg", "vg", F(1, 10**6), "vg {vg}"),
    ("dose", "dose", F(10**3), "dose doses {dose} 剂"),
    ("AUC", "AUC", F(10**3), "AUC mg·min/mL mg/mL·min mg*min/mL mg/mL*min"),
    ("L", "volume", F(10**9), "L l litre litres liter liters 升"),
    ("dL", "volume", F(10**8), "dL dl DL 分升"),
    ("mL", "volume", F(10**6), "mL ml ML millilitre millilitres milliliter milliliters cc 毫升"),
    ("µL", "volume", F(10**3), "µL µl uL ul microlitre microlitres microliter microliters 微升"),
    ("nL", "volume", F(1), "nL nl 纳升"),
    ("mm**3", "volume", F(10**3), "mm³ mm3 mm^3 立方毫米"),
    ("cm**3", "volume", F(10**6), "cm³ cm3 cm^3 立方厘米"),
    ("mol", "amount", F(10**12), "mol 摩尔"),
    ("mmol", "amount", F(10**9), "mmol 毫摩尔"),
    ("µmol", "amount", F(10**6), "µmol umol 微摩尔"),
    ("nmol", "amount", F(10**3), "nmol 纳摩尔"),
    ("pmol", "amount", F(1), "pmol 皮摩尔"),
    ("m", "length", F(10**6), "m metre metres meter meters 米"),
    ("cm", "length", F(10**4), "cm CM centimetre centimetres centimeter centimeters 厘米"),
    ("mm", "length", F(10**3), "mm millimetre millimetres millimeter millimeters 毫米"),
    ("inch", "length", F(25400), "in inch inches 英寸"),
    ("ft", "length", F(304800), "ft foot feet 英尺"),
    ("m**2", "surface", F(100), "m² m2 m^2 M2 平方米"),
    ("cm**2", "surface", F(1, 100), "cm² cm2 cm^2 平方厘米"),
    ("GBq", "activity", F(10**6), "GBq"),
    ("MBq", "activity", F(10**3), "MBq"),
    ("kBq", "activity", F(1), "kBq"),
    ("Gy", "absorbed dose", F(10**3), "Gy"),
    ("cGy", "absorbed dose", F(10), "cGy"),
    ("mmHg", "pressure", F(1), "mmHg mm[Hg]"),
    ("min", "time", F(1), "min minute minutes 分钟 分"),
    ("h", "time", F(60), "h hr hrs hour hours 小时 时"),
    ("d", "time", F(1440), "d day days 天 日"),
    ("week", "time", F(10080), "wk w week weeks 周"),
    ("calendar_month", "calendar", F(1), "mo month months 月 个月"),
    ("calendar_year", "calendar", F(12), "y yr year years 年 岁"),
    ("percent", "percent", F(100), "% percent pct"),
    ("Cel", "temperature", F(10**3), "Cel °C ℃ 摄氏度"),
)

UNITS: dict[str, tuple[str, Fraction]] = {word: (dim, size) for _, dim, size, words in _ROWS for word in words.split()}
"""Word -> (dimension, base units in one)."""

PINT: dict[str, str] = {word: name for name, _, _, words in _ROWS for word in words.split()}
"""Word -> the name by which pint knows it, for the proof that the table is right."""

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
POWER = r"10(?:(?:\^|\*\*?)(?P<caret>[+-]?[0-9]{1,2})|(?P<raised>[⁻⁺]?[⁰¹²³⁴-⁹]{1,2}))(?![0-9⁰¹²³⁴-⁹])"
"""Ten raised to a visible exponent: 10^6, 10*6, 10**6, 10⁶."""

_SCALED = re.compile(
    rf"(?:[x×]\s*)?(?:{POWER}|1[eE](?P<e>[0-9]{{1,2}})(?![0-9])|(?P<word>million\b|万|百万|亿))\s*[.·]?\s*(?P<rest>.*)"
)
_WORDS = {"million": 6, "万": 4, "百万": 6, "亿": 8}
_GROUPED = re.compile(r"/\s*\(([^()/]+)[.·*]([^()/]+)\)")
_STANDARD_SURFACE = re.compile(r"/\s*(?:1\.73\s*m(?:²|\^?2)|\{1\.73_m2\})")
_DIVISORS = {  # what is divided by -> its place in the name of the dimension, base units in one divisor's base
    "weight": (0, F(10**12)),  # kg
    "surface": (1, F(100)),  # m²
    "standard-surface": (2, F(1)),  # 1.73 m², to which kidney function is normalised
    "cells": (3, F(1)),
    "dose": (4, F(10**3)),
    "U": (5, F(10**3)),
    "IU": (6, F(10**3)),
    "mass": (7, F(10**9)),  # g
    "amount": (8, F(10**9)),  # mmol
    "volume": (9, F(10**9)),  # L
    "time": (10, F(60)),  # h
    "day": (11, F(1440)),
}
_BODY_WORDS = frozenset(word for word, name in PINT.items() if name in ("kg", "lb"))
_AMBIGUOUS = {
    "gr": ("a grain to some and a gram to others", "write g"),
    "M": ("a metre, a million or mol/L", "write m, 10^6 or mol/L"),
    "Mg": ("a megagram", "write mg"),
    "G": ("a gram or 10^9", "write g or 10^9"),
    "K": ("a kelvin or 10^3", "write 10^3"),
    "T": ("a tesla or 10^12", "write 10^12"),
    "viable cells": ("no unit but a way of counting", "write cells here and 'count: viable' beside the amount"),
    "total cells": ("no unit but a way of counting", "write cells here and 'count: total' beside the amount"),
    "MM": ("a millimetre or a million", "write mm or 10^6"),
}


@dataclass(frozen=True)
class Unit:
    """A unit: a value times `factor` is in the base units of `dimension`."""

    text: str = field(compare=False)
    dimension: str
    factor: Fraction

    def fits(self, dimension: str) -> bool:
        """True if it measures `dimension`, or counts by number what is counted in cells (10^6/kg for cells/kg)."""
        return self.dimension in (dimension, re.sub(r"^cells\b", "number", dimension))

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def parse_unit(text: str, body: bool = False) -> Unit:
    """The unit of a text such as `10^6 cells/kg`; with `body`, kg, g and lb alone weigh a body, not a drug."""
    scale, rest = _scale(plain(text))
    if rest in UNITS:  # AUC is also written mg/mL·min, which is no division of ours
        (dimension, size), divisors = UNITS[rest], []
    else:
        head, *divisors = _divide(rest)
        dimension, size = _measure(head, text) if head else ("number", F(1))
    if divisors:
        return Unit(text, *_quotient(dimension, scale * size, divisors, text))
    if body and dimension == "mass":
        return Unit(text, "weight", scale * size / 10**9)
    return Unit(text, dimension, scale * size)


def known_unit(word: str, body: bool = False) -> Unit | None:
    """The unit of a word, or None where neither the table nor pint knows it."""
    try:
        return parse_unit(word, body)
    except ScalarError:
        return None


def exponent(power: re.Match[str]) -> int:
    """The exponent that a match of POWER shows."""
    return int(power["caret"] or power["raised"].translate(_SUPERSCRIPT))


def _scale(text: str) -> tuple[Fraction, str]:
    found = _SCALED.fullmatch(text)
    if not found:
        return F(1), text
    if found["word"]:
        return F(10) ** _WORDS[found["word"]], found["rest"]
    return F(10) ** (int(found["e"]) if found["e"] else exponent(found)), found["rest"]


def _divide(text: str) -> list[str]:
    named = _GROUPED.sub(r"/\1/\2", _STANDARD_SURFACE.sub("/standard-surface", text.replace(" per ", "/")))
    return [word.strip() for word in named.split("/")]


def _quotient(dimension: str, size: Fraction, words: list[str], text: str) -> tuple[str, Fraction]:
    """The name and size of a measure divided by others, in an order that does not depend on how it was written."""
    sizes: dict[str, Fraction] = {}
    for word in words:
        name, divisor = _divisor(word, text)
        if name in sizes:
            raise ScalarError(text, f"divides twice by {name}", "write each divisor once")
        sizes[name] = divisor
    if ("weight" in sizes or "surface" in sizes) and "time" in sizes:
        sizes["time"] /= 24
    elif ("weight" in sizes or "surface" in sizes) and "day" in sizes:
        sizes["time"] = sizes.pop("day")
    for divisor in sizes.values():
        size /= divisor
    return "/".join([dimension, *sorted(sizes, key=lambda name: _DIVISORS[name][0])]), size


def _divisor(word: str, text: str) -> tuple[str, Fraction]:
    if word == "standard-surface":
        return word, F(1)
    name, size = _measure(word, text)
    if word in _BODY_WORDS:
        name = "weight"
    elif name == "time" and size >= 1440:
        name = "day"
    if name not in _DIVISORS:
        raise ScalarError(text, f"divides by '{word}'", "divide by kg, m², L, g, mmol, cells, dose, h or d")
    return name, size / _DIVISORS[name][1]


def _measure(word: str, text: str) -> tuple[str, Fraction]:
    if word in UNITS:
        return UNITS[word]
    if word in _AMBIGUOUS:
        meanings, remedy = _AMBIGUOUS[word]
        raise ScalarError(text, f"has '{word}', which is {meanings}", remedy)
    if found := re.fullmatch(r"10[eE]([0-9]{1,2}).*", word):
        why = f"has '10e{found[1]}', which a computer reads as ten times 10^{found[1]}"
        raise ScalarError(text, why, f"write 10^{found[1]} if that is meant")
    near = _nearest(word)
    alike = near is not None and near.casefold() == word.casefold()
    measured = None if alike or not re.fullmatch("[A-Za-zµ]{2,}", word) else _from_pint(word)
    if measured:
        return measured
    remedy = f"write '{near}' if that is meant" if near else "write one such as mg, mL, cells, IU, vg, dose or percent"
    raise ScalarError(text, f"has an unknown unit '{word}'" if word else "lacks a unit beside its /", remedy)


def _nearest(word: str) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415  only a fault needs it

    folded = {known.casefold(): known for known in reversed(UNITS)}
    near = get_close_matches(word.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def _from_pint(word: str) -> tuple[str, Fraction] | None:
    from protocol.pint_units import measure  # noqa: PLC0415  pint takes 0.3 s to import and few words need it

    return measure(word)
