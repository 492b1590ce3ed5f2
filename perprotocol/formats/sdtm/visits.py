"""Visits: the table visits and the domain SV, one record a visit number and participant; the numbers of TV."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from perprotocol.formats.sdtm.frames import (
    Incoming,
    Outgoing,
    date_texts,
    day_from,
    day_of,
    head,
    iso,
    recoded,
    study_day,
    take,
)
from perprotocol.formats.sdtm.links import plain_number
from perprotocol.formats.sdtm.notes import Kind
from rules import from_frames, schedule

_STEP = 0.01
"""Unplanned visits have the number of the planned one before them and so many hundredths."""
_NEAR = 1
"""Days around the end of participation in which an early-termination visit takes place."""

# --- in -----------------------------------------------------------------------------------------------------------


def visits_in(sv: pl.DataFrame, dm: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """One row a visit, named as the protocol names it; a missed one on its planned day."""
    names = ("USUBJID", "SEQ", "VISITNUM", "VISIT", "VISITDY", "SVSTDTC", "SVENDTC", "SVPRESP", "SVOCCUR", "SVUPDES")
    rows = take(sv, *names)
    numbers = {text: plain_number(text) for text in rows["VISITNUM"].unique().drop_nulls()}
    rows = rows.with_columns(recoded(pl.col("VISITNUM"), numbers))
    unplanned = pl.col("SVUPDES").is_not_null() & pl.col("SVPRESP").is_null()
    rows = rows.with_columns(unplanned.alias("unplanned"))
    rows = _named(rows, go)
    if go.ours:
        rows = rows.with_columns(visit=pl.when(unplanned).then("SVUPDES").otherwise("visit"))
    reference = take(dm, "USUBJID", "RFSTDTC").with_columns(day_of(pl.col("RFSTDTC")).alias("reference"))
    rows = rows.join(reference.select("USUBJID", "reference"), on="USUBJID", how="left", maintain_order="left")
    missed = pl.col("SVOCCUR").str.to_uppercase() == "N"
    planned = day_from(pl.col("reference"), pl.col("VISITDY").cast(pl.Float64, strict=False).cast(pl.Int64))
    date = pl.coalesce(iso(pl.col("SVSTDTC")), pl.when(missed).then(planned.dt.to_string("%Y-%m-%d")))
    untold = (pl.col("SVPRESP") == "Y") & pl.col("SVOCCUR").is_null()
    done = pl.when(pl.col("SVOCCUR") == "Y").then(pl.lit("done"))
    recorded = pl.when(missed).then(pl.lit("not done")).when(untold).then(pl.lit("unknown")).otherwise(done)
    status = recorded if go.ours else pl.when(missed).then(pl.lit("not done"))
    rows = rows.with_columns(date=date, status=status)
    if not go.ours:
        lost = rows.filter(pl.col("date").is_null())
        go.notes.count("left out", "visit-no-date", "SV", "VISIT", lost["VISIT"])
        rows = rows.drop_nulls("date").with_columns(record=pl.format("SV {} {}", "USUBJID", "SEQ"))
    return rows


def _named(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The rows with the name of each visit; how it was linked is counted, and ignored ones are left out."""
    asked = rows.group_by("VISITNUM", "VISIT", "unplanned").len().sort("VISITNUM", "VISIT", nulls_last=True)
    named: dict[tuple[str | None, str | None, bool], str] = {}
    ignored = set()
    for number, name, unplanned, count in asked.rows():
        visit, how = go.links.visit(number, name, unplanned=unplanned)
        named[number, name, unplanned] = visit
        if how == "ignored":
            ignored.add((number, name, unplanned))
        if not go.ours and how not in ("name", "number", "mapping"):
            kind: Kind = "question" if how in ("open", "twice") else "read" if how == "unscheduled" else "left out"
            shown = f"{name or ''} ({plain_number(number)})" if number else str(name)
            go.notes.add(kind, f"visit-{how}", "SV", "VISIT", shown, count, visits=", ".join(go.trial.visits))
    keys = rows.select("VISITNUM", "VISIT", "unplanned").rows()
    rows = rows.with_columns(pl.Series("visit", [named[key] for key in keys], pl.String))
    return rows.filter(pl.Series([key not in ignored for key in keys], dtype=pl.Boolean))


