"""Decisions on record beside what they concern: who, when, why. None deletes or softens a finding; a waiver adds one.

A decision names a finding or a query by its id or its event, or an activity and perhaps its occurrence. A state
(`STATES`) is only given to what is named by id or event; the latest is the state, the earlier ones stay in the history.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from protocol.model import Protocol
from rules.facts import Study
from rules.happened.records import activities_named
from rules.page.labels import Labels

STATES = ("confirmed", "not a deviation", "duplicate", "data corrected", "superseded", "closed")
"""Kinds of decision that say what became of a finding."""

ENDED = tuple(state for state in STATES if state != "confirmed")
"""States in which nobody has to look at a finding again; it is listed and counted all the same."""

_BREACH = ("serious breach", "not a serious breach")
_OF_PERSON = {"approval to remain": "eligibility criteria not met"}
"""Kinds that concern a participant, and the category of the findings they are shown with."""

DECISIONS: dict[str, pl.DataType] = {
    "subject": pl.String(), "kind": pl.String(), "finding": pl.String(), "activity": pl.String(),
    "occurrence": pl.Int32(), "decided": pl.Date(), "by": pl.String(), "document": pl.String(), "reason": pl.String(),
    "concerns": pl.UInt32(), "record": pl.String(),
}  # fmt: skip
"""A decision as recorded, how many findings and queries it concerns (none: it names nothing known), and its place."""

HISTORY: dict[str, pl.DataType] = {
    "finding": pl.String(), "state": pl.String(), "at": pl.Date(), "by": pl.String(), "document": pl.String(),
    "reason": pl.String(), "record": pl.String(),
}  # fmt: skip
"""The states of a finding in order of time."""


def decisions_of(study: Study, as_of: date | None) -> pl.DataFrame:
    """The decisions known on the as-of day, in order of time, numbered `d`, with `subject` and `record`."""
    frame = study.decisions
    if as_of is not None:
        frame = frame.filter((pl.col("decided") <= as_of).fill_null(value=True))
    if not len(frame):
        return frame
    file = study.tables["decisions"].file
    frame = frame.sort("decided", "decided_minute", "row")
    return frame.with_columns(
        d=pl.int_range(pl.len()),
        subject=study.subjects["subject"].gather(frame["s"]),
        record=pl.concat_str(pl.lit(file), pl.col("row").cast(pl.String), separator=":"),
    )


def decide(
    rows: pl.DataFrame, study: Study, protocol: Protocol, as_of: date | None, corrected: pl.DataFrame, lang: str
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows with `decision`, `state`, `serious_breach` and `excluded_from`; the decisions; and the history."""
    decisions = decisions_of(study, as_of)
    if not len(decisions) and not len(corrected):
        return _undecided(rows), pl.DataFrame(schema=DECISIONS), pl.DataFrame(schema=HISTORY)
    if not len(decisions):
        decisions = decisions.with_columns(d=pl.int_range(pl.len()), subject=pl.lit(None, pl.String), record=pl.lit(""))
    pairs = _pairs(rows, decisions, protocol)
    said = decisions.with_columns(pl.Series("said", _sentences(decisions, lang), dtype=pl.String))
    own = _corrections(rows, corrected, pairs, said, lang)
    shown = pl.concat(
        [pairs.join(said, on="d", maintain_order="left").select("id", "said", "kind", "by_id", "decided"), own]
    )
    shown = shown.sort("decided", nulls_last=False, maintain_order=True)
    states = shown.filter(pl.col("kind").is_in(STATES) & pl.col("by_id"))
    told = rows
    for name, part, how in (
        ("decision", shown, pl.col("said").str.join("; ")),
        ("state", states, pl.col("kind").last()),
        ("serious_breach", shown.filter(pl.col("kind").is_in(_BREACH)), pl.col("said").last()),
        ("excluded_from", shown.filter(pl.col("kind") == "excluded"), pl.col("said").str.join("; ")),
    ):
        column = part.group_by("id").agg(how.alias(name))
        told = told.drop(name, strict=False).join(column, on="id", how="left", maintain_order="left")
    told = told.with_columns(pl.col("state").fill_null("new")).select(*rows.columns, "serious_breach", "excluded_from")
    return told, _concerns(decisions, pairs), _history(pairs, said, corrected, own)


def _undecided(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in ("serious_breach", "excluded_from"))


