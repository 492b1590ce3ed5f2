"""The mapping file: what no name, number or label of a study settles, said by a person.

`visits: {WEEK 10 (T): phone 1}`: on the left what stands in SDTM, on the right the protocol's word, or `ignore`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from protocol.errors import DocumentError, Fault
from protocol.model import MILESTONES, Protocol
from protocol.yaml_text import Tree, read_tree
from rules.happened.records import treatments_named, visit_occurrence

IGNORE = "ignore"
UNSCHEDULED = "unscheduled"
CHOICES: dict[str, tuple[str, ...]] = {
    "subject": ("SUBJID", "USUBJID"),
    "day_zero": ("RFSTDTC", IGNORE),
    "exposure": ("EX", "EC"),
    "intervals": ("expand", IGNORE),
}
"""Keys with one of a few words."""
MAPS = ("arms", "visits", "treatments", "measures", "milestones")
"""Keys with a map from a word of SDTM to one of the protocol."""


@dataclass(frozen=True)
class Said:
    """What a mapping file says; words of SDTM as `simple` writes them."""

    subject: str = ""
    day_zero: str = ""
    exposure: str = ""
    intervals: str = ""
    early_termination: str = ""
    arms: Mapping[str, str] = field(default_factory=dict)
    visits: Mapping[str, str] = field(default_factory=dict)
    treatments: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)
    milestones: Mapping[str, str] = field(default_factory=dict)


def simple(word: object) -> str:
    """A word as two spellings of it share it: lower case, blanks for hyphens and underscores."""
    text = str(word if word is not None else "").lower()
    return " ".join(text.replace("-", " ").replace("_", " ").split())


def read_mapping(path: Path | None, trial: Protocol) -> Said:
    """What the file says; nothing without a file. DocumentError with every fault at its place."""
    if path is None:
        return Said()
    try:
        tree = read_tree(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        raise DocumentError([Fault(path.name, None, None, "", "", "is not there", "give the mapping file")]) from None
    except UnicodeDecodeError as error:
        why = f"is not UTF-8 at byte {error.start}"
        raise DocumentError([Fault(path.name, None, None, "", "", why, "save it as UTF-8")]) from error
    if tree.data is not None and not isinstance(tree.data, dict):
        tree.fault((), "", "holds no mapping", "write one 'key: value' a line")
    told: dict[str, Any] = {}
    for key, value in (tree.data if isinstance(tree.data, dict) else {}).items():
        told[key] = _checked(tree, key, value, trial)
    if tree.faults:
        raise DocumentError(tree.faults)
    return Said(**told)


def _checked(tree: Tree, key: str, value: object, trial: Protocol) -> Any:
    known = (*CHOICES, "early_termination", *MAPS)
    if key not in known:
        near = get_close_matches(key, known, 1)
        tree.fault((key,), key, "is no key of a mapping", f"write {near[0] if near else ' or '.join(known)}", key=True)
    elif key in MAPS:
        return _map(tree, key, value, trial)
    elif not isinstance(value, str):
        tree.fault((key,), value, "is not one word", f"write {key}: word")
    elif key == "early_termination":
        if visit_occurrence(trial, value)[0] is None:
            tree.fault((key,), value, "is no visit of the protocol", _one_of(value, tuple(trial.visits)))
    elif value not in CHOICES[key]:
        tree.fault((key,), value, "is not known here", "write " + " or ".join(CHOICES[key]))
    return value


def _map(tree: Tree, key: str, value: object, trial: Protocol) -> dict[str, str]:
    if not isinstance(value, dict):
        tree.fault((key,), value, "is no map", f"write {key}: {{WORD IN SDTM: word of the protocol}}")
        return {}
    right, words = _targets(key, trial)
    for word, meant in value.items():
        if not isinstance(meant, str):
            tree.fault((key, word), meant, "is not one word", "write one word of the protocol, or ignore")
        elif meant != IGNORE and not right(meant):
            what = f"is none of the protocol's {key}"
            tree.fault((key, word), meant, what, _one_of(meant, words))
    return {simple(word): str(meant) for word, meant in value.items()}


def _targets(key: str, trial: Protocol) -> tuple[Callable[[str], bool], tuple[str, ...]]:
    """What may stand on the right of a map: a test, and the words to propose."""
    if key == "arms":
        return lambda word: word in trial.arms, tuple(trial.arms)
    if key == "treatments":
        names = tuple(trial.treatments)
        return lambda word: bool(treatments_named(trial, word, names)), names
    if key == "visits":
        return lambda w: w == UNSCHEDULED or visit_occurrence(trial, w)[0] is not None, (*trial.visits, UNSCHEDULED)
    if key == "measures":
        words = ("weight", "height", *trial.measures, *trial.criteria, *trial.eligibility.include)
        words = (*words, *trial.eligibility.exclude)
        return lambda word: word in words, words
    ends = [f"discontinuation-of-{name}" for name in trial.treatments]
    dates = (*MILESTONES, *trial.milestones, "withdrawal-of-consent", "lost-to-follow-up", "last-contact", *ends)
    return lambda word: word in dates, dates


def _one_of(word: str, words: tuple[str, ...]) -> str:
    near = get_close_matches(word.lower(), words, 1, 0.5)
    return f"write {near[0]} if that is meant" if near else "write one of " + ", ".join(words)
