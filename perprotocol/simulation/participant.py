"""A participant who does as the protocol says: values shown, doses within their limits, changes that it orders."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from perprotocol.simulation.amounts import WHOLE
from perprotocol.simulation.cycled import Opening
from perprotocol.simulation.days import DAY
from perprotocol.simulation.dosed import Dosed
from perprotocol.simulation.draws import draw
from perprotocol.simulation.life import FOREVER, Due, Stage
from perprotocol.simulation.patient import Given, Patient, Planned, Seen
from perprotocol.simulation.script import Script
from perprotocol.simulation.shown import HIGH, LOW, Shown, Value, level_of
from perprotocol.simulation.story import Story, Trigger
from protocol.actions import Action
from protocol.activities import Part
from protocol.conditions import Compare, Words
from protocol.model import Measure
from protocol.quantity import Quantity

CHANGES = 0.04
"""How often, where the protocol would change something, a participant gives it reason to."""
OPTIONAL = 0.4
"""How often a permitted dose is given."""


class Participant(Dosed):
    """One participant: a life with a body, values, and doses on record in `patient`."""

    def __init__(self, script: Script, story: Story, patient: Patient, stage: Stage) -> None:
        super().__init__(script, story, patient, stage)
        self.held: dict[str, tuple[int, int]] = {}
        self.ordered: dict[tuple[str, int, int], Fraction] = {}
        """Of doses on a day of a cycle the share that the protocol orders: 0 for none."""
        self.decided: dict[tuple[int, int], int] = {}
        """The day on which what decides about a day of a cycle is known: nothing is given before."""
        self.lowered: dict[str, set[int]] = {}
        """The cycles after which a drug is given a level lower."""
        self.waited: set[int] = set()
        self.lasting: list[tuple[int, int, Shown]] = []

    # --- what takes place -----------------------------------------------------------------------------------------

    def expects(self, due: Due, plan: Planned) -> bool:
        """Conditions hold, and the treatment is neither stopped nor held on the day it is due."""
        part, name = plan.line.part, plan.line.activity
        if part.if_ and self.story.reader.all_hold(part.if_, self.values) is not True:
            return False
        if plan.line.kind == "treatment":
            if plan.due > self.stopped.get(name, FOREVER):
                return False
            begins, ends = self.held.get(name, (FOREVER, FOREVER))
            if begins <= plan.due < ends:
                return False
            if self.share_of(plan) == 0:
                self.patient.doses.append(Given(plan.key, plan.on(plan.due), status="not given", reason="low counts"))
                return False
        if part.may_if:
            return plan.line.kind == "treatment" and self._optional(plan)
        return True

    def _optional(self, plan: Planned) -> bool:
        """A permitted dose is given to some, once they show what permits it."""
        shown = self.story.optional
        if shown is None or draw(self.seed, 4, plan.line.code, plan.number) > OPTIONAL:
            return False
        at = self._choose(plan, self.ends_by(plan))
        self._show(shown, at - 1)
        self.lasting.append((at - 60, at, shown))
        return True

    def done(self, plan: Planned, at: int) -> int:
        """A dose, a visit or an assessment, as it goes on record; the minute it ends."""
        line = plan.line
        if line.course:
            self.courses.append((line, at))
            return at
        if line.kind == "treatment":
            self._prepare(line.treatment, at)
            return self.give(plan, line.treatment, at)
        if line.kind == "visit":
            self.patient.visits[plan.key] = at, ""
            self._measure(plan, line.measures, at)
            return at + 30
        self._measure(plan, (line.activity,), at)
        return at

    def _prepare(self, part: Part, at: int) -> None:
        """What a dose requires to be shown before it is shown an hour before, where nothing else did."""
        for condition in part.requires:
            if not isinstance(condition, Compare) or condition.within is None or not isinstance(condition.value, Words):
                continue
            since = at - condition.within.days * DAY
            shown = any(s.measure == condition.name and since <= s.at <= at for s in self.patient.seen)
            if condition.op == "=" and not shown:
                self._observe(condition.name, at - 60, None, condition.value.words[0])

    def before_cycle(self, o: Opening, drugs: frozenset[str]) -> int | None:
        """A cycle waits where the protocol says so; none begins once the drugs of its day 1 are stopped."""
        cycle, number, day = o.name, o.number, o.due
        for name, cycles in self.lowered.items():
            self.levels[name] = -sum(before < number for before in cycles)
            self.values[level_of(name)] = Decimal(self.levels[name])
        if drugs and drugs <= set(self.stopped):
            return None
        for trigger in self.story.triggers:
            m = trigger.modification
            delays = any(a.verb == "delay" and a.target == cycle for a in (*m.then, *m.may))
            if not delays or number == 1 or (m.in_ is not None and not m.in_.includes(number)):
                continue
            if draw(self.seed, 5, number) < CHANGES:
                wait = 3 + int(draw(self.seed, 6, number) * 5)
                if trigger.measured and trigger.over is not None:
                    self._show(trigger.shown, (day - 1) * DAY + 480)
                    self._show(trigger.over, (day + wait) * DAY + 480)
                    self.waited.add(number)
                elif trigger.events and not trigger.measured:
                    self._event(trigger, (day - 1) * DAY + 480, (day + wait) * DAY)
                else:
                    continue
                return day + wait
        return day

    def _choose(self, plan: Planned, last: int) -> int:
        if plan.cycle in self.waited and plan.line.kind == "assessment":
            return plan.on(plan.closes)
        at = super()._choose(plan, last)
        known = self.decided.get((plan.cycle or 0, plan.offset[1] + 1), 0) if plan.line.kind == "treatment" else 0
        return max(at, plan.on(known))

    def left(self, how: str, day: int) -> None:
        """The end is on record, and nothing that it ends is expected any more."""
        self.patient.milestones.append((how, day * DAY + 9 * 60))
        self.known[how] = day * DAY + 9 * 60
        if how in ("death", "withdrawal", "completion"):
            self.over["participation"] = day
            return
        self.over["treatment"] = day
        if how != "discontinuation" and not self._stops(how):
            self.patient.milestones.append(("discontinuation", day * DAY + 9 * 60))
        for line, n in self._waiting.pop(how, []):
            self._start(line, n, [self.known[how]])
        if how in self._leaving_visits():
            self.over["visits"] = day

    def _beyond(self, plan: Planned) -> bool:
        if super()._beyond(plan):
            return True
        if "visits" in self.over and plan.line.part.before is not None:
            names = {i.anchor.name for i in plan.line.part.before.alternatives if i.anchor}
            return bool(names & set(self.known)) and plan.due >= self.over["visits"]
        return False

    def _leaving_visits(self) -> set[str]:
        moments = [v.before for v in self.protocol.visits.values() if v.before is not None]
        return {i.anchor.name or "" for m in moments for i in m.alternatives if i.anchor is not None}

    def _stops(self, how: str) -> bool:
        return any(
            action.verb == "stop" and action.target == "all" and any(how in c.names() for c in m.if_)
            for m in self.protocol.modifications.values()
            for action in m.then
        )

    # --- what is shown --------------------------------------------------------------------------------------------

    def _measure(self, plan: Planned, names: Iterable[str], at: int) -> None:
        measures: list[str] = []
        for name in names:
            stated = self.protocol.assessments.get(name)
            if stated is not None and ((stated.arm and self.patient.arm not in stated.arm) or stated.may_if):
                continue
            measures += stated.measures if stated is not None and stated.measures else (name,)
        trigger = self._chance(plan, frozenset(measures), at) or self._of_cycle(plan, frozenset(measures), at)
        for measure in dict.fromkeys(measures):
            shown = trigger.shown.get(measure) if trigger is not None else None
            self._observe(measure, at + 5, plan, shown)
        if trigger is not None and trigger.modification.at is None:
            self._apply(trigger, at + 5)

    def _chance(self, plan: Planned, measures: frozenset[str], at: int) -> Trigger | None:
        """What a participant shows at an occasion that changes the treatment: rarely anything."""
        if at // DAY <= self.zero or draw(self.seed, 7, plan.line.code, plan.number) > CHANGES:
            return None
        for trigger in self.story.triggers:
            if trigger.measured and trigger.measured <= measures and not trigger.events and self._fits(trigger, at):
                return trigger
        return None

    def _of_cycle(self, plan: Planned, measures: frozenset[str], at: int) -> Trigger | None:
        """What is shown before a dose of a cycle, and orders another dose, or none, on that day."""
        for trigger in self.story.triggers:
            m = trigger.modification
            if not decides(trigger, plan, measures) or draw(self.seed, 19, plan.number, len(trigger.name)) > CHANGES:
                continue
            for action in m.then:
                self.ordered[action.target, plan.cycle or 0, plan.offset[1] + 1] = share_ordered(action)
            self.decided[plan.cycle or 0, plan.offset[1] + 1] = at // DAY
            return trigger
        return None

    def share_of(self, plan: Planned) -> Fraction:
        """The share that the protocol orders of a dose, all of it where it orders nothing."""
        return self.ordered.get((plan.line.activity, plan.cycle or 0, plan.offset[1] + 1), WHOLE)

    def _fits(self, trigger: Trigger, at: int) -> bool:
        """Nothing is under way that it would change, and it can be acted on."""
        m = trigger.modification
        verbs = {a.verb for a in (*m.then, *m.may)}
        targets = {a.target for a in (*m.then, *m.may)}
        on = self.courses and all(t in {line.activity for line, _ in self.courses} for t in targets)
        if verbs <= {"raise", "reduce"} and on and m.at is None:
            return at // DAY - 14 > self.zero
        return verbs <= {"hold", "stop"} and self._committed <= at and (trigger.over is not None or verbs == {"stop"})

    def _apply(self, trigger: Trigger, at: int) -> None:
        m = trigger.modification
        for action in m.then:
            targets = list(self.protocol.treatments) if action.target == "all" else [action.target]
            for name in targets:
                if action.verb == "stop":
                    self.stopped[name] = min(at // DAY, self.stopped.get(name, FOREVER))
                elif action.verb == "hold" and trigger.over is not None:
                    until = at // DAY + 3 + int(draw(self.seed, 8, at) * 6)
                    self._show(trigger.over, until * DAY + 480)
                    self.held[name] = at // DAY, until
                elif action.verb in ("raise", "reduce"):
                    steps = self.steps.setdefault(name, [])
                    now = steps[-1][1] if steps else Fraction(1)
                    factor = Fraction(6, 5) if action.verb == "raise" else Fraction(4, 5)
                    steps.append((at // DAY + 1, now * factor))
        if m.until == () and not any(a.verb in ("raise", "reduce") for a in m.then):
            return

    def _event(self, trigger: Trigger, at: int, end: int) -> None:
        """What happened goes on record, with a grade that counts."""
        for name in trigger.events:
            stated = self.protocol.events[name]
            word = stated.terms[0] if stated.terms else name
            self.patient.events.append({"event": word, "start": at, "end": end, "grade": 3})

    def _show(self, shown: Shown, at: int) -> None:
        """Values outside the plan: an unscheduled sample."""
        for name, value in shown.items():
            if name in self.protocol.measures:
                self._observe(name, at, None, value)

    def _observe(self, measure: str, at: int, plan: Planned | None, shown: Value | None = None) -> None:
        patient, day = self.patient, at // DAY
        key, visit = (plan.key, plan.line.activity) if plan is not None else (None, "")
        visit = visit if plan is not None and plan.line.kind == "visit" else ""
        if measure == "weight":
            patient.weighings[day] = self.grams(day)
            patient.weighed_for.add(day)
            return
        if measure == "height":
            patient.seen.append(Seen("height", str(self.mm() // 10), "cm", at, visit, key))
            return
        if shown is None:
            shown = self._usual(measure, at)
        self.values[measure] = shown
        stated = self.protocol.measures.get(measure)
        unit = (stated.unit or "") if stated is not None else ""
        low, high = (str(LOW), str(HIGH)) if isinstance(shown, Decimal) else ("", "")
        since = self._since(stated, at)
        patient.seen.append(Seen(measure, str(shown), unit, at, visit, key, low, high, since))

    def _since(self, stated: Measure | None, at: int) -> str:
        """Hours after the dose before, where the protocol says how many they are."""
        if stated is None or stated.drawn is None:
            return ""
        low, high = stated.drawn.alternatives[0].low, stated.drawn.alternatives[0].high
        assert low is not None and high is not None
        minutes = low.minutes + int(draw(self.seed, 17, at) * (high.minutes - low.minutes + 1))
        return str(round(minutes / 60, 2))

    def _usual(self, measure: str, at: int) -> Value:
        if at // DAY < self.zero and measure in self.story.eligible:
            return self.story.eligible[measure]
        for begins, ends, shown in self.lasting:
            if begins <= at <= ends and measure in shown:
                return shown[measure]
        u = draw(self.seed, 9, sum(measure.encode()), at)
        if measure in self.story.quiet[0]:
            return self.story.quiet[int(u * len(self.story.quiet))][measure]
        stated = self.protocol.measures.get(measure)
        if stated is None:
            return "done"
        if stated.values:
            return stated.values[int(u * len(stated.values))]
        return Decimal(150 + int(u * 100)) / 10

    def _lowers(self, trigger: Trigger, plan: Planned) -> bool:
        """Now and then an event in a cycle lowers the level from the next cycle on, as far as there is one."""
        m = trigger.modification
        if m.scope != "next cycle" or plan.cycle is None or any(a.verb != "reduce" or a.levels != 1 for a in m.then):
            return False
        for action in m.then:
            levels = self.protocol.treatments[action.target].levels
            cycles = self.lowered.get(action.target, set())
            if plan.cycle in cycles or -len(cycles) - 1 < min(levels, default=0):
                return False
        return draw(self.seed, 29, plan.line.code, plan.number) < CHANGES

    def reacts(self, plan: Planned, given: Given) -> None:
        """Now and then something happens after a dose, and the protocol says what follows."""
        for trigger in self.story.triggers:
            m = trigger.modification
            if not trigger.measured and trigger.events and self._lowers(trigger, plan):
                at = (given.end or given.at) + 30
                self._event(trigger, at, at + 3 * 60)
                for action in m.then:
                    self.lowered.setdefault(action.target, set()).add(plan.cycle or 0)
                return
            if trigger.measured or not trigger.events or {a.verb for a in (*m.then, *m.may)} != {"stop"}:
                continue
            if not {given.key[0], "all"} & {a.target for a in m.then}:
                continue
            if draw(self.seed, 15, plan.line.code, plan.number) < CHANGES / 2 and self._committed <= given.at:
                at = (given.end or given.at) + 30
                self._event(trigger, at, at + 3 * 60)
                self._apply(trigger, at)


def decides(trigger: Trigger, plan: Planned, measures: frozenset[str]) -> bool:
    """Whether a modification that decides on one day of a cycle is decided by what is measured at an occasion."""
    m = trigger.modification
    if m.at is None or m.in_ is None or plan.cycle is None or plan.line.kind != "assessment" or trigger.events:
        return False
    changes = all(a.verb == "omit" or (a.verb == "reduce" and isinstance(a.to, Quantity)) for a in m.then)
    today = plan.offset[1] + 1 == m.at.alternatives[0].day and m.in_.includes(plan.cycle)
    return bool(m.then) and changes and today and trigger.measured <= measures


def share_ordered(action: Action) -> Fraction:
    """The share of a dose that is left: nothing where it is omitted."""
    return Fraction(action.to.value) / 100 if isinstance(action.to, Quantity) else Fraction(0)
