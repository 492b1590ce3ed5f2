"""What was measured: the table observations, and the findings VS, LB and XF (neither vital sign nor laboratory).

The result is read as it was recorded, in its own unit; where that unit is none that can be read, the standard result.
"""

from __future__ import annotations

import re

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
from perprotocol.formats.sdtm.terms import cdisc_test, read_unit, unit_term
from perprotocol.formats.sdtm.visits import visit_names, visit_variables
from protocol.errors import ScalarError
from protocol.quantity import parse_unit

DOMAINS = ("VS", "LB", "XF")
_BODY = {"WEIGHT": "weight", "HEIGHT": "length"}
_NOT_DONE = "not done"
_RESULT = (
    "SPID", "TESTCD", "TEST", "ORRES", "ORRESU", "ORNRLO", "ORNRHI", "STRESC", "STRESN", "STRESU", "STAT", "METHOD",
)  # fmt: skip
"""Variables of every findings domain, without their first two letters, in order."""

# --- in -----------------------------------------------------------------------------------------------------------


def observations_in(frame: pl.DataFrame, domain: str, go: Incoming) -> pl.DataFrame:
    """One row a result of a test that the protocol asks for; what it does not ask for is counted."""
    rows = take(frame, "USUBJID", "SEQ", *(f"{domain}{name}" for name in (*_RESULT, "DTC")), "VISITNUM", "VISIT")
    rows = rows.rename({f"{domain}{name}": name for name in (*_RESULT, "DTC")})
    rows = _asked(rows, domain, go)
    rows = rows.with_columns(visit_names(rows, go))
    units = {word: read_unit(word) for word in pl.concat([rows["ORRESU"], rows["STRESU"]]).unique().drop_nulls()}
    unit, standard = (
        pl.col(c).replace_strict(units, default=None, return_dtype=pl.String) for c in ("ORRESU", "STRESU")
    )
    not_done = (pl.col("STAT").str.to_uppercase() == "NOT DONE").fill_null(value=False)
    result = pl.coalesce("STRESC", "STRESN")
    other = (unit.is_null() & pl.col("ORRESU").is_not_null() & standard.is_not_null()) | pl.col("ORRES").is_null()
    record = pl.col("SPID") if go.ours else pl.format("{} {} {}", pl.lit(domain), "USUBJID", "SEQ")
    other = pl.lit(value=False) if go.ours else other
    rows = rows.with_columns(
        other.alias("standard"),
        value=pl.when(not_done).then(pl.lit(_NOT_DONE)).when(other).then(result).otherwise("ORRES"),
        unit=pl.when(other).then(standard).otherwise(pl.coalesce(unit, "ORRESU")),
        low=pl.when(~other).then("ORNRLO"),
        high=pl.when(~other).then("ORNRHI"),
        at=iso(pl.col("DTC")),
        method="METHOD",
        record=record,
    )
    return rows if go.ours else _usable(rows, domain, go)


def _asked(rows: pl.DataFrame, domain: str, go: Incoming) -> pl.DataFrame:
    """The rows of measures of the protocol; of an export of ours all."""
    linked = {}
    for code, name in rows.select("TESTCD", "TEST").unique().sort("TESTCD", nulls_last=True).rows():
        measure, several = go.links.measure(domain, code, name)
        linked[code, name] = measure or ((name or code or "").lower() if go.ours else None)
        if not go.ours and measure is None:
            same = (pl.col("TESTCD").eq_missing(pl.lit(code))) & pl.col("TEST").eq_missing(pl.lit(name))
            number = rows.select(same.sum()).item()
            kind, what = ("question", "test-several") if several else ("left out", "test")
            go.notes.add(kind, what, domain, f"{domain}TESTCD", f"{code or ''} {name or ''}".strip(), number)  # type: ignore[arg-type]
    keys = rows.select("TESTCD", "TEST").rows()
    rows = rows.with_columns(pl.Series("measure", [linked[key] for key in keys], pl.String))
    return rows.drop_nulls("measure")


