"""Expected × recorded -> occasions: the tables that rules see. All joins, lags and look-ups end here.

Beside the columns of `occasions/` each table carries what the sentences need (weights, limits, reasons); no rule
reads those.
"""

from __future__ import annotations

import polars as pl

from rules.course.taken import read_taken
from rules.match.amendments import amendment_occasions, reconsent_occasions
from rules.match.assessments import assessment_occasions
from rules.match.bags import bag_occasions
from rules.match.conduct import conduct_occasions
from rules.match.contradictions import contradiction_occasions
from rules.match.courses import course_occasions
from rules.match.decisions import decision_occasions
from rules.match.doses import dose_occasions, parts_of_doses
from rules.match.exposures import exposure_occasions
from rules.match.holds import hold_occasions
from rules.match.in_force import keep_in_force
from rules.match.leaving import leaving_occasions
from rules.match.levels import level_occasions, sample_occasions
from rules.match.medications import medication_occasions
from rules.match.people import criteria_occasions, death_occasions, people_occasions, weight_occasions
from rules.match.planned import planned_occasions
from rules.match.repeats import repeat_occasions
from rules.match.signatures import signature_occasions
from rules.match.specifications import specification_occasions
from rules.match.values import value_occasions
from rules.timing.grid import Laid


def build_occasions(laid: Laid) -> dict[str, pl.DataFrame]:
    """Every occasions table of one partition, with the rows for which the plan's version is in force."""
    taken = read_taken(laid, parts_of_doses(laid)[0])
    tables = {
        **build_doses(laid),
        "planned": planned_occasions(laid),
        "courses": course_occasions(laid, taken),
        "exposures": exposure_occasions(laid, taken),
        "assessments": assessment_occasions(laid),
        "levels": level_occasions(laid, taken),
        "repeats": repeat_occasions(laid),
        "samples": sample_occasions(laid),
        "criteria": criteria_occasions(laid),
        "holds": hold_occasions(laid),
        "people": people_occasions(laid),
        "leaving": leaving_occasions(laid),
        "medications": medication_occasions(laid),
        "contradictions": contradiction_occasions(laid),
        "deaths": death_occasions(laid),
        "decisions": decision_occasions(laid),
        "amendments": amendment_occasions(laid),
        "reconsents": reconsent_occasions(laid),
        "signatures": signature_occasions(laid),
        "weights": weight_occasions(laid),
        "values": value_occasions(laid),
    }
    return keep_in_force(laid, tables)


def build_doses(laid: Laid) -> dict[str, pl.DataFrame]:
    """The tables that a verdict on a dose rests on; `dose` of each row is its place in the first of them."""
    doses = dose_occasions(laid)
    return {
        "doses": doses,
        "conduct": conduct_occasions(laid, doses),
        "bags": bag_occasions(laid, doses),
        "specifications": specification_occasions(laid, doses),
    }
