"""Amounts are read as people write them, are exact, and print back."""

from __future__ import annotations

import pickle
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from protocol.errors import ScalarError
from protocol.quantity import (
    UNITS,
    AmountField,
    Quantity,
    Range,
    WeightField,
    format_amount,
    format_number,
    known_unit,
    parse_amount,
    parse_unit,
)
from protocol.units import PINT

READ = {
    "a cell dose in the short scientific form": ("1e6 cells/kg", "cells/weight", 10**6),
    "a cell dose with a raised exponent": ("1×10⁶ cells/kg", "cells/weight", 10**6),
    "a cell dose with a caret and spaces": ("1 × 10^6 cells/kg", "cells/weight", 10**6),
    "a number a kg with its exponent": ("1 × 10^6/kg", "number/weight", 10**6),
    "the same in UCUM": ("10*6/kg", "number/weight", 10**6),
    "a power without a mantissa": ("10⁶ cells/kg", "cells/weight", 10**6),
    "an absolute number of cells": ("1.62e7 cells", "cells", 16_200_000),
    "cells in a power-of-ten unit": ("16.2 10^6 cells", "cells", 16_200_000),
    "cells with the power beside the times sign": ("16.2 ×10⁶ cells", "cells", 16_200_000),
    "cells in Chinese": ("5000万个", "cells", 50_000_000),
    "milligrams a kg": ("3.5 mg/kg", "mass/weight", 3_500_000),
    "milligrams a kg and day": ("5 mg/kg/d", "mass/weight/time", 5_000_000),
    "a day written out": ("5 mg/kg/day", "mass/weight/time", 5_000_000),
    "the day before the kg": ("5 mg/d/kg", "mass/weight/time", 5_000_000),
    "divisors in brackets": ("5 mg/(kg·d)", "mass/weight/time", 5_000_000),
    "divisors in words": ("5 mg per kg per day", "mass/weight/time", 5_000_000),
    "an hourly rate beside a body, as a day": ("1 mg/kg/h", "mass/weight/time", 24_000_000),
    "milligrams a square metre": ("1000 mg/m²", "mass/surface", 10**9),
    "a square metre without the raised 2": ("1000 mg/m2/d", "mass/surface/time", 10**9),
    "an infusion rate": ("175 mg/h", "mass/time", 175_000_000),
    "a flat amount a day, which is no infusion rate": ("500 mg/d", "mass/day", 500_000_000),
    "a filtration rate an hour": ("125 mL/min", "volume/time", 125 * 60 * 10**6),
    "a filtration rate of a standard body": ("90 mL/min/1.73 m²", "volume/standard-surface/time", 90 * 60 * 10**6),
    "an area under the curve": ("4 AUC", "AUC", 4000),
    "an area under the curve by its unit": ("4 mg/mL·min", "AUC", 4000),
    "a percentage by its sign": ("90 %", "percent", 9000),
    "a percentage by its word": ("92.35 percent", "percent", 9235),
    "a negative percentage with a true minus": ("−5 %", "percent", -500),
    "a blood count": ("0.5 10^9/L", "number/volume", 5 * 10**8),
    "a blood count with a times sign": ("0.5×10⁹/L", "number/volume", 5 * 10**8),
    "a blood count by microlitre": ("500 /µL", "number/volume", 5 * 10**8),
    "haemoglobin by decilitre": ("8 g/dL", "mass/volume", 80 * 10**9),
    "haemoglobin by litre": ("80 g/L", "mass/volume", 80 * 10**9),
    "a trough": ("100 ng/mL", "mass/volume", 100_000),
    "the same trough by litre": ("100 µg/L", "mass/volume", 100_000),
    "a trough by substance": ("150 nmol/L", "amount/volume", 150_000),
    "creatinine": ("60 µmol/L", "amount/volume", 60_000_000),
    "creatinine with the Greek mu": ("60 μmol/L", "amount/volume", 60_000_000),
    "creatinine with a u": ("60 umol/L", "amount/volume", 60_000_000),
    "an enzyme": ("40 U/L", "U/volume", 40_000),
    "a vaccine dose": ("1 dose", "dose", 1000),
    "international units": ("3000000 IU/kg", "IU/weight", 3 * 10**9),
    "vector genomes": ("2e13 vg/kg", "vg/weight", 2 * 10**7),
    "a temperature": ("38.5 Cel", "temperature", 38_500),
    "a volume": ("20 mL", "volume", 20 * 10**6),
    "a surface": ("2.0 m²", "surface", 200),
    "a length": ("101.5 cm", "length", 1_015_000),
    "a mass in Chinese": ("50毫克", "mass", 50_000_000),
    "a concentration in Chinese": ("2毫克/公斤", "mass/weight", 2_000_000),
    "a plain number": ("7", "number", 7),
    "no space before the unit": ("3.5mg/kg", "mass/weight", 3_500_000),
    "a narrow space before the unit": ("3.5\u202fmg/kg", "mass/weight", 3_500_000),
    "a unit only pint knows": ("10 stone", "mass", 63_502_931_800_000),
}

