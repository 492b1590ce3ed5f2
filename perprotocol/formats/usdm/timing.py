"""When the points of the timelines are: each as moments that count from a day, a milestone or an activity."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from perprotocol.formats.usdm.draft import Draft
from perprotocol.formats.usdm.flow import Flow, Loop
from perprotocol.formats.usdm.model import Instance, Timing
from perprotocol.formats.usdm.spans import NOTHING, Span, joined, read_span, window_text
from protocol import ScalarError


@dataclass(frozen=True)
class When:
    """So long after (or before) an anchor."""

    anchor: str
    span: Span = NOTHING
    before: bool = False

    @property
    def text(self) -> str:
        """The moment as a protocol writes it."""
        return (
            self.anchor if self.span.zero else f"{self.span.text} {'before' if self.before else 'after'} {self.anchor}"
        )

    def moved(self, span: Span, *, before: bool) -> When | None:
        """So much later or earlier; None where the two spans do not add up."""
        if self.span.zero or span.zero:
            return When(self.anchor, span if self.span.zero else self.span, before if self.span.zero else self.before)
        if self.before == before:
            total = joined(self.span, span)
            return None if total is None else When(self.anchor, total, before)
        if self.span.clock != span.clock or self.span.months or span.months:
            return None
        first, second = (s.minutes if span.clock else s.days for s in (self.span, span))
        size, later = abs(first - second), (first > second) == (not self.before)
        total = Span(0, 0, size, True, f"{size} min") if span.clock else Span(0, size, 0, False, f"{size} d")
        return When(self.anchor, total, not later)


@dataclass(frozen=True)
class Stands:
    """The element that a point became, and which of its occurrences it is of how many."""

    element: str
    number: int = 1
    many: bool = False


@dataclass
class Clock:
    """The timings of all timelines, resolved."""

    draft: Draft
    flows: list[Flow]
    stands: dict[str, Stands] = field(default_factory=dict)
    """Point -> the element that it is."""
    entries: dict[str, list[str]] = field(default_factory=dict)
    """Timeline -> the anchors at which it is entered; none for the main one."""
    said: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    """Points of a loop whose timing leaves the loop: they are taken to count from the point before them."""

    def __post_init__(self) -> None:
        self.flow_of = {one.id: flow for flow in self.flows for one in flow.order}
        self.points = {one.id: one for flow in self.flows for one in flow.order}
        self.timings: dict[str, list[Timing]] = {}
        for flow in self.flows:
            for timing in flow.timeline.timings:
                self.timings.setdefault(timing.relative_from_scheduled_instance_id, []).append(timing)

    def timing(self, identity: str) -> Timing | None:
        """The timing of a point; several of one are told once, and the first counts."""
        found = self.timings.get(identity, [])
        if len(found) > 1 and self._once(identity):
            names = ", ".join(one.name for one in found)
            self.draft.tell(
                "question", "several_timings", self.points[identity].place, timings=names, first=found[0].name
            )
        return found[0] if found else None

    def span(self, timing: Timing) -> Span | None:
        """The value of a timing; None where it cannot be said."""
        try:
            found = read_span(timing.value)
        except ScalarError as fault:
            if self._once(timing.id):
                self.draft.tell("question", "unreadable_span", timing.place, value=timing.value, why=fault.why)
            return None
        label = labelled(timing.value_label)
        if label is not None and label != found.about and self._once(timing.id):
            self.draft.tell("contradiction", "value_label", timing.place, value=timing.value, label=timing.value_label)
        return found

    def window(self, timing: Timing | None) -> str | None:
        """The window of a timing as a protocol writes it, None where it has none."""
        if timing is None:
            return None
        ends = (timing.window_lower, timing.window_upper)
        once = self._once(f"{timing.id} window")
        if not all(ends):
            if once and any(ends):
                side = "before" if ends[0] else "after"
                self.draft.tell("question", "half_window", timing.place, side=side, size=ends[0] or ends[1])
            elif once and timing.window_label:
                self.draft.tell("question", "label_without_window", timing.place, label=timing.window_label)
            return None
        try:
            lower, upper = (read_span((end or "").lstrip("-")) for end in ends)
        except ScalarError as fault:
            if once:
                self.draft.tell("question", "unreadable_span", timing.place, value=fault.text, why=fault.why)
            return None
        said = [abs(n) for n in _window_label(timing.window_label)]
        if once and said and said != [lower.about, upper.about]:
            values = {"label": timing.window_label or "", "lower": str(ends[0]), "upper": str(ends[1])}
            self.draft.tell("contradiction", "window_label", timing.place, **values)
        if once and any((end or "").startswith("-") for end in ends):
            self.draft.tell("contradiction", "negative_window", timing.place, lower=str(ends[0]), upper=str(ends[1]))
        text = window_text(lower, upper)
        if text is None and once:
            self.draft.tell("not said", "mixed_window", timing.place, lower=str(ends[0]), upper=str(ends[1]))
        return text

    def moments(self, point: Instance) -> list[When]:
        """When a point is, outside any loop that it lies in; [] where nothing says so."""
        return self._moments(point, ())

    def _moments(self, point: Instance, asked: tuple[str, ...]) -> list[When]:
        timing = self.timing(point.id)
        flow = self.flow_of[point.id]
        if timing is None:
            return self._entered(flow) if point.id == flow.timeline.entry_id else []
        span = self.span(timing)
        if span is None:
            return [self._recorded(point, timing, "unreadable_day")]
        if timing.kind == "fixed reference":
            return self._fixed(flow, span) or [self._recorded(point, timing, "unreadable_day")]
        if timing.kind not in ("before", "after"):
            return [self._recorded(point, timing, "unreadable_day")]
        target = self.points.get(timing.relative_to_scheduled_instance_id or "")
        if target is None or target.id in asked or self._circular(point):
            return [self._recorded(point, timing, "counts_from_itself")]
        self._check_order(point, timing, target)
        edge, own = timing.edges
        if own == "end" and self._once(f"{timing.id} end"):
            self.draft.tell("not said", "end_timed", timing.place)
        base = self._anchors(point, target, (*asked, point.id), end=edge == "end")
        before = timing.kind == "before"
        moved = [self._day_moved(when, span, before=before) or when.moved(span, before=before) for when in base]
        if not moved or any(when is None for when in moved):
            return [self._recorded(point, timing, "spans_do_not_add")]
        return [when for when in moved if when is not None]

    def _day_moved(self, when: When, span: Span, *, before: bool) -> When | None:
        """A day of the protocol so many whole days later or earlier is another day of the protocol."""
        found = re.fullmatch(r"day (-?[0-9]+)", when.anchor)
        if found is None or not when.span.zero:
            return None
        if not span.whole_days:
            return When("day-zero", span, before) if int(found[1]) == self.first else None
        number = int(found[1])
        offset = (number - 1 if self.first == 1 and number > 0 else number) + (-span.days if before else span.days)
        return When(f"day {study_day(Fraction(offset), self.first)}")

    def _circular(self, point: Instance) -> bool:
        """Whether what a point counts from leads back to it."""
        passed: list[str] = []
        at: Instance | None = point
        while at is not None and at.id not in passed:
            passed.append(at.id)
            timing = self.timing(at.id)
            known = timing is not None and timing.kind != "fixed reference"
            at = (
                self.points.get(timing.relative_to_scheduled_instance_id or "")
                if timing is not None and known
                else None
            )
        return at is not None and at.id == point.id

    def _fixed(self, flow: Flow, span: Span) -> list[When]:
        """The day that a fixed reference names, or what its timeline is entered at; [] for hours or months."""
        if self.entries.get(flow.timeline.id):
            return self._entered(flow)
        return [When(f"day {span.days}")] if span.zero or span.whole_days else []

    def _entered(self, flow: Flow) -> list[When]:
        return [When(anchor) for anchor in self.entries.get(flow.timeline.id, [])]

    def _anchors(self, point: Instance, target: Instance, asked: tuple[str, ...], *, end: bool) -> list[When]:
        """What a point counts from: the element that the other is, or what that one counts from."""
        loop = self.flow_of[target.id].loop_of(target.id)
        if loop is not None and self.flow_of[point.id].loop_of(point.id) is not loop:
            return self._after_loop(target, loop)
        stands = self.stands.get(target.id)
        if stands is None:
            return self._moments(target, asked)
        entries = self.entries.get(self.flow_of[target.id].timeline.id, [])
        called = len(entries) > 1 or any(anchor.startswith("each ") for anchor in entries)
        words = ["end of"] * end + ["each"] * called + [stands.element]
        words += [str(stands.number)] * (stands.number > 1 and not called)
        return [When(" ".join(words))]

    def _after_loop(self, target: Instance, loop: Loop) -> list[When]:
        """So long after the last round of an activity that the loop repeats."""
        mine = self.since_base(target, loop)
        for one in loop.body:
            base = self.since_base(one, loop)
            if one.id in self.stands and mine is not None and base is not None and (mine - base).denominator == 1:
                days = int(mine - base)
                return [
                    When(
                        f"last {self.stands[one.id].element}", Span(0, abs(days), 0, False, f"{abs(days)} d"), days < 0
                    )
                ]
        return [self._recorded(target, self.timing(target.id), "nothing_in_loop")]

    def since_base(self, point: Instance, loop: Loop, asked: tuple[str, ...] = ()) -> Fraction | None:
        """Days from the beginning of a round to a point in it; None where that is no fixed time."""
        if point.id == loop.base.id:
            return Fraction(0)
        timing = self.timing(point.id)
        span = self.span(timing) if timing is not None else NOTHING
        if span is None or span.months:
            return None
        inside = {one.id for one in loop.body}
        to = timing.relative_to_scheduled_instance_id if timing is not None else None
        if timing is None or timing.kind == "fixed reference" or to not in inside or to in (point.id, *asked):
            place = next(n for n, one in enumerate(loop.body) if one.id == point.id)
            to = loop.body[place - 1].id
            self.replaced.add(point.id)
            if timing is not None and self._once(f"{timing.id} loop"):
                values = {"instance": point.name, "before": loop.body[place - 1].name}
                self.draft.tell("contradiction", "leaves_loop", timing.place, **values)
        base = self.since_base(self.points[to or ""], loop, (*asked, point.id))
        if base is None:
            return None
        return base - span.about if timing is not None and timing.kind == "before" else base + span.about

    def nominal(self, point: Instance, asked: tuple[str, ...] = ()) -> Fraction | None:
        """Days from day zero to a point as planned, of the first round; None where the file does not tell."""
        timing = self.timing(point.id)
        if timing is None or point.id in asked:
            return None
        try:
            span = read_span(timing.value)
        except ScalarError:
            return None
        if timing.kind == "fixed reference":
            entered = bool(self.entries.get(self.flow_of[point.id].timeline.id))
            return None if entered else span.about - self.first
        target = self.points.get(timing.relative_to_scheduled_instance_id or "")
        base = self.nominal(target, (*asked, point.id)) if target is not None else None
        if base is None:
            return None
        return base - span.about if timing.kind == "before" else base + span.about

    @property
    def first(self) -> int:
        """The number of day zero: the lowest day that a fixed reference of the main timeline names, 0 or 1."""
        fixed = [
            timing.value
            for flow in self.flows
            if flow.timeline.main_timeline
            for timing in flow.timeline.timings
            if timing.kind == "fixed reference"
        ]
        return 0 if any(_days(value) == 0 for value in fixed) else 1

    def _recorded(self, point: Instance, timing: Timing | None, key: str) -> When:
        """A day that only a record can tell: a milestone, and a question."""
        name = self.draft.homes.get(f"milestone {point.id}")
        if name is None:
            name = self.draft.name(point.name, f"{point.name} day", suffix="day")
            self.draft.homes[f"milestone {point.id}"] = name
            element = {"title": f"the day of {point.title}"}
            self.draft.block("milestones")[name] = self.draft.origin(element, point.place)
            place = timing.place if timing is not None else point.place
            self.draft.tell("question", key, place, f"milestones.{name}", instance=point.name, milestone=name)
        return When(name)

    def _check_order(self, point: Instance, timing: Timing, target: Instance) -> None:
        flow = self.flow_of[point.id]
        same = self.flow_of.get(target.id) is flow and not (flow.loop_of(point.id) or flow.loop_of(target.id))
        later = same and flow.place(target.id) > flow.place(point.id)
        wrong = later != (timing.kind == "before") and not (self.span(timing) or NOTHING).zero
        if same and wrong and self._once(f"{timing.id} order"):
            values = {"instance": point.name, "type": timing.kind, "target": target.name}
            self.draft.tell("contradiction", "against_order", timing.place, **values)

    def _once(self, key: str) -> bool:
        new = key not in self.said
        self.said.add(key)
        return new


def study_day(offset: Fraction, first: int) -> int:
    """The number of the day that lies so far from day zero; where the first day is 1 there is no day 0."""
    whole = offset.numerator // offset.denominator
    return whole + 1 if first == 1 and whole >= 0 else whole


def series(moments: list[When], occurrences: dict[str, int]) -> dict[str, object]:
    """`due`, and `every` with `times` where the moments lie evenly; each of all occurrences of an activity is `each`.

    `occurrences`: how many there are of an activity that several moments may count from.
    """
    texts = [when.text for when in moments]
    if len(moments) < 2:
        return {"due": texts[0]} if texts else {}
    name = re.sub(r"^(?:start of |end of )?", "", moments[0].anchor)
    total = occurrences.get(name, 0)
    edge = moments[0].anchor.removesuffix(name)
    wanted = [name, *(f"{name} {n}" for n in range(2, total + 1))]
    alike = len({(when.span.text, when.before) for when in moments}) == 1
    if total == len(moments) and alike and [when.anchor for when in moments] == [edge + each for each in wanted]:
        return {"due": When(f"{edge}each {name}", moments[0].span, moments[0].before).text}
    return _evenly(moments) or {"due": texts}


def _evenly(moments: list[When]) -> dict[str, object]:
    days = (re.fullmatch(r"day (-?[0-9]+)", when.text) for when in moments)
    numbers = [int(day[1]) for day in days if day]
    if len(numbers) == len(moments) and (min(numbers) > 0 or max(numbers) < 0 or 0 in numbers):
        steps, unit = {b - a for a, b in pairwise(numbers)}, "d"
    elif len({when.anchor for when in moments}) == 1 and not any(when.before for when in moments):
        sizes = {(when.span.months > 0 and not when.span.days, when.span.clock) for when in moments}
        months = sizes == {(True, False)}
        values = [when.span.months if months else when.span.days for when in moments]
        steps = {b - a for a, b in pairwise(values)}
        unit = "mo" if months else "d"
        if not months and any(when.span.months or when.span.clock for when in moments):
            return {}
    else:
        return {}
    step = next(iter(steps))
    if len(steps) > 1 or step <= 0:
        return {}
    if unit == "d" and step == 1 and numbers:
        return {"due": f"days {numbers[0]} to {numbers[-1]}"}
    return {"due": moments[0].text, "every": f"{step} {unit}", "times": str(len(moments))} if len(moments) > 2 else {}


_LABEL_UNITS = {
    "min": Fraction(1, 1440), "mins": Fraction(1, 1440), "minute": Fraction(1, 1440), "minutes": Fraction(1, 1440),
    "h": Fraction(1, 24), "hour": Fraction(1, 24), "hours": Fraction(1, 24), "day": Fraction(1), "days": Fraction(1),
    "week": Fraction(7), "weeks": Fraction(7),
}  # fmt: skip


def labelled(text: str) -> Fraction | None:
    """The days that a label such as `2 Weeks` says; None where it says none."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*", text)
    unit = _LABEL_UNITS.get(found[2].lower()) if found else None
    return Fraction(found[1]) * unit if found and unit is not None else None


def _window_label(text: str | None) -> list[Fraction]:
    found = re.fullmatch(r"\s*([+-]?[0-9.]+?)\s*\.\.\s*([+-]?[0-9.]+)\s*([A-Za-z]+)\s*", text or "")
    unit = _LABEL_UNITS.get(found[3].lower()) if found else None
    return [Fraction(found[n]) * unit for n in (1, 2)] if found and unit is not None else []


def _days(value: str) -> Fraction | None:
    try:
        return read_span(value).about
    except ScalarError:
        return None
