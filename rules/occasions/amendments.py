"""One row per version and site: its approval beside its activation."""

from rules.occasions.column import INT, WHO, YES, Column, Occasions

_COLUMNS = (
    Column("s", INT, "null: a version at a site is of no participant", None, "record"),
    *WHO[1:],
    Column(
        "before_approval", YES, "the version came into use before the ethics committee approved it", False, "approval"
    ),
)

AMENDMENTS = Occasions(_COLUMNS, records="amendments", day=("active",), about="@rule")
