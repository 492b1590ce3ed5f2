"""Doses: the table administrations, and the domains EC (as collected) and EX (what was given).

A dose that was not given is ECOCCUR N in EC, never a dose of 0. What was ordered is a record of mood SCHEDULED.
"""

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
from perprotocol.formats.sdtm.mapping import IGNORE, simple
from perprotocol.formats.sdtm.terms import frequency_in, frequency_out, read_unit, route_out, unit_term
from rules.course.frequency import times_and_days

_NOT_DONE = "NOT DONE"
_LONG = 36
"""Hours after which a record of a single dose cannot be one infusion: it is an interval."""

# --- in -----------------------------------------------------------------------------------------------------------


def administrations_in(ec: pl.DataFrame, ex: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """One row a record: what was given from the domain that the import reads it from, what was not from EC."""
    given = _records(ex, "EX", go) if go.exposure == "EX" else pl.DataFrame()
    collected = _records(ec, "EC", go)
    if go.exposure == "EX":
        collected = collected.filter(pl.col("OCCUR") == "N")
    rows = pl.concat([part for part in (given, collected) if part.width], how="diagonal")
    rows = _points(_units(_linked(rows, go), go), go)
    return rows if go.ours else _told(_intervals(rows, go), go)


def _records(frame: pl.DataFrame, domain: str, go: Incoming) -> pl.DataFrame:
    """The records of a domain in the columns of a study; scheduled ones become what was ordered of the performed."""
    names = (
        "TRT", "DOSE", "DOSU", "DOSFRQ", "ROUTE", "LOT", "STDTC", "ENDTC", "SPID", "LNKID", "REFID", "MOOD", "OCCUR",
        "STAT", "REASOC", "ADJ",
    )  # fmt: skip
    rows = take(frame, "USUBJID", "SEQ", *(f"{domain}{name}" for name in names))
    rows = rows.rename({f"{domain}{name}": name for name in names})
    scheduled = rows.filter(pl.col("MOOD") == "SCHEDULED")
    rows = rows.filter(pl.col("MOOD").fill_null("") != "SCHEDULED")
    ordered = scheduled.drop_nulls("LNKID").unique(["USUBJID", "LNKID"], keep="first", maintain_order=True)
    ordered = ordered.select("USUBJID", "LNKID", pl.col("DOSE").alias("ordered"))
    if not go.ours:
        alone = scheduled.join(rows, on=["USUBJID", "LNKID"], how="anti")
        go.notes.add("left out", "scheduled", domain, f"{domain}MOOD", "SCHEDULED", len(alone))
    rows = rows.join(ordered, on=["USUBJID", "LNKID"], how="left", maintain_order="left")
    occurred = pl.col("OCCUR").str.to_uppercase()
    untold = (pl.col("STAT") == _NOT_DONE) & occurred.is_null()
    given = pl.when(pl.lit(go.ours) & (occurred == "Y")).then(pl.lit("given"))
    status = pl.when(occurred == "N").then(pl.lit("not given")).when(untold).then(pl.lit("unknown")).otherwise(given)
    start, end = iso(pl.col("STDTC")), iso(pl.col("ENDTC"))
    record = pl.col("SPID") if go.ours else pl.format("{} {} {}", pl.lit(domain), "USUBJID", "SEQ")
    return rows.with_columns(
        pl.lit(domain).alias("DOMAIN"),
        start=start,
        end=end,
        status=status,
        amount=pl.when(occurred.fill_null("Y") != "N").then("DOSE"),
        unit="DOSU",
        reason=pl.coalesce("REASOC", "ADJ"),
        route=pl.col("ROUTE").str.to_lowercase(),
        lot="LOT",
        bag="REFID",
        record=record,
    )


def _linked(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The rows of the protocol's treatments; others are left out, and named."""
    words = rows["TRT"].unique().drop_nulls()
    linked = {word: go.links.treatment(word) for word in words}
    rows = rows.with_columns(
        treatment=pl.col("TRT").replace_strict(linked, default=None, return_dtype=pl.String),
        frequency=pl.col("DOSFRQ").replace_strict(
            {word: frequency_in(word) for word in rows["DOSFRQ"].unique().drop_nulls()},
            default=None,
            return_dtype=pl.String,
        ),
    )
    if go.ours:
        return rows.with_columns(treatment="TRT")
    lost = rows.filter(pl.col("treatment").is_null())
    for domain, word, number in lost.group_by("DOMAIN", "TRT").len().sort("TRT").rows():
        kind = "left out" if word is None or go.links.told("treatments", simple(word)) == IGNORE else "question"
        names = ", ".join(go.trial.treatments)
        go.notes.add(kind, "treatment", domain, f"{domain}TRT", word or "", number, treatments=names)  # type: ignore[arg-type]
    return rows.drop_nulls("treatment")


def _units(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """Units in the words of a study; an amount in a unit that is none is not compared, and named."""
    words = rows["unit"].unique().drop_nulls()
    known = {word: read_unit(word) for word in words}
    if go.ours:
        return rows.with_columns(unit=pl.col("unit").replace({w: k for w, k in known.items() if k}))
    bad = rows.filter(pl.col("unit").is_in([w for w in words if known[w] is None]) & pl.col("amount").is_not_null())
    go.notes.count("question", "dose-unit", "EX", "EXDOSU", bad["unit"])
    alone = pl.col("unit").is_null() & pl.col("amount").is_not_null()
    go.notes.add("left out", "no-unit", "EX", "EXDOSU", rows=rows.select(alone.sum()).item())
    unit = pl.col("unit").replace_strict(known, default=None, return_dtype=pl.String)
    rows = rows.with_columns(unit=unit).with_columns(amount=pl.when(pl.col("unit").is_not_null()).then("amount"))
    without = {w: not go.links.dimensions(w) for w in rows["treatment"].unique()}
    zero = (pl.col("amount").cast(pl.Float64, strict=False) == 0) & pl.col("treatment").replace_strict(
        without, default=False, return_dtype=pl.Boolean
    )
    go.notes.add("read", "placebo-zero", "EX", "EXDOSE", "0", rows.select(zero.fill_null(value=False).sum()).item())
    kept = pl.when(~zero.fill_null(value=False))
    return rows.with_columns(amount=kept.then("amount"), unit=kept.then("unit"))


def _points(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """A single dose whose end is its start was given at a point in time: it has no end (SDTMIG 3.4, EXENDTC)."""
    course = {word: go.links.by_days(word) for word in rows["treatment"].unique().drop_nulls()}
    by_days = pl.col("treatment").replace_strict(course, default=False, return_dtype=pl.Boolean)
    rows = rows.with_columns(by_days.alias("course"))
    same = (pl.col("start") == pl.col("end")) & ~pl.col("course")
    return rows.with_columns(end=pl.when(~same.fill_null(value=False)).then("end"))


def _intervals(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """Intervals of courses stay; an interval over single doses says no single day."""
    reversed_ = (day_of(pl.col("end")) < day_of(pl.col("start"))).fill_null(value=False)
    go.notes.add("left out", "end-before-start", "EX", "EXENDTC", rows=rows.select(reversed_.sum()).item())
    rows = rows.with_columns(end=pl.when(~reversed_).then("end"))
    open_ = pl.col("course") & pl.col("end").is_null() & (pl.col("status").fill_null("") != "not given")
    go.notes.add(
        "read", "open-end", "EX", "EXENDTC", rows=rows.filter(open_ & pl.col("frequency").is_not_null()).height
    )
    spans = pl.col("course") & (day_of(pl.col("end")) > day_of(pl.col("start")))
    go.notes.add("read", "interval", "EX", "EXENDTC", rows=rows.filter(spans).height)
    hours = (day_of(pl.col("end")) - day_of(pl.col("start"))).dt.total_days() * 24
    several = (~pl.col("course") & (hours > _LONG)).fill_null(value=False)
    wide = rows.filter(several)
    if not len(wide):
        return rows
    if go.links.said.intervals == "expand":
        return pl.concat([rows.filter(~several), _expanded(wide, go)], how="diagonal")
    kind = "left out" if go.links.said.intervals == "ignore" else "question"
    go.notes.count(kind, "interval-of-doses", "EX", "EXTRT", wide["TRT"])  # type: ignore[arg-type]
    return rows.filter(~several)


def _expanded(wide: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """Single doses at the frequency of an interval, from its first day on, as the mapping file asks for."""
    step = {word: times_and_days(word) for word in wide["frequency"].unique()}
    every = [step[word][1] if step[word][0] == 1 else 0 for word in wide["frequency"]]
    rows = wide.with_columns(pl.Series("every", every, pl.Int64))
    untold = rows.filter(pl.col("every") == 0)
    go.notes.count("question", "interval-frequency", "EX", "EXDOSFRQ", untold["DOSFRQ"])
    rows = rows.filter(pl.col("every") > 0)
    first, last = day_of(pl.col("start")), day_of(pl.col("end"))
    rows = rows.with_columns(
        first.alias("first"),
        number=pl.int_ranges(0, (last - first).dt.total_days() // pl.col("every") + 1),
    ).explode("number")
    day = pl.col("first") + pl.duration(days=pl.col("number") * pl.col("every"))
    record = pl.format("{} dose {}", "record", pl.col("number") + 1)
    go.notes.add("assumed", "expanded", "EX", "EXSTDTC", rows=len(rows))
    return rows.with_columns(
        start=day.dt.to_string("%Y-%m-%d"),
        end=pl.lit(None, pl.String),
        record=record,
        frequency=pl.lit(None, pl.String),
    ).drop("every", "first", "number")


def _told(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The rows of which the day is known, or that no day is needed for."""
    needless = pl.col("status").is_in(["not given", "unknown"]).fill_null(value=False)
    lost = rows.filter(pl.col("start").is_null() & ~needless)
    for domain, number in lost.group_by("DOMAIN").len().sort("DOMAIN").rows():
        go.notes.add("left out", "no-date", domain, f"{domain}STDTC", rows=number)
    return rows.filter(pl.col("start").is_not_null() | needless)


# --- out ----------------------------------------------------------------------------------------------------------


def doses_out(out: Outgoing) -> tuple[pl.DataFrame, pl.DataFrame]:
    """EC and EX: what was recorded of every dose, and what was given; `n` is the row of the table."""
    typed, texts = out.table("administrations")
    if not len(typed):
        return pl.DataFrame(), pl.DataFrame()
    zero = (typed["amount"] == 0).fill_null(value=False)
    status = typed["status"]
    not_given = (status == "not given").fill_null(value=False) | zero
    unknown = (status == "unknown").fill_null(value=False)
    start, end = date_texts(typed, "start"), date_texts(typed, "end")
    course = {word: out.links.by_days(word) for word in typed["treatment"].unique().drop_nulls()}
    by_days = typed["treatment"].replace_strict(course, default=False, return_dtype=pl.Boolean)
    point = end.is_null() & ~by_days & ~not_given
    units = {word: unit_term(word) for word in typed["unit"].unique().drop_nulls()}
    routes = {word: route_out(word) for word in typed["route"].unique().drop_nulls()}
    often = {word: frequency_out(word) for word in typed["frequency"].unique().drop_nulls()}
    reason = typed["reason"]
    base = out.placed(typed).select("n", "USUBJID", "reference", "treatment", "amount", "lot", "bag")
    base = base.with_columns(
        texts_of(texts, "record").alias("SPID"),
        pl.format("{}", pl.col("n") + 1).alias("LNKID"),
        pl.when(not_given).then(pl.lit("N")).when(status.is_not_null() & ~unknown).then(pl.lit("Y")).alias("OCCUR"),
        pl.when(not_given | status.is_not_null()).then(pl.lit("Y")).alias("PRESP"),
        pl.Series("given", ~not_given),
        pl.Series("exposed", ~not_given & ~unknown),
        start.alias("STDTC"),
        end.set(point, None).zip_with(~point, start).alias("ENDTC"),
        typed["unit"].replace_strict(units, default=None, return_dtype=pl.String).alias("DOSU"),
        typed["frequency"].replace_strict(often, default=None, return_dtype=pl.String).alias("DOSFRQ"),
        typed["route"].replace_strict(routes, default=None, return_dtype=pl.String).alias("ROUTE"),
        reason.zip_with(not_given, pl.Series(reason.name, [None] * len(reason), pl.String)).alias("REASOC"),
        reason.zip_with(~not_given, pl.Series(reason.name, [None] * len(reason), pl.String)).alias("ADJ"),
        pl.Series("STAT", [_NOT_DONE if u else None for u in unknown], pl.String),
        texts_of(texts, "ordered").cast(pl.Float64, strict=False).alias("ordered"),
    )
    dose = pl.when(pl.col("given") & (pl.col("amount") > 0)).then("amount")
    base = base.with_columns(dose.alias("DOSE"), pl.when(dose.is_not_null()).then("DOSU").alias("DOSU"))
    return _ec(out, base), _ex(out, base.filter("exposed"))


def _ec(out: Outgoing, base: pl.DataFrame) -> pl.DataFrame:
    """EC: a record PERFORMED of each row, and one SCHEDULED where an order is on record."""
    ordered = base.filter(pl.col("ordered") > 0)
    nothing = [
        pl.lit(None, pl.String).alias(c) for c in ("OCCUR", "PRESP", "REASOC", "ADJ", "STAT", "SPID", "STDTC", "ENDTC")
    ]
    scheduled = ordered.with_columns(*nothing, pl.col("ordered").alias("DOSE"), MOOD=pl.lit("SCHEDULED"))
    scheduled = scheduled.with_columns(pl.lit(None, pl.UInt32).alias("n"))
    rows = pl.concat([base.with_columns(MOOD=pl.lit("PERFORMED")), scheduled], how="diagonal_relaxed")
    rows = rows.sort(pl.col("LNKID").cast(pl.Int64), maintain_order=True)
    names = ("SPID", "LNKID", "REFID", "TRT", "MOOD", "PRESP", "OCCUR", "REASOC", "STAT")
    return _domain(out, rows, "EC", names)


def related(out: Outgoing) -> pl.DataFrame:
    """RELREC: the records of EC and EX that have the same link are of one dose."""
    rows = [(out.study.name, domain, None, f"{domain}LNKID", None, "ONE", "ECEX") for domain in ("EC", "EX")]
    names = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELTYPE", "RELID")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _ex(out: Outgoing, base: pl.DataFrame) -> pl.DataFrame:
    return _domain(out, base, "EX", ("SPID", "LNKID", "REFID", "TRT"))


def _domain(out: Outgoing, rows: pl.DataFrame, domain: str, first: tuple[str, ...]) -> pl.DataFrame:
    """The records as variables of a domain, in order."""
    rows = rows.with_columns(
        TRT="treatment",
        LOT="lot",
        REFID="bag",
        STDY=study_day(day_of(pl.col("STDTC")), pl.col("reference")),
        ENDY=study_day(day_of(pl.col("ENDTC")), pl.col("reference")),
    )
    names = (*first, "DOSE", "DOSU", "DOSFRQ", "ROUTE", "LOT", "ADJ", "STDTC", "ENDTC", "STDY", "ENDY")
    frame = head(out, rows.rename({name: f"{domain}{name}" for name in names}), domain)
    variables = ("STUDYID", "DOMAIN", "USUBJID", f"{domain}SEQ", *(f"{domain}{name}" for name in names))
    return with_seq(frame, domain).select("n", *variables)
