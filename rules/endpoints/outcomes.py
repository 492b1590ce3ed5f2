"""The verb `endpoints`: what every participant contributes, the analysis sets, the figures and the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from protocol.model import Protocol
from rules.audit import audit
from rules.blinding import BLINDED, sighted
from rules.endpoints.days import seen, with_days
from rules.endpoints.estimates import need_statsmodels
from rules.endpoints.participants import CANNOT_TELL, read_participants
from rules.endpoints.published import ABSENT, COMPARED, DIFFERS, beside_published
from rules.endpoints.results import Drawn, compute_results
from rules.endpoints.sets import OPEN, SETS, check_exclusions, read_sets
from rules.endpoints.words import Words
from rules.facts import Study
from rules.happened.versions import Promised, together, versions_of
from rules.partitions import Progress, horizon


@dataclass(frozen=True)
class Outcomes:
    """What the trial ended in, as this reader may see it."""

    protocol: Protocol
    """With the endpoints that could be seen; of a blinded run one arm of everybody."""
    study: Study
    as_of: date
    lang: str
    participants: pl.DataFrame
    """One row per endpoint and participant: answer or time, and why."""
    sets: pl.DataFrame
    """One row per analysis set and participant: in, out or cannot tell, and why."""
    received: pl.DataFrame
    """One row per participant: planned and actual arm, and what of another arm is on record; none while blinded."""
    results: pl.DataFrame
    """One row per endpoint, set, arm and figure."""
    published: pl.DataFrame
    """Published figures of the study folder beside the computed ones."""
    curves: Sequence[Drawn]
    notes: Sequence[tuple[str, str]]
    """Endpoints, with the key of what a reader must know of them."""
    blinding: str
    promised: tuple[Protocol, ...]
    """The versions of the protocol as their files say them."""

    @property
    def differs(self) -> bool:
        """Whether a published figure is another than the computed one."""
        return bool((self.published["agrees"] == DIFFERS).any())

    @property
    def open(self) -> bool:
        """Whether anything could not be told: an answer, a time, or who belongs to a set."""
        asked = (self.participants["state"] == CANNOT_TELL).any() or (self.sets["member"] == OPEN).any()
        return bool(asked) or bool((self.published["agrees"] == ABSENT).any())


def outcomes(
    protocol: Promised,
    study: Study,
    *,
    as_of: date | None = None,
    lang: str = "en",
    blinded: bool | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """The endpoints of a study, by the newest version of its protocol. PerprotocolError without statsmodels.

    Nothing by arm is computed where the run is blinded: `protocol.blinding`, unless `blinded` is given.
    """
    need_statsmodels()
    promised = versions_of(protocol)
    newest = together(promised)
    check_exclusions(newest)
    (known,), facts, seen_as = sighted([with_days(newest)], study, blinded)
    words = Words(lang)
    shown = known.model_copy(update={"endpoints": seen(known)})
    participants, received = read_participants(shown, facts, as_of, lang)
    sets = pl.DataFrame(schema=SETS)
    if newest.analysis_sets:
        report = audit(promised, study, as_of=as_of, lang=lang, blinded=blinded, progress=progress)
        people = participants.select("subject", "site", "arm").unique("subject", maintain_order=True).sort("subject")
        sets = read_sets(report, newest, study, people, words)
    results, curves = compute_results(shown, participants, sets)
    hidden = seen_as == BLINDED
    published = pl.DataFrame(schema=COMPARED) if hidden else beside_published(shown, facts, results)
    notes = [*_notes(newest, shown), *([("published", "blinded")] if hidden and "published" in study.tables else [])]
    day = horizon(study, as_of)
    told = (participants, sets, received, results, published, curves, notes, seen_as, promised)
    return Outcomes(shown, facts, day, lang, *told)


def _notes(whole: Protocol, shown: Protocol) -> list[tuple[str, str]]:
    """What a reader must know beside the figures."""
    notes = [(name, "blinded") for name in whole.endpoints if name not in shown.endpoints]
    for name, endpoint in shown.endpoints.items():
        if endpoint.kind == "survival" and "death" not in endpoint.event:
            notes.append((name, "competing"))
        if endpoint.kind == "response" and endpoint.window is None:
            notes.append((name, "no-window"))
    compared = len(shown.arms) > 1 and any(endpoint.kind == "survival" for endpoint in shown.endpoints.values())
    if compared and any(arm.group == "concurrent" for arm in shown.arms.values()):
        notes.append(("", "not-randomised"))
    return notes
