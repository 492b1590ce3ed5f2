"""Treatments taken by days: begun late or never, left out, ended or changed at the wrong time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import NamedTuple

from perprotocol.simulation.days import DAY
from perprotocol.simulation.faults.case import Case, World, one
from perprotocol.simulation.patient import Given, Patient, Planned
from perprotocol.simulation.story import Trigger
from protocol.activities import Part
from protocol.quantity import Range


class Taken(NamedTuple):
    """What a participant took of one course, as intervals in order of time; `last` is its last day as planned."""

    patient: Patient
    activity: str
    records: list[Given]
    last: int | None

    @property
    def key(self) -> tuple[str, None]:
        """What is found of a course is about it as a whole."""
        return self.activity, None

    def replaced(self, old: Given, *new: Given) -> None:
        """One record gives way to others."""
        at = self.patient.doses.index(old)
        self.patient.doses[at : at + 1] = new


def courses(world: World, rng: Random) -> Iterator[Taken]:
    """The courses of somebody who stays, and to whom nothing happens that changes a dose; in random order."""
    patient = world.live()
    if patient.events or any(name != "randomised" for name, _ in patient.milestones):
        return
    names = list(dict.fromkeys(d.key[0] for d in patient.doses if d.line is not None and d.line.course))
    rng.shuffle(names)
    for name in names:
        records = [d for d in patient.doses if d.key[0] == name]
        yield Taken(patient, name, records, patient.lasts[name][1])


def whole(world: World, rng: Random) -> Iterator[Taken]:
    """The courses taken to the end that the protocol sets them."""
    return (taken for taken in courses(world, rng) if _until(taken.records[-1]) == taken.last)


def _part(given: Given) -> Part | None:
    return given.line.treatment if given.line is not None else None


def _until(given: Given) -> int:
    return (given.end or given.at) // DAY


def _up_to(given: Given, day: int) -> Given:
    """The part of a record up to a day."""
    return replace(given, end=day * DAY + 20 * 60)


def _since(given: Given, day: int) -> Given:
    """The part of a record from a day on."""
    return replace(given, at=day * DAY + given.at % DAY)


def _longest(taken: Taken) -> Given:
    return max(taken.records, key=lambda d: _until(d) - d.day)


def course_unknown(world: World, rng: Random) -> Case | None:
    """A course of which nothing is recorded."""
    for taken in courses(world, rng):
        for record in taken.records:
            taken.patient.doses.remove(record)
        return Case(taken.patient, one("course_no_record", taken.key))
    return None


def course_refused(world: World, rng: Random) -> Case | None:
    """A course recorded as not given."""
    for taken in courses(world, rng):
        for record in taken.records[1:]:
            taken.patient.doses.remove(record)
        taken.replaced(taken.records[0], replace(taken.records[0], status="not given", amount=None, end=None))
        return Case(taken.patient, one("course_not_started", taken.key))
    return None


def _moved(days: int, plan: Planned) -> int:
    return plan.on(plan.closes + days if days > 0 else plan.opens + days)


def course_shifted(world: World, rng: Random) -> Case | None:
    """The first dose of a course before or after its window."""
    days = rng.choice((-2, -1, 1, 2, 3))
    for taken in courses(world, rng):
        plan = world.perfect.planned[taken.records[0].key]
        if plan.windowed and plan.opens + days > world.perfect.consent:
            return Case(world.live({plan.key: partial(_moved, days)}), one("course_start_out_of_window", taken.key))
    return None


def course_gap(world: World, rng: Random) -> Case | None:
    """One day more without the drug than the longest gap allowed, or some."""
    for taken in courses(world, rng):
        record = _longest(taken)
        part = _part(record)
        missing = part.gap.days + rng.randint(1, 4) if part is not None and part.gap is not None else 0
        if part is None or part.gap is None or _until(record) - record.day < missing + 20:
            continue
        last = record.day + rng.randint(5, _until(record) - record.day - missing - 10)
        taken.replaced(record, _up_to(record, last), _since(record, last + missing + 1))
        return Case(taken.patient, one("course_gap", taken.key))
    return None


def course_short(world: World, rng: Random) -> Case | None:
    """A course left off some days before its end."""
    for taken in whole(world, rng):
        record = taken.records[-1]
        part = _part(record)
        days = _slack(part) + rng.randint(1, 6)
        if _until(record) - record.day > days + 2:
            taken.replaced(record, _up_to(record, _until(record) - days))
            return Case(taken.patient, one("course_ended_early", taken.key))
    return None


def course_beyond(world: World, rng: Random) -> Case | None:
    """A course taken on for some days after its end."""
    for taken in whole(world, rng):
        record = taken.records[-1]
        taken.replaced(record, _up_to(record, _until(record) + rng.randint(1, 9)))
        return Case(taken.patient, one("course_after_end", taken.key))
    return None


def course_off_dose(world: World, rng: Random) -> Case | None:
    """Twice the amount, or half of it, over some days on which the protocol sets the dose."""
    for taken in courses(world, rng):
        set_ = [d for d in taken.records if d.judged and d.amount and _until(d) - d.day > 4]
        changed = len({id(d.line) for d in taken.records}) < len(taken.records)
        if set_ and not changed:
            record = rng.choice(set_)
            amount = record.amount or 0
            taken.replaced(record, replace(record, amount=rng.choice((amount * 2, amount // 2))))
            return Case(taken.patient, one("dose_off_level", taken.key))
    return None


def course_often(world: World, rng: Random) -> Case | None:
    """Twice as many doses as planned; where the protocol sets the amount of a day, in the amount of a day."""
    for taken in courses(world, rng):
        record = _longest(taken)
        part = _part(record)
        often = part.frequency if part is not None else None
        word = _TWICE.get((often.times, often.days)) if often is not None else None
        if word is not None and _until(record) - record.day > 4 and not (record.amount or 0) % 2:
            amount = record.amount // 2 if record.amount is not None and _by_day(part) else record.amount
            taken.replaced(record, replace(record, frequency=word, amount=amount))
            return Case(taken.patient, one("frequency_wrong", taken.key))
    return None


def _by_day(part: Part | None) -> bool:
    """Whether the protocol sets the amount of a day."""
    amounts = [dose.amount or dose.start for dose in (part.dose if part is not None else ())]
    ends = [amount.low if isinstance(amount, Range) else amount for amount in amounts]
    return any(end is not None and end.dimension.endswith("/time") for end in ends)


def _slack(part: Part | None) -> int:
    """Days at the end of a course without a dose that are no fault."""
    if part is None or part.gap is not None:
        return part.gap.days if part is not None and part.gap is not None else 0
    return part.frequency.days if part.frequency is not None else 1


_TWICE = {(1, 1): "twice daily", (2, 1): "four times daily", (1, 2): "once daily"}


def course_held(world: World, rng: Random) -> Case | None:
    """A hold over some days on which the drug was taken all the same."""
    for taken in courses(world, rng):
        record = _longest(taken)
        if _until(record) - record.day < 10:
            continue
        start = record.day + rng.randint(1, _until(record) - record.day - 8)
        end = start + rng.randint(2, 6)
        hold = {"event": "hold", "start": start * DAY + 360, "end": (end + 1) * DAY - 1, "detail": taken.activity}
        taken.patient.events.append(hold)
        return Case(taken.patient, one("course_during_hold", taken.key))
    return None


def course_stopped(world: World, rng: Random) -> Case | None:
    """A course discontinued by itself, and taken on."""
    for taken in courses(world, rng):
        record = taken.records[-1]
        if _until(record) - record.day < 10:
            continue
        stop = _until(record) - rng.randint(2, 8)
        taken.patient.milestones.append((f"discontinuation of {taken.activity}", stop * DAY + 540))
        return Case(taken.patient, one("course_after_stop", taken.key))
    return None


def course_overlap(world: World, rng: Random) -> Case | None:
    """Two records of a course that cover the same days."""
    for taken in courses(world, rng):
        record = _longest(taken)
        if _until(record) - record.day < 12:
            continue
        middle = record.day + rng.randint(5, _until(record) - record.day - 6)
        taken.replaced(record, _up_to(record, middle + rng.randint(1, 4)), _since(record, middle))
        return Case(taken.patient, one("records_overlap", taken.key))
    return None


def doses_left_out(world: World, rng: Random) -> Case | None:
    """Gaps that are each allowed, and together leave too few of the doses."""
    return _shared(world, rng, _with_gaps, "adherence_low")


def doses_too_many(world: World, rng: Random) -> Case | None:
    """Doses recorded one by one, and more of them than planned."""
    return _shared(world, rng, _one_by_one, "adherence_high")


def _shared(world: World, rng: Random, record: Callable[[Taken], list[Given] | None], code: str) -> Case | None:
    for taken in whole(world, rng):
        new = record(taken)
        if new is not None:
            for old in taken.records[1:]:
                taken.patient.doses.remove(old)
            taken.replaced(taken.records[0], *new)
            return Case(taken.patient, one(code, taken.key))
    return None


def _with_gaps(taken: Taken) -> list[Given] | None:
    """The records with gaps in them, each as long as allowed, as many as leave less than the least share."""
    part = _part(taken.records[0])
    if part is None or part.adherence is None or (part.gap is not None and not part.gap.days):
        return None
    off, least = part.gap.days if part.gap is not None else 3, float(part.adherence.low.base) / 10_000
    for on in range(4 * off, 0, -1):
        found = [piece for record in taken.records for piece in _pieces(record, on, off)]
        if _doses(found) < (least - 0.02) * _doses(taken.records):
            return found
    return None


def _pieces(record: Given, on: int, off: int) -> Iterator[Given]:
    """So many days with the drug and so many without, in turn; the last days are taken."""
    for day in range(record.day, _until(record) + 1, on + off):
        yield _up_to(_since(record, day), _until(record) if day + on + off > _until(record) else day + on - 1)


def _doses(records: list[Given]) -> float:
    """How many doses the days of some records hold."""
    often = [(d, part.frequency) for d in records if (part := _part(d)) is not None and part.frequency is not None]
    return sum((_until(d) - d.day + 1) * f.times / f.days for d, f in often)


def _one_by_one(taken: Taken) -> list[Given] | None:
    """Each dose a record, one more a day than planned: far more than the largest share."""
    part = _part(taken.records[0])
    if part is None or part.adherence is None or part.adherence.high.base > 14_000:
        return None
    found = []
    for record in taken.records:
        part = _part(record)
        often = part.frequency if part is not None else None
        if often is None or often.times > 2:
            return None
        for day in range(record.day, _until(record) + 1, often.days):
            times = [day * DAY + 8 * 60 + n * 300 for n in range(often.times + 1)]
            found += [replace(record, at=at, end=None, frequency="") for at in times]
    return found


def level_ignored(world: World, rng: Random) -> Case | None:
    """A value that orders another dose of a course, and nothing was done about it in time."""
    for taken in courses(world, rng):
        patient, acts = taken.patient, [t for t in world.cast.story.triggers if _acts(t, taken.activity)]
        if len(taken.records) > 1 or not acts:
            continue
        trigger = rng.choice(acts)
        within = trigger.modification.within
        assert within is not None
        seen = sorted((s for s in patient.seen if s.measure in trigger.measured), key=lambda s: s.at)
        for n, value in enumerate(seen):
            until = value.at // DAY + within.days
            again = n + 1 < len(seen) and seen[n + 1].at // DAY <= until
            if not again and taken.records[0].day + 1 < value.at // DAY and until < _until(taken.records[0]) - 1:
                value.value = str(trigger.shown[value.measure])
                return Case(patient, one("level_not_acted_on", taken.key))
    return None


def changed_otherwise(world: World, rng: Random) -> Case | None:
    """A value that orders another dose of a course by a range of shares, and a dose changed far beyond it."""
    for taken in courses(world, rng):
        if len(taken.records) < 2:
            continue
        before, after = taken.records[-2:]
        up = (after.amount or 0) > (before.amount or 0)
        for trigger in world.cast.story.triggers:
            within = trigger.modification.within
            if not _acts(trigger, taken.activity) or within is None or not _by_range(trigger, up):
                continue
            again = range(after.day, after.day + within.days)
            seen = [s for s in taken.patient.seen if s.measure in trigger.measured and s.at // DAY in again]
            if not seen and before.amount and before.line is after.line and _until(after) > again[-1]:
                taken.replaced(after, replace(after, amount=before.amount * 2 if up else before.amount // 2))
                return Case(taken.patient, one("changed_otherwise", taken.key))
    return None


def _by_range(trigger: Trigger, up: bool) -> bool:
    """Whether the modification changes the dose that way, by a range of shares."""
    verb = "raise" if up else "reduce"
    return any(a.verb == verb and isinstance(a.by, Range) for a in trigger.modification.then)


def _acts(trigger: Trigger, activity: str) -> bool:
    m = trigger.modification
    changes = any(a.verb in ("raise", "reduce") and a.target in (activity, "all") for a in m.then)
    return m.within is not None and changes and len(trigger.measured) == 1 and not trigger.events
