"""One row per record of something given and requirement of its product; limits per kg once a dose."""

from datetime import date

from rules.occasions.column import DAY, TEXT, WHO, YES, Column, Occasions

_COLUMNS = (
    *WHO,
    Column("day", DAY, "day of the administration", date(2024, 3, 15), "date"),
    Column("holds", YES, "the requirement was fulfilled when it was used", True, "@fact"),
    Column("fact", TEXT, "what is missing when it cannot be told", "specification"),
    Column("failed_later", YES, "that it is not fulfilled became known only after its use", False),
)

SPECIFICATIONS = Occasions(_COLUMNS, records="administrations", day=("day",))
