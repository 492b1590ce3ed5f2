"""Every kind of fault that can be put into a study, and the rules that find it."""

from __future__ import annotations

from typing import NamedTuple

from perprotocol.simulation.faults import (
    amounts,
    assessments,
    conduct,
    contradictions,
    courses,
    medications,
    people,
    products,
    records,
    timing,
)
from perprotocol.simulation.faults.case import Case, Fault, Found, World

__all__ = ["KINDS", "Case", "Fault", "Found", "Kind", "World"]


class Kind(NamedTuple):
    """A kind of fault: how it is put in, and the codes it may be found under (its consequences apart)."""

    put: Fault
    finds: tuple[str, ...]

    @property
    def said(self) -> str:
        """What it is, in a sentence."""
        return (self.put.__doc__ or "").strip().partition("\n")[0]


_ALL = (
    Kind(timing.dose_late, ("dose_late",)),
    Kind(timing.dose_early, ("dose_early",)),
    Kind(timing.interval_too_short, ("interval_too_short",)),
    Kind(timing.interval_too_long, ("interval_too_long",)),
    Kind(timing.dose_not_given, ("dose_not_given",)),
    Kind(timing.dose_no_record, ("dose_no_record",)),
    Kind(timing.visit_late, ("visit_out_of_window",)),
    Kind(timing.visit_early, ("visit_out_of_window",)),
    Kind(timing.visit_missed, ("visit_missed",)),
    Kind(timing.visit_no_record, ("visit_no_record",)),
    Kind(amounts.tenfold, ("overdose", "above_ceiling")),
    Kind(amounts.overdose, ("overdose", "above_ceiling")),
    Kind(amounts.underdose, ("underdose",)),
    Kind(amounts.above_ceiling, ("above_ceiling",)),
    Kind(amounts.too_much_in_all, ("above_total",)),
    Kind(amounts.modification_not_made, ("modification_not_made",)),
    Kind(amounts.dose_not_recalculated, ("dose_not_recalculated",)),
    Kind(amounts.unit_slip, ("unit_doubtful",)),
    Kind(amounts.amount_zero, ("amount_zero",)),
    Kind(amounts.weight_stale, ("weight_stale",)),
    Kind(amounts.weight_missing, ("weight",)),
    Kind(records.wrong_arm, ("wrong_treatment",)),
    Kind(records.unplanned, ("unplanned_dose",)),
    Kind(records.duplicate, ("duplicate_record",)),
    Kind(records.hold, ("dose_during_hold",)),
    Kind(records.hold_left_open, ("hold_not_closed",)),
    Kind(records.crowded, ("too_many_in_span",)),
    Kind(records.uncounted, ("dose_not_counted",)),
    Kind(records.after_stop, ("dose_after_stop",)),
    Kind(courses.course_unknown, ("course_no_record",)),
    Kind(courses.course_refused, ("course_not_started",)),
    Kind(courses.course_shifted, ("course_start_out_of_window",)),
    Kind(courses.course_gap, ("course_gap",)),
    Kind(courses.course_short, ("course_ended_early",)),
    Kind(courses.course_beyond, ("course_after_end",)),
    Kind(courses.course_off_dose, ("dose_off_level",)),
    Kind(courses.course_often, ("frequency_wrong",)),
    Kind(courses.course_held, ("course_during_hold",)),
    Kind(courses.course_stopped, ("course_after_stop",)),
    Kind(courses.course_overlap, ("records_overlap",)),
    Kind(courses.level_ignored, ("level_not_acted_on",)),
    Kind(courses.changed_otherwise, ("changed_otherwise",)),
    Kind(courses.doses_left_out, ("adherence_low",)),
    Kind(courses.doses_too_many, ("adherence_high",)),
    Kind(products.wrong_route, ("wrong_route",)),
    Kind(products.wrong_brand, ("wrong_product",)),
    Kind(products.expired, ("product_expired",)),
    Kind(products.recalled, ("product_out_of_specification",)),
    Kind(products.recalled_later, ("product_failed_later",)),
    Kind(products.excursion_unassessed, ("excursion_unassessed",)),
    Kind(products.excursion_rejected, ("excursion_unacceptable",)),
    Kind(products.off_specification, ("product_out_of_specification",)),
    Kind(products.failed_later, ("product_failed_later",)),
    Kind(products.shared_bag, ("bag_of_several",)),
    Kind(products.misfiled_bag, ("bag_of_another",)),
    Kind(conduct.infusion_fast, ("infusion_too_fast",)),
    Kind(conduct.infusion_slow, ("infusion_too_slow",)),
    Kind(conduct.infusion_interrupted, ("infusion_interrupted",)),
    Kind(conduct.order_reversed, ("order_reversed",)),
    Kind(conduct.unprepared, ("prerequisite_missing",)),
    Kind(conduct.as_medication, ("hour",)),
    Kind(conduct.misnumbered, ("out_of_order",)),
    Kind(assessments.assessment_missed, ("assessment_missed",)),
    Kind(assessments.assessment_incomplete, ("assessment_incomplete",)),
    Kind(assessments.assessment_unknown, ("assessment_no_record",)),
    Kind(assessments.sampled_elsewhen, ("assessment_out_of_window",)),
    Kind(assessments.mistimed_sample, ("sample_mistimed",)),
    Kind(assessments.not_repeated, ("not_repeated",)),
    Kind(contradictions.weight_not_measured, ("weight_not_measured",)),
    Kind(contradictions.weight_implausible, ("weight_implausible",)),
    Kind(contradictions.weight_jumped, ("weight_jumped",)),
    Kind(contradictions.value_unusable, ("value_unusable",)),
    Kind(contradictions.day_zero_disagrees, ("day_zero_disagrees",)),
    Kind(contradictions.record_after_death, ("record_after_death",)),
    Kind(contradictions.after_withdrawal, ("procedure_after_withdrawal",)),
    Kind(contradictions.randomised_twice, ("records_contradict",)),
    Kind(contradictions.given_and_not_given, ("records_contradict",)),
    Kind(contradictions.waiver, ("waiver_granted",)),
    Kind(people.ineligible, ("criterion_not_met",)),
    Kind(people.before_consent, ("procedure_before_consent",)),
    Kind(people.unsigned, ("own_consent_missing",)),
    Kind(people.lost, ("lost_to_follow_up",)),
    Kind(medications.prohibited_medication, ("prohibited_medication",)),
    Kind(medications.non_trial_treatment, ("non_trial_treatment",)),
)
KINDS: dict[str, Kind] = {kind.put.__name__: kind for kind in _ALL}
"""Kinds of fault by name."""
