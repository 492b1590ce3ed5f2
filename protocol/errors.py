"""What can be wrong with what people write: one tree, and every message says what, where, why and what to write.

PerprotocolError
├── InputError            every bad input of a file at once, as faults
│   ├── DocumentError     a protocol file
│   └── StudyError        a study folder
└── ScalarError           the grammar of one scalar; the caller adds where it stands
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class PerprotocolError(Exception):
    """Anything this project raises on purpose."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong at one place of a file; `column` is a character's position, or the name of a table's column."""

    file: str
    line: int | None
    column: int | str | None
    path: str
    value: str
    why: str
    remedy: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        said = " ".join(part for part in (f"'{self.value}'" if self.value else "", self.why) if part)
        message = ": ".join(part for part in (place, self.path, said) if part)
        return f"{message}; {self.remedy}" if self.remedy else message


class InputError(PerprotocolError):
    """Input that cannot be used; `faults` holds everything wrong with it, and the text is one line for each."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class DocumentError(InputError):
    """A protocol file that cannot be read as one."""


class StudyError(InputError):
    """A study folder that cannot be read as one."""


class ScalarError(PerprotocolError, ValueError):
    """A text outside the grammar of its scalar; a ValueError, so that pydantic collects it with the others."""

    def __init__(self, text: str, why: str, remedy: str) -> None:
        self.text = text
        self.why = why
        self.remedy = remedy
        super().__init__(f"'{text}' {why}; {remedy}")

    def __reduce__(self) -> tuple[type[ScalarError], tuple[str, str, str]]:
        return ScalarError, (self.text, self.why, self.remedy)
