"""HTML and SVG from values: text is always escaped, so nothing recorded can become markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"

_CONTROL = dict.fromkeys(c for c in (*range(32), 127) if chr(c) not in "\n\t")
_VOID = frozenset({"meta", "br", "hr", "input"})


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """One element. Children are escaped unless they are Markup; None is left out.

    Attributes end in `_` where Python keeps the word, `_` inside stands for `-`; None and False are left out.
    """
    written = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Markup:
    """Several children as one."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (str, int, float)):
        return _plain(child)
    return join(child)


def _plain(value: object) -> str:
    return escape(str(value).translate(_CONTROL))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_plain(value)}"'


def css_string(text: str) -> str:
    """A text as a string of CSS, quotes included; every character that could end it is written as its number."""
    safe = "".join(c if c.isalnum() or c in " .,:-_/·()" else f"\\{ord(c):x} " for c in text)
    return f'"{safe}"'
