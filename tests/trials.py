"""Small protocols that between them use every kind of dose and of timing that is judged."""

from functools import cache

from hypothesis import Phase, settings

from perprotocol.simulation.people import Cast
from protocol import Protocol, library, read, read_text

QUICK = settings(derandomize=True, deadline=None, max_examples=20, phases=[Phase.explicit, Phase.generate])
"""The same examples on every run, few of them, and none made smaller: a seed has no smaller one."""

HEAD = """
version: 1
first_day: {first_day}
months: {months}
source: team
basis: assumed
sources: {{team: a protocol for tests}}
"""

PER_KG = """
protocol: per-kg
arms: {active: active, control: control}
weight: {use: latest, within: 3 d}
measures: {anc: {unit: 10^9/L}}
eligibility: {include: {counts: {if: anc > 0.5 10^9/L}}, exclude: {severe: {if: anc > 20 10^9/L}}}
treatments:
  cells:
    arm: active
    due: day 14
    every: 14 d
    times: 4
    window: ±2 d
    limits: [{from: previous, opens: 11 d}]
    dose: {amount: 1e6 cells/kg, count: viable, max: 9e7 cells, tolerance: ±10 %}
  pulse:
    due: days 0 to 4
    window: ±0 d
    dose: 2.5 to 3.5 mg/kg
  before-pulse:
    due: within 2 h before each pulse
    dose: 2 mg/kg
visits:
  week-1: {due: day 3, window: ±2 d}
  week-3: {due: 14 d after week-1, window: ±1 d}
  later: {due: 30 d after planned week-3, every: 14 d, times: 3, window: -2 d to +3 d}
"""

SURFACE = """
protocol: surface
arms: {active: everybody}
weight: {use: baseline}
treatments:
  infusion:
    due: day 1
    every: 21 d
    times: 5
    window: -1 d to +3 d
    late: shift
    dose: {amount: 75 mg/m2, round: 5 mg, max: 150 mg, tolerance: -5 % to +10 %}
  tablet:
    due: [day 2, day 9]
    every: 28 d
    times: 6
    window: +3 d
    dose: {amount: 12.5 mg, tolerance: ±20 %}
visits:
  check: {due: 5 d after infusion 2, window: ±2 d}
  leave: {due: 30 d after last infusion, window: ±5 d}
"""

VACCINE = """
protocol: vaccine
arms: {active: everybody}
treatments:
  vaccine:
    due: day 0
    every: 30 d
    times: 3
    window: -4 d to +10 d
    missed: make_up
    limits: [{from: previous, valid_from: 21 d, opens: 26 d}]
    dose: {amount: 0.5 mg, tolerance: ±10 %}
  booster:
    limits:
      - {from: vaccine 3, opens: 150 d, due: 180 d, closes: 210 d}
      - {from: vaccine 1, opens: 200 d}
    dose: 0.5 mg
visits:
  titre: {due: 28 d after vaccine 3, window: ±3 d}
"""

MONTHLY = """
protocol: monthly
arms: {active: everybody}
treatments:
  depot: {due: day 0, every: 1 mo, times: 7, window: ±3 d, dose: {amount: 300 mg, tolerance: ±10 %}}
visits:
  quarter: {due: 3 mo after day-zero, every: 3 mo, to: 2 y after day-zero, window: ±7 d}
  late: {due: 1 mo + 10 d after depot 2, window: ±3 d}
"""

SMALL = {
    "per-kg": (PER_KG, 0, "clamp"),
    "surface": (SURFACE, 1, "clamp"),
    "vaccine": (VACCINE, 0, "clamp"),
    "monthly": (MONTHLY, 0, "clamp"),
    "monthly-roll": (MONTHLY.replace("protocol: monthly", "protocol: monthly-roll"), 0, "roll"),
}
LIBRARY = library()
TRIALS = (*SMALL, *LIBRARY)
PLAIN = (*SMALL, "uc-msc-saa", "primaquine-challenge")
"""Those without cycles, branches and clock time: their calendar follows from a few lines of arithmetic."""


@cache
def trial(name: str) -> Protocol:
    """A small protocol, or one of the library."""
    if name in LIBRARY:
        return read(name)
    text, first_day, months = SMALL[name]
    return read_text(text + HEAD.format(first_day=first_day, months=months), name)


@cache
def cast(name: str) -> Cast:
    """Everybody who may take part in it."""
    return Cast(trial(name), 1)


@cache
def stayers(name: str) -> Cast:
    """The same, of whom nobody leaves before the end."""
    return Cast(trial(name), 1, leaves=0)
