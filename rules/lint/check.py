"""A check: one fault that a protocol can have, its page, its sentences and the way to find it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from protocol.yaml_text import Path
from rules.lint.draft import Draft
from rules.texts import read_texts

Kind: TypeAlias = Literal["fault", "to confirm", "not judged"]


@dataclass(frozen=True)
class Hit:
    """One place where the fault is: its path in the document, and the words that fill the sentences."""

    path: Path
    words: Mapping[str, object] = field(default_factory=dict)
    case: str = ""
    """Which of the check's messages says it, where there are several."""
    source: str | None = None


@dataclass(frozen=True)
class Check:
    """One fault of a protocol.

    `kind`: a *fault* must be mended, or some verdict can never be given and some participant never comply; what is *to
    confirm* gives verdicts that rest on what no document states. `message` says what is wrong, `remedy` a way out.
    """

    code: str
    title: str
    page: str
    find: Callable[[Draft], Iterable[Hit]]
    message: str | Mapping[str, str]
    remedy: str
    kind: Kind = "fault"

    def text(self, name: str, lang: str, case: str = "") -> str:
        """The `title`, `message` or `remedy` in a language; English stands in the check itself."""
        own = getattr(self, name)
        found = _chinese()[self.code].get(name, own) if lang == "zh" else own
        return str(found[case] if isinstance(found, Mapping) else found)

    def section(self, heading: str) -> str:
        """What stands under one heading of the page."""
        _, *rest = re.split(r"^(.+)\n-{3,}\n", self.page, flags=re.MULTILINE)
        return dict(zip(rest[::2], rest[1::2], strict=True))[heading].strip("\n")


def _chinese() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_texts("rules.lint", "zh.yaml")
    return found
