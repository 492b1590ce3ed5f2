"""One row per dose on record, with what was planned beside it."""

from datetime import date

from rules.occasions.column import BIG, DAY, INT, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the administration", date(2024, 3, 15), "date"),
    Column("matched", YES, "a planned occurrence was found for the record", True),
    Column("identity_margin", INT, "by how much its place is better than the next; 9999 without rival", 9999, unit="d"),
    Column("out_of_order", YES, "its own number contradicts the order of the others", False),
    Column("anchored", YES, "the days of this treatment's occurrences are known", True, "@anchored_fact"),
    Column("anchored_fact", TEXT, "what is missing when they are not", "day-zero"),
    Column("in_arm", YES, "the participant's arm gets this treatment", True, "arm"),
    Column("course", YES, "the treatment is taken by days; its records are not single occurrences", False),
    Column("duplicate", YES, "an earlier record says the same dose", False),
    Column("repeated", YES, "the same; null where an amount that is lacking would tell", False, "amount"),
    Column("permitted", YES, "an unmatched dose is allowed by the protocol", False),
    Column("due", DAY, "day on which the occurrence is due", date(2024, 3, 15), "day-zero"),
    Column("opens", DAY, "first day on time", date(2024, 3, 14), "@anchored_fact"),
    Column("closes", DAY, "last day on time", date(2024, 3, 16), "@anchored_fact"),
    Column("timed", YES, "the protocol states a window in days", True),
    Column("spaced", YES, "a minimum interval counts from a recorded dose", True),
    Column("earliest", DAY, "first day that the minimum interval allows", date(2024, 3, 13), "anchor-date"),
    Column("spaced_to", YES, "a longest interval counts from a recorded dose", False),
    Column("latest", DAY, "last day that the longest interval allows", date(2024, 3, 31), "anchor-date"),
    Column("pulled", YES, "the longest interval, not its own plan, closes the window", False),
    Column("by_clock", YES, "the window is clock time, in hours", False),
    Column("minutes_off", INT, "by how much it misses that window; negative early", 0, "@time_fact", "min"),
    Column("spaced_by_clock", YES, "an interval in hours counts from the dose before", False),
    Column("minutes_apart", INT, "by how much it misses that interval; negative too soon", 0, "@time_fact", "min"),
    Column("time_fact", TEXT, "what is missing when these are", "time"),
    Column("rationed", YES, "as many doses as any span of days may hold came before it", False),
    Column("free_from", DAY, "first day on which such a span allows it", date(2024, 3, 15), "@rationed_fact"),
    Column("rationed_by_clock", YES, "likewise, of a span in hours", False),
    Column(
        "minutes_short", INT, "by how much it came before such a span in hours was over", 0, "@rationed_fact", "min"
    ),
    Column("rationed_fact", TEXT, "what is missing when these are", "doses-before"),
    Column("countable", YES, "it lies on a day on which a dose counts at all", True, "date"),
    Column("counts_from", DAY, "first day on which it would count, if any is stated", date(2024, 3, 1), "date"),
    Column("counts_until", DAY, "last day on which it would count, if stated", date(2024, 12, 31), "date"),
    Column("pushed", YES, "the minimum interval, not its own plan, opens the window", False),
    Column("on_hold", YES, "a hold of this treatment was in force", False, "hold-end"),
    Column("stopped", YES, "the treatment had been stopped or the participant had left", False, "stop-date"),
    Column("after_death", YES, "the record is dated after death", False, "stop-date"),
    Column("unmodified", YES, "the amount is right only as if nothing had changed the dose", False),
    Column("not_recalculated", YES, "the amount is right only by the weight before it changed", False),
    Column("forbidden", YES, "the protocol ordered to omit it, or its cycle to wait", False, "condition"),
    Column("ordered_by", TEXT, "the modifications that order it otherwise; empty for none", ""),
    Column("dosed", YES, "the protocol gives a dose that can be judged", True),
    Column(
        "amount", BIG, "amount judged: prepared where the infusion was cut short", 16_200_000, "@amount_fact", "base"
    ),
    Column("least", BIG, "smallest amount inside the tolerance", 14_580_000, "@dose_fact", "base"),
    Column("most", BIG, "largest amount inside the tolerance", 17_820_000, "@dose_fact", "base"),
    Column("capped", YES, "the protocol states a ceiling of one dose", True),
    Column("ceiling", BIG, "the ceiling of one dose; it has no tolerance", 100_000_000, "@dose_fact", "base"),
    Column("totalled", YES, "the protocol states a ceiling of all doses together", True),
    Column(
        "total",
        BIG,
        "given up to this dose; an overdose itself as the dose intended",
        48_600_000,
        "@total_fact",
        "base",
    ),
    Column(
        "total_limit", BIG, "the ceiling of all doses together; it has no tolerance", 64_800_000, "@dose_fact", "base"
    ),
    Column("total_fact", TEXT, "what is missing when the total is; null where an earlier dose asks for it", "amount"),
    Column("far_over", YES, "over any dose this participant could be meant to get", False),
    Column("far_under", YES, "under any dose this participant could be meant to get", False),
    Column("unit_doubt", YES, "off by a factor that only a wrong unit explains", False),
    Column("zero", YES, "an amount of 0 is recorded", False),
    Column("weighed", YES, "the dose depends on body weight", True),
    Column("weight_age", INT, "age of the weight in force", 1, "weight", "d"),
    Column(
        "weight_limit", INT, "oldest weight that the protocol allows; null where it names none", 7, "weight-limit", "d"
    ),
    Column("aged", YES, "the protocol says how old a weight may be", True),
    Column("age_excused", YES, "an older weight is allowed with a reason, which is on record", False, "weight-reason"),
    Column("ordered_by_weight", YES, "the record says which weight the order used", False),
    Column("used_is_measured", YES, "the weight on the order equals a weight on record", True, "weight"),
    Column("amount_fact", TEXT, "what is missing when the amount is", "amount"),
    Column("dose_fact", TEXT, "what is missing when the limits are", "weight"),
)

DOSES = Occasions(_COLUMNS, records="administrations", day=("day", "due"))
