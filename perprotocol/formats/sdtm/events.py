"""What happened: the table events, and the domains AE, CE, CM and MH."""

from __future__ import annotations

import polars as pl

from perprotocol.formats.sdtm.frames import (
    Incoming,
    Outgoing,
    date_texts,
    day_of,
    head,
    iso,
    study_day,
    take,
    texts_of,
    with_seq,
)
from rules.happened.evidence import ADVERSE_EVENT
from rules.match.medications import CONCOMITANT

DOMAINS = ("AE", "CE", "CM", "MH")
_HISTORY = "medical history"
_EVENT = {"AE": "adverse event", "CM": "concomitant medication", "MH": _HISTORY}

# --- in -----------------------------------------------------------------------------------------------------------


def events_in(frame: pl.DataFrame, domain: str, go: Incoming) -> pl.DataFrame:
    """One row an event: of AE, CM and MH the detail says which one; of CE the term is the event."""
    topic = "TRT" if domain == "CM" else "TERM"
    names = (topic, "DECOD", "STDTC", "ENDTC", "TOXGR", "INDC", "SPID", "PRESP", "OCCUR", "STAT")
    rows = take(frame, "USUBJID", "SEQ", *(f"{domain}{name}" for name in names))
    rows = rows.rename({f"{domain}{name}": name for name in names})
    never = ((pl.col("OCCUR") == "N") | (pl.col("STAT") == "NOT DONE")).fill_null(value=False)
    go.notes.add("left out", "did-not-occur", domain, f"{domain}OCCUR", "N", rows.filter(never).height)
    rows = rows.filter(~never)
    term, coded = pl.col(topic), pl.col("DECOD")
    other = coded.is_not_null() & (coded.str.to_lowercase() != term.str.to_lowercase())
    detail = pl.when(other).then(pl.format("{}; {}", term, coded)).otherwise(pl.coalesce(term, coded))
    record = pl.col("SPID") if go.ours else pl.format("{} {} {}", pl.lit(domain), "USUBJID", "SEQ")
    event = term if domain == "CE" else pl.lit(_EVENT[domain])
    event = event.str.to_lowercase() if domain == "CE" and go.ours else event
    rows = rows.with_columns(
        event=event,
        detail=pl.lit(None, pl.String) if domain == "CE" else detail,
        start=iso(pl.col("STDTC")),
        end=iso(pl.col("ENDTC")),
        grade=pl.col("TOXGR").str.extract(r"([1-5])", 1),
        indication="INDC",
        record=record,
    )
    if go.ours:
        return rows
    before = (day_of(pl.col("end")) < day_of(pl.col("start"))).fill_null(value=False)
    go.notes.add("left out", "end-before-start", domain, f"{domain}ENDTC", rows=rows.filter(before).height)
    rows = rows.with_columns(end=pl.when(~before).then("end"))
    go.notes.add("left out", "no-date", domain, f"{domain}STDTC", rows=rows["start"].null_count())
    return rows.drop_nulls(["start", "event"])


def interruptions(ae: pl.DataFrame, go: Incoming) -> None:
    """Adverse events because of which a treatment was interrupted: SDTM does not say when, so no hold follows."""
    acted = take(ae, "AEACN").filter(pl.col("AEACN").str.to_uppercase() == "DRUG INTERRUPTED")
    go.notes.add("left out", "interrupted", "AE", "AEACN", "DRUG INTERRUPTED", len(acted))


# --- out ----------------------------------------------------------------------------------------------------------


def events_out(out: Outgoing) -> dict[str, pl.DataFrame]:
    """AE, CE, CM and MH: the events on record; `n` is the row of the table."""
    typed, texts = out.table("events")
    if not len(typed):
        return {}
    said = pl.col("event").str.to_lowercase()
    adverse = said.is_in(ADVERSE_EVENT) | (pl.col("grade").is_not_null() & ~said.is_in(CONCOMITANT))
    other = pl.when(adverse).then(pl.lit("AE")).otherwise(pl.lit("CE"))
    domain = pl.when(said.is_in(CONCOMITANT)).then(pl.lit("CM")).when(said == _HISTORY).then(pl.lit("MH"))
    frame = typed.with_columns(domain.otherwise(other).alias("domain"))
    detail = pl.coalesce("detail", "event")
    told = said.is_in(ADVERSE_EVENT) | pl.col("domain").is_in(["CM", "MH"])
    frame = out.placed(frame).with_columns(
        pl.when(told).then(detail).otherwise("event").alias("topic"),
        texts_of(texts, "record").alias("SPID"),
        date_texts(typed, "start").alias("STDTC"),
        date_texts(typed, "end").alias("ENDTC"),
        TOXGR=pl.col("grade").cast(pl.String),
        INDC="indication",
    )
    frame = frame.with_columns(
        STDY=study_day(day_of(pl.col("STDTC")), pl.col("reference")),
        ENDY=study_day(day_of(pl.col("ENDTC")), pl.col("reference")),
    )
    found = {}
    for name in DOMAINS:
        mine = frame.filter(pl.col("domain") == name)
        if not len(mine):
            continue
        topic = "TRT" if name == "CM" else "TERM"
        own = {"CM": ("INDC",), "AE": ("TOXGR",), "CE": ("TOXGR",), "MH": ()}[name]
        names = ("SPID", topic, *own, "STDTC", "ENDTC", "STDY", "ENDY")
        mine = mine.rename({"topic": topic}).rename({n: f"{name}{n}" for n in names})
        variables = ("STUDYID", "DOMAIN", "USUBJID", f"{name}SEQ", *(f"{name}{n}" for n in names))
        found[name] = with_seq(head(out, mine, name), name).select("n", *variables)
    return found