def visit_names(frame: pl.DataFrame, go: Incoming) -> pl.Series:
    """The visit that each record of another domain belongs to; nothing is asked again."""
    rows = take(frame, "VISITNUM", "VISIT")
    named = {key: go.links.visit(*key)[0] if key != (None, None) else None for key in rows.unique().rows()}
    return pl.Series("visit", [named[key] for key in rows.rows()], pl.String)


def early_terminations(
    tables: Mapping[str, pl.DataFrame], ds: pl.DataFrame, people: pl.DataFrame, go: Incoming
) -> dict[str, pl.DataFrame]:
    """The visits, with those that ended participation early under the number of a later visit named as such.

    Such a visit is the last one, took place when the participant left, and before the visit of its number could open.
    Without a mapping it keeps its name and is a question.
    """
    if "visits" not in tables:
        return {}
    visits = tables["visits"]
    left = take(ds, "USUBJID", "DSDECOD", "DSCAT", "DSSTDTC").filter(
        pl.col("DSCAT").fill_null("DISPOSITION EVENT").str.to_uppercase() == "DISPOSITION EVENT",
        ~pl.col("DSDECOD").str.to_uppercase().is_in(["COMPLETED", "SCREEN FAILURE"]),
    )
    left = left.join(people, on="USUBJID").group_by("subject").agg(day_of(pl.col("DSSTDTC")).min().alias("left"))
    kept = visits.with_row_index("n").join(left, on="subject", how="inner", maintain_order="left")
    kept = kept.filter(pl.col("status").fill_null("") != "not done").with_columns(day_of(pl.col("date")).alias("day"))
    planned = kept.filter(pl.Series([go.links.named(visit) is not None for visit in kept["visit"]], dtype=pl.Boolean))
    last = planned.filter(pl.col("day") == pl.col("day").max().over("subject"))
    last = last.filter((pl.col("day") - pl.col("left")).dt.total_days().abs() <= _NEAR)
    if not len(last):
        return {}
    opens = _opens(tables, last.select("subject", "left").unique("subject"), go)
    early = last.join(opens, on=["subject", "visit"], how="inner").filter(pl.col("day") < pl.col("opens"))
    meant = go.links.said.early_termination
    kind: Kind = "read" if meant else "question"
    go.notes.count(kind, "early-termination" if meant else "early-termination?", "SV", "VISIT", early["visit"])
    rows = set(early["n"]) if meant else set()
    names = [meant if n in rows else visit for n, visit in enumerate(visits["visit"])]
    return {"visits": visits.with_columns(pl.Series("visit", names, pl.String))}


