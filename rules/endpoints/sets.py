"""Analysis sets: who belongs to each by the exclusions that the protocol fixed, and by decisions on record.

An exclusion asks for some findings of one participant. A query that may turn out as such a finding leaves open whether
it fits, so membership has three answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

import polars as pl

from protocol.errors import DocumentError, Fault
from protocol.model import AnalysisSet, Exclusion, Protocol
from rules.audit import Report
from rules.blinding import BLINDED, blinded_treatments
from rules.deviations import BY_CODE
from rules.endpoints.words import Words
from rules.facts import Study
from rules.review.decided import ENDED
from rules.telling.importance import bound_in

EVERYONE = "all"
IN, OUT, OPEN = "in", "out", "cannot tell"
SETS: dict[str, pl.DataType] = {
    "analysis_set": pl.String(), "subject": pl.String(), "site": pl.String(), "arm": pl.String(),
    "member": pl.String(), "exclusion": pl.String(), "because": pl.String(), "findings": pl.String(),
}  # fmt: skip
"""Set and participant; `member` in, out or cannot tell; the exclusions that fit or may fit, in words; and the ids of
the findings and queries behind them."""

_MAY_BECOME = {
    "dose_no_record": ("dose_not_given",),
    "visit_no_record": ("visit_missed",),
    "assessment_no_record": ("assessment_missed",),
    "course_no_record": ("course_not_started",),
}
"""What a question about a record that is not there may turn out to be."""

Row = Mapping[str, Any]


def check_exclusions(protocol: Protocol) -> None:
    """Every exclusion names rules that there are, and a measure that theirs can be compared with. DocumentError."""
    faults = []
    for name, chosen in protocol.analysis_sets.items():
        for key, exclusion in chosen.exclude.items():
            path = f"analysis_sets.{name}.exclude.{key}"
            for code in exclusion.finding:
                said = _unfit(code, exclusion)
                if said is not None:
                    faults.append(Fault(protocol.protocol, None, None, f"{path}.{said[0]}", *said[1:]))
    if faults:
        raise DocumentError(faults)


def _unfit(code: str, exclusion: Exclusion) -> tuple[str, str, str, str] | None:
    """Why no finding of a rule can fit an exclusion: the field, its value, why, and what to write; None if one can."""
    if code not in BY_CODE:
        near = get_close_matches(code, BY_CODE, n=1)
        return "finding", code, "is no rule", f"write {near[0]}" if near else "see perprotocol explain --list"
    unit = BY_CODE[code].measure_unit
    if exclusion.measure is None or bound_in(exclusion.measure, unit) is not None:
        return None
    if not unit:
        return "measure", str(exclusion.measure), f"is compared with {code}, which has no measure", "leave it out"
    return "measure", str(exclusion.measure), f"cannot be compared with the measure of {code}", f"write it in {unit}"


@dataclass(frozen=True)
class _Fit:
    """Of one participant the findings that an exclusion asks for, and the queries that may become one."""

    sure: tuple[str, ...]
    maybe: tuple[str, ...]
    least: int

    @property
    def answer(self) -> str:
        """Out, in, or open."""
        if len(self.sure) >= self.least:
            return OUT
        return OPEN if len(self.sure) + len(self.maybe) >= self.least else IN


def read_sets(report: Report, protocol: Protocol, study: Study, people: pl.DataFrame, words: Words) -> pl.DataFrame:
    """Who of `people` (subject, site, arm) belongs to each set; an audit says what was found."""
    check_exclusions(protocol)
    hidden = blinded_treatments(protocol) if report.blinding == BLINDED else ()
    activities = {*protocol.treatments, *protocol.visits, *protocol.assessments}
    rows = []
    for name, chosen in protocol.analysis_sets.items():
        fits = {key: _fits(x, report, activities, hidden) for key, x in chosen.exclude.items()}
        decided = _decided(study, name, chosen, report.as_of)
        for person in people.iter_rows(named=True):
            rows.append({"analysis_set": name, **person, **_member(person["subject"], chosen, fits, decided, words)})
    return pl.DataFrame(rows, schema=SETS, orient="row")


Fits = Mapping[str | None, _Fit]
"""By participant; None holds for everybody else."""


def _fits(exclusion: Exclusion, report: Report, activities: Collection[str], hidden: Collection[str]) -> Fits:
    least = exclusion.at_least or 1
    live = ~pl.col("state").is_in(ENDED)
    found = [row for row in report.findings.filter(live).iter_rows(named=True) if _is_meant(exclusion, row)]
    asked = [
        row for row in report.queries.filter(live).iter_rows(named=True) if _may_be_meant(exclusion, row, activities)
    ]
    everyone = [row["id"] for row in asked if row["subject"] is None]
    unseen = [name for name in (exclusion.of or hidden) if name in hidden]
    everyone += unseen * least
    fits: dict[str | None, _Fit] = {None: _Fit((), tuple(everyone), least)}
    sure, maybe = _ids_by_subject(found), _ids_by_subject(asked)
    for subject in {*sure, *maybe} - {None}:
        fits[subject] = _Fit(tuple(sure[subject]), (*maybe[subject], *everyone), least)
    return fits


def _ids_by_subject(rows: Sequence[Row]) -> defaultdict[str | None, list[str]]:
    ids: defaultdict[str | None, list[str]] = defaultdict(list)
    for row in rows:
        ids[row["subject"]].append(row["id"])
    return ids


def _is_meant(exclusion: Exclusion, row: Row) -> bool:
    """Whether a finding is one that the exclusion asks for."""
    if exclusion.finding and row["code"] not in exclusion.finding:
        return False
    if exclusion.of and row["activity"] not in exclusion.of:
        return False
    if exclusion.importance and row["importance"] not in exclusion.importance:
        return False
    return exclusion.measure is None or _large(exclusion, row)


def _large(exclusion: Exclusion, row: Row) -> bool:
    extent = exclusion.measure
    assert extent is not None
    bound, size = bound_in(extent, BY_CODE[row["code"]].measure_unit), row["measure"]
    if bound is None or size is None:
        return False
    return bool({"from": size >= bound, "above": size > bound, "below": size < bound}[extent.side])


def _may_be_meant(exclusion: Exclusion, row: Row, activities: Collection[str]) -> bool:
    """Whether the answer to a query may be a finding that the exclusion asks for; a weight is of no activity."""
    if exclusion.of and row["activity"] in activities and row["activity"] not in exclusion.of:
        return False
    blocked = {code for rule in (row["rule"] or "").split(", ") for code in (rule, *_MAY_BECOME.get(rule, ()))}
    return not exclusion.finding or bool(blocked & {*exclusion.finding})


def _decided(study: Study, name: str, chosen: AnalysisSet, as_of: date) -> dict[str, str]:
    """Whom a decision on record keeps out of the set: the reason by subject."""
    frame = study.data("decisions").filter(pl.col("kind") == "excluded")
    if not len(frame):
        return {}
    titles = [chosen.title.en, chosen.title.zh or ""] if chosen.title is not None else []
    known = [word.lower() for word in (name, name.replace("-", " "), *titles) if word]
    mine = pl.col("analysis_set").str.to_lowercase().is_in(known) & (
        pl.col("decided").is_null() | (pl.col("decided") <= as_of)
    )
    frame = frame.filter(mine).join(study.subjects.select("s", "subject"), on="s")
    return {row["subject"]: row["reason"] or row["document"] or "" for row in frame.iter_rows(named=True)}


def _member(
    subject: str, chosen: AnalysisSet, fits: Mapping[str, Fits], decided: Mapping[str, str], words: Words
) -> dict[str, str | None]:
    """Whether a participant belongs to a set, and why not."""
    answers = {key: by[subject] if subject in by else by[None] for key, by in fits.items()}
    out = [key for key, fit in answers.items() if fit.answer == OUT]
    may = [key for key, fit in answers.items() if fit.answer == OPEN]
    if subject in decided:
        why = words("by decision", reason=decided[subject])
        return {"member": OUT, "exclusion": "decision", "because": why, "findings": None}
    chosen_keys = out or may
    member = OUT if out else OPEN if may else IN
    ids = dict.fromkeys(
        i for key in chosen_keys for i in (answers[key].sure if out else (*answers[key].sure, *answers[key].maybe))
    )
    said = [_title(chosen.exclude[key], key, words) for key in chosen_keys]
    return {
        "member": member,
        "exclusion": ", ".join(chosen_keys) or None,
        "because": words("listed").join(said) or None,
        "findings": ", ".join(ids) or None,
    }


def _title(exclusion: Exclusion, key: str, words: Words) -> str:
    return exclusion.title.in_(words.lang) if exclusion.title is not None else key


def members(sets: pl.DataFrame, people: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Every set with who is in it for certain, first all participants."""
    yield EVERYONE, list(people)
    for (name,), rows in sets.group_by("analysis_set", maintain_order=True):
        yield str(name), rows.filter(pl.col("member") == IN)["subject"].to_list()