REFUSED = {
    "a number a kg that lost its exponent": ("10/kg", "exponent was lost", "1e6 cells/kg"),
    "a power that lost its exponent": ("1 × 10/kg", "without its exponent", "1e6 cells/kg"),
    "an exponent that is no longer raised": ("2.5 × 106 cells/kg", "without its exponent", "2.5e6 cells/kg"),
    "an exponent after a space": ("2.5 × 10 6 cells/kg", "without its exponent", "2.5e6 cells/kg"),
    "a full-width digit": ("１ mg", "full-width", "'1 mg'"),
    "a full-width percent sign": ("9０％", "full-width", "'90%'"),
    "a decimal comma": ("3,5 mg/kg", "comma", "'3.5 mg/kg'"),
    "a comma between thousands": ("1,000 mg", "comma", "'1.000 mg' or '1000 mg', whichever is meant"),
    "viable cells, which is no unit": ("1e6 viable cells/kg", "way of counting", "'count: viable'"),
    "a G that is 10^9": ("10 G/L", "10^9", "write g or 10^9"),
    "a range with a hyphen": ("2.5-3.5 mg/kg", "hyphen", "'2.5 to 3.5 mg/kg'"),
    "a misspelt unit": ("5 mgg/kg", "unknown unit 'mgg'", "'mg'"),
    "a unit in the wrong case": ("5 iU", "unknown unit 'iU'", "'IU'"),
    "a megagram": ("5 Mg", "megagram", "write mg"),
    "a grain or a gram": ("5 gr", "grain", "write g"),
    "a laboratory's 10E9": ("0.5 10E9/L", "ten times 10^9", "write 10^9"),
    "a unit of atoms": ("5 u", "unknown unit 'u'", "'U'"),
    "a unit divided twice by the same": ("5 mg/kg/kg", "twice", "once"),
    "a unit that ends in a slash": ("5 mg/", "lacks a unit", "mg"),
    "a divisor that is no measure of a trial": ("5 mg/percent", "divides by 'percent'", "kg"),
    "no number": ("mg", "does not begin with a number", "3.5 mg/kg"),
    "a naked decimal point": (".5 mg", "does not begin with a number", "3.5 mg/kg"),
    "nothing": (" ", "is empty", "leave the key out"),
    "Arabic digits, which are no ASCII": ("٣ mg", "does not begin with a number", "3.5 mg/kg"),
    "an exponent of three digits": ("1e999 mg", "unknown unit", "mg"),
}

RANGES_REFUSED = {
    "the higher end first": ("3.5 to 2.5 mg/kg", "higher end first", "'2.5 mg/kg to 3.5 mg/kg'"),
    "two kinds of measure": ("5 mg to 1 mL", "from mass to volume", "one kind"),
    "a power at one end only": ("1 to 2e6 cells/kg", "one end only", "1e6 to 2e6 cells/kg"),
    "three ends": ("1 to 2 to 3 mg", "is not a range", "2.5 to 3.5 mg/kg"),
}

