"""What the protocol orders or allows, and near misses: complying rows that are counted and named, never findings."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.arrays import days
from rules.happened.belonging import site_on
from rules.happened.holds import PAUSED
from rules.happened.records import PARTLY
from rules.happened.spells import EXCUSES
from rules.telling.rows import Place
from rules.timing.grid import Laid

DEPARTURES: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "site": pl.String(),
    "activity": pl.String(),
    "occurrence": pl.Int32(),
    "date": pl.Date(),
    "kind": pl.String(),
    "days": pl.Int32(),
    "percent": pl.Float64(),
    "source": pl.String(),
    "record": pl.String(),
}


_TYPES = pl.Schema(
    {
        **{name: DEPARTURES[name] for name in ("date", "kind", "days", "percent")},
        "by": pl.String(),
        "since": pl.Date(),
    }
)
_COLUMNS = ("s", "part", "occurrence", "row", "date", "kind", "days", "percent", "by", "since")


def read_departures(laid: Laid, tables: dict[str, pl.DataFrame], place: Place) -> pl.DataFrame:
    """What the protocol orders or allows, and what nearly went wrong: counted and named, never findings."""
    planned = tables["planned"]
    doses = tables["doses"]
    told = [_absent(planned), _delayed(planned), _modified(doses), _cut_short(laid, doses), _near_misses(doses)]
    pieces = [piece for piece in (*told, _interrupted(laid, tables["conduct"])) if piece is not None]
    if not pieces:
        return pl.DataFrame(schema=DEPARTURES)
    rows = pl.concat(pieces)
    subjects = laid.evidence.frames["subjects"]
    parts = pl.Series([p.activity for p in laid.plan.parts], dtype=pl.String)
    file = pl.lit(place.files.get("administrations", ""))
    by = _ordered_by(laid, rows)
    paused = by.str.starts_with(PAUSED).fill_null(value=False)
    rows = rows.with_columns(kind=pl.when(paused).then(pl.lit("study paused")).otherwise("kind"))
    return rows.select(
        subjects["subject"].gather(rows["s"]).alias("subject"),
        site_on(laid.evidence, rows["s"], rows["date"]).alias("site"),
        parts.gather(rows["part"]).alias("activity"),
        "occurrence",
        *("date", "kind", "days", "percent"),
        source=_sources(laid.plan.protocol, by),
        record=pl.concat_str(file, pl.col("row").cast(pl.String), separator=":"),
    )


def _rows(rows: pl.DataFrame, **said: pl.Expr | pl.Series) -> pl.DataFrame | None:
    """What is said of the rows; None where there are none."""
    if not len(rows):
        return None
    nothing = dict.fromkeys(("days", "percent", "by", "since"), pl.lit(None))
    chosen = rows.select("s", "part", "occurrence", "row", **(nothing | said)).select(_COLUMNS)
    return chosen.cast(_TYPES)


def _absent(planned: pl.DataFrame) -> pl.DataFrame | None:
    """Expected doses that a hold, a stop or a condition of the protocol took away."""
    excused = pl.col("excused").fill_null(value=False) & pl.col("expected").fill_null(value=False)
    absent = planned.filter(pl.col("treatment") & ~pl.col("done") & excused & (pl.col("denied") | pl.col("over")))
    kind = pl.col("excuse").replace_strict(EXCUSES, default=None, return_dtype=pl.String)
    return _rows(absent, date=pl.col("due"), kind=kind, since=pl.col("due"))


def _delayed(planned: pl.DataFrame) -> pl.DataFrame | None:
    """Doses that waited as ordered; beyond what the protocol allows the delay is a finding, and no departure."""
    planned = planned.filter((pl.col("delayed") > 0) | (pl.col("allowed") > 0))
    beyond = (pl.col("day") > pl.col("closes")).fill_null(value=False)
    waited = (pl.col("day") - pl.col("due")).dt.total_days() + pl.col("delayed")
    moved = (pl.col("delayed") > 0) | (pl.col("day") > pl.col("closes") - pl.duration(days="allowed"))
    late = planned.filter(pl.col("treatment") & pl.col("done") & moved & ~beyond & (waited > 0))
    planned_on = pl.col("due") - pl.duration(days="delayed")
    return _rows(late, date=pl.col("day"), kind=pl.lit("delay"), days=waited, since=planned_on)


def _modified(doses: pl.DataFrame) -> pl.DataFrame | None:
    """Doses that were changed as modifications order or allow, and would else have been too much or too little."""
    changed = doses.filter(pl.col("adjusted") & pl.col("matched") & ~pl.col("duplicate"))
    return _rows(changed, date=pl.col("day"), kind=pl.lit("dose modified"), by=pl.col("ordered_by"))


def _ordered_by(laid: Laid, rows: pl.DataFrame) -> pl.Series:
    """Which modifications, hold or pause each departure follows; null for none."""
    by = rows["by"].to_list()
    s, day = rows["s"].to_numpy(), days(rows, "since")
    for code in rows["part"].unique().drop_nulls():
        part = laid.plan.parts[code]
        cycle = part.element.in_.name if part.element.in_ is not None else ""
        states = [*laid.states.by_treatment.get(part.activity, []), *laid.states.by_cycle.get(cycle, [])]
        for state in (*states, *laid.states.omissions.get(part.activity, [])):
            alike = (rows["part"] == code) & (rows["kind"] == EXCUSES[state.kind])
            for at in np.flatnonzero(alike.to_numpy() & state.on(s, day)[0]):
                by[at] = by[at] or state.name
    return pl.Series(by, dtype=pl.String)


def _interrupted(laid: Laid, conduct: pl.DataFrame) -> pl.DataFrame | None:
    """Infusions that stood still, and went on as the protocol allows."""
    stood = conduct.filter("interrupted", pl.col("pause") <= pl.col("longest_pause"))
    paths = pl.Series([f"{part.path}.interruption" for part in laid.plan.parts], dtype=pl.String)
    return _rows(stood, date=pl.col("day"), kind=pl.lit("interrupted"), by=paths.gather(stood["part"]))


def _sources(protocol: Protocol, by: pl.Series) -> pl.Series:
    """Which paragraph of the protocol, or line of study.yaml, each departure rests on; null for a hold on record."""
    texts = {name: protocol.origin(f"modifications.{name}").text for name in protocol.modifications}
    texts |= {path: protocol.origin(path).text for path in by.drop_nulls().unique() if path.endswith(".interruption")}
    texts |= {name: f"study.yaml: {name}" for name in by.drop_nulls().unique() if name.startswith(PAUSED)}
    named = ("; ".join(texts[n] for n in (name or "").split(", ") if n in texts) for name in by)
    return pl.Series([text or None for text in named], dtype=pl.String)


def _near_misses(doses: pl.DataFrame) -> pl.DataFrame | None:
    """Doses ordered outside their limits and given inside them: no deviation, and worth a note."""
    inside = pl.col("amount").is_between("least", "most") & ~pl.col("duplicate") & pl.col("dosed")
    missed = doses.filter(inside & ~pl.col("ordered").is_between("least", "most"))
    return _rows(
        missed, date=pl.col("day"), kind=pl.lit("near miss"), percent=pl.col("ordered") * 100 / pl.col("amount")
    )


def _cut_short(laid: Laid, doses: pl.DataFrame) -> pl.DataFrame | None:
    """Infusions that were not completed; for safety where an adverse event is on record on that day."""
    cut = doses.filter(pl.col("status") == PARTLY)
    if not len(cut):
        return None
    given = pl.Series(np.where(laid.doses.amount >= 0, laid.doses.amount, 0))
    percent = given.gather(cut["dose"]) * 100 / cut["amount"]
    kind = pl.when("reaction").then(pl.lit("incomplete, stopped for safety")).otherwise(pl.lit("incomplete"))
    told = cut.with_columns(percent=percent).filter((pl.col("percent") < 100).fill_null(value=True))
    return _rows(told, date=pl.col("day"), kind=kind, percent=pl.col("percent"))
