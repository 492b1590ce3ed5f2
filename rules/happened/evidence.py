"""What happened to some participants, coded in the protocol's words as sorted arrays.

`Evidence` holds one partition: participants are numbered
from 0 in the order of the subject table, and every look-up *as of a day* is one binary search on one composite key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple
from typing import Protocol as Interface

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.arrays import (
    MISSING,
    NO_POINTS,
    NONE,
    SCALE,
    Flags,
    Ints,
    Longs,
    Milestone,
    Points,
    Spells,
    at_minute,
    coded,
    days,
    earlier,
    either,
    key,
    points,
    scaled,
    undated,
    whole,
)
from rules.door.closures import Closures, closures_of
from rules.door.pauses import Pause, pauses_of
from rules.happened.conversion import factors, in_time, slipped
from rules.happened.growth import jumps, plausible_weight

ADVERSE_EVENT = ("adverse event", "ae", "不良事件")
"""Events whose `detail` says which one it is."""
_NARROWER = (
    r"sample|specimen|blood|bank|genetic|genom|dna\b|stor(?:age|ed)|future|optional|sub-?stud|photo|imag|\bdata\b|\bonly\b"
    r"|样本|标本|血样|样品|基因|遗传|储存|保存|可选|影像|照片|数据|仅"
)
"""Words of a consent's scope or document that mean less than the trial, such as samples only."""
NO_RESULT = (
    "not done", "not performed", "not analysable", "not analyzable", "hemolysed", "haemolysed", "hemolyzed",
    "haemolyzed", "clotted", "insufficient", "no result", "未做", "未检", "无法分析", "溶血", "凝血", "标本不足",
)  # fmt: skip
"""Words in the place of a value that say that there is none: nothing was sampled, or it could not be analysed."""
_LEAST, _MOST = int(MISSING) + 1, int(np.iinfo(np.int64).max)
_BOUND = r"^\s*(<=|>=|<|>|≤|≥)\s*([0-9]+(?:\.[0-9]+)?)\s*$"
_SIDES = ((">", ">=", "≥"), ("<", "<=", "≤"))


class Counter(Interface):
    """Something counted over time, such as the omissions of a drug: it follows from what is scheduled and matched."""

    def at(self, s: Ints, day: Ints) -> tuple[Longs, Flags]:
        """The count on a day of each participant, and whether it can be told."""

    def limit(self, s: Ints, months: int, days: int) -> Longs:
        """A span of time in the unit of the count."""

    def changes(self, horizon: int) -> tuple[Ints, Ints]:
        """Participants and days up to the horizon on which a comparison with the count may change."""


@dataclass(frozen=True)
class Weighings:
    """Weights in grams: those that another of the same time denies, those implausible (beyond `low` and `high` for the
    `age` in days, `NONE` where unknown), and `against`: of those that jump the index of a weight beside them, else -1.
    """

    at: Points
    twin: Flags
    odd: Flags
    against: Ints
    age: Ints
    low: Longs
    high: Longs

    @property
    def doubtful(self) -> Flags:
        """Implausible for the age, or beside the other weights."""
        return self.odd | (self.against >= 0)


class Zones(NamedTuple):
    """Which time zone the site of a participant is in from a day on: `code` is its place in `names`; sorted."""

    names: Sequence[str]
    s: Ints
    since: Longs
    code: Ints


