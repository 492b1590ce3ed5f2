"""The words of endpoints in English and Chinese (`endpoints/words.yaml`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from protocol.model import Protocol
from rules.texts import read_texts


@dataclass(frozen=True)
class Words:
    """The words of one language, `en` or `zh`."""

    lang: str

    @cached_property
    def all(self) -> dict[str, Any]:
        """Every word of the language by its key."""
        found: dict[str, Any] = read_texts("rules.endpoints")[self.lang]
        return found

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key with its names filled; KeyError where there is none."""
        return str(self.all[key]).format(**values) if values else str(self.all[key])

    def value(self, word: str | None) -> str:
        """A word of the tables as people read it; a word of the protocol stays as it is."""
        return "" if word is None else str(self.all["values"].get(word, word))

    def column(self, name: str) -> str:
        """The heading of a column."""
        return str(self.all["columns"].get(name, name))

    def title(self, protocol: Protocol, block: str, name: str) -> str:
        """What the protocol calls one of its elements, its id where it has no title."""
        element = getattr(protocol, block).get(name)
        return element.title.in_(self.lang) if element is not None and element.title is not None else name

    def happening(self, protocol: Protocol, name: str) -> str:
        """What an event or a milestone is called."""
        block = "events" if name in protocol.events else "milestones"
        title = self.title(protocol, block, name)
        return self.value(name) if title == name else title

    def span(self, text: str) -> str:
        """A time such as `4 y` in the language."""
        return re.sub(r" ?([a-z]+)", lambda unit: self.all["spans"].get(unit[1], unit[0]), text)
