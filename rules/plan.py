"""Protocol -> one row per planned occurrence per arm. Compiled once; the same for every participant of the arm.

An occurrence (a *slot*) counts from a milestone or from another slot; `groups` lists the slots in the order in which
their days become known: what counts from an actual date comes after the records of that activity are identified.
What this version schedules but does not judge is named in `not_judged`, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from protocol.model import Assessment, Protocol, Treatment, Visit
from protocol.timing import Anchor, Duration, Instant, Moment, offset_of

Element = Treatment | Visit | Assessment
Kind = Literal["treatment", "visit", "assessment"]

HORIZON = 3660
"""Days after which an unlimited series is cut: ten years. What lies beyond is named in `not_judged`."""

BUILT_IN = (
    "birth",
    "consented",
    "enrolled",
    "randomised",
    "day-zero",
    "discontinuation",
    "withdrawal",
    "death",
    "completion",
)


@dataclass(frozen=True)
class Ref:
    """What a slot counts from: a milestone, another slot, the slot before it, or the first or last dose of all."""

    kind: Literal["milestone", "slot", "previous", "first-dose", "last-dose", "none"]
    name: str = ""
    slot: int = -1
    planned: bool = False


@dataclass(frozen=True)
class Span:
    """An offset in calendar months and days, added at once from its reference."""

    months: int = 0
    days: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(self.months + other.months, self.days + other.days)

    def times(self, n: int) -> Span:
        """This span n times."""
        return Span(self.months * n, self.days * n)

    @property
    def about(self) -> int:
        """Its length in days, months taken as 30.4: good for ordering and reach, never for a date."""
        return round(self.months * 30.4375) + self.days


@dataclass(frozen=True)
class Bound:
    """One entry of `limits`: marks counted from one reference. None where the mark is not stated."""

    ref: Ref
    valid_from: Span | None
    opens: Span | None
    due: Span | None
    closes: Span | None
    valid_to: Span | None


@dataclass(frozen=True)
class Part:
    """One step of an activity with everything inherited; `path` leads to its origin in the protocol."""

    code: int
    activity: str
    kind: Kind
    step: int
    path: str
    element: Element
    judged: bool
    course: bool


@dataclass(frozen=True)
class Slot:
    """One planned occurrence of one arm."""

    part: Part
    occurrence: int
    ref: Ref
    offset: Span
    low: int | None
    high: int | None
    bounds: tuple[Bound, ...] = ()
    chained: bool = False
    until: tuple[tuple[Ref, Span, bool], ...] = ()
    """Ends of the series: (reference, offset, the last day belongs to it)."""


@dataclass(frozen=True)
class ArmPlan:
    """The slots of one arm, and the groups of slots (column numbers) in the order in which their days become known."""

    arm: str
    concurrent: bool
    slots: tuple[Slot, ...]
    groups: tuple[tuple[int, ...], ...]

    def columns(self, activity: str) -> list[int]:
        """The columns of one activity's slots."""
        return [i for i, slot in enumerate(self.slots) if slot.part.activity == activity]


@dataclass(frozen=True)
class Plan:
    """All arms of a protocol, its parts, and what is scheduled or read but not judged, with the reason."""

    protocol: Protocol
    parts: tuple[Part, ...]
    arms: dict[str, ArmPlan]
    not_judged: tuple[tuple[str, str], ...] = field(default=())


def compile_plan(protocol: Protocol, *, assessments: bool = True) -> Plan:
    """The plan of every arm. `assessments` may be left out where nothing asks for them."""
    parts: list[Part] = []
    notes: list[tuple[str, str]] = []
    for part in _parts(protocol):
        parts.append(replace(part, code=len(parts)))
        notes += _unjudged(parts[-1])
    notes += [
        (f"modifications.{key}", "only hold, stop, omit and delay are judged")
        for key, m in protocol.modifications.items()
        if any(a.verb not in {"hold", "stop", "omit", "delay"} for a in (*m.then, *m.may))
    ]
    kept = [p for p in parts if assessments or p.kind != "assessment"]
    arms = {}
    for arm, description in protocol.arms.items():
        builder = _Builder(protocol, arm, [p for p in kept if not p.element.arm or arm in p.element.arm])
        slots = builder.build()
        notes += [note for note in builder.notes if note not in notes]
        arms[arm] = ArmPlan(arm, description.group == "concurrent", slots, _groups(slots))
    return Plan(protocol, tuple(parts), arms, tuple(dict.fromkeys(notes)))