def _usable(rows: pl.DataFrame, domain: str, go: Incoming) -> pl.DataFrame:
    """The rows with a result and a day; what is wrong with units is named."""
    go.notes.add("read", "standard-result", domain, f"{domain}STRESC", rows=rows.filter("standard").height)
    strange = rows.filter(pl.col("ORRESU").is_not_null() & ~pl.col("standard") & pl.col("unit").eq(pl.col("ORRESU")))
    bad = {word for word in strange["ORRESU"].unique() if read_unit(word) is None}
    asked = {name for name, m in go.trial.measures.items() if m.unit is not None} | {"weight", "height"}
    wrong = strange.filter(pl.col("ORRESU").is_in(list(bad)) & pl.col("measure").is_in(list(asked)))
    go.notes.count("question", "unit", domain, f"{domain}ORRESU", wrong["ORRESU"])
    _two_units(rows, domain, go)
    body = pl.col("measure").is_in(["weight", "height"]) & pl.col("value").cast(pl.Float64, strict=False).is_not_null()
    unknown = body & (pl.col("unit").is_null() | pl.col("unit").is_in(list(bad)))
    go.notes.add("left out", "body-no-unit", domain, f"{domain}ORRESU", rows=rows.filter(unknown).height)
    rows = rows.filter(~unknown)
    for column, variable, what in (("value", "ORRES", "no-result"), ("at", "DTC", "no-date")):
        go.notes.add("left out", what, domain, f"{domain}{variable}", rows=rows[column].null_count())
    return rows.drop_nulls(["value", "at"])


def _two_units(rows: pl.DataFrame, domain: str, go: Incoming) -> None:
    """Weights recorded in several units, and results whose standard result is not what their unit makes of them."""
    for measure in ("weight", "height"):
        mine = rows.filter(pl.col("measure") == measure).drop_nulls("unit")
        units = mine["unit"].unique().sort().to_list()
        if len(units) > 1:
            said = " and ".join(units)
            go.notes.add("read", "several-units", domain, f"{domain}ORRESU", said, len(mine), measure=measure)
    factor = {word: _factor(word) for word in pl.concat([rows["ORRESU"], rows["STRESU"]]).unique().drop_nulls()}
    of, to = (pl.col(c).replace_strict(factor, default=None, return_dtype=pl.Float64) for c in ("ORRESU", "STRESU"))
    number, standard = (pl.col(c).cast(pl.Float64, strict=False) for c in ("ORRES", "STRESN"))
    apart = ((number * of / to - standard).abs() > 0.02 * standard.abs() + 1e-9).fill_null(value=False)
    body = pl.col("measure").is_in(["weight", "height"])
    wrong = rows.filter(apart & body)
    go.notes.count("question", "two-results", domain, f"{domain}STRESN", wrong["measure"])


def _factor(word: str) -> float | None:
    """How many of its base units a unit of body weight or length is; None for any other."""
    try:
        unit = parse_unit(read_unit(word) or word, body=True)
    except ScalarError:
        return None
    return float(unit.factor) if unit.dimension in _BODY.values() else None


# --- out ----------------------------------------------------------------------------------------------------------


