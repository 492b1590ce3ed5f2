"""What codes mean: value sets that FHIR binds, and the terms of LOINC, SNOMED CT and UCUM that have words of ours.

The value sets are those of R4 and R5 together; a test holds them against the tables of fhir.resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from protocol.quantity import known_unit
from protocol.units import PINT, POWER, exponent

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
OURS = "urn:perprotocol"
"""The address below which our extensions and code systems stand."""

# --- value sets --------------------------------------------------------------------------------------------------

ADMINISTERED: Mapping[str, str | None] = {
    "completed": "given",
    "stopped": "partly given",
    "not-done": "not given",
    "on-hold": "unknown",
    "in-progress": "unknown",
    "unknown": "unknown",
    "entered-in-error": None,
}
"""MedicationAdministration.status -> status of a dose. A dose that is under way or interrupted when the data are cut
is a question to the site, whatever amount stands there; None is no dose.
"""

OBSERVED: Mapping[str, bool] = {
    "final": True,
    "amended": True,
    "corrected": True,
    "preliminary": True,
    "registered": False,
    "cancelled": False,
    "entered-in-error": False,
    "unknown": False,
}
"""Observation.status -> whether its value counts."""

GENDERS = ("male", "female", "other", "unknown")

# Of ResearchSubject.status, R4 has the state of the participant, R5 that of the record.
ENROLLED = (
    "candidate", "eligible", "follow-up", "ineligible", "not-registered", "off-study", "on-study",
    "on-study-intervention", "on-study-observation", "pending-on-study", "potential-candidate", "screening",
    "withdrawn", "draft", "active", "retired", "unknown",
)  # fmt: skip

# --- terms --------------------------------------------------------------------------------------------------------

MEASURES: Mapping[tuple[str, str], tuple[str, str | None]] = {
    (LOINC, "29463-7"): ("weight", None),
    (LOINC, "3141-9"): ("weight", "measured"),
    (LOINC, "3142-7"): ("weight", "stated"),
    (LOINC, "8335-2"): ("weight", "estimated"),
    (LOINC, "8302-2"): ("height", None),
    (LOINC, "3137-7"): ("height", "measured"),
    (LOINC, "3138-5"): ("height", "stated"),
    (LOINC, "8306-3"): ("height", "lying"),
    (LOINC, "8308-9"): ("height", "standing"),
    (SNOMED, "27113001"): ("weight", None),
    (SNOMED, "1153637007"): ("height", None),
}
"""Codes of what every protocol calls weight and height, and how it was measured."""

ROUTES: Mapping[tuple[str, str], str] = {
    (SNOMED, "47625008"): "intravenous",
    (SNOMED, "26643006"): "oral",
    (SNOMED, "34206005"): "subcutaneous",
    (SNOMED, "78421000"): "intramuscular",
    (SNOMED, "37161004"): "rectal",
    (SNOMED, "37839007"): "sublingual",
    (SNOMED, "46713006"): "nasal",
    (SNOMED, "6064005"): "topical",
    (SNOMED, "45890007"): "transdermal",
    (SNOMED, "72607000"): "intrathecal",
    (SNOMED, "38239002"): "intraperitoneal",
    (SNOMED, "372464004"): "intradermal",
    (SNOMED, "418401004"): "intravitreal",
}
"""Codes of routes, and the words a protocol writes."""

_ATOMS: Mapping[str, str] = {
    "[lb_av]": "lb",
    "[oz_av]": "oz",
    "[in_i]": "in",
    "[ft_i]": "ft",
    "[IU]": "IU",
    "[iU]": "IU",
}
"""What UCUM writes otherwise than the table of units; a prefix stays before it (`k[iU]` is kIU)."""

_OTHERWISE: Mapping[str, str] = {"G": "gauss", "a": "y", "B": "bel", "u": "dalton"}
"""UCUM codes of one letter that the table of units reads as something else, or not at all."""

_CODES: Mapping[str, str] = {
    "IU": "[iU]", "kIU": "k[iU]", "mIU": "m[iU]", "MIU": "M[iU]", "µIU": "u[iU]", "µg": "ug", "µL": "uL",
    "µmol": "umol", "cell": "{cells}", "vg": "{vg}", "dose": "{dose}", "lb": "[lb_av]", "oz": "[oz_av]",
    "inch": "[in_i]", "ft": "[ft_i]", "percent": "%", "calendar_month": "mo", "calendar_year": "a", "week": "wk",
    "mmHg": "mm[Hg]", "m**2": "m2", "cm**2": "cm2", "mm**3": "mm3", "cm**3": "cm3", "AUC": "",
}  # fmt: skip
"""Names of the table of units -> UCUM codes, where they differ; an AUC has none."""

_POWERED = re.compile(rf"(?:[x×]\s*)?{POWER}\s*(?P<unit>.*)")


def unit_of_code(code: str) -> str:
    """The unit of a UCUM code in a word of our table; the code itself where there is no such word."""
    word = _OTHERWISE.get(code, code)
    for atom, ours in _ATOMS.items():
        word = word.replace(atom, ours)
    return word


def code_of_unit(text: str) -> str | None:
    """The UCUM code of a unit; None where there is none that means the same."""
    powered = _POWERED.fullmatch(text)
    words = [word.strip() for word in (powered["unit"] if powered else text).split("/")]
    codes = [_CODES.get(PINT.get(word, ""), PINT.get(word, "")) for word in words]
    if powered and not words[0]:
        codes[0] = f"10*{exponent(powered)}"
    elif powered:
        codes[0] = f"10*{exponent(powered)}{'' if codes[0].startswith('{') else '.'}{codes[0]}"
    code = "/".join(codes)
    return code if all(codes) and same_unit(unit_of_code(code), text) else None


def same_unit(one: str, other: str) -> bool:
    """Whether both texts are units and mean the same."""
    a, b = known_unit(one), known_unit(other)
    return a is not None and b is not None and (a.dimension, a.factor) == (b.dimension, b.factor)
