"""Which version of a protocol is in force for a participant on a day: active at the site, and applying to the person.

A version is in force from its activation at the site of that day on, for whom its transition rule says; who came to the
trial after the activation is under it whatever the rule. Where an amendment states no rule, nobody can tell which
version holds for those who were in the trial before it: `UNTOLD`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import polars as pl

from protocol.errors import DocumentError, Fault
from protocol.model import Protocol
from rules.arrays import NONE, Flags, Ints, Longs, coded, days, key
from rules.happened.evidence import Evidence, whole_trial
from rules.planning.slots import ArmPlan
from rules.timing.grid import Laid

UNTOLD = -1
NEVER = 1 << 24
"""Later than any day."""
_ALWAYS = -NEVER


Promised: TypeAlias = Protocol | Sequence[Protocol]
"""A protocol, or its versions, oldest first."""


def versions_of(promised: Promised) -> tuple[Protocol, ...]:
    """The versions of a protocol, oldest first. DocumentError where one does not replace the one before."""
    versions = (promised,) if isinstance(promised, Protocol) else tuple(promised)
    for before, after in pairwise(versions):
        if (before.protocol, before.version) != (after.protocol, after.replaces):
            why = f"replaces version {after.replaces}, and stands behind version {before.version} of {before.protocol}"
            remedy = "give the versions of one protocol, oldest first"
            raise DocumentError([Fault(after.protocol, None, None, "replaces", str(after.replaces), why, remedy)])
    return versions


def together(versions: Sequence[Protocol]) -> Protocol:
    """The newest version with what only the older ones have: every word that some version knows."""
    if len(versions) == 1:
        return versions[0]
    older = reversed(versions[:-1])
    blocks = {name: dict(getattr(versions[-1], name)) for name in _NAMING}
    for version in older:
        for name, block in blocks.items():
            block.update({key: element for key, element in getattr(version, name).items() if key not in block})
    return versions[-1].model_copy(update=blocks)


_NAMING = (
    "arms", "milestones", "products", "measures", "events", "criteria", "treatments", "visits", "assessments",
)  # fmt: skip
"""Blocks whose ids a study may name."""


@dataclass(frozen=True)
class Sites:
    """The site of each participant from day to day, as its place among the sites of the amendments, -1 for others."""

    first: Ints
    key: Longs
    s: Ints
    site: Ints

    def at(self, s: Ints, day: Ints) -> Ints:
        """The site of each participant on a day."""
        if not len(self.key):
            return self.first[s]
        at = np.maximum(np.searchsorted(self.key, key(s, day), side="right") - 1, 0)
        moved = (self.s[at] == s) & (self.key[at] <= key(s, day))
        sites: Ints = np.where(moved, self.site[at], self.first[s]).astype(np.int32)
        return sites


@dataclass
class InForce:
    """The versions of a protocol, oldest first, and of each but the first since when it may hold for a participant.

    `active` is the day of activation by site (last: sites of which nothing is said) and version. `since` is the first
    day that the transition rule allows, by version and participant; `doubt` marks those of whom no rule says it.
    """

    versions: Sequence[Protocol]
    sites: Sites
    active: Ints
    since: Ints
    doubt: Flags
    horizon: int

    def at(self, s: Ints, day: Ints) -> Ints:
        """The place of the version in force for each participant on a day, `UNTOLD` where no rule says it."""
        day = np.where(day == NONE, self.horizon, day).astype(np.int32)
        site, found = self.sites.at(s, day), np.zeros(len(s), np.int32)
        for n in range(1, len(self.versions)):
            holds = (self.active[site, n] <= day) & (self.since[n, s] <= day)
            found = np.where(holds, np.where(self.doubt[n, s], UNTOLD, n), found)
        return found.astype(np.int32)

    def active_at(self, s: Ints, n: int, entered: Ints) -> Ints:
        """The day on which a version became active at the site where each participant was on a day."""
        day: Ints = self.active[self.sites.at(s, entered), n]
        return day

    @property
    def used(self) -> tuple[int, ...]:
        """The versions that are active at some site, the oldest always."""
        return (0, *(int(n) for n in np.flatnonzero((self.active <= self.horizon).any(axis=0)) if n))


def versions_in_force(versions: Sequence[Protocol], e: Evidence, amendments: pl.DataFrame) -> InForce:
    """The versions in force for the participants of a partition; `next course` waits for `settle_courses`."""
    names = {str(site): n for n, site in enumerate(amendments["site"].unique(maintain_order=True).drop_nulls())}
    sites = _sites(e, names)
    active = np.full((len(names) + 1, len(versions)), NEVER, np.int32)
    active[:, 0] = _ALWAYS
    for n, version in enumerate(versions[1:], 1):
        named = pl.Series([plain(word) == plain(version.version) for word in amendments["version"]], dtype=pl.Boolean)
        rows = amendments.filter(named)
        rows = rows.drop_nulls(["site", "active"])
        np.minimum.at(active[:, n], coded(rows["site"], names, len(names)), days(rows, "active"))
    since = np.full((len(versions), e.n), NEVER, np.int32)
    found = InForce(versions, sites, active, since, np.zeros(since.shape, np.bool_), e.horizon)
    since[0] = _ALWAYS
    entered = _entered(e)
    for n, version in enumerate(versions[1:], 1):
        new = (entered != NONE) & (found.active_at(e.everyone, n, entered) <= entered)
        stated = version.transition is not None and (version.transition != "from re-consent" or "consents" in e.tables)
        found.doubt[n] = ~new & (not stated)
        if version.transition == "at once" or not stated:
            since[n] = _ALWAYS
        elif version.transition == "from re-consent":
            since[n] = signed(e, versions[n:])
        since[n] = np.where(new, _ALWAYS, since[n])
    return found


def plain(version: str | None) -> str:
    """A version as it is compared: `v2` and `Version 2` are `2`."""
    return (version or "").strip().lower().removeprefix("version").removeprefix("v").strip(" .")


def form_of(version: Protocol) -> str:
    """The consent form that goes with a version."""
    return plain(version.consent.form if version.consent is not None and version.consent.form else version.version)


def signed(e: Evidence, versions: Sequence[Protocol], column: str = "signed") -> Ints:
    """The day on which each participant first signed the main form of one of these versions, `NEVER` without one."""
    first = np.full(e.n, NEVER, np.int32)
    consents = e.frames["consents"]
    if not len(consents):
        return first
    forms = {form_of(version) for version in versions}
    named = pl.Series([plain(word) in forms for word in consents["version"]], dtype=pl.Boolean)
    rows = consents.filter(named & consents.select(whole_trial("scope") & whole_trial("document")).to_series())
    rows = rows.drop_nulls(column)
    np.minimum.at(first, rows["s"].to_numpy(), days(rows, column))
    return first


def _entered(e: Evidence) -> Ints:
    """The day on which each participant came to the trial: enrolment, else consent, else day zero."""
    day = np.full(e.n, NONE, np.int32)
    for name in ("day-zero", "consented", "enrolled"):
        known = e.milestone(name).first
        day = np.where(known != NONE, known, day).astype(np.int32)
    return day


def _sites(e: Evidence, names: Mapping[str, int]) -> Sites:
    first, moves = coded(e.frames["subjects"]["site"], names, len(names)), e.frames["sites"]
    moves = moves.drop_nulls("from").sort("s", "from") if len(moves) else moves
    s = moves["s"].to_numpy()
    return Sites(first, key(s, days(moves, "from")), s, coded(moves["site"], names, len(names)))


def settle_courses(found: InForce, laid: Laid) -> None:
    """For `next course`: since the first course or cycle that began, or was to begin, once the version was active."""
    waiting = [n for n, v in enumerate(found.versions) if n and v.transition == "next course"]
    for grid in laid.grids if waiting else ():
        begins = [c for c, slot in enumerate(grid.arm.slots) if slot.part.kind == "treatment" and _first(grid.arm, c)]
        for n in waiting:
            for c in begins:
                day = np.where(grid.actual[:, c] != NONE, grid.actual[:, c], grid.due[:, c]).astype(np.int32)
                after = (day != NONE) & (day >= found.active_at(grid.s, n, day)) & (grid.expected[:, c] != 0)
                since = np.where(after, day, NEVER).astype(np.int32)
                found.since[n, grid.s] = np.minimum(found.since[n, grid.s], since)


def _first(arm: ArmPlan, c: int) -> bool:
    """Whether an occurrence begins a course: the first of its treatment, or of its treatment in a cycle."""
    slots = arm.slots
    slot, cycle = slots[c], arm.cycle_of(c)
    same = [b for b, other in enumerate(slots) if other.part.activity == slot.part.activity]
    return next(b for b in same if arm.cycle_of(b) == cycle or not cycle[1]) == c
