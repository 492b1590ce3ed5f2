"""The site that a planner asks about, from what was typed in and from the closed days of a study folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import typer

from perprotocol.simulation.attendance import Clinic, Punctuality
from perprotocol.simulation.days import number
from perprotocol.simulation.forecast import Site
from protocol import Protocol, ScalarError
from protocol.timing import Duration
from rules.door.closures import Closures, closures_of, parse_closures
from rules.facts import read_study

WEEKEND = "saturday, sunday"
LONGEST = 50 * 366
"""Days over which a site enrols at most."""


def site_of(
    protocol: Protocol,
    study: Path | None,
    site: str,
    closed: str | None,
    enrols: tuple[int, str, date],
    share: tuple[float, float, float],
    ward: Sequence[str],
) -> Site:
    """The site; a usage error names an option that cannot be used and says what to write.

    `enrols`: how many, over how long, from when. `share`: who come on time, how late the others, who leave.
    """
    participants, over, first = enrols
    days = _days(over)
    activities = {*protocol.treatments, *protocol.visits, *protocol.assessments}
    for name in ward:
        if name not in activities:
            said = f"'{name}' is nothing that {protocol.protocol} plans; write one of {', '.join(sorted(activities))}"
            raise typer.BadParameter(said, param_hint="--ward")
    closures = _closures(study, site, closed)
    clinic = Clinic(closures.weekdays, closures.days)
    if len(closures.weekdays) == len("MTWTFSS"):
        raise typer.BadParameter("closes every weekday; leave one open", param_hint="--closed")
    on_time, delay, leaves = share
    return Site(participants, days, number(first), clinic, Punctuality(on_time, delay), frozenset(ward), leaves)


def _days(over: str) -> int:
    try:
        duration = Duration.parse(over)
    except ScalarError as error:
        raise typer.BadParameter(f"'{over}' {error.why}; {error.remedy}", param_hint="--over") from None
    days = duration.days + round(duration.months * 30.4375)
    if duration.clock or days < 1:
        raise typer.BadParameter(f"'{over}' is no day; write it as '52 wk'", param_hint="--over")
    if days > LONGEST:
        raise typer.BadParameter(f"'{over}' is longer than 50 years; write it as '52 wk'", param_hint="--over")
    return days


def _closures(study: Path | None, site: str, closed: str | None) -> Closures:
    """As typed in, else of the study and its site, else the weekend."""
    if closed is None and study is not None:
        stated = closures_of(read_study(study).settings)
        if site and site not in stated and "" not in stated:
            known = ", ".join(stated) or "none"
            raise typer.BadParameter(f"study.yaml names no closed days of '{site}'; of: {known}", param_hint="--site")
        found = stated.get(site) or stated.get("")
        if found is not None:
            return found
    try:
        return parse_closures(WEEKEND if closed is None else closed)
    except ScalarError as error:
        raise typer.BadParameter(f"'{closed}' {error.why}; {error.remedy}", param_hint="--closed") from None
