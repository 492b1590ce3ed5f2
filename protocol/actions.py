"""What a modification does: the actions of `then` and `may`, and the dose to resume with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, cast

from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range, parse_amount
from protocol.scalar import Scalar, plain
from protocol.timing import NAME, Duration

Verb: TypeAlias = Literal["hold", "stop", "omit", "delay", "reduce", "raise", "set", "repeat", "continue"]

_NAME = rf"(?P<target>{NAME})"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<verb>hold|stop|omit|continue) {_NAME}",
        rf"(?P<verb>delay) {_NAME}(?: by up to (?P<up_to>.+))?",
        rf"(?P<verb>reduce|raise) {_NAME}(?: by (?P<levels>[0-9]+) levels?| by (?P<by>.+)| to (?P<to>.+))?",
        rf"(?P<verb>set) {_NAME} to (?P<to>.+)",
        rf"(?P<verb>repeat) {_NAME} every (?P<every>.+)",
    )
)
_REMEDY = (
    "write hold, stop, omit or continue X; delay X by up to 14 d; reduce or raise X by 1 level, by 10 to 25 % "
    "or to 50 %; set X to 54 mg; repeat X every 7 d"
)


@dataclass(frozen=True)
class Action(Scalar):
    """`hold X`, `delay X by up to 14 d`, `reduce X by 1 level`, `set X to 54 mg`, `repeat X every 7 d`, `continue X`.

    `continue` changes nothing: it says that X goes on all the same.
    `target` is a treatment, product, cycle or assessment, or `all`; `levels` counts levels, `by` and `to` are shares or
    amounts; what the text leaves out is None.
    """

    verb: Verb
    target: str
    levels: int | None = None
    by: Quantity | Range | None = None
    to: Quantity | Range | None = None
    up_to: Duration | None = None
    every: Duration | None = None

    examples: ClassVar[tuple[str, ...]] = ("hold atg", "delay cycle by up to 14 d", "reduce atg by 10 to 25 %")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The action that the text states."""
        simple = plain(text)
        said = next((match.groupdict() for form in _FORMS if (match := form.fullmatch(simple))), None)
        if said is None:
            raise ScalarError(text, "is not an action", _REMEDY)
        by, to, up_to, every = (said.get(word) for word in ("by", "to", "up_to", "every"))
        return cls(
            text,
            cast(Verb, said["verb"]),
            str(said["target"]),
            levels=int(said["levels"]) if said.get("levels") else None,
            by=parse_amount(by) if by else None,
            to=parse_amount(to) if to else None,
            up_to=Duration.parse(up_to) if up_to else None,
            every=Duration.parse(every) if every else None,
        )


@dataclass(frozen=True)
class Resume(Scalar):
    """`level -1` or `75 %`: the dose with which a held treatment begins again."""

    level: int | None = None
    share: Quantity | None = None

    examples: ClassVar[tuple[str, ...]] = ("level -1", "75 %")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The level or the share that the text means."""
        simple = plain(text)
        if match := re.fullmatch(r"level (-?[0-9]+)", simple):
            return cls(text, level=int(match[1]))
        if re.fullmatch(r"[0-9].*(?:%|percent)", simple):
            return cls(text, share=Quantity.parse(simple))
        raise ScalarError(text, "says not with which dose to resume", "write 'level -1' or '75 %'")
