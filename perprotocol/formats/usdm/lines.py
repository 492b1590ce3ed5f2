"""The placed points of a protocol as timelines of USDM: in the order in which they are due, one after the other."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from perprotocol.formats.usdm.building import title_of
from perprotocol.formats.usdm.layout import Layout, Node, Task
from perprotocol.formats.usdm.versions import Json


def write_timelines(layout: Layout) -> list[Json]:
    """The main timeline, and one for each milestone or event that others count from."""
    lines = dict.fromkeys(["", *(node.line for node in layout.nodes)])
    return [_timeline(layout, line, [node for node in layout.nodes if node.line == line]) for line in lines]


def _timeline(layout: Layout, line: str, nodes: list[Node]) -> Json:
    build = layout.build
    begins: dict[str, Fraction] = {}
    for node in nodes:
        if node.loop is not None:
            begins[node.loop] = min(begins.get(node.loop, node.days), node.days)
    ordered = sorted(nodes, key=lambda n: (begins.get(n.loop or "", n.days), n.loop or "", n.decides, n.days))
    if ordered[-1].decides:  # a decision cannot be left by an exit
        ordered.append(Node(build.named("ScheduledActivityInstance", "end"), line))
    for node, after in pairwise(ordered):
        node.instance["defaultConditionId"] = after.instance["id"]
    leave = build.make("ScheduleTimelineExit")
    ordered[-1].instance["timelineExitId"] = leave["id"]
    return build.named(
        "ScheduleTimeline",
        line or "main",
        None if line else "Main timeline",
        mainTimeline=not line,
        entryCondition=_entered(layout, line),
        entryId=ordered[0].instance["id"],
        exits=[leave],
        timings=[node.timing for node in ordered if node.timing is not None],
        instances=[node.instance for node in ordered],
    )


def _entered(layout: Layout, line: str) -> str:
    """What has to happen before a timeline begins, in words."""
    if not line:
        return "The participant is in the trial"
    milestone, event = layout.protocol.milestones.get(line), layout.protocol.events.get(line)
    return (title_of(milestone) if milestone else None) or (title_of(event) if event else None) or line


def write_conditions(layout: Layout, tasks: list[Task]) -> list[Json]:
    """What an activity depends on, as a sentence at its points."""
    found = []
    for task in tasks:
        ids = [node.instance["id"] for node in layout.points.get(task.name, [])]
        for text in task.conditions:
            name, about = f"{task.name} condition", list(task.activities)
            found.append(layout.build.named("Condition", name, text=text, contextIds=ids, appliesToIds=about))
    return found