@dataclass(frozen=True)
class Evidence:
    """The facts of one partition. `frames` are its slices of the study's typed tables, `s` counted from 0."""

    protocol: Protocol
    frames: Mapping[str, pl.DataFrame]
    tables: frozenset[str]
    n: int
    horizon: int
    """The last day that anything can be known of: the earlier of data cut and as-of."""
    final: bool
    zone: str = ""
    """The time zone of sites for which none is recorded."""
    closed: Mapping[str, Closures] = field(default_factory=dict)
    """Clinic closures by site."""
    paused: Mapping[str, tuple[Pause, ...]] = field(default_factory=dict)
    """Pauses of dosing by site, under no name those of the whole study."""
    columns: frozenset[str] = frozenset()
    """Every column that the study records, as `administrations.route`."""
    counted: dict[str, Counter] = field(default_factory=dict, compare=False)
    """Counts by name, once what they count is scheduled and matched."""
    cut: bool = True
    """Somebody says up to which day the records go: a data cut, or an as-of day."""
    _cache: dict[str, Points] = field(default_factory=dict, compare=False)
    _weighed: dict[str | None, Weighings] = field(default_factory=dict, compare=False)
    _events: dict[tuple[str, ...], Spells] = field(default_factory=dict, compare=False)

    @cached_property
    def arm(self) -> list[str | None]:
        """Planned arm of each participant."""
        return list(self.frames["subjects"]["arm"])

    @cached_property
    def arm_place(self) -> Ints:
        """The place of each participant's arm among the arms of the protocol; the number behind them without one."""
        arms = {name: place for place, name in enumerate(self.protocol.arms)}
        return coded(self.frames["subjects"]["arm"], arms, len(arms))

    @cached_property
    def concurrent(self) -> Flags:
        """Participants of a group that is only observed."""
        return np.array([*(arm.group == "concurrent" for arm in self.protocol.arms.values()), False])[self.arm_place]

    @cached_property
    def everyone(self) -> Ints:
        """0 … n-1."""
        return np.arange(self.n, dtype=np.int32)

    @cached_property
    def birth(self) -> Milestone:
        """Date of birth, perhaps only a year or a month."""
        return self._column("birth_date")

    def _column(self, name: str) -> Milestone:
        frame = self.frames["subjects"]
        return Milestone(days(frame, name), days(frame, f"{name}_last"))

    @cached_property
    def milestones(self) -> dict[str, Milestone]:
        """Every milestone on record by its name in lower case with hyphens; the earliest where there are several."""
        frame = self.frames["milestones"]
        found = {}
        if len(frame):
            words = frame["milestone"].str.to_lowercase().str.replace_all(r"[\s_]+", "-")
            for name in words.unique().drop_nulls().sort():
                found[str(name)] = self._earliest(frame.filter(words == name), "date")
        for name, column in (("birth", "birth_date"), ("enrolled", "enrolled"), ("day-zero", "day_zero")):
            recorded = self._column(column)
            found[name] = either(found[name], recorded) if name in found else recorded
        consents = self.frames["consents"]
        if len(consents) and "consented" not in found:
            found["consented"] = self._earliest(consents, "signed")
        of_trial = consents.filter(whole_trial("scope") & whole_trial("document")) if len(consents) else consents
        withdrawn = self._earliest(of_trial, "withdrawn")
        recorded = found.get("withdrawal-of-consent", withdrawn)
        found["withdrawal-of-consent"] = earlier(recorded, withdrawn)
        return found

    def milestone(self, name: str) -> Milestone:
        """One milestone; all unknown where nothing is recorded."""
        found = self.milestones.get(name)
        return found if found is not None else self._never

    @cached_property
    def _never(self) -> Milestone:
        nothing = np.full(self.n, NONE, np.int32)
        return Milestone(nothing, nothing)

    def _earliest(self, rows: pl.DataFrame, column: str) -> Milestone:
        first, last = np.full(self.n, NONE, np.int32), np.full(self.n, NONE, np.int32)
        if not len(rows):
            return Milestone(first, last)
        rows = rows.drop_nulls(column).sort("s", column, descending=[False, True])
        first[rows["s"].to_numpy()] = days(rows, column)
        last[rows["s"].to_numpy()] = days(rows, f"{column}_last")
        return Milestone(first, last)

    @cached_property
    def weights(self) -> Points:
        """Body weights in grams."""
        frame = self.frames["observations"].filter(pl.col("grams").is_not_null())
        return points(frame, whole(frame, "grams"))

    def weighed(self, name: str | None = None) -> Weighings:
        """Body weights, or the values of another measure in kg that a dose may count with, such as a dry weight."""
        if name not in self._weighed:
            found = self.weights
            if name is not None:
                kept = self.measure(name).where(self.measure(name).value != MISSING)
                found = replace(kept, value=kept.value * 1000 // SCALE)
            age, most = self.age_days(found.s, found.day)
            low, high = plausible_weight(age, most)
            odd = (low != NONE) & ((found.value < low) | (found.value > high))
            fits = np.flatnonzero(~odd).astype(np.int32)
            against = np.full(len(odd), -1, np.int32)
            other = jumps(found.s[fits], found.day[fits], found.value[fits])
            against[fits] = np.where(other < 0, -1, fits[other]) if len(fits) else other
            self._weighed[name] = Weighings(found, _twins(found), odd, against, age, low, high)
        return self._weighed[name]

    @cached_property
    def zones(self) -> Zones | None:
        """The time zones recorded of sites; None where none is."""
        frame = self.frames["sites"]
        if frame["time_zone"].null_count() == len(frame):
            return None
        frame = frame.drop_nulls("time_zone").sort("s", "from")
        names = [self.zone, *frame["time_zone"].unique().sort()]
        code = frame["time_zone"].replace_strict({name: n for n, name in enumerate(names)}, return_dtype=pl.Int32)
        s = frame["s"].to_numpy()
        return Zones(names, s, key(s, days(frame, "from")), code.to_numpy())

    @cached_property
    def heights(self) -> Points:
        """Body heights in millimetres."""
        frame = self.frames["observations"].filter(pl.col("mm").is_not_null())
        return points(frame, whole(frame, "mm"))

    def measure(self, name: str) -> Points:
        """The values of one measure in millionths of the protocol's unit, words as their place in `values`.

        A body weight in grams. What cannot be used stays a point, `MISSING`: from its first possible day nothing older
        is known to hold.
        """
        if name not in self._cache:
            self._cache[name] = self._read_measure(name) if name in self._measured else NO_POINTS
        return self._cache[name]

    @cached_property
    def _measured(self) -> frozenset[str]:
        """The measures of which anything is on record, in lower case."""
        words = pl.col("measure").unique().drop_nulls().str.to_lowercase()
        return frozenset(self.frames["observations"].select_seq(words).to_series())

    def samples(self, name: str) -> pl.DataFrame:
        """Every value of a measure on record, whenever it was drawn."""
        return self.frames["observations"].filter(
            pl.col("measure").str.to_lowercase() == name,
            pl.col("value").is_not_null() | ~pl.col("word").str.to_lowercase().is_in(NO_RESULT),
        )

    def _read_measure(self, name: str) -> Points:
        measure = self.protocol.measures.get(name)
        frame = self.samples(name)
        if measure is not None and measure.drawn is not None:
            frame = frame.filter(in_time(frame, measure.drawn).fill_null(value=True))
        if name == "weight":
            value = most = whole(frame, "grams", int(MISSING))
        elif measure is not None and measure.values:
            words = frame["word"].fill_null(frame["value"].cast(pl.Int64).cast(pl.String))
            value = most = _codes(words, measure.values)
        else:
            factor = factors(frame["unit"], measure)
            value, most = _bounds(frame, factor, measure.unit if measure is not None else None)
            slip = slipped(frame, factor, name, self.protocol).to_numpy()
            value, most = (np.where(slip, MISSING, v) for v in (value, most))
        partial = undated(frame).to_numpy()
        value, most = (np.where(partial, MISSING, v) for v in (value, most))
        return points(frame.with_columns(at_last="at"), value, most)

    def events(self, names: Iterable[str]) -> Spells:
        """Events of these words (lower case), sorted."""
        wanted = tuple(names)
        if wanted not in self._events:
            self._events[wanted] = self._read_events(list(wanted))
        return self._events[wanted]

    def _read_events(self, wanted: list[str]) -> Spells:
        if not len(self.frames["events"]):
            none = np.zeros(0, np.int32)
            return Spells(none, none, none, none, none)
        event = pl.col("event").str.to_lowercase()
        parts = pl.col("detail").str.to_lowercase().str.extract_all(r"[^,;/、，；]+")
        detailed = parts.list.eval(pl.element().str.strip_chars().is_in(wanted)).list.any().fill_null(value=False)
        said = event.is_in(wanted) | (event.is_in(ADVERSE_EVENT) & detailed)
        chosen = self.frames["events"].filter(said).sort("s", "start", "row")
        grade = chosen["grade"].cast(pl.String).str.extract(r"([0-9])").cast(pl.Int32).fill_null(0).to_numpy()
        return Spells(
            chosen["s"].to_numpy(),
            days(chosen, "start"),
            days(chosen, "end_last"),
            grade,
            chosen["row"].to_numpy(),
            tuple(chosen["detail"]),
        )

    def age_days(self, s: Ints, day: Ints) -> tuple[Ints, Ints]:
        """Age on a day in days, least and most; `NONE` where birth or day is unknown."""
        known = (self.birth.first[s] != NONE) & (day != NONE)
        least = np.where(known, day - np.where(known, self.birth.last[s], 0), NONE)
        most = np.where(known, day - np.where(known, self.birth.first[s], 0), NONE)
        return least.astype(np.int32), most.astype(np.int32)


def event_words(protocol: Protocol, name: str) -> tuple[str, ...]:
    """The words a record may use for an event: its id, its titles, its terms; lower case."""
    event = protocol.events.get(name)
    titles = (event.title.en, event.title.zh) if event is not None and event.title is not None else ()
    terms = event.terms if event is not None else ()
    return tuple(dict.fromkeys(w.lower() for w in (name, name.replace("-", " "), *titles, *terms) if w))


def _twins(weights: Points) -> Flags:
    """Of each weight whether another of the same day and time says otherwise: no row order may choose."""
    at, value = at_minute(weights.key, weights.minute), weights.value
    alike = np.flatnonzero((at[1:] == at[:-1]) & (value[1:] != value[:-1]))
    twin = np.zeros(len(at), np.bool_)
    twin[alike], twin[alike + 1] = True, True
    return twin


def whole_trial(column: str) -> pl.Expr:
    """Whether a consent form is one for the whole trial by this column: empty, or without a word for less."""
    return ~pl.col(column).str.to_lowercase().str.contains(_NARROWER).fill_null(value=False)


def _codes(words: pl.Series, values: Iterable[str]) -> Longs:
    """Words as SCALE times their place in a list from 0; the smallest number where a word is not in it."""
    place = {str(v).lower(): i * SCALE for i, v in enumerate(values)}
    return np.array([place.get(str(w).lower(), MISSING) for w in words], dtype=np.int64)


def _bounds(frame: pl.DataFrame, factor: pl.Series, unit: str | None) -> tuple[Longs, Longs]:
    """Least and most of each value in millionths of a unit: the same for a number, open on one side for `>500`."""
    number = scaled(frame["value"] * factor)
    if unit is None:
        number = np.where(number == MISSING, _codes(frame["word"].str.to_lowercase(), ("no", "yes")), number)
    sign = frame["word"].str.extract(_BOUND, 1)
    if sign.null_count() == len(sign):
        return number, number
    bound = scaled(frame["word"].str.extract(_BOUND, 2).cast(pl.Float64) * factor)
    usable = bound != MISSING
    above, below = (usable & sign.is_in(signs).fill_null(value=False).to_numpy() for signs in _SIDES)
    strict = sign.is_in(["<", ">"]).fill_null(value=False).to_numpy().astype(np.int64)
    least = np.where(above, bound + strict, np.where(below, _LEAST, number))
    most = np.where(below, bound - strict, np.where(above, _MOST, number))
    return least, most


def evidence_of(
    protocol: Protocol,
    frames: Mapping[str, pl.DataFrame],
    present: Iterable[str],
    first: int,
    last: int,
    horizon: int,
    *,
    final: bool,
    settings: Mapping[str, str] | None = None,
    cut: bool = True,
    columns: Iterable[str] = (),
) -> Evidence:
    """The partition of the participants `first` up to `last` (not included) of tables sorted by `s`."""
    slices = {}
    zone, closed = (settings or {}).get("time_zone", ""), closures_of(settings or {})
    for name, frame in frames.items():
        if "s" not in frame.columns:
            # Amendments are of no participant: they are judged once, with the first.
            slices[name] = frame.clear() if first and name == "amendments" else frame
            continue
        bounds = np.searchsorted(frame["s"].to_numpy(), [first, last])
        part = frame.slice(int(bounds[0]), int(bounds[1] - bounds[0]))
        slices[name] = part.with_columns(pl.col("s") - first) if first else part
    return Evidence(
        protocol,
        slices,
        frozenset(present),
        last - first,
        horizon,
        final,
        zone,
        closed,
        pauses_of(settings or {}),
        columns=frozenset(columns),
        cut=cut,
    )
