"""What a protocol asks of a site: visits and infusions by week, occurrences outside their windows, and what would help.

Participants are played many times over, as the protocol says and as people really come. Nothing of the engine is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from perprotocol.simulation.attendance import Attended, Clinic, Habit, Punctuality, come_on, on_the_ward
from perprotocol.simulation.days import written
from perprotocol.simulation.draws import draw
from perprotocol.simulation.people import Cast
from protocol import Protocol
from protocol.activities import Part

WEEKS = {
    "week": pl.Int64, "begins": pl.Date, "attendances": pl.Float64, "attendances_most": pl.Float64,
    "visits": pl.Float64, "doses": pl.Float64, "infusions": pl.Float64, "infusions_most": pl.Float64,
}  # fmt: skip
"""Week and its first day; participants who come, visits, doses and infusions, in the mean of all runs; and how many
it is (`most`) in the ninth of ten runs."""
ACTIVITIES = {
    "activity": pl.String, "kind": pl.String, "window": pl.String, "planned": pl.Float64, "outside": pl.Float64,
    "early": pl.Float64, "late": pl.Float64, "shut": pl.Float64, "missed": pl.Float64,
}  # fmt: skip
"""Activity with its window; occurrences planned per participant; percent of them outside (early, late), due in a window
on whose every day the clinic is closed, and missed. Null where the protocol states no window."""
WEEKDAYS = {"weekday": pl.Int64, "participants": pl.Float64, "planned": pl.Float64, "outside": pl.Float64}
"""Weekday of day zero (1 is Monday); percent of participants; occurrences with a window each; percent outside."""
CHANGES = {
    "activity": pl.String, "window": pl.String, "wider": pl.String, "added": pl.Int64, "outside": pl.Float64,
    "after": pl.Float64, "saved": pl.Float64,
}  # fmt: skip
"""A window, a wider one and by how many days; occurrences outside per 100 participants now and then, and the saving."""

MOST = 0.9
WIDER = ((0, 1), (1, 0), (1, 1))
"""By how many days earlier and later a window is tried wider."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Site:
    """A site that enrols so many participants over so many days, from a day on; of them a share leaves early."""

    participants: int
    over: int
    first: int
    clinic: Clinic
    punctuality: Punctuality
    ward: frozenset[str] = frozenset()
    """Activities that are done on their very day, as on a ward, beside those due on consecutive days."""
    leaves: float = 0.1


@dataclass(frozen=True)
class Came:
    """One occurrence of one participant in one run."""

    run: int
    participant: int
    zero: int
    what: Attended

    def as_row(self) -> tuple[object, ...]:
        """Its values in the order of `_CAME`."""
        part, one = self.what.line.part, self.what
        infused = isinstance(part, Part) and part.route == "intravenous"
        days = (one.due, one.opens, one.closes, one.day)
        answers = (one.windowed, one.shut, one.outside)
        return (self.run, self.participant, self.zero, one.line.activity, one.line.kind, infused, *days, *answers)


