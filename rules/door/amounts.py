"""Amounts, weights, heights and concentrations of a table as whole base units, which rules can compare exactly."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from protocol.errors import ScalarError
from protocol.quantity import Quantity, known_unit, parse_unit
from rules.door.cells import Coded, by_code, coded, looks_like_number, nowhere, parse_number, read_numbers
from rules.door.entry import Entry, Explain, Row, says, shown

MOST = 9 * 10**17
"""Largest amount kept, in base units; ten times it still fits an Int64."""


@dataclass(frozen=True)
class Size:
    """What is measured of a body: its dimension, the unit it is kept in and the bounds of what a person can have."""

    measure: str
    dimension: str
    kept: str
    unit: str
    least: int
    most: int
    units: tuple[str, ...]


WEIGHT = Size("weight", "weight", "grams", "g", 200, 650_000, ("kg", "g", "lb"))
"""From the lightest child born alive (212 g, 2020) to the heaviest person on record (635 kg, 1978)."""

HEIGHT = Size("height", "length", "mm", "mm", 200, 2600, ("cm", "m", "mm", "in"))
"""From the shortest newborn to above the tallest person on record (2720 mm is refused: one man, 1940)."""


@dataclass(frozen=True)
class Units:
    """A column of units: `factor` and `dimension` row by row, null where there is none or it is `refused`."""

    factor: pl.Series
    dimension: pl.Series
    refused: pl.Series


Factor = Callable[[str], tuple[float, str]]


def read_units(units: Coded, factor_of: Factor) -> Units:
    """The factor and dimension `factor_of` finds for each distinct word; refused where it raises ScalarError."""
    found: list[tuple[float | None, str | None]] = []
    for word in units.words:
        try:
            found.append(factor_of(word))
        except ScalarError:
            found.append((None, None))
    place = units.place
    factor = by_code([factor for factor, _ in found], place, pl.Float64())
    dimension = by_code([dimension for _, dimension in found], place, pl.String())
    told = factor.null_count() == place.null_count()
    return Units(factor, dimension, nowhere(len(place)) if told else place.is_not_null() & factor.is_null())


# --- administrations ----------------------------------------------------------------------------------------------


def read_administrations(entry: Entry) -> None:
    """Type the amounts, the weight used, the concentration and the viability of a table of administrations."""
    _read_amounts(entry)
    if "weight_used" in entry:
        entry.read_number("weight_used")
        _read_size(entry, WEIGHT, "weight_used", entry.typed["weight_used"], _unit(entry, "kg"))
        entry.typed["weight_used"] = entry.typed.pop(WEIGHT.kept)
    if "concentration" in entry:
        _read_concentration(entry)
    if "viability" in entry:
        _read_viability(entry)


def _read_amounts(entry: Entry) -> None:
    """Type amount, ordered and prepared in base units of the row's unit; a number without a known unit is refused."""
    unit = _unit(entry)
    units = read_units(unit, _factor)
    entry.refuse_cells(units.refused, "unit", "unknown unit", parse_unit)
    entry.typed["dimension"] = units.dimension
    for name in ("amount", "ordered", "prepared"):
        if name not in entry:
            continue
        if name not in entry.typed:
            entry.read_number(name)
        value, decimals = entry.typed[name], entry.decimals[name]
        if unit.place.null_count():
            explain = says(f"is missing beside {name}", "write the unit, such as mg, IU, cells or 10^6 cells")
            entry.refuse(unit.place.is_null() & value.is_not_null(), "unit", "no unit", explain)
        base = _whole(entry, name, value * units.factor)
        entry.typed["base" if name == "amount" else name] = base
        if name == "amount" and decimals.null_count() < len(decimals):
            entry.typed["decimals"] = decimals
            frame = pl.DataFrame({"decimals": decimals, "factor": units.factor})
            step = (pl.lit(10.0).pow(-pl.col("decimals")) * pl.col("factor")).round(0).clip(1, MOST)
            entry.typed["step"] = frame.select_seq(step.cast(pl.Int64)).to_series()


def _factor(word: str) -> tuple[float, str]:
    unit = parse_unit(word)
    return float(unit.factor), unit.dimension


def _unit(entry: Entry, always: str | None = None) -> Coded:
    """The units of a table, or the one that all its rows have; null where it has no such column."""
    if always is None and "unit" in entry:
        return entry.coded("unit")
    words = pl.Series([always], dtype=pl.String).drop_nulls()
    place = pl.Series([0 if len(words) else None], dtype=pl.UInt32)
    return Coded(words, place.new_from_index(0, entry.cells.height))