PRINTED = {
    "cells from 10⁵ on in powers of ten": (16_200_000, "cells", "cells", "1.62×10⁷ cells"),
    "a whole power of ten": (10**6, "cells/weight", "cells/kg", "1×10⁶ cells/kg"),
    "fewer cells in full": (99_999, "cells", "cells", "99999 cells"),
    "cells in a column of powers": (16_200_000, "cells", "10^6 cells", "16.2 10^6 cells"),
    "milligrams without noise": (56_700_000, "mass", "mg", "56.7 mg"),
    "a large mass in full": (600 * 10**9, "mass", "mg", "600000 mg"),
    "a mass a body": (3_500_000, "mass/weight", "mg/kg", "3.5 mg/kg"),
    "body weight in kg": (16_200, "weight", "kg", "16.2 kg"),
    "body weight in pounds, to the gram": (16_200, "weight", "lb", "35.715 lb"),
    "a percentage": (9235, "percent", "%", "92.35 %"),
    "less than one base unit": (1, "mass", "g", "0.000000001 g"),
    "a negative amount": (-500, "percent", "%", "-5 %"),
    "nothing": (0, "cells", "cells", "0 cells"),
    "a plain number": (3, "number", "", "3"),
}


def cases(table: dict[str, Any]) -> pytest.MarkDecorator:
    """One test for each titled row."""
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


@cases(READ)
def test_a_quantity_is_read_as_people_write_it(row: tuple[str, str, int]) -> None:
    """The dimension and the exact number of base units follow from the text, and the text stays."""
    text, dimension, base = row
    quantity = Quantity.parse(text)
    assert (quantity.dimension, quantity.base) == (dimension, base)
    assert isinstance(quantity.base, int)
    assert str(quantity) == text


@cases(REFUSED)
def test_a_text_that_is_no_quantity_is_refused_with_what_to_write(row: tuple[str, str, str]) -> None:
    """The error names the text, why it is refused, and what to write instead."""
    text, why, remedy = row
    with pytest.raises(ScalarError) as caught:
        Quantity.parse(text)
    assert why in caught.value.why
    assert remedy in caught.value.remedy


@cases(RANGES_REFUSED)
def test_a_text_that_is_no_range_is_refused_with_what_to_write(row: tuple[str, str, str]) -> None:
    """The error names why the two ends make no range, and what to write instead."""
    text, why, remedy = row
    with pytest.raises(ScalarError) as caught:
        parse_amount(text)
    assert why in caught.value.why
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("text", ["2.5 to 3.5 mg/kg", "2.5–3.5 mg/kg", "2.5 mg/kg to 3.5 mg/kg", "2.5 – 3.5 mg/kg"])
def test_a_range_lends_its_unit_to_the_low_end(text: str) -> None:
    """Both ends are exact in base units however the range is written."""
    amount = parse_amount(text)
    assert isinstance(amount, Range)
    assert (amount.low.base, amount.high.base) == (2_500_000, 3_500_000)
    assert (amount.dimension, str(amount)) == ("mass/weight", text)


def test_equal_meaning_is_equal_whatever_the_text() -> None:
    """Two ways to write one dose are equal and hash alike, and another dimension is never equal."""
    assert len({Quantity.parse(text) for text in ("1e6 cells/kg", "1×10⁶ cells/kg", "10^6 cells/kg")}) == 1
    assert parse_amount("0.5 to 1 g") == parse_amount("500 to 1000 mg")
    assert Quantity.parse("5 U") != Quantity.parse("5 IU")
    assert Quantity.parse("1e6 cells/kg") != Quantity.parse("1e6/kg")


def test_cells_accept_a_number_but_nothing_else() -> None:
    """A field that wants cells takes a number of them; vector genomes and IU are other things."""
    assert Quantity.parse("10*6/kg").fits("cells/weight")
    assert Range.parse("1e6 to 2e6 /kg").fits("cells/weight")
    assert not Quantity.parse("1e6 vg/kg").fits("cells/weight")
    assert not Quantity.parse("1e6 cells/kg").fits("number/weight")
    assert not Quantity.parse("10 mg").fits("mass/weight")


