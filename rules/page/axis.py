"""A time axis with its empty stretches cut out: each stretch of days that has something on it keeps its own scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LEAST_PIXELS = 36.0
MOST_PIXELS_A_DAY = 22.0
GAP_PIXELS = 12.0
MOST_STRETCHES = 14
_STEPS = (1, 2, 7, 14, 28, 56, 91, 182, 364, 728, 1820)
_LABEL_PIXELS = 40.0
_FEW = 3

Span = tuple[date, date]


@dataclass(frozen=True)
class Stretch:
    """Days `first` to `last` (both whole) drawn from `left` to `right`."""

    first: date
    last: date
    left: float
    right: float

    @property
    def day_pixels(self) -> float:
        """The width of one day."""
        return (self.right - self.left) / ((self.last - self.first).days + 1)


@dataclass(frozen=True)
class Axis:
    """The stretches from left to right."""

    stretches: tuple[Stretch, ...]

    def x(self, day: date, share: float = 0.5) -> float:
        """Where a day is drawn, at its middle by default (`share` 0 is its morning, 1 its end).

        A day in a stretch that was cut out lies in the middle of the cut.
        """
        before = self.stretches[0]
        for stretch in self.stretches:
            if day < stretch.first:
                return (before.right + stretch.left) / 2
            if day <= stretch.last:
                return stretch.left + ((day - stretch.first).days + share) * stretch.day_pixels
            before = stretch
        return before.right

    def shows(self, day: date) -> bool:
        """Whether a day lies on a stretch."""
        return any(s.first <= day <= s.last for s in self.stretches)

    @property
    def right(self) -> float:
        """Where the axis ends."""
        return self.stretches[-1].right


def lay_axis(spans: Iterable[Span], left: float, width: float) -> Axis:
    """The axis that shows every span, at most `width` pixels wide.

    Stretches are cut apart where nothing lies for a fortnight, or longer where that would give too many; each gets room
    for what lies on it, so a dense first month is not squeezed by years of follow-up.
    """
    ordered = sorted(spans)
    cut = 14.0
    while len(groups := _groups(ordered, int(cut))) > MOST_STRETCHES:
        cut *= 1.5
    sizes = _sizes(groups, width - GAP_PIXELS * (len(groups) - 1))
    stretches, at = [], left
    for (first, last, _), size in zip(groups, sizes, strict=True):
        stretches.append(Stretch(first, last, at, at + size))
        at += size + GAP_PIXELS
    return Axis(tuple(stretches))


def ticks(stretch: Stretch, zero: date | None, dues: Sequence[date]) -> list[date]:
    """Days to label on a stretch: whole steps from day zero (or its first day); on a short one what is due there."""
    if stretch.right - stretch.left < 4 * LEAST_PIXELS:
        mine = [due for due in dues if stretch.first <= due <= stretch.last]
        return mine or [stretch.first + (stretch.last - stretch.first) // 2]
    step = next((s for s in _STEPS if s * stretch.day_pixels >= _LABEL_PIXELS), _STEPS[-1])
    origin = zero or stretch.first
    begin = (stretch.first - origin).days
    days = range(begin + (-begin) % step, (stretch.last - origin).days + 1, step)
    return [origin + timedelta(day) for day in days]


def _groups(ordered: Sequence[Span], cut: int) -> list[tuple[date, date, int]]:
    """Spans less than `cut` days apart as one: first and last day with a day's margin, and how many days begin one."""
    groups: list[tuple[date, date, int]] = []
    begins: date | None = None
    for first, last in ordered:
        if groups and (first - groups[-1][1]).days < cut:
            before = groups[-1]
            groups[-1] = (before[0], max(before[1], last), before[2] + (first != begins))
        else:
            groups.append((first, last, 1))
        begins = first
    return [(a - timedelta(1), b + timedelta(1), n) for a, b, n in groups]


def _sizes(groups: Sequence[tuple[date, date, int]], width: float) -> list[float]:
    """Pixels for each stretch: a least width, the rest by how much begins on it, never more than a day can use."""
    most = [((last - first).days + 1) * MOST_PIXELS_A_DAY for first, last, _ in groups]
    least = [min(LEAST_PIXELS, m) for m in most]
    weight = [max(n - _FEW, 0.1) for _, _, n in groups]
    rest = max(width - sum(least), 0.0)
    return [min(m, a + rest * w / sum(weight)) for a, m, w in zip(least, most, weight, strict=True)]
