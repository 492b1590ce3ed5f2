"""Where in the protocol a remark belongs: the field of the element that its object of the file became."""

from __future__ import annotations

from dataclasses import replace

from perprotocol.formats.usdm.draft import Draft
from perprotocol.formats.usdm.report import Remark
from perprotocol.formats.usdm.timing import Clock

_FIELDS = {
    "which_mode": "mode",
    "modes_in_order": "mode",
    "half_window": "window",
    "label_without_window": "window",
    "window_label": "window",
    "negative_window": "window",
    "mixed_window": "window",
    "value_label": "due",
    "several_timings": "due",
    "scheduled_at": "due",
    "end_timed": "due",
    "against_order": "due",
    "leaves_loop": "due",
    "no_timing": "due",
    "unreached": "due",
    "frequency": "frequency",
    "dose": "dose",
    "dose_text": "dose",
    "route_form": "route",
    "duration": "for",
    "duration_range": "for",
    "duration_varies": "for",
    "days_of_dose": "for",
    "time_of_one_dose": "over",
    "which_administration": "steps",
}
"""Sentence -> the field that it is about."""


def with_paths(draft: Draft, clock: Clock) -> list[Remark]:
    """The remarks, those without a path with that of their element."""
    paths = _paths(draft, clock)
    return [_placed(remark, paths.get(remark.place)) for remark in draft.remarks]


def _placed(remark: Remark, element: str | None) -> Remark:
    if remark.path or element is None:
        return remark
    field = _FIELDS.get(remark.key)
    return replace(remark, path=f"{element}.{field}" if field is not None else element)


def _paths(draft: Draft, clock: Clock) -> dict[str, str]:
    """Place in the file -> path of its element."""
    by_id: dict[str, str] = {}
    for path, identity in draft.homes.items():
        if "." in path:
            by_id.setdefault(identity, path)
    by_name = {path.rpartition(".")[2]: path for path in by_id.values()}
    for key, stands in clock.stands.items():
        if stands.element in by_name:
            by_id.setdefault(key, by_name[stands.element])
    for intervention in draft.version.study_interventions:
        for administration in intervention.administrations:
            if intervention.id in by_id:
                by_id.setdefault(administration.id, by_id[intervention.id])
    for key, timings in clock.timings.items():
        if key in by_id:
            by_id |= {timing.id: by_id[key] for timing in timings}
    design = draft.design
    objects = [*design.encounters, *design.activities, *clock.points.values()]
    objects += [*draft.version.study_interventions, *(timing for found in clock.timings.values() for timing in found)]
    objects += [a for intervention in draft.version.study_interventions for a in intervention.administrations]
    return {one.place: by_id[one.id] for one in objects if one.id in by_id}
