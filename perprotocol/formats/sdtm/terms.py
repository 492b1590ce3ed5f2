"""Controlled terminology: the words of sites and protocols, and the CDISC terms that mean the same.

Where CDISC has no term for a word it goes out as it is: UNIT, FREQ and ROUTE may be extended.
"""

from __future__ import annotations

import re
from functools import cache

from protocol.errors import ScalarError
from protocol.quantity import parse_unit
from rules.course.frequency import times_and_days
from rules.happened.routes import route_term

# --- units --------------------------------------------------------------------------------------------------------

_UNIT = {
    "µg": "ug", "mcg": "ug", "µmol": "umol", "µL": "uL", "percent": "%", "pct": "%", "lb": "LB", "lbs": "LB",
    "kg": "kg", "Cel": "C", "°C": "C", "℃": "C", "cells": "CELLS", "m²": "m2", "doses": "DOSE", "dose": "DOSE",
}  # fmt: skip
"""Words of ours -> CDISC UNIT (C71620)."""
_READ = {
    "gi/l": "10^9/L", "ti/l": "10^12/L", "thou/ul": "10^3/uL", "mill/ul": "10^6/uL", "10^3/mm3": "10^3/uL",
    "lb": "lb", "in": "in", "c": "Cel", "u/l": "U/L", "iu/l": "IU/L", "dose": "dose", "ug": "ug", "cells": "cells",
}  # fmt: skip
"""CDISC and older laboratory units (lower case) that our units write otherwise."""


@cache
def unit_term(word: str) -> str:
    """The CDISC unit of a recorded one."""
    for ours, term in _UNIT.items():
        if word == ours:
            return term
    return re.sub(r"^(?:µ|μ|mc)(?=g|mol|L|l)", "u", word)


@cache
def read_unit(term: str) -> str | None:
    """A unit that amounts and values can be read in; None where the word is none we know."""
    for word in dict.fromkeys((_READ.get(term.lower(), term), term, term.lower())):
        try:
            parse_unit(word)
        except ScalarError:
            continue
        return word
    return None


# --- routes, frequencies, sex -------------------------------------------------------------------------------------


def route_out(word: str) -> str:
    """The CDISC route of a recorded one; what is not known, in capitals as it is."""
    return route_term(word) or word.upper()


_FREQUENCIES = {
    "QD": "once daily", "BID": "twice daily", "TID": "three times daily", "QID": "four times daily",
    "QOD": "every other day", "QS": "once weekly", "Q2S": "every 14 d", "Q3S": "every 21 d", "Q4S": "every 28 d",
    "QAM": "every morning", "QPM": "every evening", "Q3D": "every 3 d", "Q8H": "every 8 h", "Q12H": "every 12 h",
    "2 TIMES PER WEEK": "twice weekly", "3 TIMES PER WEEK": "three times weekly",
}  # fmt: skip
"""CDISC FREQ (C71113) -> our words."""
_ONCE = ("ONCE", "1X")


@cache
def frequency_out(word: str) -> str:
    """The CDISC frequency that says the same; what is not known, in capitals as it is."""
    said = word.strip().lower()
    for term, ours in _FREQUENCIES.items():
        if said == ours:
            return term
    meant = times_and_days(word)
    same = (term for term, ours in _FREQUENCIES.items() if meant != (0, 0) and times_and_days(ours) == meant)
    return next(same, word.upper())


@cache
def frequency_in(term: str) -> str | None:
    """Our words for a CDISC frequency; None for a dose given once, the term itself where it is not known."""
    if term.upper() in _ONCE:
        return None
    return _FREQUENCIES.get(term.upper(), term.lower())


_SEX = {"m": "M", "male": "M", "男": "M", "f": "F", "female": "F", "女": "F"}


def sex_out(word: str) -> str:
    """The CDISC term for a recorded sex."""
    return _SEX.get(word.lower(), "U")


# --- tests --------------------------------------------------------------------------------------------------------

