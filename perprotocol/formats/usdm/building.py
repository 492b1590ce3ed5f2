"""Objects of USDM 4 as they are written: each with its id and its kind; what is not said is left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from perprotocol.formats.usdm.terms import CODES, SYSTEM, UNIT_CODES
from perprotocol.formats.usdm.versions import OURS, Json
from protocol.conditions import Condition
from protocol.criteria import plain_condition
from protocol.elements import Element
from protocol.quantity import Quantity

_VERSION = "2024-09-27"
"""The version of the CDISC terminology that the codes are from."""


@dataclass
class Builder:
    """Makes objects, numbered by kind."""

    numbers: Counter[str] = field(default_factory=Counter)

    def make(self, kind: str, **fields: object) -> Json:
        """An object of a kind, with an id and no extension attributes yet."""
        self.numbers[kind] += 1
        return {
            "id": f"{kind}_{self.numbers[kind]}",
            "extensionAttributes": [],
            **fields,
            "instanceType": kind,
        }

    def named(self, kind: str, name: str, label: str | None = None, **fields: object) -> Json:
        """An object with a name, and with what people call it."""
        return self.make(kind, name=name, label=label, **fields)

    def code(self, decode: str) -> Json:
        """A term: of CDISC where we know its code, else in our words."""
        known = CODES.get(decode)
        system = SYSTEM if known else OURS.rstrip(":")
        version = _VERSION if known else "1"
        return self.make("Code", code=known or decode, codeSystem=system, codeSystemVersion=version, decode=decode)

    def alias(self, decode: str) -> Json:
        """A term as an AliasCode."""
        return self.make("AliasCode", standardCode=self.code(decode), standardCodeAliases=[])

    def quantity(self, amount: Quantity) -> Json:
        """A number with its unit."""
        value = float(amount.value)
        unit = self._unit(amount.unit.text) if amount.unit.text else None
        return self.make("Quantity", value=int(value) if value.is_integer() else value, unit=unit)

    def _unit(self, text: str) -> Json:
        if text in UNIT_CODES:
            return self.alias(UNIT_CODES[text])
        code = self.make("Code", code=text, codeSystem=OURS.rstrip(":"), codeSystemVersion="1", decode=text)
        return self.make("AliasCode", standardCode=code, standardCodeAliases=[])

    def attribute(self, name: str, value: str | None, instead_of: str | None = None) -> Json:
        """An extension attribute of ours; `instead_of` is what USDM itself says in its place."""
        inner = [] if instead_of is None else [self.attribute("instead-of", instead_of)]
        made = self.make("ExtensionAttribute", url=OURS + name, valueString=value)
        return made | {"extensionAttributes": inner}


def title_of(element: Element) -> str | None:
    """What an element is called, in English; None where it has no title."""
    return str(element.title) if element.title is not None else None


def sentence(condition: Condition) -> str:
    """A condition as people read it."""
    return _said(plain_condition(condition))


def _said(plain: Any) -> str:
    if isinstance(plain, dict):
        if "text" in plain:
            return str(plain["text"])
        if "at_least" in plain:
            return f"at least {plain['at_least']} of ({'; '.join(_said(part) for part in plain['of'])})"
        key = next(iter(plain))
        inner = f" {'and' if key == 'all' else 'or'} ".join(_said(part) for part in plain[key])
        return f"none of ({inner})" if key == "none" else f"({inner})"
    return str(plain)
