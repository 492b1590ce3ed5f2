"""What a trial ends in: its endpoints, and the sets of participants in which they are analysed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from protocol.durations import Duration, Window
from protocol.elements import Element, Many
from protocol.errors import ScalarError
from protocol.importance import Extent
from protocol.timing import Anchor, Moment


def _in_days(duration: Duration) -> Duration:
    if duration.clock or duration.sign <= 0:
        raise ScalarError(duration.text, "is no time at which participants can be counted", "write it as in '4 y'")
    return duration


Later: TypeAlias = Annotated[Duration, AfterValidator(_in_days)]
"""A time after the beginning, in days, weeks, months or years."""


class Endpoint(Element):
    """A response (`measure`, `due`), the time to the first of some events (`event`, `from`), or in whom it happened.

    A response is the value recorded within `window` around `due`, the one nearest to it that can be told; `success`
    names the values that count as one. A time begins at `from` and ends with the first of `event`; `censor` names what
    ends the observation before that, and `at` the times at which the share without the event is given. Without `from`
    the participants to whom it happened are counted.
    """

    measure: str | None = None
    due: Moment | None = None
    window: Window | None = None
    success: Many[str] = ()
    event: Many[str] = ()
    from_: Anchor | None = Field(default=None, alias="from")
    censor: Many[str] = ()
    at: Many[Later] = ()

    @property
    def kind(self) -> Literal["response", "survival", "event"]:
        """What is worked out of each participant: a value, a time, or whether it happened."""
        if self.measure is not None:
            return "response"
        return "survival" if self.from_ is not None else "event"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Endpoint:
        has = {
            key for key in ("measure", "due", "window", "success", "event", "from", "censor", "at") if self._has(key)
        }
        if ("measure" in has) == ("event" in has):
            said = "is a response and a time at once" if "event" in has else "is neither a response nor a time"
            raise ScalarError("", said, "write measure with due, or event with from")
        wanted = {"measure": {"due"}, "event": set[str]()}["measure" if "measure" in has else "event"]
        if lacking := wanted - has:
            raise ScalarError("", f"has a measure and no {lacking.pop()}", "write when it is due, as in 'due: day 90'")
        fitting = {"measure", "due", "window", "success"} if "measure" in has else {"event", "from", "censor", "at"}
        if "event" in has and "from" not in has:
            fitting = {"event"}
        if odd := sorted(has - fitting):
            what = "a response" if "measure" in has else "a time" if "from" in has else "an event without from"
            raise ScalarError("", f"is {what} and has {', '.join(odd)}", f"write of it {', '.join(sorted(fitting))}")
        return self

    def _has(self, key: str) -> bool:
        return bool(self.written(key))


class Exclusion(Element):
    """Which detected deviations keep a participant out of a set: by code, activity, importance and measure.

    All that is written must fit one finding; with `at_least`, so many findings. `measure: above 3 d` is compared with
    the measure of the finding's rule.
    """

    short: ClassVar[str | None] = "finding"
    finding: Many[str] = ()
    of: Many[str] = ()
    importance: Many[Literal["important", "not important", "unclassified"]] = ()
    measure: Extent | None = None
    at_least: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _fits_something(self) -> Exclusion:
        if not (self.finding or self.importance):
            why = "excludes for every finding"
            raise ScalarError("", why, "write finding with the codes of rules, or importance: important")
        if self.measure is not None and not self.finding:
            raise ScalarError(
                "", "has a measure and no finding", "write finding with the code of the rule that measures"
            )
        return self


class AnalysisSet(Element):
    """Participants who are analysed together: all of the trial but those whom an exclusion fits, fixed beforehand."""

    exclude: dict[str, Exclusion] = Field(default_factory=dict, min_length=1)
