"""Terms of CDISC code lists and our words for them."""

from __future__ import annotations

SYSTEM = "http://www.cdisc.org"
UCUM = "http://unitsofmeasure.org"

UNITS = {
    "C28253": "mg", "C48155": "g", "C48152": "µg", "C48516": "ng", "C28252": "kg", "C28254": "mL", "C48505": "L",
    "C67401": "mg/kg", "C67402": "mg/m²", "C67396": "µg/kg", "C48579": "IU", "C44278": "U", "C25613": "percent",
    "Milligram": "mg", "Gram": "g", "Microgram": "µg", "Kilogram": "kg", "Milliliter": "mL", "Liter": "L",
    "Milligram per Kilogram": "mg/kg", "Milligram per Square Meter": "mg/m²", "Percentage": "percent",
    "International Unit": "IU", "Unit": "U", "Microgram per Kilogram": "µg/kg", "Milligram per Day": "mg/d",
    "C25301": "d", "Day": "d", "C29844": "wk", "Week": "wk", "C29846": "mo", "Month": "mo", "C29848": "y", "Year": "y",
    "C25529": "h", "Hour": "h", "C48154": "min", "Minute": "min",
}  # fmt: skip
"""Code or term of the code list of units -> unit."""

SPANS = {"d": "d", "wk": "wk", "mo": "mo", "y": "y"}
"""Units in which a course can last."""

FREQUENCIES = {
    "Daily": "once daily",
    "Once Daily": "once daily",
    "Twice Daily": "twice daily",
    "Twice per Day": "twice daily",
    "Three Times Daily": "three times daily",
    "Four Times Daily": "four times daily",
    "Every Other Day": "every other day",
    "Every Week": "once weekly",
    "Weekly": "once weekly",
    "Once Weekly": "once weekly",
    "Twice Weekly": "twice weekly",
    "Three Times Weekly": "three times weekly",
    "Every Two Weeks": "every 2 wk",
    "Every Three Weeks": "every 3 wk",
    "Every Four Weeks": "every 4 wk",
    "Every Six Hours": "every 6 h",
    "Every Eight Hours": "every 8 h",
    "Every Twelve Hours": "every 12 h",
    "Every Morning": "every morning",
    "Every Evening": "every evening",
}
"""Term of the code list of frequencies -> our words."""

ROUTES = {
    "Oral Route of Administration": "oral",
    "Intravenous Route of Administration": "intravenous",
    "Subcutaneous Route of Administration": "subcutaneous",
    "Intramuscular Route of Administration": "intramuscular",
    "Transdermal Route of Administration": "transdermal",
    "Topical Route of Administration": "topical",
}
"""Term of the code list of routes -> our word."""

_PARENTERAL = frozenset({"intravenous", "subcutaneous", "intramuscular", "intradermal", "intrathecal"})
ROUTES_OF_FORMS: dict[str, frozenset[str]] = {
    "patch": frozenset({"transdermal", "topical"}),
    "transdermal": frozenset({"transdermal"}),
    "tablet": frozenset({"oral", "sublingual", "buccal", "vaginal"}),
    "capsule": frozenset({"oral"}),
    "infusion": frozenset({"intravenous", "subcutaneous", "intrathecal", "intraperitoneal"}),
    "injection": _PARENTERAL,
}
"""A form -> the routes by which it can be given."""
