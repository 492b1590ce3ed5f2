"""Anchors that lead back to themselves, searched between occurrences and not between elements (decision 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from protocol.activities import Activity, Part, Treatment
from protocol.model import Protocol
from protocol.timing import Anchor, Moment
from protocol.yaml_text import Path, Tree

Node: TypeAlias = tuple[str, int]
"""The name of an activity or milestone, and the number of its occurrence (1 for a milestone)."""

_FAR = 200
"""Occurrences beyond this are not followed: a longer series repeats what came before."""


@dataclass(frozen=True)
class _Edge:
    """One occurrence counts from another; said at `path` in the words `text`."""

    target: Node
    path: Path
    text: str


def check_circles(protocol: Protocol, tree: Tree) -> None:
    """Note every circle once, where one of its anchors is written."""
    edges = _edges(protocol)
    done: set[Node] = set()
    for start in edges:
        circle = _circle(start, edges, done)
        if circle:
            route = " -> ".join(_called(edge.target) for edge in (circle[-1], *circle))
            first = circle[0]
            remedy = "count one of them from a day or a milestone"
            tree.fault(first.path, first.text, f"counts from itself: {route}", remedy)


def _called(node: Node) -> str:
    return f"{node[0]} {node[1]}"


def _circle(start: Node, edges: Mapping[Node, list[_Edge]], done: set[Node]) -> list[_Edge]:
    """The anchors of a circle that can be reached from `start`, or []; without recursion, for long series."""
    trail: list[_Edge] = []
    on_trail: dict[Node, int] = {start: 0}
    stack: list[tuple[Node, Iterator[_Edge]]] = [] if start in done else [(start, iter(edges.get(start, [])))]
    while stack:
        node, outgoing = stack[-1]
        edge = next((edge for edge in outgoing if edge.target not in done), None)
        if edge is None:
            done.add(node)
            on_trail.pop(node, None)
            stack.pop()
            trail = trail[: len(stack) - 1] if stack else []
        elif edge.target in on_trail:
            done.update(on_trail)
            return [*trail[on_trail[edge.target] :], edge]
        else:
            trail.append(edge)
            on_trail[edge.target] = len(trail)
            stack.append((edge.target, iter(edges.get(edge.target, []))))
    return []


def _edges(protocol: Protocol) -> dict[Node, list[_Edge]]:
    """Occurrence -> what it counts from."""
    counts = {name: _parts(activity) for _, name, activity in _activities(protocol)}
    products = _products(protocol)
    edges: dict[Node, list[_Edge]] = {}

    def link(node: Node, path: Path, text: str, anchor: Anchor) -> None:
        for target in _targets(anchor, node, counts, products):
            edges.setdefault(node, []).append(_Edge(target, path, text))

    for name, milestone in protocol.milestones.items():
        # day-zero is recorded; its anchor only says how it is found
        if milestone.anchor is not None and name != "day-zero":
            link((name, 1), ("milestones", name, "anchor"), milestone.anchor.text, milestone.anchor)
    for block, name, activity in _activities(protocol):
        number = 0
        for index, (part, count) in enumerate(_parts(activity)):
            inner: Path = ("steps", index) if isinstance(activity, Treatment) and activity.steps else ()
            for occurrence in range(number + 1, number + min(count, _FAR) + 1):
                for path, text, anchor in _anchors(part, occurrence - number - 1):
                    link((name, occurrence), (block, name, *inner, *path), text, anchor)
            number += min(count, _FAR)
    return edges


def _activities(protocol: Protocol) -> Iterator[tuple[str, str, Activity]]:
    for block in ("treatments", "visits", "assessments"):
        for name, activity in getattr(protocol, block).items():
            yield block, name, activity


def _parts(activity: Activity) -> list[tuple[Activity, int]]:
    """The parts of an activity and how many occurrences each has; a series without an end counts as long."""
    parts = activity.parts() if isinstance(activity, Treatment) else (activity,)
    return [(part, _occurrences(part)) for part in parts]


def _occurrences(part: Activity) -> int:
    if part.times is not None:
        return part.times
    if part.every is not None:
        return _FAR
    days = 0
    for moment in part.due:
        instant = moment.alternatives[0]
        series = instant.kind == "days" and instant.first is not None and instant.last is not None
        days += (instant.last or 0) - (instant.first or 0) + 1 if series else 1
    return max(days, 1)


def most_occurrences(activity: Activity) -> int | None:
    """How many occurrences an activity can have; None where its document does not say."""
    total = 0
    for part, count in _parts(activity):
        series = part.every is not None and part.times is None
        open_ended = series or part.in_ is not None or getattr(part, "frequency", None) is not None
        anchors = [instant.anchor for moment in part.due for instant in moment.alternatives]
        if open_ended or not (part.due or part.limits) or any(anchor and anchor.which == "each" for anchor in anchors):
            return None
        total += count
    return total


def _anchors(part: Activity, index: int) -> Iterator[tuple[Path, str, Anchor]]:
    """What the occurrence at this position of the part counts from."""
    moments: list[tuple[Path, Moment]] = []
    if part.due:
        which = index % len(part.due)
        moments.append((("due", which), part.due[which]))
    if isinstance(part, Part) and part.from_ is not None:
        moments.append((("from",), part.from_))
    for path, moment in moments:
        for instant in moment.alternatives:
            if instant.anchor is not None:
                yield path, moment.text, instant.anchor
    for position, limit in enumerate(part.limits):
        yield ("limits", position, "from"), limit.from_.text, limit.from_


def _products(protocol: Protocol) -> dict[str, list[str]]:
    """Product -> the treatments that give it under another name."""
    products: dict[str, list[str]] = {}
    for name, treatment in protocol.treatments.items():
        product = treatment.product
        given = set(product.values()) if isinstance(product, dict) else {product} if product else set()
        for word in given - {name}:
            products.setdefault(str(word), []).append(name)
    return products


def _targets(
    anchor: Anchor, node: Node, counts: Mapping[str, list[tuple[Activity, int]]], products: Mapping[str, list[str]]
) -> Iterator[Node]:
    """The occurrences that the anchor means for this occurrence; a planned date still counts from its own anchor."""
    if anchor.name is None:
        return
    names = [anchor.name] if anchor.name in counts else products.get(anchor.name, [anchor.name])
    for name in names:
        if anchor.number is not None:
            yield name, anchor.number
        elif anchor.which == "each":
            yield name, node[1]
        elif anchor.which == "last":
            yield name, sum(min(count, _FAR) for _, count in counts.get(name, [])) or 1
        else:
            yield name, 1