def test_a_kilogram_of_body_is_no_kilogram_of_drug() -> None:
    """The field decides what kg alone weighs; as a divisor it is always a body."""
    assert (parse_unit("kg").dimension, parse_unit("kg", body=True).dimension) == ("mass", "weight")
    assert Quantity.parse("16.2 kg", body=True).base == 16_200
    assert Quantity.parse("16.2 公斤", body=True).base == 16_200
    assert Quantity.parse("35.7 lb", body=True).base == Fraction("35.7") * Fraction("453.59237")
    assert parse_unit("mg/kg", body=True) == parse_unit("mg/kg")
    assert parse_unit("mg/g").dimension == "mass/mass"


def test_a_value_finer_than_a_base_unit_stays_exact() -> None:
    """Nothing is rounded: what is not whole is a Fraction, and no digit is lost."""
    assert Quantity.parse("0.0000001 mg").base == Fraction(1, 10)
    assert Quantity.parse("1.000000000000000000000000000001×10⁶ cells").base == 10**6 + Fraction(1, 10**24)


def test_a_number_and_a_unit_of_two_columns_make_a_quantity() -> None:
    """The value and the unit of a table's row are one quantity."""
    quantity = Quantity.of(Decimal("16.2"), parse_unit("10^6 cells"))
    assert (str(quantity), quantity.base) == ("16.2 10^6 cells", 16_200_000)


@pytest.mark.parametrize("word", ["xyzzy", "Cel/kg/", "", "light_year/kg", "degF", "ngg"])
def test_an_unknown_unit_is_none(word: str) -> None:
    """Neither the table nor pint knows it as something a trial measures."""
    assert known_unit(word) is None


def test_a_known_unit_is_a_unit() -> None:
    """A word of the table and a word only pint knows are both units."""
    assert known_unit("mg") == parse_unit("毫克")
    stone = known_unit("stone", body=True)
    assert stone is not None
    assert (stone.dimension, stone.factor) == ("weight", Fraction("6350.29318"))


@cases(PRINTED)
def test_an_amount_is_printed_exactly(row: tuple[int, str, str, str]) -> None:
    """Base units become the decimal a person would write."""
    base, dimension, unit, text = row
    assert format_amount(base, dimension, unit) == text


def test_an_amount_is_not_printed_in_a_unit_of_another_kind() -> None:
    """Cells in mg is an error, not a number."""
    with pytest.raises(ScalarError, match="measures mass, not cells"):
        format_amount(1, "cells", "mg")


def test_very_small_numbers_are_printed_in_powers_too() -> None:
    """Scientific form holds on both sides, and full form never shows an exponent."""
    assert format_number(Decimal("0.00001"), scientific=True) == "1×10⁻⁵"
    assert format_number(Decimal("-1E+7")) == "-10000000"


WORDS = sorted(UNITS)
numbers = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3).map(lambda n: f"{n:f}")


@given(numbers, st.sampled_from(WORDS), st.sampled_from(["", " ", "\u00a0"]))
def test_reading_what_was_printed_gives_the_same_quantity(number: str, unit: str, space: str) -> None:
    """Parsing the text of a quantity is the identity, for every word of the table."""
    quantity = Quantity.parse(f"{number}{space}{unit}")
    assert Quantity.parse(str(quantity)) == quantity
    assert quantity.base == Fraction(number) * UNITS[unit][1]
    assert pickle.loads(pickle.dumps(quantity)) == quantity


@given(st.integers(-(9 * 10**14), 9 * 10**14), st.sampled_from(WORDS))
@example(16_200_000, "cells")
def test_a_printed_amount_reads_back_to_the_same_base_units(base: int, word: str) -> None:
    """Printing loses nothing; pounds, which have no exact decimal, read back to the nearest whole base unit."""
    printed = Quantity.parse(format_amount(base, UNITS[word][0], word))
    assert round(printed.base) == base
    if 10**60 % UNITS[word][1].numerator == 0:
        assert printed.base == base