_CAME = {
    "run": pl.Int64, "participant": pl.Int64, "zero": pl.Int64, "activity": pl.String, "kind": pl.String,
    "infusion": pl.Boolean, "due": pl.Int64, "opens": pl.Int64, "closes": pl.Int64, "day": pl.Int64,
    "windowed": pl.Boolean, "shut": pl.Boolean, "outside": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Forecast:
    """What a site must expect, as four tables."""

    protocol: Protocol
    site: Site
    runs: int
    weeks: pl.DataFrame
    activities: pl.DataFrame
    weekdays: pl.DataFrame
    changes: pl.DataFrame
    ward: tuple[str, ...]
    """What was taken to be done on a ward."""
    outside: float
    """Percent of all occurrences with a window that take place outside of it."""
    missed: float
    """Percent of all occurrences that are missed."""

    @property
    def busiest(self) -> dict[str, Any]:
        """The week in which most participants come."""
        return self.weeks.sort("attendances", descending=True, maintain_order=True).row(0, named=True)


def forecast(protocol: Protocol, site: Site, runs: int, seed: int, progress: Progress | None = None) -> Forecast:
    """What a site must expect, from so many runs of its whole enrolment; the same seed gives the same forecast."""
    cast = Cast(protocol, seed, leaves=site.leaves)
    came: list[Came] = []
    for run in range(runs):
        for n in range(run * site.participants, (run + 1) * site.participants):
            came += _of(cast, site, run, n)
        if progress is not None:
            progress(run + 1, runs)
    found = pl.DataFrame([one.as_row() for one in came], schema=_CAME, orient="row")
    people, judged = runs * site.participants, found.filter(pl.col("windowed"))
    return Forecast(
        protocol,
        site,
        runs,
        _weeks(found, site, runs),
        _activities(found, came, people),
        _weekdays(judged, people),
        _changes(came, site.clinic, people),
        tuple(sorted(site.ward.union(*map(on_the_ward, cast.scripts.values())))),
        _percent(int(judged["outside"].sum()), len(judged)),
        _percent(found["day"].null_count(), len(found)),
    )


def _of(cast: Cast, site: Site, run: int, n: int) -> Iterator[Came]:
    """What became of every occurrence of participant n, courses at home apart."""
    seed, script = cast.seed * 1_000_003 + n, cast.scripts[cast.arm(n)]
    zero = site.clinic.next_open(site.first + int(draw(seed, 41) * site.over))
    habit = Habit(script, site.clinic, site.punctuality, seed, zero, site.ward | on_the_ward(script))
    cast.live(n, habit, zero=zero)
    yield from (Came(run, n, zero, one) for one in habit.attended.values() if not one.line.course)


def _percent(number: float, of: float) -> float:
    return 100 * number / of if of else 0.0


def _weeks(found: pl.DataFrame, site: Site, runs: int) -> pl.DataFrame:
    """Counts by run and week, 0 where nothing happened, in the mean and in the ninth of ten runs."""
    done = found.drop_nulls("day").with_columns(week=(pl.col("day") - site.first) // 7)
    there = done["week"].to_list()
    weeks = pl.DataFrame({"week": range(min(there), max(there) + 1)})
    counted = done.group_by("run", "week").agg(
        pl.struct("participant", "day").n_unique().alias("attendances"),
        (pl.col("kind") == "visit").sum().alias("visits"),
        (pl.col("kind") == "treatment").sum().alias("doses"),
        pl.col("infusion").sum().alias("infusions"),
    )
    every = weeks.join(pl.DataFrame({"run": pl.int_range(runs, eager=True)}), how="cross")
    both = every.join(counted, on=["run", "week"], how="left").fill_null(0)
    told = both.group_by("week").agg(
        pl.col("attendances", "visits", "doses", "infusions").mean(),
        pl.col("attendances", "infusions").quantile(MOST, "higher").name.suffix("_most"),
    )
    begins = pl.Series([written(site.first + 7 * week) for week in told["week"]], dtype=pl.Date)
    told = told.with_columns(begins=begins, week=pl.col("week") + 1).sort("week")
    return told.select(pl.col(name).cast(dtype) for name, dtype in WEEKS.items())


def _activities(found: pl.DataFrame, came: Sequence[Came], people: int) -> pl.DataFrame:
    windows = {one.what.line.activity: _window(one.what) for one in reversed(came) if one.what.windowed}
    judged = pl.col("windowed").any()
    rows = found.group_by("activity", "kind", maintain_order=True).agg(
        planned=pl.len() / people,
        outside=pl.when(judged).then(pl.col("outside").mean() * 100),
        early=pl.when(judged).then((pl.col("day") < pl.col("opens")).fill_null(value=False).mean() * 100),
        late=pl.when(judged).then((pl.col("day") > pl.col("closes")).fill_null(value=False).mean() * 100),
        shut=pl.when(judged).then(pl.col("shut").mean() * 100),
        missed=pl.col("day").is_null().mean() * 100,
    )
    named = rows.with_columns(window=pl.col("activity").replace_strict(windows, default=None, return_dtype=pl.String))
    told = named.select(pl.col(name).cast(dtype) for name, dtype in ACTIVITIES.items())
    return told.sort("outside", descending=True, nulls_last=True, maintain_order=True)


def _window(one: Attended) -> str:
    """The window of an activity as the protocol writes it; of a moment such as `within 14 d before X` the moment."""
    own = any(start[0].window for start in one.line.starts)
    return str(one.line.part.due[0]) if own else str(one.line.part.window or "")


def _weekdays(judged: pl.DataFrame, people: int) -> pl.DataFrame:
    told = judged.group_by(weekday=(pl.col("zero") + 3) % 7 + 1).agg(
        participants=pl.col("participant").n_unique() * 100 / people,
        planned=pl.len() / pl.col("participant").n_unique(),
        outside=pl.col("outside").mean() * 100,
    )
    return told.sort("weekday").select(pl.col(name).cast(dtype) for name, dtype in WEEKDAYS.items())


def _changes(came: Sequence[Came], clinic: Clinic, people: int) -> pl.DataFrame:
    """What a wider window of each activity saves: the clinic books anew, and all else stays as it was."""
    rows = []
    activities = dict.fromkeys(one.what.line.activity for one in came if one.what.outside)
    for activity in activities:
        mine = [one.what for one in came if one.what.line.activity == activity and one.what.windowed]
        line = next((one.line for one in mine if one.line.window is not None and not one.line.clock), None)
        if line is None or line.window is None:
            continue
        before = sum(one.outside for one in mine)
        for earlier, later in WIDER:
            after = sum(_still_outside(one, clinic, earlier, later) for one in mine)
            wider = window_text(line.window[0] - earlier, line.window[1] + later)
            counts = (100 * number / people for number in (before, after, before - after))
            rows.append((activity, str(line.part.window), wider, earlier + later, *counts))
    table = pl.DataFrame(rows, schema=CHANGES, orient="row").filter(pl.col("saved") > 0)
    return table.sort(pl.col("saved") / pl.col("added"), "saved", descending=True, maintain_order=True)


def _still_outside(one: Attended, clinic: Clinic, earlier: int, later: int) -> bool:
    """Whether an occurrence would be outside of a wider window too."""
    opens, closes, day = one.opens - earlier, one.closes + later, one.day
    if one.booked:
        day = come_on(clinic, one.line, one.due, opens, closes, one.late_by)
    return day is not None and not opens <= day <= closes


def window_text(low: int, high: int) -> str:
    """A window in the language: `±1 d`, `+3 d`, `-1 d to +2 d`."""
    if -low == high:
        return f"±{high} d"
    if low == 0 or high == 0:
        return f"{low or high:+d} d"
    return f"{low:+d} d to {high:+d} d"