def _parts(protocol: Protocol) -> Iterator[Part]:
    blocks: tuple[tuple[str, Kind, Iterable[tuple[str, Element]]], ...] = (
        ("treatments", "treatment", protocol.treatments.items()),
        ("visits", "visit", protocol.visits.items()),
        ("assessments", "assessment", protocol.assessments.items()),
    )
    for block, kind, elements in blocks:
        for name, element in elements:
            steps = element.parts() if isinstance(element, Treatment) else (element,)
            stepped = isinstance(element, Treatment) and bool(element.steps)
            for number, step in enumerate(steps):
                path = f"{block}.{name}.steps.{number}" if stepped else f"{block}.{name}"
                course = isinstance(step, Treatment) and (step.frequency is not None or step.level is not None)
                yield Part(0, name, kind, number, path, step, judged=_judged(kind, step, course=course), course=course)


def _judged(kind: Kind, step: Element, *, course: bool) -> bool:
    return kind != "assessment" and not course and step.in_ is None and not step.may_if


def _unjudged(part: Part) -> list[tuple[str, str]]:
    step, notes = part.element, []
    if part.kind == "assessment":
        notes.append("assessments are scheduled, not judged")
    if part.course:
        notes.append("a course is scheduled from its first day; its doses by day and its levels are not judged")
    if step.in_ is not None:
        notes.append("cycles are scheduled on the planned grid, not judged")
    if step.may_if:
        notes.append("an optional occurrence is scheduled, not judged")
    if step.window is None and not step.limits and part.kind != "assessment" and not _within(step.due):
        notes.append("the protocol states no window: punctuality is not judged")
    if step.window is not None and (step.window.low.clock or step.window.high.clock):
        notes.append("windows in hours are not judged")
    if isinstance(step, Treatment) and (step.requires or step.after or step.over or step.rate):
        notes.append("prerequisites, order within the day and infusion times are not judged")
    return [(part.path, note) for note in notes]


def _within(due: tuple[Moment, ...]) -> bool:
    return any(i.kind in {"within", "within_days"} for moment in due for i in moment.alternatives)


