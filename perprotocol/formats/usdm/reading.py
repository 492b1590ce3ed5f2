"""The door: a USDM file that can be used, or every fault of it at once, with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from perprotocol.formats.usdm.model import Wrapper
from perprotocol.formats.usdm.versions import every_map, raised
from protocol import DocumentError, Fault

Json = dict[str, Any]
READ = ("3", "4")
"""Versions of USDM that are read."""


class UsdmFile:
    """A file: its classes, and the raw maps that they were read from, in the shape of version 4."""

    def __init__(self, name: str, data: Json, study: Wrapper) -> None:
        self.name = name
        self.data = data
        self.study = study


def read_usdm(path: Path) -> UsdmFile:
    """The file, checked. DocumentError with everything that is wrong with it."""
    return check_usdm(path.read_bytes(), path.name)


def check_usdm(raw: bytes, name: str) -> UsdmFile:
    """The same of its bytes."""
    text, data = _parse(raw, name)
    return check_data(data, name, text)


def check_data(data: Json, name: str, text: str = "") -> UsdmFile:
    """The same of its JSON; `text` is what lines are counted in."""
    version = str(data.get("usdmVersion") or "")
    if version.partition(".")[0] not in READ:
        why = "is a version of USDM that is not read" if version else "is missing: which version of USDM is it?"
        raise DocumentError([_fault(name, "usdmVersion", version, why, "write it as USDM 4.0 or 3.x")])
    place = _Places(name, text)
    data = raised(data) if version.startswith("3") else data
    faults = list(_dangling(data, place))
    try:
        study = Wrapper.model_validate(data)
    except ValidationError as error:
        faults += [_of_model(each, data, place) for each in error.errors(include_url=False)]
        raise DocumentError(faults) from None
    faults += _endless(study, place)
    if faults:
        raise DocumentError(faults)
    return UsdmFile(name, data, study)


def _parse(raw: bytes, name: str) -> tuple[str, Json]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError([_fault(name, "", "", "is not UTF-8", "save it as UTF-8")]) from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
        why = "ends in the middle of its JSON" if cut else f"is no JSON here: {error.msg}"
        remedy = "get the whole file again" if cut else "write it anew with the tool that made it"
        raise DocumentError([Fault(name, error.lineno, error.colno, "", "", why, remedy)]) from None
    if not isinstance(data, dict) or not isinstance(data.get("study"), dict):
        remedy = "name a USDM file: a map with 'study' and 'usdmVersion'"
        raise DocumentError([_fault(name, "study", "", "is missing: this is no USDM file", remedy)])
    return text, data


class _Places:
    """Where things stand in a file: the line of an object's id."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def fault(self, identity: object, path: str, value: str, why: str, remedy: str) -> Fault:
        """A fault of the object of that id."""
        found = re.search(rf'"id"\s*:\s*{re.escape(json.dumps(str(identity)))}', self.text) if identity else None
        line = self.text.count("\n", 0, found.start()) + 1 if found else None
        return Fault(self.name, line, None, path, value, why, remedy)


def _fault(name: str, path: str, value: str, why: str, remedy: str) -> Fault:
    return Fault(name, None, None, path, value, why, remedy)


_OUTSIDE = frozenset({"scopeId", "valueId"})


def _dangling(data: Json, place: _Places) -> Iterator[Fault]:
    """References to what the file does not hold, and ids that two objects have."""
    maps = list(every_map(data))
    seen: dict[str, str] = {}
    for found in maps:
        identity, kind = found.get("id"), str(found.get("instanceType") or "")
        if isinstance(identity, str) and identity in seen and kind == seen[identity] and kind in _REFERRED:
            remedy = "give each an id of its own"
            yield place.fault(identity, f"{kind} {identity}", identity, f"is the id of two {kind}s", remedy)
        if isinstance(identity, str):
            seen.setdefault(identity, kind)
    for found in maps:
        owner = f"{found.get('instanceType', 'object')} {found.get('id', '')}".strip()
        for key, value in found.items():
            if not key.endswith(("Id", "Ids")) or key in _OUTSIDE or key == "id":
                continue
            for target in value if isinstance(value, list) else [value]:
                if isinstance(target, str) and target and target not in seen:
                    why, remedy = "is the id of nothing in this file", "write the id of an object, or leave it out"
                    yield place.fault(found.get("id"), f"{owner}.{key}", target, why, remedy)


_REFERRED = frozenset({
    "ScheduledActivityInstance", "ScheduledDecisionInstance", "Encounter", "Activity", "StudyArm", "StudyEpoch",
    "StudyElement", "ScheduleTimeline", "StudyIntervention", "EligibilityCriterionItem", "Timing",
})  # fmt: skip
"""What others refer to by its id."""


def _of_model(error: Any, data: Json, place: _Places) -> Fault:
    """A fault that the classes found, with the path in the file."""
    node: object = data
    owner: object = None
    path = ""
    for step in error["loc"]:
        path += f"[{step}]" if isinstance(step, int) else ("." if path else "") + str(step)
        try:
            node = node[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            node = None
        owner = node.get("id", owner) if isinstance(node, dict) else owner
    value = "" if error["type"] == "missing" or isinstance(error["input"], dict | list) else str(error["input"])
    why = "is missing" if error["type"] == "missing" else error["msg"][0].lower() + error["msg"][1:]
    return place.fault(owner, path, value, why, "write what USDM asks for there")


def _endless(study: Wrapper, place: _Places) -> Iterator[Fault]:
    """Timelines that lead round and round without a decision that could end it."""
    for version in study.study.versions:
        for timeline in (t for design in version.study_designs for t in design.schedule_timelines):
            known = {one.id: one for one in timeline.instances}
            leads = {
                one.id: {
                    n
                    for n in (one.default_condition_id, *(c.condition_target_id for c in one.condition_assignments))
                    if n
                }
                for one in timeline.instances
            }
            out = {one.id for one in timeline.instances if not leads[one.id] & set(known)}
            while more := {key for key, next_ in leads.items() if key not in out and next_ & out}:
                out |= more
            caught = [one for one in timeline.instances if one.id not in out]
            if caught:
                names = ", ".join(one.name for one in caught)
                why, remedy = f"goes round without an exit: {names}", "let a decision lead out of it"
                yield place.fault(caught[0].id, f"{timeline.place}.instances", "", why, remedy)
