"""study.yaml: what holds for a whole study folder, beside its tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from protocol.errors import Fault, ScalarError
from rules.door import closures, pauses
from rules.door.cells import parse_date

KEYS: Mapping[str, str] = {
    "name": "name of the study; the folder's name if left out",
    "data_cut": "last day the records are complete for, such as 2024-06-01",
    "final": "yes once the data are declared final: what is not on record was then not done",
    "time_zone": "time zone of the sites, such as Asia/Shanghai; times with a zone of their own are moved to it",
    "dates": "dmy or mdy: how dates without the year first are written; such a date is refused without it",
    "decimal": "comma where numbers are written 16,2; a number with a comma is refused without it",
    "closed": "closed days, such as saturday, sunday, 2024-12-25 to 2024-12-27; 'closed 01' for one site",
    "paused": "when dosing was paused: 2024-03-20 to 2024-04-10, since 2024-06-01 of uc-msc; 'paused 01' for one site",
    "not_collected": "assessments or measures that this folder does not hold, such as t-cells, marrow: not asked for",
    "protocol": "the protocol the study follows: a file, or a name in the library",
}
"""The keys of study.yaml with their meaning."""

_CHOICES = {"dates": ("dmy", "mdy", ""), "decimal": ("comma", "point", "")}
_YES_NO = {"yes": True, "true": True, "no": False, "false": False, "": False}


class Written(TypedDict):
    """How dates without the year first, and numbers, are written."""

    dates: str
    comma: bool


@dataclass(frozen=True)
class Line:
    """One setting as written, with the places of its key and of its value; `value` is None where it is not one."""

    key: str
    value: str | None
    line: int
    column: int
    value_line: int
    value_column: int


@dataclass(frozen=True)
class Settings:
    """What study.yaml says; `read` is false where there is none, `texts` has every key as written."""

    name: str
    file: str
    data_cut: date | None = None
    final: bool = False
    zone: ZoneInfo | None = None
    dates: str = ""
    comma: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    read: bool = False


def read_settings(path: Path, file: str, name: str) -> Settings:
    """The settings in a study.yaml, with its faults; the defaults where the file is absent. `name` if it gives none."""
    if not path.is_file():
        return Settings(name, file)
    try:
        root = yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        why = f"is no YAML: {getattr(error, 'problem', None) or error}"
        return _broken(name, file, line, column, why)
    except UnicodeDecodeError:
        return _broken(name, file, None, None, "is not UTF-8 text")
    if root is None:
        return Settings(name, file, read=True)
    if not isinstance(root, yaml.MappingNode):
        return _broken(name, file, 1, 1, "holds no settings")
    return settings_of([_line(*pair) for pair in root.value], file, name)


def _line(key: yaml.Node, node: yaml.Node) -> Line:
    value = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else None
    (at, column), (of, where) = ((n.start_mark.line + 1, n.start_mark.column + 1) for n in (key, node))
    return Line(str(key.value), value, at, column, of, where)


def _broken(name: str, file: str, line: int | None, column: int | None, why: str) -> Settings:
    fault = Fault(file, line, column, "", "", why, "write one 'key: value' a line")
    return Settings(name, file, faults=(fault,), read=True)


def settings_of(lines: Sequence[Line], file: str, name: str) -> Settings:
    """The settings that the lines say, with the faults of all of them."""
    texts: dict[str, str] = {}
    faults: list[Fault] = []

    def fault(line: Line, value: str, why: str, remedy: str, *, at_key: bool = False) -> None:
        place = (line.line, line.column) if at_key else (line.value_line, line.value_column)
        faults.append(Fault(file, *place, line.key, value, why, remedy))

    data_cut, final, zone = None, False, None
    for line in lines:
        key, value = line.key, line.value or ""
        if line.value is None:
            fault(line, "", "is not one value", f"write {key}: value")
        elif key in texts:
            fault(line, "", "stands twice", "keep one of the two", at_key=True)
        elif key not in KEYS and _by_site(key) is None and (near := get_close_matches(key, KEYS, n=1, cutoff=0.7)):
            fault(line, "", "is no setting known here", f"write {near[0]} if that is meant", at_key=True)
        elif key == "final" and value.lower() not in _YES_NO:
            fault(line, value, "is neither yes nor no", "write yes or no")
        elif value.lower() not in _CHOICES.get(key, (value.lower(),)):
            fault(line, value, "is not known here", f"write {' or '.join(_CHOICES[key][:2])}")
        texts[key] = value
        try:
            if key == "data_cut" and value:
                data_cut = _day(value)
            elif (parse := _by_site(key)) is not None:
                parse(value)
            elif key == "time_zone" and value:
                zone = _zone(value)
        except ScalarError as error:
            fault(line, value, error.why, error.remedy)
    final = _YES_NO.get(texts.get("final", "").lower(), False)
    said = Settings(texts.get("name") or name, file, data_cut, final, zone, **written_as(texts))
    return replace(said, texts=MappingProxyType(texts), faults=tuple(faults), read=True)


_BY_SITE: Mapping[str, Callable[[str], object]] = {
    closures.KEY: closures.parse_closures,
    pauses.KEY: pauses.parse_pauses,
}
"""Settings that may hold for one site, `closed 01`, and how each is read."""


def _by_site(key: str) -> Callable[[str], object] | None:
    name, _, site = key.partition(" ")
    return _BY_SITE.get(name) if site or key == name else None


def written_as(texts: Mapping[str, str]) -> Written:
    """How the cells of a study are written, from the texts of its settings."""
    dates = texts.get("dates", "").lower()
    return {"dates": dates if dates in _CHOICES["dates"] else "", "comma": texts.get("decimal", "").lower() == "comma"}


def _day(text: str) -> date:
    day = parse_date(text)
    if day.first != day.last:
        raise ScalarError(text, "is more than one day", "write the day, such as 2024-06-01")
    return day.first


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScalarError(text, "is no time zone", "write one such as Asia/Shanghai or Europe/Paris") from error