def _pairs(rows: pl.DataFrame, decisions: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Which decision (`d`) concerns which row (`id`), and whether it names it by id or event."""
    named = decisions.filter(pl.col("finding").is_not_null()).select("d", "finding")
    by_id = named.join(rows.select("id"), left_on="finding", right_on="id", maintain_order="left")
    by_event = named.join(rows.select("id", "event"), left_on="finding", right_on="event", maintain_order="left")
    pieces = [by_id.select("d", id="finding", by_id=True), by_event.select("d", "id", by_id=True)]
    of_person = pl.col("kind").is_in(list(_OF_PERSON)) & pl.col("activity").is_null()
    about = decisions.filter(pl.col("finding").is_null() & ~pl.col("kind").is_in(STATES))
    words = {w: activities_named(protocol, w) or [w.lower()] for w in about["activity"].drop_nulls().unique()}
    meant = about.filter(pl.col("activity").is_not_null()).with_columns(
        pl.col("activity").replace_strict(words, default=None, return_dtype=pl.List(pl.String))
    )
    meant = meant.explode("activity").select("d", "subject", "activity", which="occurrence")
    found = meant.join(rows, on=["subject", "activity"], maintain_order="left")
    same = pl.col("which").is_null() | (pl.col("which") == pl.col("occurrence"))
    pieces.append(found.filter(same).select("d", "id", by_id=False))
    for kind, category in _OF_PERSON.items():
        theirs = about.filter(of_person & (pl.col("kind") == kind)).select("d", "subject")
        mine = rows.filter(pl.col("category") == category)
        pieces.append(theirs.join(mine, on="subject", maintain_order="left").select("d", "id", by_id=False))
    return (
        pl.concat(pieces).cast({"by_id": pl.Boolean}).unique(["d", "id"], keep="first", maintain_order=True).sort("d")
    )


def _sentences(decisions: pl.DataFrame, lang: str) -> list[str]:
    """Each decision in words: what, from which analysis set, who, when, where it is filed, why."""
    labels = Labels(lang)
    return [
        labels(
            "decided as",
            kind=" ".join(x for x in (labels.value(row["kind"]), row["analysis_set"]) if x),
            by=row["by"] or labels("not said"), decided=row["decided"] or labels("not said"),
            document=row["document"] or labels("not said"), reason=row["reason"] or labels("not said"),
        )
        for row in decisions.iter_rows(named=True)
    ]  # fmt: skip


def _corrections(
    rows: pl.DataFrame, corrected: pl.DataFrame, pairs: pl.DataFrame, said: pl.DataFrame, lang: str
) -> pl.DataFrame:
    """What the source's corrections say of former findings, as decisions; one that stays open gets no state.

    It stays open where the correction came after the finding was known (it answers the finding, or an earlier decision
    names it) and nobody saw the source.
    """
    before = pairs.join(said, on="d", maintain_order="left").filter(pl.col("by_id")).select("id", "decided")
    first = before.group_by("id").agg(pl.col("decided").min().alias("known"))
    told = corrected.join(first, on="id", how="left", maintain_order="left")
    late = pl.col("answers") | (pl.col("known") < pl.col("at")).fill_null(value=False)
    stays = (late & ~pl.col("seen")).fill_null(value=True)
    open_words = Labels(lang)("kept open")
    return told.select(
        "id", said=pl.when(stays).then(pl.format("{}; {}", "said", pl.lit(open_words))).otherwise("said"),
        kind=pl.when(stays).then(pl.lit("kept open")).otherwise(pl.lit("data corrected")), by_id=pl.lit(value=True),
        decided=pl.col("at"),
    )  # fmt: skip


def _concerns(decisions: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    counted = pairs.group_by("d").agg(pl.len().alias("concerns"))
    told = decisions.join(counted, on="d", how="left", maintain_order="left")
    return told.with_columns(pl.col("concerns").fill_null(0)).select(pl.col(c).cast(t) for c, t in DECISIONS.items())


def _history(pairs: pl.DataFrame, said: pl.DataFrame, corrected: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Every state of the rows that have had one beside *new*; a state decided of what is gone is kept as well."""
    stated = said.filter(pl.col("kind").is_in(STATES) & pl.col("finding").is_not_null())
    named = stated.join(pairs, on="d", how="left", maintain_order="left").with_columns(
        finding=pl.coalesce("id", "finding"), state="kind", at="decided"
    )
    closed = corrected.join(own.select("id", state="kind"), on="id", maintain_order="left").rename({"id": "finding"})
    closed = closed.with_columns(document=pl.lit(None, pl.String))
    later = pl.concat([part.select(pl.col(c).cast(t) for c, t in HISTORY.items()) for part in (named, closed)])
    begun = later.select("finding").unique(maintain_order=True).with_columns(state=pl.lit("new"))
    first = begun.select(
        (pl.col(c) if c in begun.columns else pl.lit(None)).cast(t).alias(c) for c, t in HISTORY.items()
    )
    return pl.concat([first, later]).sort("finding", "at", nulls_last=False, maintain_order=True)
