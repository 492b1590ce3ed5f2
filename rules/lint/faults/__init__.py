"""Every check, in the order in which a list shows them. A file that is not listed here is a fault."""

from rules.lint.faults.anchor_absent import anchor_absent
from rules.lint.faults.assumed import assumed
from rules.lint.faults.baseline_unmeasured import baseline_unmeasured
from rules.lint.faults.ceiling_low import ceiling_low
from rules.lint.faults.ceiling_usual import ceiling_usual
from rules.lint.faults.condition_impossible import condition_impossible
from rules.lint.faults.count_missing import count_missing
from rules.lint.faults.day_beyond_cycle import day_beyond_cycle
from rules.lint.faults.decision_unmeasured import decision_unmeasured
from rules.lint.faults.default_used import default_used
from rules.lint.faults.dose_band_gap import dose_band_gap
from rules.lint.faults.dose_input_unscheduled import dose_input_unscheduled
from rules.lint.faults.dose_per_time import dose_per_time
from rules.lint.faults.endpoint_narrow import endpoint_narrow
from rules.lint.faults.endpoint_unmeasured import endpoint_unmeasured
from rules.lint.faults.exclusion_unfit import exclusion_unfit
from rules.lint.faults.formula_missing import formula_missing
from rules.lint.faults.hold_ends_at_once import hold_ends_at_once
from rules.lint.faults.hold_without_end import hold_without_end
from rules.lint.faults.importance_unknown import importance_unknown
from rules.lint.faults.interruption_unsaid import interruption_unsaid
from rules.lint.faults.interval_impossible import interval_impossible
from rules.lint.faults.level_open import level_open
from rules.lint.faults.level_unknown import level_unknown
from rules.lint.faults.measured_too_late import measured_too_late
from rules.lint.faults.never_due import never_due
from rules.lint.faults.nobody_eligible import nobody_eligible
from rules.lint.faults.not_judged import not_judged
from rules.lint.faults.pace_without_range import pace_without_range
from rules.lint.faults.quota_low import quota_low
from rules.lint.faults.sequel_unsaid import sequel_unsaid
from rules.lint.faults.target_closed import target_closed
from rules.lint.faults.title_contradicts import title_contradicts
from rules.lint.faults.tolerance_missing import tolerance_missing
from rules.lint.faults.tolerance_narrow import tolerance_narrow
from rules.lint.faults.total_low import total_low
from rules.lint.faults.transition_missing import transition_missing
from rules.lint.faults.weight_policy_missing import weight_policy_missing
from rules.lint.faults.weight_unscheduled import weight_unscheduled
from rules.lint.faults.window_empty import window_empty
from rules.lint.faults.window_missing import window_missing
from rules.lint.faults.windows_overlap import windows_overlap
from rules.lint.faults.word_unknown import word_unknown

CHECKS = (
    window_missing,
    windows_overlap,
    window_empty,
    interval_impossible,
    never_due,
    anchor_absent,
    day_beyond_cycle,
    target_closed,
    dose_per_time,
    tolerance_missing,
    tolerance_narrow,
    pace_without_range,
    ceiling_low,
    title_contradicts,
    total_low,
    quota_low,
    count_missing,
    weight_policy_missing,
    weight_unscheduled,
    formula_missing,
    dose_band_gap,
    level_unknown,
    condition_impossible,
    nobody_eligible,
    word_unknown,
    hold_without_end,
    sequel_unsaid,
    hold_ends_at_once,
    decision_unmeasured,
    measured_too_late,
    baseline_unmeasured,
    endpoint_unmeasured,
    endpoint_narrow,
    importance_unknown,
    exclusion_unfit,
    transition_missing,
    interruption_unsaid,
    level_open,
    dose_input_unscheduled,
    ceiling_usual,
    assumed,
    default_used,
    not_judged,
)

BY_CODE = {check.code: check for check in CHECKS}
