"""What of USDM 4 is read: a small part of its classes, by its own names. Everything else of a file is passed by, and
counted in the report.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Usdm(BaseModel):
    """A class of USDM: its id, and the attributes that are read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class ExtensionAttribute(Usdm):
    """What USDM itself has no place for: a name (`url`) and its value."""

    url: str
    value_string: str | None = None
    extension_attributes: tuple[ExtensionAttribute, ...] = ()


class Code(Usdm):
    """A term of a code list."""

    code: str
    decode: str
    code_system: str = ""


class AliasCode(Usdm):
    """A term with its synonyms."""

    standard_code: Code


class Quantity(Usdm):
    """A number with its unit."""

    id: str
    value: Decimal
    unit: AliasCode | None = None


class Range(Usdm):
    """Two quantities and what lies between."""

    id: str
    min_value: Quantity
    max_value: Quantity


class Duration(Usdm):
    """How long an administration goes on."""

    id: str
    quantity: Quantity | Range | None = None
    duration_will_vary: bool = False
    reason_duration_will_vary: str | None = None


class Named(Usdm):
    """A class with a name."""

    id: str
    name: str
    label: str | None = None
    description: str | None = None
    extension_attributes: tuple[ExtensionAttribute, ...] = ()

    @property
    def title(self) -> str:
        """What people call it."""
        return (self.label or "").strip() or self.name

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that people wrote of it."""
        return tuple(text for text in (self.name, self.label, self.description) if text)

    @property
    def place(self) -> str:
        """Where it stands in the file, as people find it."""
        return f"{type(self).__name__} {self.name}"


class TransitionRule(Named):
    """When something begins or ends, in words."""

    text: str


_KINDS = {"C201358": "fixed reference", "C201356": "after", "C201357": "before"}


class Timing(Named):
    """When a scheduled instance happens, relative to another one."""

    type: Code
    value: str
    value_label: str = ""
    relative_to_from: Code
    relative_from_scheduled_instance_id: str
    relative_to_scheduled_instance_id: str | None = None
    window_lower: str | None = None
    window_upper: str | None = None
    window_label: str | None = None

    @property
    def kind(self) -> str:
        """`fixed reference`, `after` or `before`; else the term of the file in small letters."""
        return _KINDS.get(self.type.code, self.type.decode.lower())

    @property
    def edges(self) -> tuple[str, str]:
        """Which end of the other one it counts from, and which of its own it times: `start` or `end`."""
        other, _, own = self.relative_to_from.decode.lower().partition(" to ")
        return other, own


class ConditionAssignment(Usdm):
    """Where a decision leads when its condition holds."""

    id: str
    condition: str
    condition_target_id: str


class Instance(Named):
    """A point of a timeline: activities and the encounter they take place at, or a decision with its conditions."""

    instance_type: str
    default_condition_id: str | None = None
    epoch_id: str | None = None
    timeline_id: str | None = None
    timeline_exit_id: str | None = None
    activity_ids: tuple[str, ...] = ()
    encounter_id: str | None = None
    condition_assignments: tuple[ConditionAssignment, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands in the file, as people find it."""
        return f"{self.instance_type} {self.name}"

    @property
    def decides(self) -> bool:
        """Whether it is a decision."""
        return self.instance_type == "ScheduledDecisionInstance"


class ScheduleTimeline(Named):
    """A schedule: where it is entered, its points in order, and when each of them is."""

    main_timeline: bool
    entry_condition: str = ""
    entry_id: str
    timings: tuple[Timing, ...] = ()
    instances: tuple[Instance, ...] = ()


class Encounter(Named):
    """A contact with a participant."""

    scheduled_at_id: str | None = None
    contact_modes: tuple[Code, ...] = ()
    transition_start_rule: TransitionRule | None = None
    transition_end_rule: TransitionRule | None = None


class Procedure(Named):
    """How an activity is carried out; it may be the giving of an intervention."""

    study_intervention_id: str | None = None


