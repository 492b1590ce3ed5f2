"""Participants who do as a protocol says, worked out from the document alone, one occurrence at a time.

Nothing of `rules` is used: days come from dateutil, doses from fractions. A swerve tells what a participant does at one
occurrence instead; from there on everybody goes by the protocol again, given what has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from dateutil.relativedelta import relativedelta
from hypothesis import Phase, settings

from protocol import Protocol
from protocol.activities import Activity, Assessment, Limit, Part
from protocol.quantity import Quantity, Range
from protocol.timing import Anchor, Duration, Instant, offset_of
from rules import Study, from_frames
from tests.arithmetic import limits

QUICK = settings(derandomize=True, deadline=None, max_examples=20, phases=[Phase.explicit, Phase.generate])
"""The same examples on every run, few of them, and none made smaller: a seed has no smaller one."""

Key = tuple[str, int]
Row = dict[str, object]
Swerve = Callable[["Planned"], date | None]


def days(n: int) -> timedelta:
    """A span of n days."""
    return timedelta(days=n)


@dataclass(frozen=True)
class Planned:
    """One occurrence as the protocol plans it for somebody: when, and not before which day."""

    part: Activity
    activity: str
    number: int
    due: date
    opens: date
    closes: date
    earliest: date | None
    grid_opens: date
    base: date | None
    offset: tuple[int, int]
    windowed: bool

    @property
    def key(self) -> Key:
        """Activity and number."""
        return self.activity, self.number


@dataclass
class Given:
    """One dose on record; `amount` in whole base units."""

    key: Key
    day: date
    amount: int | None
    status: str = ""
    treatment: str = ""
    weight: bool = False
    more: Row = field(default_factory=dict)


@dataclass
class Patient:
    """What is on record of one participant; tests change it before it becomes rows."""

    subject: str
    arm: str
    zero: date
    birth: date
    grams: int
    planned: dict[Key, Planned]
    doses: list[Given]
    visits: dict[Key, tuple[date, str]]
    measured: dict[Key, date]
    weighings: dict[date, int]
    enrolled: date
    screened: date
    consent: date
    observations: list[tuple[str, str, str, date]] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    milestones: list[tuple[str, date]] = field(default_factory=list)
    courses: list[Row] = field(default_factory=list)
    labelled: bool = False
    baseline: bool = False

    def dose(self, key: Key) -> Given:
        """The record of one occurrence."""
        return next(d for d in self.doses if d.key == key)


def move(day: date, months: int, more: int, policy: str = "clamp") -> date:
    """A day moved by months, then by days; a day the month lacks is its last, or the first of the next (`roll`)."""
    moved = day + relativedelta(months=months)
    if policy == "roll" and moved.day != day.day:
        moved += days(1)
    return moved + days(more)


def _pair(duration: Duration) -> tuple[int, int]:
    return duration.months, duration.days


def _sum(a: tuple[int, int], b: tuple[int, int], times: int = 1) -> tuple[int, int]:
    return a[0] + b[0] * times, a[1] + b[1] * times


_PARTS: dict[int, tuple[Any, tuple[Any, ...]]] = {}


def parts_of(element: Any) -> tuple[Any, ...]:
    """The steps of a treatment, or the visit itself; worked out once."""
    if id(element) not in _PARTS:
        _PARTS[id(element)] = element, tuple(element.parts()) if hasattr(element, "parts") else (element,)
    return _PARTS[id(element)][1]


Start = tuple[date, tuple[int, int], tuple[int, int] | None]
"""What an occurrence is counted from, how far, and the window of its own."""


class Life:
    """One participant's occurrences, in an order in which everything they count from comes first."""

    def __init__(
        self, protocol: Protocol, arm: str, zero: date, birth: date, rng: Random, swerves: Mapping[Key, Swerve]
    ):
        self.protocol, self.arm, self.zero, self.rng, self.swerves = protocol, arm, zero, rng, swerves
        self.planned: dict[Key, Planned] = {}
        self.actual: dict[Key, date | None] = {}
        self.numbers: dict[str, int] = {}
        self.known = {"day-zero": zero, "birth": birth}
        waiting = dict[str, Any](protocol.treatments) | dict(protocol.visits)
        waiting |= {name: found for name, found in protocol.assessments.items() if found.due}
        while waiting:
            ready = [name for name, element in waiting.items() if not self._needs(name, element) & set(waiting)]
            for name in ready:
                self._live(name, waiting.pop(name))

    def _parts(self, element: Any) -> list[Activity]:
        conditional = not isinstance(element, Assessment)
        mine = [p for p in parts_of(element) if not p.arm or self.arm in p.arm]
        return [p for p in mine if not (p.in_ or p.may_if or (p.if_ and conditional))]

    def _needs(self, name: str, element: Any) -> set[str]:
        found: set[str] = set()
        for part in self._parts(element):
            instants = [i for m in (*part.due, part.to, part.before) if m for i in m.alternatives]
            anchors = [i.anchor for i in instants if i.anchor] + [limit.from_ for limit in part.limits]
            found |= {a.name for a in anchors if a.name and a.name != name}
        return found

    def courses(self) -> list[tuple[str, Part]]:
        """Treatments taken by days from day zero on, in one stretch."""
        found = [(name, self._parts(element)) for name, element in self.protocol.treatments.items()]
        return [(name, part) for name, parts in found for part in parts if isinstance(part, Part) and part.frequency]

    def _live(self, name: str, element: Any) -> None:
        self.numbers[name] = 0
        for part in self._parts(element):
            if getattr(part, "frequency", None) is None:
                for base, offset, window in self._series(name, part):
                    self._occur(name, part, base, offset, window)

    def _series(self, name: str, part: Activity) -> Iterator[Start | tuple[None, tuple[int, int], None]]:
        starts = [s for moment in part.due for s in self._starts(moment.alternatives[0], part)]
        if part.due and part.every:
            n = 0
            while part.times is None or n < part.times:
                base, offset, window = starts[n % len(starts)]
                offset = _sum(offset, _pair(part.every), n // len(starts))
                if part.times is None and self._ended(part, base, offset):
                    return
                yield base, offset, window
                n += 1
        elif part.due:
            yield from starts
        else:
            yield None, (0, 0), None

    def _ended(self, part: Activity, base: date, offset: tuple[int, int]) -> bool:
        day = move(base, *offset, self.protocol.months or "clamp")
        for moment, past in ((part.to, date.__gt__), (part.before, date.__ge__)):
            for instant in moment.alternatives if moment else ():
                for start, far, _ in self._starts(instant, part):
                    if past(day, move(start, *far, self.protocol.months or "clamp")):
                        return True
        return False

    def _starts(self, i: Instant, part: Activity) -> list[Start]:
        first_day = self.protocol.first_day
        numbered = {"day": (i.day, i.day), "days": (i.first, i.last), "within_days": (i.first, i.last)}
        if i.kind in numbered:
            low, high = (offset_of(d, first_day) for d in numbered[i.kind] if d is not None and first_day)
            if i.kind == "within_days":
                near = low if abs(low) < abs(high) else high
                return [(self.zero, (0, near), (low - near, high - near))]
            return [(self.zero, (0, d), None) for d in range(low, high + 1)]
        assert i.anchor is not None
        if i.kind == "at":
            assert i.offset is not None
            return [(day, _pair(i.offset), None) for day in self._anchors(i.anchor)]
        assert i.low is not None and i.high is not None
        near_one = min(i.low, i.high, key=lambda d: abs(d.length))
        window = (i.low.days - near_one.days, i.high.days - near_one.days)
        return [(day, _pair(near_one), window) for day in self._anchors(i.anchor)]

    def _anchors(self, anchor: Anchor) -> list[date]:
        """The days an anchor means: actual ones, else planned ones."""
        name = anchor.name or ""
        if name in self.known:
            return [self.known[name]]
        keys = [key for key in self.planned if key[0] == name]
        if anchor.which != "each":
            keys = keys[-1:] if anchor.which == "last" else [(name, anchor.number or 1)]
        return [self.planned[k].due if anchor.planned else self.actual[k] or self.planned[k].due for k in keys]

    def _limit(self, name: str, limit: Limit) -> date | None:
        """The recorded day that a limit counts from."""
        if limit.from_.previous:
            taken = [day for key, day in self.actual.items() if key[0] == name and day]
            return max(taken, default=None)
        anchor = limit.from_.name or ""
        return self.known.get(anchor) or self.actual.get((anchor, limit.from_.number or 1))

    def _occur(
        self, name: str, part: Activity, base: date | None, offset: tuple[int, int], own: tuple[int, int] | None
    ) -> None:
        self.numbers[name] += 1
        key, policy = (name, self.numbers[name]), self.protocol.months or "clamp"
        before = self.planned.get((name, key[1] - 1))
        if base and part.late == "shift" and before and part.every and before.part is part:
            step = _sum(offset, before.offset, -1)
            due = move(self.actual[before.key] or before.due, *step, policy)
        else:
            due = move(base or date.min, *offset, policy)
        window = part.window if part.window and not part.window.low.clock else None
        low, high = own or ((window.low.days, window.high.days) if window else (0, 0))
        opens, closes, earliest = due + days(low) if base else due, due + days(high) if base else date.max, None
        marks = [(self._limit(name, limit), limit) for limit in part.limits]
        for day, limit in ((d, m) for d, m in marks if d):
            if limit.opens:
                first = move(day, *_pair(limit.opens), policy)
                earliest = max(earliest or first, first)
            if limit.due and not base:
                due = max(due, move(day, *_pair(limit.due), policy))
            if limit.closes and not base:
                closes = min(closes, move(day, *_pair(limit.closes), policy))
        grid_opens = opens
        if earliest:
            due, opens, closes = (max(d, earliest) for d in (due, opens, closes))
        closes = due if closes == date.max else closes
        plan = Planned(
            part, name, key[1], due, opens, closes, earliest, grid_opens, base, offset, bool(own or window or not base)
        )
        self.planned[key] = plan
        free = self.rng.randint(0, (closes - opens).days)
        self.actual[key] = self.swerves[key](plan) if key in self.swerves else opens + days(free)


SIZES = {3: 14_300, 6: 20_500, 10: 32_000, 14: 50_000, 30: 70_000}
"""A plausible body weight in grams by age in years."""


def live(
    protocol: Protocol, arm: str, seed: int, *, years: int | None = None, swerves: Mapping[Key, Swerve] | None = None
) -> Patient:
    """Somebody in an arm who does as the protocol says, but for the swerves; the seed settles what it leaves open."""
    rng = Random(seed)
    zero = date(2021, 1, 1) + days(rng.randrange(900))
    age = years or rng.choice(list(SIZES))
    birth = zero - days(age * 365 + 120)
    life = Life(protocol, arm, zero, birth, rng, swerves or {})
    grams = SIZES[age] * rng.randint(900, 1100) // 1000
    done = sorted(day for day in life.actual.values() if day)
    screened = min([*done, zero]) - days(1)
    patient = Patient(
        f"{seed:05d}", arm, zero, birth, grams, life.planned, [], {}, {}, {}, zero - days(1), screened, screened
    )
    patient.labelled = rng.random() < 0.3
    if protocol.weight and protocol.weight.use == "baseline":
        patient.baseline = True
        patient.weighings[patient.screened] = grams
    for name, part in life.courses():
        patient.weighings.setdefault(zero, grams)
        patient.courses.append(_take(patient, name, part))
    for key, plan in life.planned.items():
        day = life.actual[key]
        if isinstance(plan.part, Part):
            if day:
                patient.doses.append(_give(patient, plan.part, key, day, rng))
        elif day and isinstance(plan.part, Assessment):
            patient.measured[key] = day
        elif day:
            patient.visits[key] = day, ""
    return patient


def _take(patient: Patient, name: str, part: Part) -> Row:
    """A course taken without a gap from its first day to its last, in the amount that its first dose is."""
    assert part.frequency
    row: Row = {"treatment": name, "start": patient.zero, "frequency": str(part.frequency)}
    if part.for_:
        row["end"] = move(patient.zero, *_pair(part.for_)) - days(1)
    if part.dose and isinstance(start := part.dose[0].start, Quantity):
        amount = Fraction(start.base) * patient.grams / 1000 * part.frequency.days / part.frequency.times
        row["amount"], row["unit"] = amount_text(start, int(amount))
    return {"subject": patient.subject} | row


def _give(patient: Patient, part: Part, key: Key, day: date, rng: Random) -> Given:
    """A dose anywhere inside its limits, with a weighing on its day where it counts by weight."""
    if not part.dose or part.dose[0].amount is None:
        return Given(key, day, None)
    dose = part.dose[0]
    amount = dose.amount
    assert amount is not None
    dimension = (amount.low if isinstance(amount, Range) else amount).dimension
    weighed = "/weight" in dimension or "/surface" in dimension
    if weighed and not patient.baseline:
        patient.weighings[day] = patient.grams
    least, most = limits(dose, patient.grams, 1100)
    return Given(key, day, rng.choice([least, most, rng.randint(least, most)]), weight=weighed)


def amount_text(quantity: Quantity, amount: int) -> tuple[str, str]:
    """A number of base units in the unit of a dose, exactly, and that unit."""
    unit = quantity.unit.text.split("/")[0].strip()
    factor = Fraction(Quantity.parse(f"1 {unit}").base)
    return str(Decimal(amount) * factor.denominator / factor.numerator), unit


def rows_of(protocol: Protocol, patient: Patient) -> dict[str, list[Row]]:
    """The rows of the tables of a study that one participant fills."""
    who: Row = {"subject": patient.subject}
    weights = [("weight", str(Decimal(g) / 1000), "kg", day) for day, g in patient.weighings.items()]
    heights = [("height", "110", "cm", patient.screened)] if _wants_height(protocol) else []
    administrations = [*(_dose_row(protocol, patient, dose) for dose in patient.doses), *patient.courses]
    visits = [
        who | {"visit": f"{name} {n}" if patient.labelled else name, "date": day, "status": status}
        for (name, n), (day, status) in patient.visits.items()
    ]
    return {
        "subjects": [
            who
            | {"arm": patient.arm, "birth_date": patient.birth, "enrolled": patient.enrolled, "day_zero": patient.zero}
        ],
        "consents": [who | {"version": "1", "signed": patient.consent}],
        "milestones": [who | {"milestone": name, "date": day} for name, day in patient.milestones],
        "observations": [
            who | {"measure": m, "value": v, "unit": u or None, "at": at}
            for m, v, u, at in (*patient.observations, *weights, *heights, *_results(protocol, patient))
        ],
        "administrations": administrations,
        "visits": visits,
        "events": [who | event for event in patient.events],
    }


def _results(protocol: Protocol, patient: Patient) -> Iterator[tuple[str, str, str, date]]:
    """A result of everything that the visits do and that is due on days of its own; weights are weighings."""
    done = [(name, day) for (name, _), day in patient.measured.items()]
    for (visit, _), (day, status) in patient.visits.items():
        done += [(name, day) for name in protocol.visits[visit].does if not status]
    shown = {m: (v, u) for m, v, u, _ in patient.observations} | {"height": ("110", "cm")}
    for name, day in done:
        assessment = protocol.assessments.get(name)
        if assessment is not None and assessment.arm and patient.arm not in assessment.arm:
            continue
        for measure in (assessment.measures if assessment else ()) or (name,):
            found = protocol.measures.get(measure)
            value = found.values[0] if found and found.values else "150"
            if measure != "weight":
                yield (measure, *shown.get(measure, (value, found.unit or "" if found else "")), day)


def _wants_height(protocol: Protocol) -> bool:
    amounts = [d.amount for t in protocol.treatments.values() for p in parts_of(t) for d in p.dose if d.amount]
    return any("/surface" in (a.low if isinstance(a, Range) else a).dimension for a in amounts)


def _minutes(protocol: Protocol, name: str) -> int:
    """Minutes of the day: noon for what others accompany, the middle of their time for those; 0 for all else."""
    for other, treatment in protocol.treatments.items():
        for part in parts_of(treatment):
            for i in (i for moment in part.due for i in moment.alternatives if i.low and i.high and i.low.clock):
                if i.anchor and i.anchor.which == "each" and name in (other, i.anchor.name):
                    return 720 + (i.low.minutes + i.high.minutes) // 2 if name == other else 720
    return 0


def _dose_row(protocol: Protocol, patient: Patient, dose: Given) -> Row:
    """One line of administrations; the unit is that of the protocol's dose."""
    name = dose.treatment or dose.key[0]
    minutes = _minutes(protocol, name)
    start = datetime.combine(dose.day, time(*divmod(minutes, 60))) if minutes else dose.day
    row: Row = {"subject": patient.subject, "treatment": name, "start": start, "status": dose.status or None}
    parts = parts_of(protocol.treatments[name]) if name in protocol.treatments else ()
    found = [d for p in parts for d in p.dose if d.amount]
    if dose.amount is not None and found:
        amount = found[0].amount
        quantity = amount.low if isinstance(amount, Range) else amount
        assert quantity is not None
        row["amount"], row["unit"] = amount_text(quantity, dose.amount)
        row["viable_or_total"] = found[0].count
    if patient.labelled:
        row["occurrence"] = dose.key[1]
    return row | dose.more


def study_of(protocol: Protocol, patients: list[Patient], name: str = "sim", **how: Any) -> Study:
    """The study of some participants."""
    tables: dict[str, list[Row]] = {}
    for patient in patients:
        for table, rows in rows_of(protocol, patient).items():
            tables.setdefault(table, []).extend(rows)
    return from_frames(name, {t: rows for t, rows in tables.items() if rows or t == "subjects"}, **how)