def _opens(tables: Mapping[str, pl.DataFrame], left: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """subject, visit, opens: from when the visits of participants who left would have been on time."""
    some = {}
    for name in ("subjects", "milestones", "visits", "administrations"):
        if name in tables:
            some[name] = tables[name].filter(pl.col("subject").is_in(left["subject"].implode()))
    if "milestones" in some:
        # What ended participation is left out: what was planned is asked, not what was still expected.
        dated = some["milestones"].join(left, on="subject", maintain_order="left")
        some["milestones"] = dated.filter(day_of(pl.col("date")) < pl.col("left")).drop("left")
    calendar = schedule(go.trial, from_frames("early leavers", some), blinded=False)
    calendar = calendar.filter((pl.col("kind") == "visit") & pl.col("opens").is_not_null())
    most = go.links.occurrences
    several = [name for name, number in most.items() if number > 1]
    numbered = pl.format("{} {}", "activity", "occurrence")
    visit = pl.when(pl.col("activity").is_in(several)).then(numbered).otherwise("activity")
    return calendar.select("subject", visit.alias("visit"), "opens").unique(["subject", "visit"])


# --- out ----------------------------------------------------------------------------------------------------------


def sv_out(out: Outgoing) -> pl.DataFrame:
    """SV: one record a visit; one that TV does not have, or a second of one number, is unplanned."""
    typed, _ = out.table("visits")
    if not len(typed):
        return pl.DataFrame()
    links = out.links
    days = {name: day for name, (_, day) in out.planned.items()}
    words = typed["visit"].unique().drop_nulls()
    named = {word: _numbered_name(links.named(word), out.numbers) for word in words}
    planned = typed["visit"].replace_strict(named, default=None, return_dtype=pl.String)
    frame = out.placed(typed).with_columns(planned.alias("planned"), DTC=date_texts(typed, "date"))
    frame = frame.with_columns(
        pl.col("planned").replace_strict(out.numbers, default=None, return_dtype=pl.Float64).alias("number")
    )
    again = pl.int_range(pl.len()).over("USUBJID", "number") > 0
    frame = frame.with_columns(number=pl.when(~again).then("number"))
    frame = frame.sort("USUBJID", day_of(pl.col("DTC")), "n", maintain_order=True)
    before = pl.col("number").cum_max().forward_fill().over("USUBJID").fill_null(0)
    frame = frame.with_columns(before.alias("before"))
    extra = pl.col("number").is_null()
    nth = extra.cast(pl.Int64).cum_sum().over("USUBJID", "before")
    number = pl.coalesce("number", (pl.col("before") + nth * _STEP).round(4))
    missed = pl.col("status") == "not done"
    occurred = pl.when(missed).then(pl.lit("N")).when(pl.col("status") == "unknown").then(None).otherwise(pl.lit("Y"))
    is_planned = pl.col("number").is_not_null()
    frame = frame.with_columns(
        VISITNUM=number,
        VISIT=pl.when(is_planned).then(pl.col("planned").str.to_uppercase()).otherwise(pl.lit("UNSCHEDULED")),
        SVPRESP=pl.when(is_planned).then(pl.lit("Y")),
        SVOCCUR=pl.when(is_planned).then(occurred),
        SVSTDTC=pl.when(~missed.fill_null(value=False)).then("DTC"),
        SVUPDES=pl.when(~is_planned).then("visit"),
        VISITDY=pl.when(is_planned).then(pl.col("planned").replace_strict(days, default=None, return_dtype=pl.Int64)),
    )
    frame = frame.with_columns(SVENDTC=pl.col("SVSTDTC").str.slice(0, 10), day=day_of(pl.col("SVSTDTC")))
    frame = frame.with_columns(SVSTDY=study_day(pl.col("day"), pl.col("reference"))).with_columns(SVENDY="SVSTDY")
    names = ("STUDYID", "DOMAIN", "USUBJID", "VISITNUM", "VISIT", "SVPRESP", "SVOCCUR", "VISITDY", "SVSTDTC", "SVENDTC")
    return head(out, frame, "SV").sort("USUBJID", "VISITNUM").select("n", *names, "SVSTDY", "SVENDY", "SVUPDES")


def _numbered_name(visit: str | None, numbers: Mapping[str, float]) -> str | None:
    """The visit as TV names it: `follow-up` alone is the first one."""
    if visit is None or visit in numbers:
        return visit
    return f"{visit} 1" if f"{visit} 1" in numbers else None


def visit_variables(out: Outgoing, words: pl.Series) -> pl.DataFrame:
    """VISITNUM and VISIT of the visits that records of another domain name."""
    links = out.links
    named = {word: _numbered_name(links.named(word), out.numbers) for word in words.unique().drop_nulls()}
    planned = words.replace_strict(named, default=None, return_dtype=pl.String)
    number = planned.replace_strict(out.numbers, default=None, return_dtype=pl.Float64).alias("VISITNUM")
    name = planned.str.to_uppercase().zip_with(planned.is_not_null(), words.str.to_uppercase()).alias("VISIT")
    return pl.DataFrame([number, name])
