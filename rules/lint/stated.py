"""Where a document states conditions, and how they read in one line."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.conditions import All, Condition
from protocol.criteria import plain_condition
from protocol.model import Criterion, Treatment
from protocol.yaml_text import Path
from rules.lint.draft import Draft


def stated(draft: Draft) -> Iterator[tuple[Path, tuple[Condition, ...]]]:
    """Every place with conditions that must all hold: criteria, modifications, activities, doses."""
    protocol = draft.protocol
    blocks: tuple[tuple[Path, dict[str, Criterion]], ...] = (
        (("criteria",), protocol.criteria),
        (("eligibility", "include"), protocol.eligibility.include),
        (("eligibility", "exclude"), protocol.eligibility.exclude),
    )
    for block, criteria in blocks:
        for name, criterion in criteria.items():
            yield (*block, name), (criterion.condition,)
    for name, modification in protocol.modifications.items():
        yield ("modifications", name, "if"), modification.if_
        yield ("modifications", name, "until"), modification.until
    for part in draft.plan.parts:
        yield draft.path(part, "if"), part.element.if_
        yield draft.path(part, "may_if"), (*part.element.if_, *part.element.may_if)
        if isinstance(part.element, Treatment):
            yield draft.path(part, "requires"), part.element.requires
            for index, dose in enumerate(part.element.dose):
                yield draft.path(part, "dose", index, "if"), dose.if_


def said(conditions: tuple[Condition, ...]) -> str:
    """Conditions as the document has them."""
    whole = conditions[0] if len(conditions) == 1 else All(conditions)
    return flow(plain_condition(whole))


def flow(node: object) -> str:
    """A condition in one line."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{key}: {flow(part)}" for key, part in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(flow, node)) + "]"
    return str(node)
