"""How conditions are written: `parse_condition` reads one leaf, `read_condition` a leaf or a tree of a document.

Leaves (language.md, "Conditions and modifications"):

    anc < 0.5 10^9/L for 5 d          baseline alt <= 1 x uln          age at hpv 1 < 15 y
    cellularity 25 to 50 percent      released within 6 h              no event transfusion within 28 d
    given heparin within 2 d          not reached stop-decision        not full-counts
    delay of cycle > 14 d             omissions of isatuximab > 4      time from a 1 to a 2 < 5 mo
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any as Whatever
from typing import cast

from pydantic_core import InitErrorDetails, ValidationError

from protocol.conditions import (
    All,
    Any,
    AtLeast,
    BaselinePlus,
    Compare,
    Condition,
    Count,
    CountKind,
    Event,
    Given,
    Inside,
    Judged,
    Leaf,
    Limit,
    Named,
    NoneOf,
    OfBaseline,
    Op,
    Reached,
    Recent,
    Value,
    Words,
    leaves,
    names_of,
)
from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range
from protocol.scalar import plain
from protocol.timing import GRAMMAR_WORDS, NAME, Anchor, Duration, Moment

__all__ = [
    "All",
    "Any",
    "AtLeast",
    "BaselinePlus",
    "Compare",
    "Condition",
    "Count",
    "CountKind",
    "Event",
    "Given",
    "Inside",
    "Judged",
    "Leaf",
    "Limit",
    "Named",
    "NoneOf",
    "OfBaseline",
    "Op",
    "Reached",
    "Recent",
    "Value",
    "Words",
    "leaves",
    "names_of",
    "parse_condition",
    "plain_condition",
    "read_condition",
]

NUMBER = r"[+\-−]?[0-9]+(?:\.[0-9]+)?"
_OP = re.compile(r"\s*(<=|>=|!=|≤|≥|<|>|=)\s*")
_TAIL = re.compile(r"^(?P<head>.*\S) (?P<word>within|for more than|for) (?P<span>[0-9].*)$")
_DURATION = re.compile(rf"^{NUMBER}\s*(?:min|h|d|wk|mo|y)\b")
_EVENT = re.compile(rf"^(?P<no>no )?event (?P<name>{NAME})(?: grade\s*(?P<op><=|>=|!=|≤|≥|<|>|=)\s*(?P<grade>[0-9]))?$")
_GIVEN = re.compile(rf"^(?P<no>not )?given (?P<name>{NAME})$")
_REACHED = re.compile(rf"^(?P<no>not )?reached (?P<name>{NAME})$")
_NAMED = re.compile(rf"^(?P<no>not )?(?P<name>{NAME})$")
_COUNT = re.compile(rf"^(?P<kind>delay|omissions|doses|total|level|resumptions) of (?P<name>{NAME})$")
_TIME = re.compile(r"^time from (?P<start>.+) to (?P<end>.+)$")
_COMPARED = re.compile(rf"^(?P<baseline>baseline )?(?P<name>{NAME})(?: at (?P<at>.+))?$")
_LIMIT = re.compile(rf"^(?P<times>{NUMBER})\s*[x×]\s*(?P<of>uln|lln)$", re.IGNORECASE)
_OF_BASELINE = re.compile(rf"^(?P<percent>{NUMBER})\s*(?:%|percent) of baseline$")
_BASELINE = re.compile(r"^baseline(?:\s*(?P<sign>[+\-−])\s*(?P<quantity>.+))?$")
_SPELLING = {"≤": "<=", "≥": ">="}
_REMEDY = (
    "write NAME OP VALUE such as 'anc < 0.5 10^9/L', the id of a criterion, 'event NAME', 'given NAME within 7 d' "
    "or 'reached MILESTONE'"
)


def parse_condition(text: str) -> Leaf:
    """The leaf that `text` states. Raises ScalarError."""
    stripped = plain(text)
    head, tail = _split_tail(stripped)
    found = _parse_happened(text, head, tail)
    if found is None and _OP.search(stripped):
        found = _parse_comparison(text, head, tail)
    if found is None:
        found = _parse_named(text, stripped, head, tail)
    if found is None:
        raise ScalarError(text, "is not a condition", _REMEDY)
    return found


Tail = dict[str, Duration]


def _split_tail(text: str) -> tuple[str, Tail]:
    """The text without its closing `within D` and `for [more than] D`, and those durations by word."""
    tail: Tail = {}
    while (match := _TAIL.match(text)) and _DURATION.match(match["span"]) and match["word"] not in tail:
        tail[match["word"]] = Duration.parse(match["span"])
        text = match["head"]
    return text, tail


def _lasting(tail: Tail) -> tuple[Duration | None, bool]:
    """How long it must have lasted, and whether longer than that."""
    more = tail.get("for more than")
    return (more, True) if more is not None else (tail.get("for"), False)


def _parse_happened(text: str, head: str, tail: Tail) -> Leaf | None:
    """An event, a medication given, a milestone reached; None when the text is none of them."""
    if match := _EVENT.match(head):
        lasting, more = _lasting(tail)
        grade = (_op(match["op"]), int(match["grade"])) if match["op"] else None
        return Event(text, match["name"], bool(match["no"]), grade, tail.get("within"), lasting, more)
    if (match := _GIVEN.match(head)) and set(tail) <= {"within"}:
        return Given(text, match["name"], bool(match["no"]), tail.get("within"))
    if (match := _REACHED.match(head)) and not tail:
        return Reached(text, match["name"], bool(match["no"]))
    return None


def _parse_comparison(text: str, head: str, tail: Tail) -> Leaf | None:
    """A measure, a count or a time beside a value; None when the left side is none of them."""
    left, written, right = (part.strip() for part in _OP.split(head, maxsplit=1))
    op = _op(written)
    if not right:
        raise ScalarError(text, f"has nothing after {written}", _REMEDY)
    if match := _TIME.match(left):
        start, end = Anchor.parse(match["start"]), Anchor.parse(match["end"])
        return Count(text, "time", match["start"], op, Duration.parse(right), match["end"], start, end)
    if match := _COUNT.match(left):
        return Count(text, cast(CountKind, match["kind"]), match["name"], op, _counted(right))
    if match := _COMPARED.match(left):
        at = Moment.parse(match["at"]) if match["at"] else None
        lasting, more = _lasting(tail)
        value = _parse_value(right)
        if isinstance(value, Words) and op not in ("=", "!="):
            raise ScalarError(text, f"compares words with {op}", f"write '{match['name']} = {right}'")
        return Compare(text, match["name"], op, value, bool(match["baseline"]), at, tail.get("within"), lasting, more)
    return None


def _parse_named(text: str, stripped: str, head: str, tail: Tail) -> Leaf | None:
    """A named criterion, a time since something, or a measure inside a range; None when it is none of them."""
    if (match := _NAMED.match(stripped)) and match["name"] not in GRAMMAR_WORDS:
        return Named(text, match["name"], bool(match["no"]))
    if re.fullmatch(NAME, head) and set(tail) == {"within"}:
        return Recent(text, head, tail["within"])
    name, _, rest = stripped.partition(" ")
    if re.fullmatch(NAME, name) and rest[:1].isdigit():
        return Inside(text, name, Range.parse(rest))
    return None


def _op(written: str) -> Op:
    return cast(Op, _SPELLING.get(written, written))


def _parse_value(text: str) -> Value:
    """What stands after the operator: a limit of normal, a share of or a step from baseline, a number, words."""
    if match := _LIMIT.match(text):
        return Limit(_decimal(match["times"]), "uln" if match["of"].lower() == "uln" else "lln")
    if match := _OF_BASELINE.match(text):
        return OfBaseline(_decimal(match["percent"]))
    if match := _BASELINE.match(text):
        quantity = Quantity.parse(match["quantity"]) if match["quantity"] else None
        return BaselinePlus(-1 if match["sign"] in ("-", "−") else 1, quantity)
    if _DURATION.match(text):
        return Duration.parse(text)
    if re.match(NUMBER, text):
        return Quantity.parse(text)
    return Words(tuple(word.strip() for word in text.split(" or ")))


def _counted(text: str) -> int | Duration | Quantity:
    """A whole number, a duration or an amount."""
    if re.fullmatch(r"[+\-−]?[0-9]+", text):
        return int(_decimal(text))
    return Duration.parse(text) if _DURATION.match(text) else Quantity.parse(text)


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


_TREES: dict[str, type[All | Any | NoneOf]] = {"all": All, "any": Any, "none": NoneOf}


def read_condition(node: object) -> Condition:
    """The leaf (a text) or the tree (a list or a map) that a document states.

    Raises ScalarError for a leaf and pydantic's ValidationError, which keeps the place of every fault, for a tree.
    """
    if isinstance(node, Condition):
        return node
    if isinstance(node, str):
        return parse_condition(node)
    if isinstance(node, list | tuple):
        return All(_parts(node, ()))
    if isinstance(node, dict):
        return _read_tree(node)
    raise ScalarError(str(node), "is not a condition", _REMEDY)


def _read_tree(node: dict[str, Whatever]) -> Condition:
    keys = set(node)
    if keys == {"text"} and isinstance(node["text"], str):
        return Judged(node["text"])
    if keys == {"at_least", "of"}:
        parts = _parts(node["of"], ("of",))
        return AtLeast(_least(node["at_least"], len(parts)), parts)
    if len(keys) == 1 and (kind := _TREES.get(next(iter(keys)))):
        key = next(iter(keys))
        return kind(_parts(node[key], (key,)))
    remedy = "write all: […], any: […], none: […], {at_least: 2, of: […]} or {text: …}"
    raise ScalarError(", ".join(map(str, node)), "is not a way to combine conditions", remedy)


def _least(written: object, parts: int) -> int:
    text = str(written)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= parts:
        fault = ScalarError(text, f"is not a number from 1 to {parts}", "write how many of them must hold")
        raise _nested([(("at_least",), written, fault)])
    return int(text)


def _parts(nodes: object, place: tuple[str, ...]) -> tuple[Condition, ...]:
    """Every part of a tree; all their faults at once."""
    parts: list[Condition] = []
    faults: list[tuple[tuple[str | int, ...], object, ScalarError]] = []
    for index, node in enumerate(nodes if isinstance(nodes, list | tuple) else [nodes]):
        try:
            parts.append(read_condition(node))
        except ScalarError as fault:
            faults.append(((*place, index), node, fault))
        except ValidationError as nested:
            for error in nested.errors():
                faults.append(((*place, index, *error["loc"]), error["input"], error["ctx"]["error"]))
    if faults:
        raise _nested(faults)
    if not parts:
        raise ScalarError("[]", "is an empty list of conditions", _REMEDY)
    return tuple(parts)


def _nested(faults: list[tuple[tuple[str | int, ...], object, ScalarError]]) -> ValidationError:
    """One error that keeps the place of each fault inside the tree."""
    details = [
        InitErrorDetails(type="value_error", loc=place, input=node, ctx={"error": fault})
        for place, node, fault in faults
    ]
    return ValidationError.from_exception_data("condition", details)


def plain_condition(condition: Condition) -> object:
    """The condition as a document states it: a text, or a map; reads back equal."""
    if isinstance(condition, Judged):
        return {"text": condition.text}
    if isinstance(condition, AtLeast):
        return {"at_least": str(condition.least), "of": [plain_condition(part) for part in condition.of]}
    if isinstance(condition, All | Any | NoneOf):
        key = next(key for key, kind in _TREES.items() if isinstance(condition, kind))
        return {key: [plain_condition(part) for part in condition.of]}
    return condition.text
