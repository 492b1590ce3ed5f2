"""What is done to a participant: treatments with their steps, visits and assessments, and the cycles they fall in."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Field, PlainValidator

from protocol.dosing import Dose, Doses, Frequency, Interruption, Span
from protocol.durations import parse_offset
from protocol.elements import Conditions, Element, Many, TitledElement
from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range
from protocol.quota import Quota
from protocol.scalar import ScalarField
from protocol.timing import Anchor, Cycles, Duration, Moment, Window


def _positive(duration: Duration) -> Duration:
    if (duration.months, duration.days, duration.minutes) <= (0, 0, 0):
        raise ScalarError(duration.text, "is no interval to repeat after", "write one above zero such as '7 d'")
    return duration


def _counted(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ScalarError(text, "is not a number of times", "write a whole number from 1 on, such as 3")
    return int(text)


def _read_product(value: object) -> str | dict[str, str]:
    texts = list(value.values()) if isinstance(value, dict) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ScalarError(str(value), "is not a product", "write the id of a product, or a map of arm: product")
    return {str(arm): product for arm, product in value.items()} if isinstance(value, dict) else str(value)


def _read_rate(value: object) -> dict[Duration, Quantity]:
    steps = value if isinstance(value, dict) else {"0 min": value}
    return {_read_elapsed(after): Quantity.parse(str(rate)) for after, rate in steps.items()}


def _read_elapsed(value: object) -> Duration:
    return value if isinstance(value, Duration) else Duration.parse(str(value))


Interval: TypeAlias = Annotated[Duration, AfterValidator(_positive)]
"""A duration above zero."""

Times: TypeAlias = Annotated[int, PlainValidator(_counted, json_schema_input_type=Annotated[int, Field(ge=1)])]
"""A number of occurrences, from 1 on."""

Product: TypeAlias = Annotated[
    str | dict[str, str], PlainValidator(_read_product, json_schema_input_type=str | dict[str, str])
]
"""The id of a product, or arm -> product where the trial is blinded."""

Rate: TypeAlias = Annotated[
    dict[Duration, Quantity], PlainValidator(_read_rate, json_schema_input_type=str | dict[str, str])
]
"""Elapsed time -> the fastest rate from then on; one rate holds from 0 min."""


Mark: TypeAlias = Annotated[Duration, ScalarField(parse_offset, Duration)]
"""A duration that may be in working days."""


class Limit(Element):
    """Five marks counted from one anchor: a dose counts from `valid_from`, is on time from `opens` to `closes`, is
    best at `due`, and counts until `valid_to`. Limits count from recorded dates only (decision 8).
    """

    from_: Anchor = Field(alias="from")
    valid_from: Mark | None = None
    opens: Mark | None = None
    due: Mark | None = None
    closes: Mark | None = None
    valid_to: Mark | None = None


class Cycle(Element):
    """A repeated stretch of treatment: day 1 of the first at `from_`, of each next `every` after the actual day 1."""

    from_: Moment = Field(alias="from")
    every: Interval
    times: Times | None = None
    to: Moment | None = None
    late: Literal["keep", "shift"] = "shift"


class Activity(TitledElement):
    """What treatments, visits and assessments share: for whom, when, how often, in which window, on which condition.

    `arm` () means all arms; `window` None is not judged; `if_` expected when true, `may_if` permitted when true.
    """

    arm: Many[str] = ()
    due: Many[Moment] = ()
    every: Interval | None = None
    times: Times | None = None
    to: Moment | None = None
    before: Moment | None = None
    window: Window | None = None
    limits: Many[Limit] = ()
    in_: Cycles | None = Field(default=None, alias="in")
    if_: Conditions = Field(default=(), alias="if")
    may_if: Conditions = ()
    late: Literal["keep", "shift"] = "keep"
    missed: Literal["skip", "make_up"] = "skip"


class Part(Activity):
    """One stretch of a treatment: what is given, how much, by which route; as a course when it has a frequency.

    `redose`: a dose vomited within this time is given once more, and both are one dose. `interruption`: whether an
    infusion that stood still may go on with the same bag, and after how long at most.
    """

    product: Product | None = None
    route: str | None = None
    dose: Doses = ()
    requires: Conditions = ()
    after: Many[str] = ()
    redose: Duration | None = None
    level: int | None = None
    frequency: Frequency | None = None
    from_: Moment | None = Field(default=None, alias="from")
    for_: Interval | None = Field(default=None, alias="for")
    adherence: Range | None = None
    gap: Duration | None = None
    over: Span | None = None
    rate: Rate | None = None
    interruption: Interruption | None = None


class Step(Part):
    """A successive or parallel part of a treatment; it inherits every field of the treatment and overrides some."""

    short: ClassVar[str | None] = None


class Level(Element):
    """What a dose level means."""

    short: ClassVar[str | None] = "dose"
    dose: Doses = ()
    frequency: Frequency | None = None


_ENDS = frozenset({"to", "before", "for_"})
_HELD_TOGETHER = ("if_", "may_if")


class Treatment(Part):
    """A treatment: one part, or several steps; `at_most` counts the doses of all of them."""

    at_most: Many[Quota] = ()
    levels: dict[int, Level] = Field(default_factory=dict)
    steps: Many[Step] = ()

    def parts(self) -> tuple[Treatment, ...]:
        """The steps, each a treatment without steps and with everything inherited; the treatment itself without steps.

        A step's bare amount keeps the rest of the dose (decision 12); its conditions hold together with the
        treatment's; an end it writes replaces the inherited end, whichever of `to`, `before`, `for` either used;
        after the first, a step of a course without `from_` starts where the last ended, so `from_` is None.
        """
        return tuple(self._part(index, step) for index, step in enumerate(self.steps)) or (self,)

    def _part(self, index: int, step: Step) -> Treatment:
        wrote = set(step.model_fields_set)
        kept = set(self.model_fields_set) - {"steps", *wrote}
        if wrote & _ENDS:
            kept -= _ENDS
        if index > 0 and "from_" not in wrote:
            kept.discard("from_")
        fields: dict[str, Any] = {name: getattr(self, name) for name in kept}
        fields |= {name: getattr(step, name) for name in wrote}
        if "dose" in wrote and len(self.dose) == 1:
            fields["dose"] = tuple(dose.over(self.dose[0]) for dose in step.dose)
        for name in _HELD_TOGETHER:
            if name in wrote:
                fields[name] = (*getattr(self, name), *getattr(step, name))
        return Treatment.model_construct(_fields_set=kept | wrote, **fields)

    def doses(self) -> tuple[Dose, ...]:
        """The dose of this part: that of its level, where it names one."""
        return self.doses_at(self.level) if self.level is not None else self.dose

    def often(self) -> Frequency | None:
        """How often this part is taken: as its level says, where it names one that does."""
        level = self.levels.get(self.level) if self.level is not None else None
        return level.frequency if level is not None and level.frequency is not None else self.frequency

    def doses_at(self, level: int) -> tuple[Dose, ...]:
        """The dose of a level, its bare amount filled with the rest of the treatment's dose; () for no such level."""
        base = self.dose[0] if len(self.dose) == 1 else None
        return tuple(dose.over(base) for dose in self.levels[level].dose) if level in self.levels else ()


class Visit(Activity):
    """A visit: the assessments (or measures) it does, how it takes place, and the epoch of the study it belongs to."""

    does: Many[str] = ()
    mode: str | None = None
    epoch: str | None = None


class Assessment(Activity):
    """Something measured; without `due` it happens where a visit does it."""

    measures: Many[str] = ()
    before_consent: Literal["allowed"] | None = None
    mode: str | None = None
