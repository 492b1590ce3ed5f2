"""Doses in a participant's life: a body, amounts inside their limits, infusions in their time, courses as intervals."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from perprotocol.simulation import body
from perprotocol.simulation.amounts import WHOLE, limits
from perprotocol.simulation.cycled import Cycled
from perprotocol.simulation.days import DAY, move, span
from perprotocol.simulation.draws import draw
from perprotocol.simulation.life import FOREVER, Stage
from perprotocol.simulation.patient import Given, Patient, Planned
from perprotocol.simulation.script import Line, Script
from perprotocol.simulation.shown import Value
from perprotocol.simulation.story import Story
from perprotocol.simulation.supply import supply
from protocol.activities import Part, Treatment
from protocol.dosing import Dose
from protocol.quantity import Range


class Dosed(Cycled):
    """A life with doses, on record in `patient`."""

    def __init__(self, script: Script, story: Story, patient: Patient, stage: Stage) -> None:
        self.patient, self.story = patient, story
        known = {"birth": patient.birth * DAY, "consented": patient.consent * DAY, "enrolled": patient.enrolled * DAY}
        known["randomised"] = patient.zero * DAY + 7 * 60 + 30
        super().__init__(script, patient.seed, patient.zero, known, stage)
        self.values: dict[str, Value] = {"arm": patient.arm, **story.quiet[0]}
        self.stopped: dict[str, int] = {}
        self.levels: dict[str, int] = {}
        self.used: int | None = None
        """The weight last used where a dose follows the weight; `used_before` is the one before its last change."""
        self.used_before: int | None = None
        self.courses: list[tuple[Line, int]] = []
        self.steps: dict[str, list[tuple[int, Fraction]]] = {}

    # --- the body -------------------------------------------------------------------------------------------------

    def months(self, day: int) -> int:
        """Age in months on a day."""
        return max(1, (day - self.patient.birth) * 12 // 365)

    def grams(self, day: int) -> int:
        """Body weight on a day: it grows with the age."""
        return body.grams(self.months(day), draw(self.seed, 10))

    def _drifting(self, day: int) -> int:
        """Body weight of somebody who gains or loses up to half in a year; two of five do neither."""
        u = draw(self.seed, 18)
        share = (u / 0.6 - 0.5 if u < 0.6 else 0) * (day - self.patient.zero) / 365
        return round(self.grams(day) * (1 + share) / 100) * 100

    def mm(self) -> int:
        """Body height at enrolment."""
        return body.millimetres(self.months(self.patient.enrolled), draw(self.seed, 11))

    def clearance(self) -> int:
        """Filtration rate in mL/min."""
        return 60 + int(draw(self.seed, 12) * 90)

    # --- doses ----------------------------------------------------------------------------------------------------

    def dose_of(self, line: Line, day: int, *, full: bool = False) -> Dose | None:
        """The dose in force: of the level (`full`: the planned one), and the first whose condition holds."""
        part = line.treatment
        doses = part.dose
        if part.level is not None and isinstance(part, Treatment):
            doses = self.script.doses(line, part, part.level + (0 if full else self.levels.get(line.activity, 0)))
        for dose in doses:
            if not dose.if_ or self.story.reader.all_hold(dose.if_, self.values) is True:
                return dose
        return None

    def reacts(self, plan: Planned, given: Given) -> None:
        """What happens after a dose; a subclass knows."""

    def give(self, plan: Planned, part: Part, at: int) -> int:
        """A dose anywhere inside its limits, weighed before where it counts by weight."""
        day = at // DAY
        given = Given(plan.key, at, line=plan.line)
        self._amount(given, self.dose_of(plan.line, day), day, self.share_of(plan))
        self._as_before(given, plan)
        given.end = at + self._lasts(part, given)
        if given.amount is not None:
            supply(self.protocol, self.patient, given, part)
        self.patient.doses.append(given)
        self.reacts(plan, given)
        return given.end

    def share_of(self, plan: Planned) -> Fraction:
        """Which share of the dose is given; a subclass knows."""
        return WHOLE

    def _amount(self, given: Given, dose: Dose | None, day: int, share: Fraction = WHOLE) -> None:
        amount = (dose.amount or dose.start) if dose is not None else None
        if dose is None or amount is None:
            return
        dimension = (amount.low if isinstance(amount, Range) else amount).dimension
        given.weighed = "/weight" in dimension or "/surface" in dimension
        given.grams = self._weight(dose, day) if given.weighed else 0
        given.least, given.most = _limits(dose, given.grams, self.mm(), self.clearance(), share)
        given.judged = bool(dose.tolerance) or isinstance(amount, Range)
        given.ceiling = int(dose.max.base) if dose.max is not None else None
        u = draw(self.seed, 13, given.at)
        where = 0.0 if u < 0.1 else 1.0 if u > 0.9 else (u - 0.1) / 0.8
        given.amount = given.least + int(where * (given.most - given.least))

    def _as_before(self, given: Given, plan: Planned) -> None:
        """What the dose would be as if nothing had been changed; of two changes no fault is told apart from another."""
        now, full = (self.dose_of(plan.line, given.day, full=whole) for whole in (False, True))
        ordered = now is not full or self.share_of(plan) != WHOLE
        reweighed = given.weighed and self.used_before is not None
        given.ordered, given.judged = ordered, given.judged and not (ordered and reweighed)
        if full is None or given.amount is None or ordered == reweighed:
            return
        grams = self.used_before if reweighed and self.used_before is not None else given.grams
        given.change = "weight" if reweighed else "modification"
        given.before = _limits(full, grams, self.mm(), self.clearance(), WHOLE)

    def _weight(self, dose: Dose, day: int) -> int:
        """The weight the dose counts with: the baseline one, or one not too old, taken that morning if need be."""
        patient, policy = self.patient, dose.weight or self.protocol.weight
        if policy is not None and policy.use == "baseline":
            patient.baseline = True
            if policy.recalculate is not None:
                patient.weighings[day] = self._drifting(day)
            now = patient.weight_on(day)
            assert now is not None
            if self.used is None:
                self.used = now
            elif policy.recalculate is not None and abs(now - self.used) * 100 >= policy.recalculate.value * self.used:
                self.used, self.used_before = now, self.used
            return self.used
        patient.weighings[day] = self.grams(day)
        return patient.weighings[day]

    def _lasts(self, part: Part, given: Given) -> int:
        """Minutes of an infusion: within the time it may take, and no faster than its rates."""
        u = draw(self.seed, 14, given.at)
        if part.over is not None:
            return part.over.low.minutes + int(u * (part.over.high.minutes - part.over.low.minutes))
        if part.rate and given.amount:
            return int(fastest(part, given.amount) * (1.05 + u / 4)) + 1
        return 20 + int(u * 40) if part.route == "intravenous" else 0

    # --- courses --------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Courses become intervals of one dose each."""
        ended: dict[str, int] = {}
        for line in self.script.lines:
            if not line.course:
                continue
            begun = next((at for known, at in self.courses if known is line), None)
            if begun is None and not line.starts and line.activity in ended:
                begun = (ended[line.activity] + 1) * DAY + 8 * 60
            if begun is not None:
                ended[line.activity] = self._course(line, begun)

    def _course(self, line: Line, begun: int) -> int:
        start = begun // DAY
        last, planned = self._course_end(line, start)
        self.patient.lasts[line.activity] = self.patient.lasts.get(line.activity, (start, 0))[0], planned
        stop = min(self.over.get("treatment", FOREVER), self.over.get("participation", FOREVER))
        last = min(last, stop, self.stopped.get(line.activity, FOREVER))
        changes = [(start, WHOLE), *((d, f) for d, f in self.steps.get(line.activity, []) if start < d <= last)]
        first: int | None = None
        for n, (day, share) in enumerate(changes):
            end = changes[n + 1][0] - 1 if n + 1 < len(changes) else last
            if day > end:
                continue
            given = Given((line.activity, line.first), day * DAY + begun % DAY, line=line, end=end * DAY + 20 * 60)
            given.frequency = line.treatment.frequency.text if line.treatment.frequency is not None else "once daily"
            self._amount(given, self.dose_of(line, day), day)
            self._daily(given, line)
            if first is None:
                first = given.amount
            elif first and given.amount:
                # A change is a change of the dose that was taken, wherever that lay inside its limits.
                given.amount = int(first * share)
            self.patient.doses.append(given)
        return last

    def _daily(self, given: Given, line: Line) -> None:
        """An amount a day in the doses of that day."""
        dose, frequency = self.dose_of(line, given.day), line.treatment.frequency
        amount = (dose.amount or dose.start) if dose is not None else None
        if given.amount is not None and amount is not None and frequency is not None:
            dimension = (amount.low if isinstance(amount, Range) else amount).dimension
            if dimension.endswith("/time"):
                given.amount = given.amount * frequency.days // frequency.times

    def _course_end(self, line: Line, start: int) -> tuple[int, int | None]:
        """The day up to which it is taken, and that day as planned."""
        part = line.treatment
        if part.for_ is not None:
            months, days, _ = span(part.for_)
            end = move(start, months, days, self._policy) - 1
            return end, end
        for moment, less in ((part.to, 0), (part.before, 1)):
            for begin in self.script.moment(moment, part):
                for base in self._bases(begin.anchor) or []:
                    end = move(base // DAY, begin.offset[0], begin.offset[1], self._policy) - less
                    return end, end
        return start + 14 + int(draw(self.seed, 16, line.code) * 30), None


@lru_cache(maxsize=1 << 16)
def _exact(dose: int, grams: int, mm: int, clearance: int, share: Fraction) -> tuple[int, int]:
    return limits(_DOSES[dose], grams, mm, clearance, share)


_DOSES: dict[int, Dose] = {}


def _limits(dose: Dose, grams: int, mm: int, clearance: int, share: Fraction) -> tuple[int, int]:
    """The limits of a dose, worked out once for every size."""
    _DOSES[id(dose)] = dose
    amount = dose.amount or dose.start
    dimension = (amount.low if isinstance(amount, Range) else amount).dimension if amount is not None else ""
    used = "/surface" in dimension, dose.formula is not None
    return _exact(id(dose), grams, mm if used[0] else 0, clearance if used[1] else 0, share)


def fastest(part: Part, amount: int) -> int:
    """The fewest minutes in which an amount may run in, step by step of its rates."""
    steps = sorted((after.minutes, Fraction(rate.base)) for after, rate in (part.rate or {}).items())
    left, minutes = amount, 0
    for n, (after, rate) in enumerate(steps):
        needs = -(-left * 60 * rate.denominator // rate.numerator)
        lasts = min(needs, steps[n + 1][0] - after) if n + 1 < len(steps) else needs
        minutes, left = minutes + lasts, max(0, left - lasts * rate.numerator // (60 * rate.denominator))
    return minutes + 1
