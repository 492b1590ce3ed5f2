"""Terms of CDISC code lists and our words for them."""

from __future__ import annotations

SYSTEM = "http://www.cdisc.org"

UNITS = {
    "Milligram": "mg", "Gram": "g", "Microgram": "µg", "Nanogram": "ng", "Kilogram": "kg", "Milliliter": "mL",
    "Liter": "L", "International Unit": "IU", "Unit": "U", "Milligram per Kilogram": "mg/kg",
    "Milligram per Square Meter": "mg/m²", "Microgram per Kilogram": "µg/kg", "Milligram per Day": "mg/d",
    "Percentage": "percent", "Day": "d", "Week": "wk", "Month": "mo", "Year": "y", "Hour": "h", "Minute": "min",
}  # fmt: skip
"""Term of the code list of units -> unit."""

SPANS = frozenset({"d", "wk", "mo", "y"})
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

EPOCHS = ("Screening Epoch", "Run-in Period", "Baseline Epoch", "Treatment Epoch", "Follow-Up Epoch")
"""Kinds of epochs, each told by its first word in the name of an epoch."""

CODES = {
    "Screening Epoch": "C202487", "Run-in Period": "C98779", "Baseline Epoch": "C125938", "Follow-Up Epoch": "C202578",
    "Official Study Title": "C99905x2", "Sponsor Approval Date": "C132352", "Protocol Effective Date": "C99903x1",
    "Global": "C68846", "Study Registry": "C93453", "Clinical Study Sponsor": "C70793", "Unknown": "C17998",
    "Data Generated Within Study": "C188866", "Interventional Study": "C98388", "Open Label Study": "C49659",
    "Double Blind Study": "C15228", "Parallel Study": "C82639", "Single Group Study": "C82640",
    "Treatment Epoch": "C101526", "Visit": "C25716", "In Person": "C175574", "Telephone Call": "C171537",
    "Inclusion Criteria": "C25532", "Exclusion Criteria": "C25370", "Before": "C201357", "After": "C201356",
    "Fixed Reference": "C201358", "Start to Start": "C201355", "End to Start": "C201353", "Both": "C49636",
    "Milligram": "C28253", "Gram": "C48155", "Kilogram": "C28252", "Day": "C25301", "Week": "C29844",
    "Year": "C29848", "Percentage": "C25613", "Daily": "C25473", "Twice Daily": "C64496",
    "Three Times Daily": "C64527", "Four Times Daily": "C64530", "Oral Route of Administration": "C38288",
    "Intravenous Route of Administration": "C38276", "Other": "C17649",
}  # fmt: skip
"""Term -> its code, for the terms that are written; terms without one are written in our words."""

UNIT_CODES = {unit: term for term, unit in UNITS.items()}
"""Unit -> the term of the code list."""

ROUTE_TERMS = {word: term for term, word in ROUTES.items()}
FREQUENCY_TERMS = {word: term for term, word in reversed(FREQUENCIES.items())}
