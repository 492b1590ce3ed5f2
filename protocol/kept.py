"""What is worked out from a protocol once and kept: a protocol never changes, so neither does what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from protocol.model import Protocol

Ts = TypeVarTuple("Ts")
T = TypeVar("T")


class _Itself:
    """A protocol that equals only itself: to compare two by their fields takes longer than most of what is kept."""

    __slots__ = ("protocol",)

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.protocol is other.protocol

    def __hash__(self) -> int:
        return id(self.protocol)


def kept(function: Callable[[Protocol, *Ts], T]) -> Callable[[Protocol, *Ts], T]:
    """The function, its latest results kept by protocol and by its other arguments, which must be hashable."""
    known = lru_cache(maxsize=256)(lambda of, *args: function(of.protocol, *args))

    def asked(protocol: Protocol, /, *args: *Ts) -> T:
        found: T = known(_Itself(protocol), *args)
        return found

    return asked