def findings_out(out: Outgoing) -> dict[str, pl.DataFrame]:
    """VS, LB and XF: the results on record, in the protocol's unit beside their own; `n` is the row of the table."""
    typed, texts = out.table("observations")
    if not len(typed):
        return {}
    tests = _tests(out, typed)
    units = {word: unit_term(word) for word in typed["unit"].unique().drop_nulls()}
    value, word = texts_of(texts, "value"), typed["word"]
    not_done = (word.str.to_lowercase() == _NOT_DONE).fill_null(value=False)
    frame = out.placed(typed).with_columns(
        *(
            typed["measure"].replace_strict({m: t[i] for m, t in tests.items()}, return_dtype=pl.String).alias(name)
            for i, name in enumerate(("domain", "TESTCD", "TEST"))
        ),
        pl.Series("ORRES", value.zip_with(~not_done, pl.Series([None] * len(value), dtype=pl.String))),
        pl.col("unit").replace_strict(units, default=None, return_dtype=pl.String).alias("ORRESU"),
        texts_of(texts, "low").alias("ORNRLO"),
        texts_of(texts, "high").alias("ORNRHI"),
        texts_of(texts, "record").alias("SPID"),
        date_texts(typed, "at").alias("DTC"),
        *visit_variables(out, typed["visit"]).get_columns(),
        STAT=pl.when(pl.Series(not_done)).then(pl.lit("NOT DONE")),
        METHOD=pl.col("method"),
    )
    frame = _standard(out, frame)
    frame = frame.with_columns(DY=study_day(day_of(pl.col("DTC")), pl.col("reference")))
    found = {}
    for domain in DOMAINS:
        mine = frame.filter(pl.col("domain") == domain)
        if len(mine):
            mine = mine.rename({name: f"{domain}{name}" for name in (*_RESULT, "DTC", "DY")})
            first = ("STUDYID", "DOMAIN", "USUBJID", f"{domain}SEQ", *(f"{domain}{name}" for name in _RESULT))
            variables = (*first, "VISITNUM", "VISIT", f"{domain}DTC", f"{domain}DY")
            found[domain] = with_seq(head(out, mine, domain), domain).select("n", *variables)
    return found


def _tests(out: Outgoing, typed: pl.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Measure -> domain, test code (at most 8 signs, each once) and name (at most 40 bytes)."""
    united = set(typed.filter(pl.col("unit").is_not_null())["measure"].unique())
    found: dict[str, tuple[str, str, str]] = {}
    codes: set[str] = set()
    for measure in typed["measure"].unique().sort():
        known = cdisc_test(measure)
        stated = out.trial.measures.get(measure)
        named = [cdisc_test(t) for t in (stated.title.en, stated.title.zh) if t] if stated and stated.title else []
        known = known or next((t for t in named if t is not None), None)
        if known is not None and known[1] not in codes:
            found[measure] = known
        else:
            code = re.sub(r"[^A-Z0-9]", "", measure.upper())[:8] or "TEST"
            code = code if code[0].isalpha() else f"T{code}"[:8]
            n = 1
            while code in codes:
                n += 1
                code = f"{code[:6]}{n:02}"
            name = measure.encode()[:40].decode("utf-8", "ignore")
            found[measure] = ("LB" if measure in united else "XF", code, name)
        codes.add(found[measure][1])
    return found


def _standard(out: Outgoing, frame: pl.DataFrame) -> pl.DataFrame:
    """The results in the protocol's unit where they can be converted, else as they are; kg and cm for the body."""
    pairs = frame.select("measure", "unit").unique().rows()
    wanted = {m: measure.unit for m, measure in out.trial.measures.items() if measure.unit}
    wanted |= {"weight": "kg", "height": "cm"}
    factor = {pair: _conversion(pair[1], wanted.get(pair[0])) for pair in pairs}
    keys = frame.select("measure", "unit").rows()
    by = pl.Series("by", [factor[key] for key in keys], pl.Float64)
    to = pl.Series("to", [unit_term(wanted[key[0]]) if factor[key] is not None else None for key in keys], pl.String)
    number = (pl.col("value") * by.fill_null(1.0)).round(10)
    words = number.map_elements(lambda x: format(x, ".12g"), return_dtype=pl.String)
    return frame.with_columns(
        STRESN=number,
        STRESC=pl.coalesce(words, "ORRES"),
        STRESU=pl.coalesce(to, "ORRESU"),
    )


def _conversion(unit: str | None, wanted: str | None) -> float | None:
    """What a value in one unit is multiplied by to be in the other; None where they measure something else."""
    if unit is None or wanted is None:
        return None
    try:
        one, other = parse_unit(unit, body=True), parse_unit(wanted, body=True)
    except ScalarError:
        return None
    return float(one.factor / other.factor) if one.dimension == other.dimension else None