@given(st.integers(0, 10**15), st.sampled_from(["cells/kg", "mg/kg/d", "mg/m²", "IU/kg", "vg/kg", "10^9/L", "ng/mL"]))
def test_a_printed_rate_reads_back_to_the_same_base_units(base: int, text: str) -> None:
    """The same holds for divided units."""
    assert Quantity.parse(format_amount(base, parse_unit(text).dimension, text)).base == base


@given(st.text(max_size=20))
@example("1" * 5000)
@example("10^99999 cells")
def test_any_text_is_a_quantity_or_a_fault(text: str) -> None:
    """Nothing a person can type escapes as another exception."""
    try:
        assert str(parse_amount(text)) == text.strip()
    except ScalarError as fault:
        assert fault.why and fault.remedy


@pytest.mark.parametrize("word", sorted(UNITS), ids=str)
def test_every_row_of_the_table_is_what_pint_says(word: str) -> None:
    """The size of each unit agrees with a pint registry in which cells, IU, vg, doses and AUC are dimensions."""
    from protocol.pint_units import registry

    bases = {
        "mass": "ng", "volume": "nL", "length": "µm", "surface": "cm**2 * 100", "amount": "pmol", "time": "min",
        "cells": "cell", "IU": "IU / 1000", "U": "U / 1000", "vg": "vg * 1000000", "dose": "dose / 1000",
        "AUC": "AUC / 1000", "percent": "percent / 100", "temperature": "Cel / 1000", "activity": "kBq",
        "absorbed dose": "mGy", "pressure": "mmHg", "calendar": "calendar_month",
    }  # fmt: skip
    dimension, size = UNITS[word]
    ours = registry()
    assert (ours(PINT[word]) * Fraction(1) / ours(bases[dimension])).to("").magnitude == size


def test_the_dimensions_of_a_trial_do_not_mix_in_pint() -> None:
    """The registry that proves the table refuses cells for IU, and body for drug."""
    import pint

    from protocol.pint_units import registry

    for left, right in [
        ("cell", "IU"),
        ("IU", "U"),
        ("vg", "cell"),
        ("dose", "cell"),
        ("kg", "body_kg"),
        ("m**2", "body_m2"),
    ]:
        with pytest.raises(pint.DimensionalityError):
            registry()(left).to(right)


def test_reading_known_units_does_not_import_pint() -> None:
    """Start-up stays light: pint is imported for an unknown word only."""
    code = (
        "import sys; from protocol.quantity import Quantity, format_amount; Quantity.parse('1e6 cells/kg');"
        "format_amount(1, 'mass', 'mg'); assert 'pint' not in sys.modules;"
        "Quantity.parse('1 stone'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Dosed(BaseModel):
    """A model with an amount and a body weight."""

    amount: AmountField
    weight: WeightField | None = None


def test_an_amount_is_a_field_of_a_model() -> None:
    """A model reads the text or a number, keeps the scalar, and writes the text again."""
    dosed = Dosed.model_validate({"amount": "2.5 to 3.5 mg/kg", "weight": "16.2 kg"})
    assert dosed.model_dump() == {"amount": "2.5 to 3.5 mg/kg", "weight": "16.2 kg"}
    assert dosed.weight is not None and dosed.weight.dimension == "weight"
    assert Dosed.model_validate({"amount": 7}).amount == Quantity.parse("7")
    assert Dosed(amount=dosed.amount).amount is dosed.amount
    assert Dosed.model_json_schema()["properties"]["amount"]["type"] == ["string", "number"]


@pytest.mark.parametrize("value", ["10/kg", True, ["1 mg"], None])
def test_a_bad_amount_is_one_error_of_the_model(value: object) -> None:
    """Pydantic collects the fault with the others, once, with its remedy inside."""
    with pytest.raises(ValidationError) as caught:
        Dosed.model_validate({"amount": value})
    (error,) = caught.value.errors()
    assert isinstance(error["ctx"]["error"], ScalarError)
    assert "write" in error["ctx"]["error"].remedy
