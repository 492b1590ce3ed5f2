"""How many in any span of time: `2 doses in any 7 d`, `3 days in any 30 d`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from protocol.durations import Duration
from protocol.errors import ScalarError
from protocol.scalar import Scalar, plain

_QUOTA = re.compile(r"(?P<count>[0-9]{1,4}) (?P<of>dose|doses|day|days) in any (?P<span>.+)")


@dataclass(frozen=True)
class Quota(Scalar):
    """A number of doses, or of days with a dose, in every span of that length.

    Days are whole days: a span of 7 d is seven of them in a row. Hours are clock time.
    """

    count: int
    of: Literal["doses", "days"]
    span: Duration

    examples: ClassVar = ("2 doses in any 7 d", "3 days in any 30 d", "4 doses in any 24 h")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The quota that the text writes."""
        found = _QUOTA.fullmatch(plain(text))
        if not found:
            raise ScalarError(text, "does not say how many in which span", "write it as in '2 doses in any 7 d'")
        count, span = int(found["count"]), Duration.parse(found["span"])
        of: Literal["doses", "days"] = "doses" if found["of"].startswith("dose") else "days"
        if span.months:
            raise ScalarError(text, "rolls by months, which are not of one length", "write the span in d or wk")
        if count < 1 or span.sign < 1:
            raise ScalarError(text, "allows nothing", "write numbers from 1 on, as in '1 dose in any 7 d'")
        if of == "days" and (span.clock or count >= span.days):
            raise ScalarError(text, "limits nothing", "write fewer days than the span has, as in '3 days in any 30 d'")
        return cls(text.strip(), count, of, span)