class _Builder:
    """Expands the parts of one arm into slots."""

    def __init__(self, protocol: Protocol, arm: str, parts: list[Part]) -> None:
        self.protocol = protocol
        self.arm = arm
        self.parts = parts
        self.slots: list[Slot] = []
        self.notes: list[tuple[str, str]] = []
        self.columns: dict[str, list[int]] = {}

    def build(self) -> tuple[Slot, ...]:
        """All slots of the arm; what refers to a later activity is expanded after it."""
        waiting = list(self.parts)
        while waiting:
            ready = [
                p for p in waiting if not self._needs(p) & {w.activity for w in waiting if w.activity != p.activity}
            ]
            for part in ready or waiting:
                self._expand(part)
            waiting = [p for p in waiting if p not in (ready or waiting)]
        return tuple(self._bound(slot, column) for column, slot in enumerate(self.slots))

    def _needs(self, part: Part) -> set[str]:
        """Activities whose number of occurrences this part repeats ("before each atg")."""
        instants = [i for m in part.element.due for i in m.alternatives if i.anchor is not None]
        return {i.anchor.name for i in instants if i.anchor and i.anchor.which == "each" and i.anchor.name}

    def _expand(self, part: Part) -> None:
        element = part.element
        number = len(self.columns.get(part.activity, []))
        starts = list(self._starts(part))
        if not starts and element.limits:
            starts = [(Ref("none"), Span(), None, None)]
        every = _span(element.every) if element.every else None
        for n, (ref, offset, low, high) in enumerate(self._repeat(part, starts, every)):
            slot = Slot(part, number + n + 1, ref, offset, low, high, until=tuple(self._ends(part)))
            slot = replace(slot, chained=element.late == "shift" and n > 0 and every is not None)
            self.columns.setdefault(part.activity, []).append(len(self.slots))
            self.slots.append(slot)

    def _repeat(
        self, part: Part, starts: list[tuple[Ref, Span, int | None, int | None]], every: Span | None
    ) -> Iterator[tuple[Ref, Span, int | None, int | None]]:
        if every is None or not starts:
            yield from starts
            return
        wanted = part.element.times or self._most(part, starts, every)
        for n in range(wanted):
            ref, offset, low, high = starts[n % len(starts)]
            yield ref, offset + every.times(n // len(starts)), low, high

    def _most(self, part: Part, starts: list[tuple[Ref, Span, int | None, int | None]], every: Span) -> int:
        """How many occurrences a series with an end can hold at most; the end itself is judged per participant."""
        ends = [span.about for ref, span, _ in self._ends(part) if ref == starts[0][0]]
        if not ends:
            self.notes.append((part.path, f"occurrences beyond {HORIZON // 366} years are not scheduled"))
        length = min([HORIZON, *ends]) - starts[0][1].about
        return max(0, (length + 3) // max(1, every.about) + 1) * len(starts)

    def _starts(self, part: Part) -> Iterator[tuple[Ref, Span, int | None, int | None]]:
        element = part.element
        moments = element.due
        if isinstance(element, Treatment) and not moments and element.from_ is not None:
            moments = (element.from_,)
        low, high = _window(element)
        for moment in moments:
            instant = moment.alternatives[0]
            if len(moment.alternatives) > 1:
                self.notes.append((part.path, "of several moments only the first is scheduled"))
            for ref, offset, own in self._instant(part, instant):
                yield (ref, offset, own[0], own[1]) if own else (ref, offset, low, high)

    def _instant(self, part: Part, i: Instant) -> Iterator[tuple[Ref, Span, tuple[int, int] | None]]:
        zero = Ref("milestone", "day-zero")
        if i.kind == "day":
            yield from self._day(part, i.day)
        elif i.kind == "days":
            for day in range(i.first, i.last + 1):
                yield from self._day(part, day)
        elif i.kind == "within_days":
            first, last = (offset_of(d, self.protocol.first_day) for d in (i.first, i.last))
            near = first if abs(first) < abs(last) else last
            yield zero, Span(days=near), (first - near, last - near)
        elif i.anchor is not None:
            if _clock(i):
                self.notes.append((part.path, "moments in hours are scheduled by their day, not judged"))
            for ref, base in self._refs(part, i.anchor):
                if i.kind == "at":
                    yield ref, base + _span(i.offset), None
                else:
                    low, high = _span(i.low), _span(i.high)
                    near = low if abs(low.about) < abs(high.about) else high
                    yield ref, base + near, (low.about - near.about, high.about - near.about)

    def _day(self, part: Part, day: int) -> Iterator[tuple[Ref, Span, None]]:
        zero = Ref("milestone", "day-zero")
        if part.element.in_ is None:
            yield zero, Span(days=offset_of(day, self.protocol.first_day)), None
            return
        cycles = part.element.in_
        cycle = self.protocol.cycles[cycles.name]
        every = _span(cycle.every) if cycle.every else Span()
        start = next(
            self._instant(
                replace(part, element=part.element.model_copy(update={"in_": None})), cycle.from_.alternatives[0]
            )
        )
        most = cycle.times or min(HORIZON // max(1, every.about), 400)
        last = min(cycles.last or most, most)
        for k in range(cycles.first, last + 1, cycles.step):
            yield start[0], start[1] + every.times(k - 1) + Span(days=day - 1), None

    def _refs(self, part: Part, anchor: Anchor) -> Iterator[tuple[Ref, Span]]:
        name = anchor.name or ""
        if anchor.day is not None:
            yield Ref("milestone", "day-zero"), Span(days=offset_of(anchor.day, self.protocol.first_day))
        elif anchor.previous:
            yield Ref("previous"), Span()
        elif name == "treatment" or (name in self.protocol.products and name not in self.protocol.treatments):
            yield Ref("last-dose" if anchor.which == "last" else "first-dose", name), Span()
        elif name in self.protocol.milestones or name in BUILT_IN:
            yield Ref("milestone", name), Span()
        elif name in self.columns or name in {p.activity for p in self.parts}:
            columns = self.columns.get(name, [])
            if anchor.which == "each":
                chosen = columns
            elif anchor.which == "last":
                chosen = columns[-1:]
            else:
                chosen = columns[(anchor.number or 1) - 1 :][:1]
            if not columns:
                yield Ref("slot", f"{name} {anchor.number or 1}", planned=anchor.planned), Span()
            for column in chosen:
                yield Ref("slot", name, column, planned=anchor.planned), Span()
        else:
            self.notes.append((part.path, f"'{anchor}' is not scheduled: its days are not known beforehand"))

    def _ends(self, part: Part) -> Iterator[tuple[Ref, Span, bool]]:
        element = part.element
        for moment, inclusive in ((element.to, True), (element.before, False)):
            for instant in moment.alternatives if moment and not part.course else ():
                for ref, offset, _ in self._instant(part, instant):
                    yield ref, offset, inclusive

    def _bound(self, slot: Slot, column: int) -> Slot:
        """References by name become columns; limits are attached."""
        bounds = []
        for limit in slot.part.element.limits:
            for ref, base in self._refs(slot.part, limit.from_):
                marks = (limit.valid_from, limit.opens, limit.due, limit.closes, limit.valid_to)
                spans = [base + _span(m) if m is not None else None for m in marks]
                bounds.append(Bound(self._column(ref, slot, column), *spans))
        return replace(slot, ref=self._column(slot.ref, slot, column), bounds=tuple(bounds))

    def _column(self, ref: Ref, slot: Slot, column: int) -> Ref:
        if ref.kind == "previous":
            mine = self.columns[slot.part.activity]
            place = mine.index(column)
            return replace(ref, slot=mine[place - 1] if place else -1)
        if ref.kind == "slot" and ref.slot < 0:
            name, _, number = ref.name.rpartition(" ")
            columns = self.columns.get(name, [])[int(number) - 1 :][:1]
            return replace(ref, name=name, slot=columns[0]) if columns else Ref("none")
        return ref


def _window(element: Element) -> tuple[int | None, int | None]:
    window = element.window
    if window is None or window.low.clock or window.high.clock:
        return None, None
    return _span(window.low).about, _span(window.high).about


def _span(duration: Duration) -> Span:
    """Whole days of a duration; hours are dropped towards zero (and named as not judged by the caller)."""
    sign = -1 if duration.minutes < 0 else 1
    return Span(duration.months, duration.days + sign * (abs(duration.minutes) // 1440))


def _clock(i: Instant) -> bool:
    return any(d is not None and d.clock for d in (i.offset, i.low, i.high))


def _groups(slots: tuple[Slot, ...]) -> tuple[tuple[int, ...], ...]:
    """Columns of one activity whose days become known together, in an order in which every reference comes first."""
    units: dict[tuple[str, int], list[int]] = {}
    for column, slot in enumerate(slots):
        units.setdefault((slot.part.activity, slot.part.step), []).append(column)
    unit_of = {column: unit for unit, columns in units.items() for column in columns}
    waiting = {unit: _needs(columns, slots, unit_of) - {unit} for unit, columns in units.items()}
    groups: list[tuple[int, ...]] = []
    while waiting:
        ready = [unit for unit, needs in waiting.items() if not needs & set(waiting)]
        if not ready:
            raise ValueError(f"circular anchors: {sorted(waiting)}")
        for activity in dict.fromkeys(unit[0] for unit in ready):
            groups.append(tuple(c for unit in ready if unit[0] == activity for c in units[unit]))
        for unit in ready:
            del waiting[unit]
    return tuple(groups)


def _needs(columns: list[int], slots: tuple[Slot, ...], unit_of: dict[int, tuple[str, int]]) -> set[tuple[str, int]]:
    refs = [
        r for c in columns for r in (slots[c].ref, *(b.ref for b in slots[c].bounds), *(u[0] for u in slots[c].until))
    ]
    return {unit_of[r.slot] for r in refs if r.slot >= 0}


__all__ = ["ArmPlan", "Bound", "Part", "Plan", "Ref", "Slot", "Span", "compile_plan"]
