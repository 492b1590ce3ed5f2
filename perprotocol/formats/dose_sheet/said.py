"""The words of the sheet in both languages, and the protocol's own words as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from protocol import Protocol
from protocol.conditions import All, AtLeast, Condition, Judged, NoneOf
from protocol.conditions import Any as AnyOf
from rules.page.labels import Labels
from rules.texts import read_texts

Both = dict[str, str]
"""A text in English (`en`) and Chinese (`zh`)."""

_SPANS = {"d": "天", "h": "小时", "min": "分钟"}


def words() -> dict[str, Both]:
    """Every phrase of the sheet."""
    found: dict[str, Both] = read_texts("perprotocol.formats.dose_sheet")
    return found


def said(key: str, **values: object) -> Both:
    """A phrase with its words filled in; a value that is itself in two languages goes to each."""
    return {
        lang: text.format(**{k: v[lang] if isinstance(v, dict) else v for k, v in values.items()})
        for lang, text in words()[key].items()
    }


def plain(text: object) -> Both:
    """The same text in both languages."""
    return {"en": str(text), "zh": str(text)}


def word(text: str) -> Both:
    """A word of the engine as each language has it."""
    return {lang: Labels(lang).value(text) for lang in ("en", "zh")}


def route(written: str) -> Both:
    """A route of administration in each language; as the protocol has it where it is a rare one."""
    key = f"route {written}"
    return said(key) if key in words() else plain(written)


def when(text: str) -> Both:
    """A moment of the protocol: `within 2 h before each atg` in the order of each language."""
    if found := re.fullmatch(r"within (\d+) (d|h|min) before each .+", text):
        return {"en": f"within {found[1]} {found[2]} before it", "zh": f"在其前 {found[1]} {_SPANS[found[2]]}内"}
    return plain(text)


def title(protocol: Protocol, name: str) -> Both:
    """What a treatment, product, measure, event, criterion or milestone is called; its id where it has no title."""
    names = ("treatments", "products", "measures", "events", "criteria", "milestones")
    blocks: Iterable[dict[str, Any]] = (getattr(protocol, block) for block in names)
    found = next((block[name].title for block in blocks if name in block and block[name].title is not None), None)
    return {lang: found.in_(lang) if found is not None else name for lang in ("en", "zh")}


def condition(protocol: Protocol, one: Condition) -> Both:
    """A condition as written, with the titles of what it names."""
    return {lang: _condition(protocol, one, lang) for lang in ("en", "zh")}


def _condition(protocol: Protocol, one: Condition, lang: str) -> str:
    if isinstance(one, All | AnyOf | NoneOf | AtLeast):
        parts = [_condition(protocol, part, lang) for part in one.of]
        match one, lang:
            case AnyOf(), "en":
                return " or ".join(parts)
            case AnyOf(), _:
                return "或".join(parts)
            case NoneOf(), "en":
                return "none of: " + ", ".join(parts)
            case NoneOf(), _:
                return "均无：" + "、".join(parts)
            case AtLeast(least=least), "en":
                return f"at least {least} of: " + ", ".join(parts)
            case AtLeast(least=least), _:
                return f"至少 {least} 项：" + "、".join(parts)
        return (" and " if lang == "en" else "且").join(parts)
    text = one.text
    if isinstance(one, Judged):
        return text
    for name in sorted(one.names(), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", title(protocol, name)[lang], text)
    if lang == "en":
        return text.removeprefix("event ")
    return re.sub(r" within (\d+) (d|h|min)\b", lambda m: f"（{m[1]} {_SPANS[m[2]]}内）", text.replace("event ", ""))