_TESTS = """
VS | WEIGHT | Weight | weight, body weight, 体重
VS | HEIGHT | Height | height, body height, length, 身高
VS | TEMP | Temperature | temperature, body temperature, temp
VS | SYSBP | Systolic Blood Pressure | systolic, systolic blood pressure, sbp
VS | DIABP | Diastolic Blood Pressure | diastolic, diastolic blood pressure, dbp
VS | HR | Heart Rate | heart rate, hr
VS | PULSE | Pulse Rate | pulse, pulse rate
VS | RESP | Respiratory Rate | respiratory rate, rr
VS | OXYSAT | Oxygen Saturation | oxygen saturation, spo2
VS | BSA | Body Surface Area | bsa, body surface area
LB | HGB | Hemoglobin | hb, hgb, haemoglobin, hemoglobin
LB | HCT | Hematocrit | hct, haematocrit, hematocrit
LB | WBC | Leukocytes | wbc, leukocytes, leucocytes, white blood cells
LB | NEUT | Neutrophils | anc, neut, neutrophils, absolute neutrophil count
LB | LYM | Lymphocytes | lym, lymphocytes, absolute lymphocyte count
LB | PLAT | Platelets | plt, plat, platelets, platelet count
LB | RETI | Reticulocytes | reti, reticulocytes, reticulocyte count
LB | ALT | Alanine Aminotransferase | alt, alat, alanine aminotransferase
LB | AST | Aspartate Aminotransferase | ast, asat, aspartate aminotransferase
LB | ALP | Alkaline Phosphatase | alp, alkaline phosphatase
LB | BILI | Bilirubin | bili, bilirubin, total bilirubin
LB | ALB | Albumin | alb, albumin
LB | CREAT | Creatinine | creat, creatinine, serum creatinine
LB | CREATCLR | Creatinine Clearance | creatinine clearance, crcl
LB | GFRE | Glomerular Filtration Rate, Estimated | gfr, egfr, glomerular filtration rate
LB | UREA | Urea | urea
LB | GLUC | Glucose | gluc, glucose
LB | K | Potassium | k, potassium
LB | SODIUM | Sodium | na, sodium
LB | CA | Calcium | ca, calcium
LB | CRP | C Reactive Protein | crp, c-reactive protein
LB | FERRITIN | Ferritin | ferritin
LB | G6PD | Glucose-6-Phosphate Dehydrogenase | g6pd
LB | METHB | Methemoglobin | methaemoglobin, methemoglobin, methb
LB | HCG | Choriogonadotropin Beta | hcg, pregnancy test
"""


@cache
def known_tests() -> dict[str, tuple[str, str, frozenset[str]]]:
    """CDISC test code -> its domain, its name, and the words (lower case) for the same measure."""
    found = {}
    for line in _TESTS.strip().splitlines():
        domain, code, name, words = (part.strip() for part in line.split("|"))
        found[code] = (domain, name, frozenset((*(w.strip() for w in words.split(",")), code.lower(), name.lower())))
    return found


def cdisc_test(word: str) -> tuple[str, str, str] | None:
    """Domain, code and name of the test that a measure's word means; None where CDISC's is not known here."""
    simple = word.lower().replace("_", " ").strip()
    for code, (domain, name, words) in known_tests().items():
        if simple in words or simple.replace("-", " ") in words:
            return domain, code, name
    return None


# --- disposition --------------------------------------------------------------------------------------------------

EVENT, MILESTONE, OTHER = "DISPOSITION EVENT", "PROTOCOL MILESTONE", "OTHER EVENT"
STUDY, TREATMENT = "STUDY PARTICIPATION", "STUDY TREATMENT"
CONSENT, SCREEN_FAILURE = "INFORMED CONSENT OBTAINED", "SCREEN FAILURE"
DISPOSITIONS: dict[str, tuple[str, str, str]] = {
    "consented": (CONSENT, MILESTONE, ""),
    "enrolled": ("ENTERED INTO TRIAL", MILESTONE, ""),
    "randomised": ("RANDOMIZED", MILESTONE, ""),
    "completion": ("COMPLETED", EVENT, STUDY),
    "death": ("DEATH", EVENT, STUDY),
    "lost-to-follow-up": ("LOST TO FOLLOW-UP", EVENT, STUDY),
    "withdrawal": ("WITHDRAWAL BY SUBJECT", EVENT, STUDY),
    "discontinuation": ("OTHER", EVENT, TREATMENT),
    "last-contact": ("LAST CONTACT", OTHER, ""),
}
"""Our milestones -> DSDECOD (NCOMPLT, PROTMLST), DSCAT and DSSCAT."""
_LIKE = {
    "withdrawal-of-consent": "withdrawal",
    "withdrawal-from-the-trial": "withdrawal",
    "declared-lost": "lost-to-follow-up",
}


def disposition_of(milestone: str) -> tuple[str, str, str]:
    """DSDECOD, DSCAT and DSSCAT of a milestone as recorded."""
    word = "-".join(milestone.lower().replace("_", " ").split())
    if word.startswith("discontinuation"):
        return DISPOSITIONS["discontinuation"]
    return DISPOSITIONS.get(_LIKE.get(word, word), (word.replace("-", " ").upper(), MILESTONE, ""))


def milestone_of(term: str, category: str, subcategory: str) -> str | None:
    """The milestone that a disposition means by its terms alone; "" for none of ours, None where it cannot be told.

    Why a participant ended something (an adverse event, a decision) does not say what was ended: the subcategory does.
    """
    if category in (MILESTONE, OTHER):
        found = {decod: name for name, (decod, _, _) in DISPOSITIONS.items() if category == MILESTONE}
        return found.get(term, term.lower())
    if subcategory == TREATMENT:
        return "" if term == "COMPLETED" else "discontinuation"
    plain = {"COMPLETED": "completion", "DEATH": "death", "LOST TO FOLLOW-UP": "lost-to-follow-up", SCREEN_FAILURE: ""}
    if term in plain:
        return plain[term]
    return "withdrawal" if subcategory == STUDY else None