class Activity(Named):
    """Something done; a group has children, and a sub-timeline says when its parts are done."""

    child_ids: tuple[str, ...] = ()
    defined_procedures: tuple[Procedure, ...] = ()
    timeline_id: str | None = None


class StudyArm(Named):
    """A group of participants."""

    type: Code


class StudyEpoch(Named):
    """A stretch of the study."""


class StudyElement(Named):
    """What participants of an arm are given in an epoch."""

    study_intervention_ids: tuple[str, ...] = ()


class StudyCell(Usdm):
    """The elements of one arm in one epoch."""

    id: str
    arm_id: str
    epoch_id: str
    element_ids: tuple[str, ...] = ()


class EligibilityCriterion(Named):
    """One criterion and whether it includes or excludes."""

    category: Code
    identifier: str = ""
    criterion_item_id: str


class EligibilityCriterionItem(Named):
    """The sentence of a criterion."""

    text: str
    dictionary_id: str | None = None


class ParameterMap(Usdm):
    """What a tag in a sentence stands for."""

    tag: str
    reference: str


class Dictionary(Named):
    """The tags of some sentences."""

    parameter_maps: tuple[ParameterMap, ...] = ()


class Administration(Named):
    """How an intervention is given."""

    duration: Duration
    dose: Quantity | None = None
    route: AliasCode | None = None
    frequency: AliasCode | None = None
    administrable_product_id: str | None = None


class StudyIntervention(Named):
    """What is given."""

    role: Code
    administrations: tuple[Administration, ...] = ()


class AdministrableProduct(Named):
    """The product that is given, and its form."""

    administrable_dose_form: AliasCode


class Condition(Named):
    """A sentence that restricts activities, in some contexts."""

    text: str
    context_ids: tuple[str, ...] = ()
    applies_to_ids: tuple[str, ...] = ()


class GovernanceDate(Named):
    """A date of a version or an amendment."""

    type: Code
    date_value: str


class StudyAmendment(Named):
    """A change to the protocol."""

    number: str
    summary: str
    date_values: tuple[GovernanceDate, ...] = ()


class Title(Usdm):
    """A title of the study."""

    text: str
    type: Code


class Organization(Named):
    """Who gives identifiers."""

    type: Code


class Identifier(Usdm):
    """An identifier of the study, and whose it is."""

    text: str
    scope_id: str


class StudyDesign(Named):
    """How the study is done."""

    arms: tuple[StudyArm, ...] = Field(min_length=1)
    epochs: tuple[StudyEpoch, ...] = ()
    elements: tuple[StudyElement, ...] = ()
    study_cells: tuple[StudyCell, ...] = ()
    encounters: tuple[Encounter, ...] = ()
    activities: tuple[Activity, ...] = ()
    schedule_timelines: tuple[ScheduleTimeline, ...] = ()
    eligibility_criteria: tuple[EligibilityCriterion, ...] = ()
    study_intervention_ids: tuple[str, ...] = ()
    blinding_schema: AliasCode | None = None


class Version(Usdm):
    """One version of the study."""

    id: str
    extension_attributes: tuple[ExtensionAttribute, ...] = ()
    version_identifier: str
    titles: tuple[Title, ...] = ()
    study_identifiers: tuple[Identifier, ...] = ()
    organizations: tuple[Organization, ...] = ()
    date_values: tuple[GovernanceDate, ...] = ()
    amendments: tuple[StudyAmendment, ...] = ()
    study_designs: tuple[StudyDesign, ...] = Field(min_length=1)
    study_interventions: tuple[StudyIntervention, ...] = ()
    administrable_products: tuple[AdministrableProduct, ...] = ()
    eligibility_criterion_items: tuple[EligibilityCriterionItem, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Study(Usdm):
    """A study and its versions."""

    name: str
    versions: tuple[Version, ...] = Field(min_length=1)


class Wrapper(Usdm):
    """A file."""

    study: Study
    usdm_version: str
    system_name: str | None = None
    system_version: str | None = None
