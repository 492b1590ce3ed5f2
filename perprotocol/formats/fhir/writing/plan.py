"""A protocol as PlanDefinition: one action for each occurrence, with what it counts from; doses as ActivityDefinition.

The window is an extension that says its convention: days before and after the target, not from the anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from perprotocol.formats.fhir.codes import OURS, UCUM
from perprotocol.formats.fhir.writing.dosage import dosage
from perprotocol.formats.fhir.writing.elements import Body, Release, coding, concept, filled, id_of, identifier, text
from protocol.activities import Activity
from protocol.model import Protocol
from protocol.plain import plain
from rules.plan import compile_plan
from rules.planning.slots import Ref, Slot, Span

WINDOW = f"{OURS}:window-around-target"
_TIMING = (
    "due", "every", "times", "to", "before", "in", "from", "for", "frequency", "window", "limits", "late", "missed",
    "if", "may_if",
)  # fmt: skip
"""What a protocol writes of when an activity takes place."""
_TYPE = coding("http://terminology.hl7.org/CodeSystem/plan-definition-type", "clinical-protocol", "Clinical Protocol")


def canonical(trial: Protocol) -> str:
    """The address by which a version of a protocol is named."""
    return f"{OURS}:protocol:{trial.protocol}|{trial.version}"


class Found(NamedTuple):
    """An occurrence, once for all arms in which it counts from the same by the same."""

    id: str
    slot: Slot
    arms: tuple[str, ...]
    anchor: str


def write_plan(trial: Protocol, release: Release, lang: str) -> Body:
    """The whole protocol, as far as FHIR has a place for it."""
    found = _occurrences(trial)
    anchors = {one.anchor: one.slot.ref for one in found if one.slot.ref.kind not in ("slot", "none")}
    return filled({
        "resourceType": "PlanDefinition",
        "id": id_of(trial.protocol),
        "contained": [*_definitions(trial, lang)],
        "url": canonical(trial).partition("|")[0],
        "identifier": identifier("protocol", trial.protocol),
        "version": trial.version,
        "name": re.sub(r"[^A-Za-z0-9]", "_", trial.protocol.title()),
        "title": text(trial.title.in_(lang) if trial.title else trial.protocol),
        "type": concept(None, _TYPE),
        "status": "active" if trial.approved else "draft",
        "date": trial.effective.isoformat() if trial.effective else None,
        "description": text(trial.note),
        "relatedArtifact": [
            {"type": "documentation", "label": key, "display": text(said)} for key, said in trial.sources.items()
        ],
        "action": [
            *(_start(trial, name, ref, release, lang) for name, ref in anchors.items()),
            *_eligibility(trial, release),
            *_activities(trial, found, release, lang),
        ],
    })  # fmt: skip


def _occurrences(trial: Protocol) -> list[Found]:
    """Every occurrence of the protocol; one that differs between arms has the arm in its id."""
    ways: dict[str, dict[tuple[Any, ...], list[tuple[str, Slot, str]]]] = {}
    for arm, plan in compile_plan(trial).arms.items():
        for slot in plan.slots:
            anchor = _anchor(plan.slots, slot.ref)
            key = (anchor, slot.ref.end, slot.offset, slot.low, slot.high, slot.clock, slot.part.step)
            name = f"{slot.part.activity}.{slot.occurrence}"
            ways.setdefault(name, {}).setdefault(key, []).append((arm, slot, anchor))
    found = []
    for name, told in ways.items():
        for same in told.values():
            arms = tuple(arm for arm, _, _ in same)
            found.append(Found(id_of(name if len(told) == 1 else f"{name}.{arms[0]}"), same[0][1], arms, same[0][2]))
    return found


def _anchor(slots: Sequence[Slot], ref: Ref) -> str:
    """The id of the action that an occurrence counts from: another occurrence, a milestone, a cycle, an event."""
    if ref.kind == "slot" and ref.slot >= 0:
        return id_of(f"{slots[ref.slot].part.activity}.{slots[ref.slot].occurrence}")
    return id_of(".".join(part for part in (ref.kind, ref.name, str(ref.number or "")) if part))


def _activities(trial: Protocol, found: Sequence[Found], release: Release, lang: str) -> Iterator[Body]:
    """Each activity with its occurrences beneath it."""
    blocks: Mapping[str, Activity] = {**trial.treatments, **trial.visits, **trial.assessments}
    kinds = {one.slot.part.activity: one.slot.part.kind for one in found}
    for name, kind in kinds.items():
        element = blocks[name]
        yield filled({
            release.pick("id", "linkId"): id_of(name),
            "title": text(element.title.in_(lang) if element.title else name),
            "description": _words({key: value for key, value in _plain(element).items() if key in _TIMING}),
            "code": _codes([coding(f"{OURS}:activity", name)], release),
            "documentation": _documentation(trial, name, kind),
            "action": [_occurrence(trial, one, release) for one in found if one.slot.part.activity == name],
        })  # fmt: skip


def _occurrence(trial: Protocol, one: Found, release: Release) -> Body:
    """One occurrence: what it counts from, by how much, in which window, in which arms and on which condition."""
    slot, given = one.slot, one.slot.part.kind == "treatment"
    conditions = [f"arm: {', '.join(one.arms)}"] if len(one.arms) < len(trial.arms) else []
    conditions += [f"if: {_words(plain(slot.part.element.if_))}"] if slot.part.element.if_ else []
    conditions += [f"may_if: {_words(plain(slot.part.element.may_if))}"] if slot.part.element.may_if else []
    return filled({
        release.pick("id", "linkId"): one.id,
        "extension": _window(slot),
        "prefix": str(slot.occurrence),
        "title": f"{slot.part.activity} {slot.occurrence}",
        "condition": [_condition(words) for words in conditions],
        "relatedAction": [_related(one, release)] if slot.ref.kind != "none" else None,
        "definitionCanonical": f"#{_definition(slot.part.activity, slot.part.step)}" if given else None,
    })  # fmt: skip


def _related(one: Found, release: Release) -> Body:
    """From what it counts, before or after, and by how much; no offset where FHIR's Duration cannot say it."""
    offset, edge = _duration(one.slot.offset), "end" if one.slot.ref.end else "start"
    how = "concurrent-with" if offset is None else "before" if offset["value"] < 0 else "after"
    if offset is not None:
        offset = offset | {"value": abs(offset["value"])}
    return filled({
        release.pick("actionId", "targetId"): one.anchor,
        "relationship": f"{how}-{edge}",
        "offsetDuration": offset,
    })  # fmt: skip


