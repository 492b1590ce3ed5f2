"""The words of a forecast in English and Chinese (`planning/words.yaml`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from protocol import Protocol
from rules.texts import read_texts


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    lang: str

    @cached_property
    def all(self) -> dict[str, Any]:
        """Every word of the language by its key."""
        found: dict[str, Any] = read_texts("perprotocol.planning")[self.lang]
        return found

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key with its names filled; KeyError where there is none."""
        return str(self.all[key]).format(**values)

    def column(self, name: str) -> str:
        """The heading of a column."""
        return str(self.all["columns"][name])

    def title(self, protocol: Protocol, activity: str) -> str:
        """What the protocol calls an activity."""
        for block in (protocol.treatments, protocol.visits, protocol.assessments):
            element = block.get(activity)
            if element is not None and element.title is not None:
                return element.title.in_(self.lang)
        return activity
