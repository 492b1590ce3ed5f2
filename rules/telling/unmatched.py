"""Words of a study that match nothing in its protocol: nothing is passed over without a word (INS-08)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

import polars as pl

from protocol.model import MILESTONES, Protocol
from rules.door.pauses import KEY, pauses_of
from rules.facts import Study
from rules.happened.evidence import ADVERSE_EVENT, event_words
from rules.happened.holds import named_in
from rules.happened.records import visit_named

UNMATCHED: dict[str, pl.DataType] = {
    "table": pl.String(),
    "column": pl.String(),
    "word": pl.String(),
    "rows": pl.Int64(),
    "near": pl.String(),
}
"""Table, column and word as recorded, rows that say it, and the nearest word of the protocol."""

_EVENTS = ("hold", "resume", "concomitant medication", *ADVERSE_EVENT)
_MEASURES = ("weight", "height")
_MILESTONES = (
    *MILESTONES,
    "withdrawal-from-the-trial",
    "withdrawal-of-consent",
    "last-contact",
    "lost-to-follow-up",
    "declared-lost",
)


def unmatched_words(protocol: Protocol, study: Study) -> pl.DataFrame:
    """Events, visits, measures and milestones on record that the protocol does not know, so that nothing follows."""
    events = {*_EVENTS, *(w for name in protocol.events for w in event_words(protocol, name))}
    measures = {*_MEASURES, *protocol.measures, *protocol.criteria, *protocol.eligibility.include}
    measures |= set(protocol.eligibility.exclude)
    ends = {f"discontinuation-{of}{name}" for name in protocol.treatments for of in ("", "of-")}
    milestones = {*_MILESTONES, *protocol.milestones, *ends}
    found = [
        _rows(study, "events", "event", events, str.lower),
        _rows(study, "visits", "visit", protocol.visits, lambda word: visit_named(protocol, word) or word.lower()),
        _rows(study, "observations", "measure", measures, str.lower),
        _rows(study, "milestones", "milestone", milestones, lambda w: "-".join(w.lower().replace("_", " ").split())),
    ]
    return pl.concat([*found, _pauses(protocol, study)])


def _pauses(protocol: Protocol, study: Study) -> pl.DataFrame:
    """Pauses of what the protocol does not give: they pause nothing."""
    said = [(f"{KEY} {site}".strip(), p.of) for site, found in pauses_of(study.settings).items() for p in found]
    rows = [("study.yaml", key, of, 1, None) for key, of in said if of is not None and not named_in(protocol, of)]
    return pl.DataFrame(rows, schema=UNMATCHED, orient="row")


def _rows(study: Study, table: str, column: str, known: Iterable[str], plain: Callable[[str], str]) -> pl.DataFrame:
    words = set(known)
    if table not in study.tables:
        return pl.DataFrame(schema=UNMATCHED)
    counts = study.data(table)[column].drop_nulls().value_counts(sort=True).sort(column)
    rows = []
    for word, number in counts.iter_rows():
        if plain(word) not in words:
            near = get_close_matches(plain(word), sorted(words), 1, 0.6)
            rows.append((study.tables[table].file, column, word, number, near[0] if near else None))
    return pl.DataFrame(rows, schema=UNMATCHED, orient="row")