def _whole(entry: Entry, name: str, base: pl.Series) -> pl.Series:
    """The amounts as whole base units; those too large, or finer than one base unit, are refused."""
    rounded = base.round(0)
    explain = says("is more than any study gives", "correct the number or its unit")
    entry.refuse(base > MOST, name, f"{name} too large", explain)
    # From 10^12 on a float of 53 bits no longer shows a thousandth of a unit for certain.
    finer = ((base - rounded).abs() > 1e-3) & (base < 1e12)
    explain = says("is finer than the smallest amount kept (1 ng, 1 cell, 0.001 IU)", "round it or correct its unit")
    entry.refuse(finer, name, f"{name} too fine", explain)
    return rounded.cast(pl.Int64, strict=False)


def _read_concentration(entry: Entry) -> None:
    """Type concentration in base units per mL, with the dimension of what it counts."""
    cells = entry.cells["concentration"].cast(pl.String)
    if "concentration_unit" in entry:
        unit = entry.cells["concentration_unit"]
        cells = cells + pl.select(pl.when(unit.is_not_null()).then(" " + unit).otherwise(pl.lit(""))).to_series()
    units = read_units(coded(cells), _per_millilitre)
    entry.typed |= {"concentration": units.factor, "concentration_dimension": units.dimension}

    def explain(row: Row) -> tuple[str, str]:
        try:
            _per_millilitre(" ".join(filter(None, (shown(row["concentration"]), shown(row.get("concentration_unit"))))))
        except ScalarError as error:
            return error.why, error.remedy
        return "cannot be read", "write it as 8.1e5 cells/mL"

    entry.refuse(units.refused, "concentration", "concentration cannot be read", explain)


def _per_millilitre(text: str) -> tuple[float, str]:
    """Base units per mL; the base of a divisor is the litre."""
    quantity = Quantity.parse(text)
    if not quantity.dimension.endswith("/volume"):
        raise ScalarError(text, "is no amount per volume", "write the amount and its unit, such as 8.1e5 cells/mL")
    if quantity.base < 0:
        raise ScalarError(text, "is below zero", "write what was meant without a minus")
    return float(quantity.base / 1000), quantity.dimension.removesuffix("/volume")


def _read_viability(entry: Entry) -> None:
    """Type viability in percent; a share of one is refused, since 0.9 percent and 0.9 of the cells differ."""
    if entry.cells["viability"].dtype == pl.String:
        plain = entry.cells["viability"].str.strip_suffix("%").str.strip_chars()
        entry.cells = entry.cells.with_columns(viability=plain)
    entry.read_number("viability")
    value = entry.typed["viability"]
    entry.refuse(
        ((value > 0) & (value <= 1)) | (value > 100),
        "viability",
        "viability is no percentage",
        lambda row: ("is no percentage from 0 to 100", f"write {_percent(row)} if that is meant"),
    )


def _percent(row: Row) -> str:
    value = parse_number(shown(row["viability"])).value
    return shown(value * 100 if value <= 1 else value / 100)


# --- lots ---------------------------------------------------------------------------------------------------------


def read_lots(entry: Entry) -> None:
    """Type the results of lots as numbers or words; a row that names neither a lot nor a bag is refused."""
    if "value" in entry:
        cells = entry.cells["value"]
        numbers = read_numbers(cells)
        entry.typed["value"] = numbers.value
        if cells.dtype == pl.String:
            _read_words(entry, cells, numbers.refused)
    names = [pl.col(name).is_null() for name in ("lot", "bag") if name in entry]
    nameless = entry.cells.select(pl.all_horizontal(names) if names else pl.col("row").is_not_null()).to_series()
    entry.refuse(nameless, "lot", "neither lot nor bag", says("is empty, and so is bag", "name the lot or the bag"))


# --- observations -------------------------------------------------------------------------------------------------


