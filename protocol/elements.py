"""What every element of a protocol has (title, note, source, basis, assumed), and how fields take their short forms."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    model_validator,
)
from pydantic_core import CoreSchema

from protocol.criteria import Condition, read_condition
from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range, parse_amount
from protocol.scalar import ScalarField

T = TypeVar("T")


def _listed(value: object) -> object:
    """One value stands for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


Many: TypeAlias = Annotated[
    tuple[T, ...], BeforeValidator(_listed), Field(min_length=1, json_schema_extra={"one_or_more": True})
]
"""A list of T; in a document one T may stand for a list of one."""

OneCondition: TypeAlias = Annotated[Condition, PlainValidator(read_condition, json_schema_input_type=Any)]
"""A leaf or a tree."""

Conditions: TypeAlias = Many[OneCondition]
"""Conditions that must all hold."""

Amount: TypeAlias = Annotated[Quantity | Range, ScalarField(parse_amount, Quantity, Range)]
"""A quantity, or a range of which any dose is right."""


class Short(BaseModel):
    """A map that may be written as one value: that of its field `short`."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, defer_build=True)
    short: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        if isinstance(value, dict | cls):
            return value
        if cls.short is None:
            raise ScalarError(str(value), "is a value where a map of fields is due", "write its fields as 'key: value'")
        return {cls.short: value}

    def written(self, key: str) -> object | None:
        """The value of the field that a document writes as `key`, or None where this document does not write it."""
        name = self.names_by_key().get(key)
        return getattr(self, name) if name in self.model_fields_set else None

    @classmethod
    def names_by_key(cls) -> dict[str, str]:
        """The keys of a document -> the fields of this class (`from` -> `from_`)."""
        return {info.alias or name: name for name, info in cls.model_fields.items()}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = handler(schema)
        if cls.short is not None:
            handler.resolve_ref_schema(written)["short"] = cls.short
        return written


class Text(Short):
    """A text for people, in English and perhaps in Chinese."""

    short: ClassVar[str | None] = "en"
    en: str
    zh: str | None = None

    def in_(self, lang: str) -> str:
        """The text in that language, English where there is none."""
        return self.zh if lang == "zh" and self.zh else self.en

    def __str__(self) -> str:
        return self.en


class Element(Short):
    """Anything a protocol names: what it is called, who says so, and which of its fields have another origin.

    `assumed` and `stated` map single fields of this map to their source (`stated` is written by `defaults` merging).
    `source` is a key of `sources` and a place in it; source and basis hold for all beneath until named again.
    """

    title: Text | None = None
    note: str | None = None
    source: str | None = None
    basis: Literal["stated", "assumed"] | None = None
    assumed: dict[str, str] = Field(default_factory=dict)
    stated: dict[str, str] = Field(default_factory=dict)


class TitledElement(Element):
    """An element that has only a title may be that text."""

    short: ClassVar[str | None] = "title"
