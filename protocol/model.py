"""The protocol as data: one document, frozen. `protocol.document` reads and writes it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from protocol.actions import Action, Resume
from protocol.activities import Activity, Assessment, Cycle, Level, Limit, Part, Step, Treatment, Visit
from protocol.conditions import All, AtLeast, Condition, Judged, NoneOf
from protocol.conditions import Any as AnyOf
from protocol.dosing import Cap, Dose, SurfacePolicy, WeightPolicy
from protocol.elements import Conditions, Element, Many, OneCondition, Text, TitledElement
from protocol.endpoints import AnalysisSet, Endpoint, Exclusion
from protocol.errors import ScalarError
from protocol.importance import Importance, ImportanceCriteria
from protocol.origin import Origin, origin
from protocol.quantity import Quantity
from protocol.timing import Anchor, Cycles, Duration, FirstDay, Moment

__all__ = [
    "Action",
    "Activity",
    "AnalysisSet",
    "Approval",
    "Arm",
    "Assessment",
    "Cap",
    "Consent",
    "Criterion",
    "Cycle",
    "Dose",
    "Element",
    "Eligibility",
    "Endpoint",
    "EventKind",
    "Exclusion",
    "Importance",
    "ImportanceCriteria",
    "Level",
    "Limit",
    "Measure",
    "Milestone",
    "Modification",
    "Origin",
    "Part",
    "Product",
    "Prohibited",
    "Protocol",
    "Resume",
    "Step",
    "SurfacePolicy",
    "Text",
    "Treatment",
    "Visit",
    "WeightPolicy",
]

MILESTONES = (
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
"""Milestones that every study can record without naming them."""


class Arm(TitledElement):
    """A group of participants; a `concurrent` group was not assigned by the trial and is judged on its doses only."""

    group: Literal["concurrent"] | None = None


class Milestone(Element):
    """A day that others count from: recorded; its anchor says how it is found where none is recorded."""

    short: ClassVar[str | None] = "anchor"
    anchor: Anchor | None = None


class Product(TitledElement):
    """What is given, and what must be true of it when it is (`viability >= 70 percent`, `dmso <= 1 g/kg`).

    `brand`: the brands that are this product; an amount of another, or of an unknown one, is never compared.
    `contains`: what else a volume of it holds (`dmso: 0.11 g/mL`), so that `requires` may limit it per kg.
    """

    requires: Conditions = ()
    brand: Many[str] = ()
    contains: dict[str, Quantity] = Field(default_factory=dict)
    terms: Many[str] = ()


def _read_case(value: object) -> object:
    if value == "otherwise":
        return ()
    return value if isinstance(value, list | tuple) else [value]


Case: TypeAlias = Annotated[
    tuple[OneCondition, ...], BeforeValidator(_read_case), Field(json_schema_extra={"one_or_more": True})
]
"""The conditions of a case, () for `otherwise`."""


class Measure(TitledElement):
    """A number with its unit, one of some words in rising order, or worked out by the first case that holds.

    `cases`: value -> the conditions that must all hold; () for `otherwise`. `drawn`: when a sample is drawn, such as
    `within 10 h to 14 h after last ciclosporin` for a trough; one drawn at another time is no value. `molar_mass`
    (`1202.6 g/mol`) lets values in amount of substance be read as mass.
    """

    unit: str | None = None
    values: Many[str] = ()
    drawn: Moment | None = None
    molar_mass: Quantity | None = None
    cases: dict[str, Case] = Field(default_factory=dict)


class EventKind(TitledElement):
    """Something that can happen to a participant, and the words a record may use for it."""

    terms: Many[str] = ()


_FORMS = ("if", "all", "any", "none", "of", "text")


class Criterion(Element):
    """A condition with a name: `if`, or one of the trees `all`, `any`, `none`, `at_least` with `of`, `text`."""

    short: ClassVar[str | None] = "if"
    if_: Conditions = Field(default=(), alias="if")
    all: Conditions = ()
    any: Conditions = ()
    none: Conditions = ()
    at_least: int | None = Field(default=None, ge=1)
    of: Conditions = ()
    text: str | None = None

    @property
    def condition(self) -> Condition:
        """The one condition it states."""
        if self.text is not None:
            return Judged(self.text)
        if self.any:
            return AnyOf(self.any)
        if self.none:
            return NoneOf(self.none)
        if self.of:
            return AtLeast(self.at_least or 1, self.of)
        conditions = self.if_ or self.all
        return conditions[0] if len(conditions) == 1 else All(conditions)

    @model_validator(mode="after")
    def _states_one_condition(self) -> Criterion:
        forms = [form for form in _FORMS if self.written(form) is not None]
        remedy = "write one of if, all, any, none, text, or at_least with of"
        if ("of" in forms) != (self.at_least is not None):
            raise ScalarError("", "has 'of' or 'at_least' without the other", remedy)
        if len(forms) != 1:
            said = "states more than one condition: " + ", ".join(forms) if forms else "states no condition"
            raise ScalarError("", said, remedy)
        return self


class Eligibility(Element):
    """Who may take part: every `include` true and no `exclude`."""

    include: dict[str, Criterion] = Field(default_factory=dict)
    exclude: dict[str, Criterion] = Field(default_factory=dict)


class Modification(Element):
    """What a condition changes: `then` must happen, `may` is excused but not required, `until` says how long."""

    if_: Conditions = Field(alias="if")
    then: Many[Action] = ()
    may: Many[Action] = ()
    until: Conditions = ()
    within: Duration | None = None
    scope: Literal["rest", "this dose", "next cycle"] | None = None
    resume: Resume | None = None
    in_: Cycles | None = Field(default=None, alias="in")
    at: Moment | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Modification:
        if not (self.then or self.may):
            raise ScalarError("", "does nothing", "write then (must) or may (is allowed) with an action")
        return self


class Prohibited(TitledElement):
    """Medication that is not allowed: the words a record may use, from when to when, and what it is allowed for."""

    terms: Many[str] = ()
    unless: Many[str] = ()
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None


def _read_day(value: object) -> date:
    if isinstance(value, date):
        return value
    text = str(value)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError as fault:
            raise ScalarError(text, "is a day that does not exist", "write the date as 2024-03-01") from fault
    raise ScalarError(text, "is not a date", "write it as 2024-03-01")


Day: TypeAlias = Annotated[date, PlainValidator(_read_day, json_schema_input_type=str)]


class Approval(Element):
    """Who approved this file for use, and when; a run with a file that nobody approved says DRAFT on every page."""

    by: str
    on: Day
    author: str | None = None
    reviewer: str | None = None
    reason: str | None = None


class Consent(Element):
    """The consent form that goes with this version, the protocol's own version unless it is named.

    `again`: everyone in the trial must sign it before anything more is done for the trial under this version.
    `own_from`: the ages from which on nothing is done for the trial without the participant's own signature, given at
    that age, such as `[8 y, 18 y]`.
    """

    short: ClassVar[str | None] = "form"
    form: str | None = None
    again: Literal["required"] | None = None
    own_from: Many[Duration] = ()


class Protocol(Element):
    """One version of one trial's protocol. Maps keep the order of the document; `weight` None names no policy."""

    protocol: str
    version: str
    effective: Day | None = None
    replaces: str | None = None
    transition: Literal["at once", "from re-consent", "new participants", "next course"] | None = None
    """To whom this version applies once it is active at a site; of those who come to the site later, to all."""
    consent: Consent | None = None
    approved: Approval | None = None
    blinding: Literal["open", "blinded"] = "open"
    registry: str | None = None
    first_day: FirstDay | None = None
    months: Literal["clamp", "roll"] = "clamp"
    sources: dict[str, str] = Field(default_factory=dict)
    arms: dict[str, Arm] = Field(min_length=1)
    milestones: dict[str, Milestone] = Field(default_factory=dict)
    weight: WeightPolicy | None = None
    bsa: SurfacePolicy | None = None
    products: dict[str, Product] = Field(default_factory=dict)
    measures: dict[str, Measure] = Field(default_factory=dict)
    events: dict[str, EventKind] = Field(default_factory=dict)
    criteria: dict[str, Criterion] = Field(default_factory=dict)
    eligibility: Eligibility = Field(default_factory=Eligibility)
    cycles: dict[str, Cycle] = Field(default_factory=dict)
    treatments: dict[str, Treatment] = Field(min_length=1)
    visits: dict[str, Visit] = Field(default_factory=dict)
    assessments: dict[str, Assessment] = Field(default_factory=dict)
    modifications: dict[str, Modification] = Field(default_factory=dict)
    prohibited: dict[str, Prohibited] = Field(default_factory=dict)
    importance: ImportanceCriteria = Field(default_factory=ImportanceCriteria)
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    analysis_sets: dict[str, AnalysisSet] = Field(default_factory=dict)

    def origin(self, path: str) -> Origin:
        """Who says the field at `path`, such as `treatments.uc-msc.window`: see `protocol.origin`."""
        return origin(self, path)