def read_observations(entry: Entry) -> None:
    """Type value as a number or a word, and body weight and height as whole grams and millimetres."""
    if "value" not in entry or "measure" not in entry:
        return
    cells = entry.cells["value"]
    numbers = read_numbers(cells)
    entry.typed["value"] = numbers.value
    spoilt = numbers.refused
    if cells.dtype == pl.String:
        spoilt = _read_words(entry, cells, numbers.refused)
    else:
        explain = says("is no number", "leave the row out where nothing was measured")
        entry.refuse(spoilt, "value", "value is no number", explain)
    words, place = entry.coded("measure")
    measure, unit = by_code([word.lower() for word in words], place, pl.String()), _unit(entry)
    for size in (WEIGHT, HEIGHT):
        rows = measure == size.measure
        if rows.any():
            rows = rows.fill_null(False) if rows.null_count() else rows
            explain = says(f"is no {size.measure}", "write the number, or remove the row if it was not measured")
            entry.refuse(rows & numbers.refused & ~spoilt, "value", f"{size.measure} is no number", explain)
            value, place = numbers.value, unit.place
            value, place = (value, place) if rows.all() else (value.set(~rows, None), place.set(~rows, None))
            _read_size(entry, size, "value", value, Coded(unit.words, place))


def _read_words(entry: Entry, cells: pl.Series, others: pl.Series) -> pl.Series:
    """Keep what is no number as a word; refuse, and return, what was meant as a number or has its unit in the cell."""
    if not others.any():
        return nowhere(len(cells))
    spoilt = {cell: _spoilt(cell) for cell in cells.filter(others).unique()}
    bad = cells.is_in([cell for cell, fault in spoilt.items() if fault])
    entry.refuse(bad, "value", "value is no number", lambda row: spoilt[shown(row["value"])] or ("", ""))
    if spoilt:
        entry.typed["word"] = cells.set(~others, None)
    return bad


def _spoilt(cell: str) -> tuple[str, str] | None:
    """Why a word must have been meant as a number, and what to write; None for a word."""
    number, _, unit = cell.partition(" ")
    try:
        if looks_like_number(cell):
            parse_number(cell)
        elif not unit or not parse_number(number) or known_unit(unit) is None:
            return None
    except ScalarError as error:
        if not looks_like_number(cell):
            return None
        digits = any(sign.isdigit() for sign in cell)
        return error.why, error.remedy if digits else "remove the row where nothing was measured"
    return "has its unit in the cell", f"write {number} in value and {unit} in unit"


def _read_size(entry: Entry, size: Size, column: str, value: pl.Series, unit: Coded) -> None:
    """Type the numbers as `size.kept`; refuse those without a unit of the dimension and those no person can have."""

    def factor_of(word: str) -> tuple[float, str]:
        return _size_factor(word, size), size.dimension

    units = read_units(unit, factor_of)
    entry.refuse_cells(units.refused, "unit", f"{size.measure} in an unknown unit", factor_of)
    explain = says(f"is missing: a {size.measure} needs one", f"write {', '.join(size.units[:-1])} or {size.units[-1]}")
    if unit.place.null_count():
        entry.refuse(value.is_not_null() & unit.place.is_null(), "unit", f"{size.measure} without unit", explain)
    kept = value * units.factor
    outside = (kept < size.least) | (kept > size.most)
    entry.refuse(outside, column, f"impossible {size.measure}", _impossible(size, column))
    entry.typed[size.kept] = kept.round(0).cast(pl.Int64, strict=False)


def _size_factor(word: str, size: Size) -> float:
    unit = parse_unit(word, body=True)
    if unit.dimension != size.dimension:
        choice = f"write {', '.join(size.units[:-1])} or {size.units[-1]}"
        raise ScalarError(word, f"measures {unit.dimension}, not {size.measure}", choice)
    # A length is counted in µm.
    return float(unit.factor) / (1000 if size.dimension == "length" else 1)


def _impossible(size: Size, column: str) -> Explain:
    """Says what is wrong with a size no person can have, and in which unit the same number would be one."""

    def explain(row: Row) -> tuple[str, str]:
        number = parse_number(shown(row[column])).value
        unit = "kg" if column == "weight_used" else shown(row["unit"])
        if number <= 0:
            return f"{unit} is no {size.measure}", f"write the {size.measure} measured, or leave it out"
        fitting = [word for word in size.units if size.least <= number * _size_factor(word, size) <= size.most]
        why = f"{unit} is no {size.measure} a person can have"
        if not fitting:
            return why, "correct the number or its unit"
        same = number * _size_factor(fitting[0], size) / _size_factor(size.units[0], size)
        return f"{why}, perhaps {fitting[0]}", f"write {shown(same)} {size.units[0]} if that is meant"

    return explain
