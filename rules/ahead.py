"""What lies ahead: what counts from an occurrence, and what a dose would move if it were given on a day."""

from __future__ import annotations

from datetime import date

import polars as pl

from protocol.model import Protocol
from rules.audit import schedule
from rules.facts import Study
from rules.plan import compile_plan
from rules.planning.slots import ArmPlan

WAITING = ("upcoming", "open", "overdue", "no record")
"""What is still to come, or may be."""


def moved_by(protocol: Protocol) -> pl.DataFrame:
    """Of every planned occurrence what moves with the day on which it takes place: `uc-msc 2 to 3, day-60`."""
    rows = []
    for arm in compile_plan(protocol).arms.values():
        after = _counted_from(arm)
        for column, slot in enumerate(arm.slots):
            moves = _named(arm, sorted(after[column]))
            rows.append((arm.arm, slot.part.activity, slot.occurrence, moves or None))
    schema = {"arm": pl.String, "activity": pl.String, "occurrence": pl.Int32, "moves": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _counted_from(arm: ArmPlan) -> list[set[int]]:
    """Of every slot the slots whose target is counted from it, directly or through others."""
    after: list[set[int]] = [set() for _ in arm.slots]
    for group in reversed(arm.groups):
        for column in reversed(group):
            slot = arm.slots[column]
            refs = [slot.ref, *(ref for ref, _ in slot.others)]
            if slot.ref.kind == "none":
                refs += [bound.ref for bound in slot.bounds]
            sources = {ref.slot for ref in refs if ref.slot >= 0 and not ref.planned}
            if slot.chained:
                mine = arm.columns(slot.part.activity)
                sources = {mine[mine.index(column) - 1]}
            for source in sources:
                after[source] |= {column} | after[column]
    return after


def _named(arm: ArmPlan, columns: list[int]) -> str:
    """Occurrences by activity, those in a row as one: `infusion 2 to 5, day-60`."""
    numbers: dict[str, list[int]] = {}
    for column in columns:
        numbers.setdefault(arm.slots[column].part.activity, []).append(arm.slots[column].occurrence)
    return ", ".join(f"{name}{_runs(some) if len(arm.columns(name)) > 1 else ''}" for name, some in numbers.items())


def _runs(numbers: list[int]) -> str:
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return " " + "; ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))


def worklist(protocol: Protocol, calendar: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """What is not done and can be done between two days, and what is overdue: the first day on which it is allowed,
    the last compliant one, and what moves with it.
    """
    waiting = pl.col("status").is_in(WAITING)
    missing = (pl.col("status") == "overdue") | ((pl.col("status") == "no record") & (pl.col("kind") != "assessment"))
    opens, closes = pl.coalesce("opens", "due"), pl.coalesce("closes", "due")
    chosen = calendar.filter(waiting & ((opens <= last) & (closes >= first) | missing))
    found = chosen.with_columns(first_allowed_day=opens, last_compliant_day=closes)
    keys = ["arm", "activity", "occurrence"]
    found = found.join(moved_by(protocol), on=keys, how="left", maintain_order="left")
    return found.sort("due", "subject", "activity", "occurrence")


def follows(protocol: Protocol, without: Study, given: Study, subject: str, on: date) -> pl.DataFrame:
    """The occurrences of one participant that lie ahead of a dose, as they would be with it and as they are without.

    `moved` counts the days by which the target moves; null where it has none in one of the two.
    """
    after, before = (
        schedule(protocol, study, as_of=on, blinded=False).filter(pl.col("subject") == subject)
        for study in (given, without)
    )
    keys = ["activity", "occurrence"]
    later = after.filter(pl.col("status").is_in(WAITING) & (pl.coalesce("closes", "due") >= on))
    beside = later.join(before.select(*keys, planned="due"), on=keys, how="left", maintain_order="left")
    moved = (pl.col("due") - pl.col("planned")).dt.total_days().cast(pl.Int32)
    return beside.select(
        *keys,
        "kind",
        "planned",
        "due",
        "opens",
        "closes",
        moved=moved,
        next=(pl.col("kind") == "treatment") & pl.col("activity").is_first_distinct(),
    )
