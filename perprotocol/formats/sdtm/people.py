"""Participants, consents and milestones: the tables subjects, consents and milestones, and the domains DM and DS."""

from __future__ import annotations

import polars as pl

from perprotocol.formats.sdtm.frames import (
    Incoming,
    Outgoing,
    date_texts,
    day_of,
    head,
    iso,
    recoded,
    study_day,
    take,
    texts_of,
    with_seq,
)
from perprotocol.formats.sdtm.mapping import IGNORE, simple
from perprotocol.formats.sdtm.terms import (
    CONSENT,
    EVENT,
    SCREEN_FAILURE,
    disposition_of,
    milestone_of,
    sex_out,
)
from protocol.model import MILESTONES

_FAILED = "screen failure"
_CODE = 20
"""Signs that an arm's code may have."""

# --- in -----------------------------------------------------------------------------------------------------------


def subjects_in(dm: pl.DataFrame, ds: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """One row a participant of DM; a screen failure has no arm."""
    rows = take(dm, "USUBJID", "SITEID", "SEX", "BRTHDTC", "ARMCD", "ARM", "ACTARMCD", "ACTARM", "ARMNRS", "RFSTDTC")
    pairs = [tuple(row) for row in rows.select("ARMCD", "ARM").rows()]
    actual = [tuple(row) for row in rows.select("ACTARMCD", "ACTARM").rows()]
    arms = _arms(pairs, go)
    acts = _arms(actual, go)
    planned = pl.Series("arm", [arms[pair] for pair in pairs], pl.String)
    really = pl.Series("actual_arm", [acts[pair] for pair in actual], pl.String)
    failed = pl.any_horizontal(
        pl.col("ARMNRS").str.to_uppercase() == "SCREEN FAILURE", pl.col("ARMCD").str.to_uppercase() == "SCRNFAIL"
    ).fill_null(value=False)
    failures = take(ds, "USUBJID", "DSDECOD").filter(pl.col("DSDECOD") == SCREEN_FAILURE)["USUBJID"].unique()
    failed = failed | pl.col("USUBJID").is_in(failures.implode())
    rows = rows.with_columns(planned, really).with_columns(
        SEQ=pl.lit(""),
        actual_arm=pl.when(pl.col("actual_arm") != pl.col("arm")).then("actual_arm"),
        site="SITEID",
        sex=pl.when(pl.col("SEX") != "U").then("SEX"),
        birth_date=iso(pl.col("BRTHDTC")),
        screening_outcome=pl.when(failed).then(pl.lit(_FAILED)),
        day_zero=_day_zero(go),
    )
    without = rows.filter(failed & pl.col("RFSTDTC").is_null())
    if not go.ours:
        go.notes.add("read", "failed-without-reference", "DM", "RFSTDTC", rows=len(without))
    columns = ("arm", "actual_arm", "site", "sex", "birth_date", "screening_outcome", "day_zero")
    return rows.select("USUBJID", "SEQ", *columns)


def _arms(pairs: list[tuple[str | None, ...]], go: Incoming) -> dict[tuple[str | None, ...], str | None]:
    return {pair: go.links.arm(pair[0], pair[1], pairs.count(pair)) for pair in dict.fromkeys(pairs)}


def _day_zero(go: Incoming) -> pl.Expr:
    """RFSTDTC where it is taken as day zero."""
    return iso(pl.col("RFSTDTC")) if _takes_reference(go) else pl.lit(None, pl.String)


def _takes_reference(go: Incoming) -> bool:
    """Whether RFSTDTC is day zero: the mapping says so, or nothing in the protocol says how day zero is found."""
    milestone = go.trial.milestones.get("day-zero")
    found = milestone is not None and milestone.anchor is not None
    said = go.links.said.day_zero
    return said == "RFSTDTC" or (not said and not found and not go.ours)


def note_day_zero(go: Incoming) -> None:
    """What RFSTDTC was taken for, where no mapping file says so."""
    if not go.ours and not go.links.said.day_zero:
        go.notes.add("assumed", "day-zero-taken" if _takes_reference(go) else "day-zero-found", "DM", "RFSTDTC")


def milestones_in(dm: pl.DataFrame, ds: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The milestones of DS, and those of DM that DS does not have; a disposition that is none of ours is named."""
    rows = take(ds, "USUBJID", "SEQ", "DSTERM", "DSDECOD", "DSCAT", "DSSCAT", "DSSTDTC", "DSDTC", "DSSPID", "EPOCH")
    decod = pl.coalesce("DSDECOD", "DSTERM").str.to_uppercase()
    upper = [pl.col(c).fill_null("").str.to_uppercase().alias(c) for c in ("DSCAT", "DSSCAT")]
    rows = rows.with_columns(*upper, decod.alias("DSDECOD"), date=iso(pl.coalesce("DSSTDTC", "DSDTC")))
    known = {*MILESTONES, *go.trial.milestones, "last-contact", "withdrawal-of-consent", "lost-to-follow-up"}
    words = {}
    for term, category, subcategory in rows.select("DSDECOD", "DSCAT", "DSSCAT").unique().drop_nulls().rows():
        words[term, category, subcategory] = _milestone(term, category, subcategory, known, go)
    keys = rows.select("DSDECOD", "DSCAT", "DSSCAT").rows()
    rows = rows.with_columns(milestone=pl.Series([words.get(key, "") for key in keys], dtype=pl.String))
    rows = _last_completion(rows, go)
    if not go.ours:
        rows = _only_told(rows, go)
    first = _from_dm(dm.clear() if go.ours else dm, rows)
    record = pl.col("DSSPID") if go.ours else pl.format("DS {} {}", "USUBJID", "SEQ")
    told = rows.select("USUBJID", "SEQ", "milestone", "date", record=record)
    return pl.concat([told, first], how="diagonal")


def _milestone(term: str, category: str, subcategory: str, known: set[str], go: Incoming) -> str | None:
    said = go.links.told("milestones", simple(f"{subcategory} {term}"), simple(term))
    if said is not None:
        return "" if said == IGNORE else said
    found = milestone_of(term, category, subcategory)
    if found is None or go.ours:
        return found
    word = simple(found).replace(" ", "-")
    return word if word in known else ""


def _last_completion(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """Of several completions (one an epoch) only the last, where nothing else ended the participation after it."""
    if go.ours:
        return rows
    ends = (pl.col("DSCAT") == EVENT) & (pl.col("DSSCAT") != "STUDY TREATMENT")
    last = pl.when(ends).then("date").max().over("USUBJID")
    final = pl.when(ends & (pl.col("date") == last)).then(pl.int_range(pl.len())).max().over("USUBJID")
    earlier = (pl.col("milestone") == "completion") & (pl.int_range(pl.len()) != final)
    return rows.with_columns(milestone=pl.when(earlier.fill_null(value=False)).then(pl.lit("")).otherwise("milestone"))


def _only_told(rows: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The rows that name a milestone and a day; the others are counted."""
    asked = rows.filter(pl.col("milestone").is_null())
    go.notes.count("question", "disposition", "DS", "DSDECOD", asked["DSDECOD"])
    none = rows.filter((pl.col("milestone") == "") & (pl.col("DSDECOD") != SCREEN_FAILURE))
    go.notes.count("left out", "no-milestone", "DS", "DSDECOD", none["DSDECOD"])
    named = rows.filter(pl.col("milestone").fill_null("") != "")
    go.notes.add("left out", "no-date", "DS", "DSSTDTC", rows=named["date"].null_count())
    return named.drop_nulls("date")


def _from_dm(dm: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Consent and death of DM, of participants of whom DS does not tell them."""
    people = take(dm, "USUBJID", "RFICDTC", "DTHDTC")
    told = []
    for variable, milestone in (("RFICDTC", "consented"), ("DTHDTC", "death")):
        there = rows.filter(pl.col("milestone") == milestone)["USUBJID"].unique()
        some = people.select("USUBJID", date=iso(pl.col(variable))).drop_nulls("date")
        some = some.filter(~pl.col("USUBJID").is_in(there.implode()))
        record = pl.format("DM {}", pl.col("USUBJID"))
        told.append(some.with_columns(SEQ=pl.lit(""), milestone=pl.lit(milestone), record=record + f" {variable}"))
    return pl.concat(told).select("USUBJID", "SEQ", "milestone", "date", "record")


def split_consents(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Milestones and consents apart: a consent names the version of its form, which only our exports tell."""
    if "version" not in rows.columns:
        return rows, rows.clear()
    consents = rows.filter(pl.col("version").is_not_null())
    signed = pl.coalesce("signed", "date") if "signed" in rows.columns else pl.col("date")
    return rows.filter(pl.col("version").is_null()), consents.with_columns(signed=signed).drop("date", "milestone")


# --- out ----------------------------------------------------------------------------------------------------------


def dm_out(out: Outgoing) -> pl.DataFrame:
    """DM: one record a participant, with the reference dates that the other tables tell."""
    typed, texts = out.table("subjects")
    arms = {name: str(arm.title) if arm.title else name for name, arm in out.trial.arms.items()}
    nobody = pl.Series([None] * len(typed), dtype=pl.String)
    arm, actual = (typed["arm"], typed["actual_arm"].fill_null("")) if out.sighted else (nobody, nobody)
    really = pl.Series([b or a for a, b in zip(arm, actual, strict=True)], dtype=pl.String)
    told = typed["arm"].is_not_null()
    failed = typed["screening_outcome"].str.to_lowercase().str.contains("fail|not e|筛选失败").fill_null(value=False)
    why = zip(told, failed, strict=True)
    reason = pl.Series([None if t else _FAILED.upper() if f else "NOT ASSIGNED" for t, f in why], dtype=pl.String)
    birth = date_texts(typed, "birth_date")
    dates = _reference_dates(out)
    frame = pl.DataFrame(
        {
            "USUBJID": out.people["USUBJID"],
            "SUBJID": typed["subject"],
            **{c: dates[c] for c in dates.columns},
            "SITEID": texts_of(texts, "site"),
            "BRTHDTC": birth,
            "AGE": _age(typed, out.people["reference"]),
            "SEX": [sex_out(word or "") for word in typed["sex"]],
            "RACE": nobody,
            "ARMCD": [_code(word) for word in arm],
            "ARM": [arms.get(word, word) for word in arm],
            "ACTARMCD": [_code(word) for word in really],
            "ACTARM": [arms.get(word, word) for word in really],
            "ARMNRS": reason,
            "ACTARMUD": nobody,
            "COUNTRY": nobody,
        }
    )
    years = pl.when(pl.col("AGE").is_not_null()).then(pl.lit("YEARS"))
    names = ("STUDYID", "DOMAIN", "USUBJID", "SUBJID", *dates.columns, "SITEID", "BRTHDTC", "AGE", "AGEU", "SEX")
    names = (*names, "RACE", "ARMCD", "ARM", "ACTARMCD", "ACTARM", "ARMNRS", "ACTARMUD", "COUNTRY")
    return head(out, frame, "DM").with_columns(AGEU=years).select(names)


def _code(arm: str | None) -> str | None:
    return None if not arm else arm.upper()[:_CODE]


def _age(typed: pl.DataFrame, reference: pl.Series) -> pl.Series:
    """Whole years on the reference start, where both days are known."""
    frame = typed.select("birth_date", "birth_date_last").with_columns(reference.alias("on"))
    born, on = pl.col("birth_date"), pl.col("on")
    before = (on.dt.month() < born.dt.month()) | ((on.dt.month() == born.dt.month()) & (on.dt.day() < born.dt.day()))
    years = on.dt.year() - born.dt.year() - before.cast(pl.Int32)
    return frame.select(pl.when(born == pl.col("birth_date_last")).then(years).cast(pl.Int64).alias("AGE")).to_series()


def _reference_dates(out: Outgoing) -> pl.DataFrame:
    """The reference dates of each participant, as texts, in the order of `s`."""
    doses = out.study.administrations
    given = ~doses["status"].is_in(["not given", "unknown"]).fill_null(value=False)
    doses = doses.filter(given & doses["start"].is_not_null())
    doses = doses.with_columns(first=date_texts(doses, "start"), ended=date_texts(doses, "end"))
    exposed = doses.group_by("s").agg(
        pl.col("first").min().alias("RFXSTDTC"), pl.coalesce("ended", "first").max().alias("RFXENDTC")
    )
    consents = out.study.consents
    signed = consents.with_columns(RFICDTC=date_texts(consents, "signed")).group_by("s").agg(pl.col("RFICDTC").min())
    stones = out.study.milestones
    word = pl.col("milestone").str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    stones = stones.with_columns(word.alias("word"), pl.Series("told", date_texts(stones, "date")))
    death = stones.filter(pl.col("word") == "death").group_by("s").agg(pl.col("told").min().alias("DTHDTC"))
    ends = ("death", "completion", "withdrawal", "withdrawal-of-consent", "lost-to-follow-up", "last-contact")
    ended = stones.filter(pl.col("word").is_in(ends)).group_by("s").agg(pl.col("told").max().alias("RFPENDTC"))
    agreed = stones.filter(pl.col("word") == "consented").group_by("s").agg(pl.col("told").min().alias("agreed"))
    people = pl.DataFrame({"s": pl.int_range(len(out.people), eager=True, dtype=pl.Int32)})
    for part in (exposed, signed, death, ended, agreed):
        people = people.join(part, on="s", how="left", maintain_order="left")
    start = out.people["reference"].dt.to_string("%Y-%m-%d")
    return people.select(
        start.alias("RFSTDTC"),
        pl.when(start.is_not_null()).then("RFXENDTC").alias("RFENDTC"),
        "RFXSTDTC",
        "RFXENDTC",
        pl.coalesce("RFICDTC", "agreed").alias("RFICDTC"),
        "RFPENDTC",
        "DTHDTC",
        pl.when(pl.col("DTHDTC").is_not_null()).then(pl.lit("Y")).alias("DTHFL"),
    )


def ds_out(out: Outgoing) -> pl.DataFrame:
    """DS: the milestones and consents on record; `table` and `n` say which row each came from."""
    parts = []
    for table, column in (("milestones", "date"), ("consents", "signed")):
        typed, texts = out.table(table)
        if not len(typed):
            continue
        word = (
            pl.Series("word", ["consented"] * len(typed)) if table == "consents" else typed["milestone"].alias("word")
        )
        frame = out.placed(typed).with_columns(
            word, pl.lit(table).alias("table"), DSSTDTC=date_texts(typed, column), DSSPID=texts_of(texts, "record")
        )
        parts.append(frame.select("table", "n", "USUBJID", "reference", "word", "DSSTDTC", "DSSPID"))
    if not parts:
        return pl.DataFrame()
    frame = pl.concat(parts)
    told = {word: disposition_of(word) for word in frame["word"].unique().drop_nulls()}
    three = ("DSDECOD", "DSCAT", "DSSCAT")
    said = [recoded(pl.col("word"), {w: t[i] or None for w, t in told.items()}).alias(v) for i, v in enumerate(three)]
    frame = with_seq(head(out, frame.with_columns(*said), "DS"), "DS").with_columns(
        DSTERM=pl.when(pl.col("DSDECOD").is_in([CONSENT, "COMPLETED", "RANDOMIZED"]))
        .then("DSDECOD")
        .otherwise(pl.col("word").str.to_uppercase()),
        DSSTDY=study_day(day_of(pl.col("DSSTDTC")), pl.col("reference")),
    )
    names = ("STUDYID", "DOMAIN", "USUBJID", "DSSEQ", "DSSPID", "DSTERM", *three, "DSSTDTC", "DSSTDY")
    return frame.select("table", "n", *names)
