"""How important a deviation is, by the sponsor's own criteria: rule -> from which measure on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias, cast

from pydantic import Field, model_validator

from protocol.elements import Element
from protocol.errors import ScalarError
from protocol.quantity import Quantity
from protocol.scalar import Scalar, plain
from protocol.timing import Duration

_FORM = re.compile(r"(?P<no>not )?important(?: (?P<extent>.+))?")
_EXTENT = re.compile(r"(?P<side>from|above|below) (?P<bound>.+)")
_DURATION = re.compile(r"[0-9]+ ?(?:min|h|d|wk|mo|y)")


Side: TypeAlias = Literal["from", "above", "below"]


@dataclass(frozen=True)
class Extent(Scalar):
    """How large the measure of a finding is: `from 30 %` (included), `above 3 d`, `below 50 %` (both excluded)."""

    side: Side
    bound: Quantity | Duration

    examples: ClassVar[tuple[str, ...]] = ("from 30 %", "above 3 d", "below 50 %")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The extent that the text means."""
        match = _EXTENT.fullmatch(plain(text))
        if match is None:
            raise ScalarError(text, "does not say how large", "write 'from 30 %', 'above 3 d' or 'below 50 %'")
        bound = match["bound"]
        limit = Duration.parse(bound) if _DURATION.fullmatch(bound) else Quantity.parse(bound)
        return cls(text, cast(Side, match["side"]), limit)


@dataclass(frozen=True)
class Importance(Scalar):
    """`important`, `not important`, `important from 30 %` (included), `above 3 d`, `below 50 %` (both excluded)."""

    important: bool
    side: Side | None = None
    bound: Quantity | Duration | None = None

    examples: ClassVar[tuple[str, ...]] = ("important", "important from 30 %", "important above 3 d")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The criterion that the text means."""
        match = _FORM.fullmatch(plain(text))
        if match is None or (match["extent"] and not _EXTENT.fullmatch(match["extent"])):
            remedy = "write 'important', 'not important', 'important from 30 %', 'above 3 d' or 'below 50 %'"
            raise ScalarError(text, "does not say what is important", remedy)
        if match["extent"] is None:
            return cls(text, not match["no"])
        extent = Extent.parse(match["extent"])
        return cls(text, not match["no"], extent.side, extent.bound)


class ImportanceCriteria(Element):
    """The sponsor's criteria: `rules` holds one per rule code; a document writes them beside `source` and `note`."""

    rules: dict[str, Importance] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "rules" in value:
            return value
        own = {key: part for key, part in value.items() if key in cls.names_by_key()}
        return own | {"rules": {key: part for key, part in value.items() if key not in own}}

    def written(self, key: str) -> object | None:
        """A field of its own, or the criterion of a rule."""
        return self.rules.get(key) or super().written(key)
