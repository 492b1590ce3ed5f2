"""One row per dose on record of which the protocol says how it is given: route, product, order, prerequisites, pace."""

from datetime import date

from rules.occasions.column import DAY, INT, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the administration", date(2024, 3, 15), "date"),
    Column("routed", YES, "the protocol names a route and the study records routes", True),
    Column("right_route", YES, "the route on record is the protocol's", True, "route"),
    Column("branded", YES, "the protocol names the brands of what is given", True),
    Column("right_brand", YES, "the brand on record is one of them", True, "brand"),
    Column("required", YES, "the protocol names what must be so before a dose", True),
    Column("prepared_for", YES, "all of it was so, and not too long before", True, "prerequisite"),
    Column("ordered", YES, "something that must come before it was given on the same day", True),
    Column("in_order", YES, "it was begun after that", True, "order"),
    Column("paced", YES, "the protocol says how fast it may run, and the study records when infusions end", True),
    Column("limited", YES, "the protocol says how long it may run at most", True),
    Column("running", INT, "how long it ran, without interruptions", 60, "infusion-time", "min"),
    Column("least_minutes", INT, "shortest time allowed", 60, "@least_fact", "min"),
    Column("most_minutes", INT, "longest time allowed", 360, "infusion-limit", "min"),
    Column("interrupted", YES, "it stood still between two records, or may have where the protocol limits that", True),
    Column("pause", INT, "how long it stood still", 28, "@pause_fact", "min"),
    Column("longest_pause", INT, "how long it may, in all", 30, "interruption", "min"),
    Column("pause_fact", TEXT, "what is missing when the interruption is", "infusion-time"),
    Column("least_fact", TEXT, "what is missing when the shortest time is", "infusion-limit"),
)

CONDUCT = Occasions(_COLUMNS, records="administrations", day=("day",))