def _duration(span: Span) -> Body | None:
    """An offset in one unit; None for none, and for one of several units or in working days."""
    parts = [(value, unit) for value, unit in ((span.months, "mo"), (span.days, "d"), (span.minutes, "min")) if value]
    if len(parts) != 1 or span.working:
        return None
    value, unit = parts[0]
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _window(slot: Slot) -> list[Body]:
    """The window around the target, in days or by the clock."""
    ends, unit = ((slot.low, slot.high), "d") if slot.clock is None else (slot.clock, "min")
    if slot.working is not None or None in ends:
        return []
    low, high = ({"value": end, "unit": unit, "system": UCUM, "code": unit} for end in ends)
    return [{"url": WINDOW, "valueRange": {"low": low, "high": high}}]


def _start(trial: Protocol, name: str, ref: Ref, release: Release, lang: str) -> Body:
    """What occurrences count from and no action does: a milestone, a cycle, an event."""
    milestone = trial.milestones.get(ref.name) if ref.kind == "milestone" else None
    title = milestone.title.in_(lang) if milestone is not None and milestone.title else f"{ref.kind} {ref.name}".strip()
    return {release.pick("id", "linkId"): name, "title": title}


def _eligibility(trial: Protocol, release: Release) -> Iterator[Body]:
    """Who may take part: conditions that must hold, in the words of the protocol's language."""
    conditions = [f"include {name}: {_words(plain(c))}" for name, c in trial.eligibility.include.items()]
    conditions += [f"exclude {name}: {_words(plain(c))}" for name, c in trial.eligibility.exclude.items()]
    if conditions:
        told = [_condition(words) for words in conditions]
        yield {release.pick("id", "linkId"): "eligibility", "title": "eligibility", "condition": told}


def _condition(words: str) -> Body:
    return {"kind": "applicability", "expression": {"language": "text/plain", "expression": words}}


# --- what is given ------------------------------------------------------------------------------------------------


def _definition(treatment: str, step: int) -> str:
    return id_of(f"{treatment}.step.{step + 1}")


def _definitions(trial: Protocol, lang: str) -> Iterator[Body]:
    """Every part of every treatment as an ActivityDefinition with its dose."""
    for name, treatment in trial.treatments.items():
        for step, part in enumerate(treatment.parts()):
            products = [*part.product.values()] if isinstance(part.product, dict) else [part.product or name]
            yield filled({
                "resourceType": "ActivityDefinition",
                "id": _definition(name, step),
                "title": text(treatment.title.in_(lang) if treatment.title else name),
                "status": "active" if trial.approved else "draft",
                "description": text(part.note),
                "kind": "MedicationRequest",
                "intent": "plan",
                "productCodeableConcept": concept(" or ".join(products)),
                "dosage": [told] if (told := dosage(part)) else None,
            })  # fmt: skip


# --- words --------------------------------------------------------------------------------------------------------


def _plain(element: Activity) -> Mapping[str, Any]:
    told = plain(element)
    return told if isinstance(told, dict) else {}


def _words(value: object) -> str:
    """A part of the protocol in the words of its language, in one line."""
    if isinstance(value, str):
        return value
    written = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    return written.strip().removeprefix("{").removesuffix("}")


def _codes(codes: list[Body], release: Release) -> Any:
    """The code of an action: several in R4, one in R5."""
    return concept(None, *codes) if release.newer else [concept(None, *codes)]


def _documentation(trial: Protocol, name: str, kind: str) -> list[Body]:
    """Where the protocol says when it is due, and whether that is stated or assumed."""
    origin = trial.origin(f"{kind}s.{name}")
    return [{"type": "documentation", "display": text(f"{origin.basis}: {origin.text}")}] if origin.text else []
