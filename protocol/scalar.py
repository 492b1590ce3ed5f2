"""What all scalars share: a text with one grammar, kept as it was written.

Nothing here imports pydantic until a model asks for a schema, so that reading an amount stays cheap.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from protocol.errors import ScalarError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000]")


@dataclass(frozen=True)
class Scalar(ABC):
    """A text that means one thing: equal where the meaning is equal, printed as it was written."""

    text: str = field(compare=False)

    examples: ClassVar[tuple[str, ...]] = ()
    numeric: ClassVar[bool] = False
    """True where an editor may see a number instead of a text."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self:
        """The scalar that the text means; a ScalarError says why it means none."""

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return ScalarField(cls.parse, cls).__get_pydantic_core_schema__(source, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return ScalarField(cls.parse, cls).__get_pydantic_json_schema__(schema, handler)


class ScalarField:
    """How pydantic reads and writes a field that one grammar fills: `Annotated[A | B, ScalarField(parse, A, B)]`."""

    def __init__(self, parse: Callable[[str], Scalar], *kinds: type[Scalar]) -> None:
        self.parse = parse
        self.kinds = kinds

    def read(self, value: object) -> Scalar:
        """The scalar of a text or of a number; a scalar of the right kind stays what it is."""
        if isinstance(value, self.kinds):
            return value
        if isinstance(value, str):
            return self.parse(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.parse(repr(value))
        raise ScalarError(str(value), "is not a text", f"write a text such as '{self._examples()[0]}'")

    def _examples(self) -> list[str]:
        return [example for kind in self.kinds for example in kind.examples]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415  only a model needs it

        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        numeric = any(kind.numeric for kind in self.kinds)
        return {"type": ["string", "number"] if numeric else "string", "examples": self._examples()}


def plain(text: str) -> str:
    """The text with one minus, one micro sign and single spaces; full-width characters are refused, never folded.

    Folding (NFKC) would read 10⁶ as 106.
    """
    wide = _FULL_WIDTH.search(text)
    if wide:
        narrow = _FULL_WIDTH.sub(lambda found: _narrow(found[0]), text)
        raise ScalarError(text, f"has the full-width character {wide[0]!r}", f"write '{narrow}'")
    simple = " ".join(text.replace("−", "-").replace("μ", "µ").split())
    if not simple:
        raise ScalarError(text, "is empty", "write a value, or leave the key out")
    return simple


def _narrow(character: str) -> str:
    return " " if character == "\u3000" else chr(ord(character) - 0xFEE0)
