"""Headings and phrases of reports in English and Chinese (`page/words.yaml`); values come from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rules.deviations import BY_CODE
from rules.telling.wording import catalogue, rule_text
from rules.texts import read_texts


@dataclass(frozen=True)
class Labels:
    """The words of one language, `en` or `zh`."""

    lang: str

    @cached_property
    def words(self) -> dict[str, Any]:
        """All words of the language, as the file has them."""
        found: dict[str, Any] = read_texts("rules.page")[self.lang]
        return found

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key with its names filled; KeyError where there is none."""
        return str(self.words[key]).format(**values) if values else str(self.words[key])

    def column(self, name: str) -> str:
        """The heading of a column; its name where it has none."""
        return str(self.words["columns"].get(name, name))

    def value(self, value: str | None) -> str:
        """A word of the engine as people read it: free text and names stay as they are."""
        if value is None:
            return ""
        return str(self.words["values"].get(value) or catalogue(self.lang)["words"].get(value, value))

    def logged(self, answer: str | None) -> str:
        """Whether the site has logged a finding, in words."""
        return self.value(f"logged {answer}" if answer in ("yes", "no") else answer)

    def code(self, code: str) -> str:
        """The title of a rule, or of the fact that a query asks for."""
        if code in BY_CODE:
            return rule_text(BY_CODE[code], "title", self.lang)
        return str(self.words["facts"].get(code, code))
