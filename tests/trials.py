"""The protocols that tests are run under: invented ones, which use what none of the library does, and the library."""

from functools import cache

from hypothesis import Phase, settings

from bench.recall import TRIALS
from perprotocol.simulation.people import Cast
from protocol import Protocol, library, read, read_text

QUICK = settings(derandomize=True, deadline=None, max_examples=20, phases=[Phase.explicit, Phase.generate])
"""The same examples on every run, few of them, and none made smaller: a seed has no smaller one."""

INVENTED = {path.stem: path for path in sorted(TRIALS.glob("*.yaml"))}
"""Protocols that state what none of the library does; `monthly-roll` is one of them with another policy of months."""
LIBRARY = library()
EVERY = (*INVENTED, "monthly-roll", *LIBRARY)
PLAIN = ("per-kg", "surface", "vaccine", "monthly", "monthly-roll", "uc-msc-saa", "primaquine-challenge")
"""Those without cycles, branches and clock time: their calendar follows from a few lines of arithmetic."""


@cache
def trial(name: str) -> Protocol:
    """A small protocol, or one of the library."""
    if name == "monthly-roll":
        text = INVENTED["monthly"].read_text("utf-8")
        return read_text(
            text.replace("months: clamp", "months: roll").replace("protocol: monthly", f"protocol: {name}")
        )
    return read(INVENTED.get(name, name))


@cache
def cast(name: str) -> Cast:
    """Everybody who may take part in it."""
    return Cast(trial(name), 1)


@cache
def stayers(name: str) -> Cast:
    """The same, of whom nobody leaves before the end."""
    return Cast(trial(name), 1, leaves=0)
