"""The catalogue: every rule, in the order in which a report shows them. A file that is not listed here is a fault."""

from rules.deviations.above_ceiling import above_ceiling
from rules.deviations.above_total import above_total
from rules.deviations.adherence_high import adherence_high
from rules.deviations.adherence_low import adherence_low
from rules.deviations.amendment_before_approval import amendment_before_approval
from rules.deviations.amount_zero import amount_zero
from rules.deviations.assessment_incomplete import assessment_incomplete
from rules.deviations.assessment_missed import assessment_missed
from rules.deviations.assessment_no_record import assessment_no_record
from rules.deviations.assessment_out_of_window import assessment_out_of_window
from rules.deviations.bag_of_another import bag_of_another
from rules.deviations.bag_of_several import bag_of_several
from rules.deviations.changed_otherwise import changed_otherwise
from rules.deviations.consent_version_outdated import consent_version_outdated
from rules.deviations.course_after_end import course_after_end
from rules.deviations.course_after_stop import course_after_stop
from rules.deviations.course_during_hold import course_during_hold
from rules.deviations.course_ended_early import course_ended_early
from rules.deviations.course_gap import course_gap
from rules.deviations.course_no_record import course_no_record
from rules.deviations.course_not_started import course_not_started
from rules.deviations.course_start_out_of_window import course_start_out_of_window
from rules.deviations.criterion_not_met import criterion_not_met
from rules.deviations.day_zero_disagrees import day_zero_disagrees
from rules.deviations.dose_after_stop import dose_after_stop
from rules.deviations.dose_during_hold import dose_during_hold
from rules.deviations.dose_early import dose_early
from rules.deviations.dose_late import dose_late
from rules.deviations.dose_no_record import dose_no_record
from rules.deviations.dose_not_counted import dose_not_counted
from rules.deviations.dose_not_given import dose_not_given
from rules.deviations.dose_not_recalculated import dose_not_recalculated
from rules.deviations.dose_off_level import dose_off_level
from rules.deviations.duplicate_record import duplicate_record
from rules.deviations.excursion_unacceptable import excursion_unacceptable
from rules.deviations.excursion_unassessed import excursion_unassessed
from rules.deviations.frequency_wrong import frequency_wrong
from rules.deviations.hold_not_closed import hold_not_closed
from rules.deviations.identity_untold import identity_untold
from rules.deviations.infusion_interrupted import infusion_interrupted
from rules.deviations.infusion_too_fast import infusion_too_fast
from rules.deviations.infusion_too_slow import infusion_too_slow
from rules.deviations.interval_too_long import interval_too_long
from rules.deviations.interval_too_short import interval_too_short
from rules.deviations.level_not_acted_on import level_not_acted_on
from rules.deviations.lost_to_follow_up import lost_to_follow_up
from rules.deviations.modification_not_made import modification_not_made
from rules.deviations.non_trial_treatment import non_trial_treatment
from rules.deviations.not_repeated import not_repeated
from rules.deviations.order_reversed import order_reversed
from rules.deviations.out_of_order import out_of_order
from rules.deviations.overdose import overdose
from rules.deviations.own_consent_missing import own_consent_missing
from rules.deviations.premedication_mistimed import premedication_mistimed
from rules.deviations.prerequisite_missing import prerequisite_missing
from rules.deviations.procedure_after_withdrawal import procedure_after_withdrawal
from rules.deviations.procedure_before_consent import procedure_before_consent
from rules.deviations.product_expired import product_expired
from rules.deviations.product_failed_later import product_failed_later
from rules.deviations.product_out_of_specification import product_out_of_specification
from rules.deviations.prohibited_medication import prohibited_medication
from rules.deviations.record_after_death import record_after_death
from rules.deviations.records_contradict import records_contradict
from rules.deviations.records_overlap import records_overlap
from rules.deviations.sample_mistimed import sample_mistimed
from rules.deviations.too_many_in_span import too_many_in_span
from rules.deviations.underdose import underdose
from rules.deviations.unit_doubtful import unit_doubtful
from rules.deviations.unplanned_dose import unplanned_dose
from rules.deviations.value_unusable import value_unusable
from rules.deviations.visit_missed import visit_missed
from rules.deviations.visit_no_record import visit_no_record
from rules.deviations.visit_out_of_window import visit_out_of_window
from rules.deviations.waiver_granted import waiver_granted
from rules.deviations.weight_implausible import weight_implausible
from rules.deviations.weight_jumped import weight_jumped
from rules.deviations.weight_not_measured import weight_not_measured
from rules.deviations.weight_stale import weight_stale
from rules.deviations.wrong_product import wrong_product
from rules.deviations.wrong_route import wrong_route
from rules.deviations.wrong_treatment import wrong_treatment
from rules.rule import Rule

RULES: tuple[Rule, ...] = (
    criterion_not_met,
    procedure_before_consent,
    consent_version_outdated,
    own_consent_missing,
    wrong_treatment,
    wrong_product,
    wrong_route,
    product_expired,
    product_out_of_specification,
    product_failed_later,
    excursion_unassessed,
    excursion_unacceptable,
    bag_of_several,
    bag_of_another,
    unplanned_dose,
    duplicate_record,
    identity_untold,
    dose_not_given,
    dose_no_record,
    dose_early,
    dose_late,
    interval_too_short,
    interval_too_long,
    too_many_in_span,
    dose_not_counted,
    modification_not_made,
    dose_not_recalculated,
    out_of_order,
    order_reversed,
    prerequisite_missing,
    premedication_mistimed,
    infusion_too_fast,
    infusion_too_slow,
    infusion_interrupted,
    overdose,
    above_ceiling,
    above_total,
    underdose,
    unit_doubtful,
    amount_zero,
    course_no_record,
    course_not_started,
    course_start_out_of_window,
    course_gap,
    course_ended_early,
    adherence_low,
    adherence_high,
    dose_off_level,
    frequency_wrong,
    course_after_end,
    course_during_hold,
    course_after_stop,
    records_overlap,
    level_not_acted_on,
    changed_otherwise,
    not_repeated,
    sample_mistimed,
    weight_stale,
    weight_not_measured,
    weight_implausible,
    weight_jumped,
    value_unusable,
    dose_during_hold,
    hold_not_closed,
    dose_after_stop,
    procedure_after_withdrawal,
    visit_out_of_window,
    visit_missed,
    visit_no_record,
    prohibited_medication,
    non_trial_treatment,
    lost_to_follow_up,
    assessment_missed,
    assessment_incomplete,
    assessment_no_record,
    assessment_out_of_window,
    day_zero_disagrees,
    record_after_death,
    records_contradict,
    waiver_granted,
    amendment_before_approval,
)
"""All rules."""

BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}
"""All rules by code."""
