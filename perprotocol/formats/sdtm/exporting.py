"""SDTM out: a study folder as datasets, with what SDTM has no variable for beside them, so that it comes back the same.

Each table is laid out as its domains; these are read again as an import would read them; and every cell that would come
back otherwise goes into the supplemental qualifiers as it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import polars as pl

from perprotocol.formats.dataset_json import About, write_dataset_json
from perprotocol.formats.sdtm import deviations, doses, events, findings, people, visits
from perprotocol.formats.sdtm.design import design_out, planned_visits
from perprotocol.formats.sdtm.folder import BESIDE, as_text
from perprotocol.formats.sdtm.frames import Incoming, Outgoing
from perprotocol.formats.sdtm.importing import domain_tables
from perprotocol.formats.sdtm.links import Links
from perprotocol.formats.sdtm.mapping import Said
from perprotocol.formats.sdtm.notes import Notes
from perprotocol.formats.sdtm.standard import dataset, define, labels
from perprotocol.formats.sdtm.supplements import continued, differing, supplement
from perprotocol.formats.xpt import MOST_BYTES, write_xpt
from rules import Study
from rules.audit import Report
from rules.blinding import BLINDED

KEPT_BESIDE = ("sites", "lots", "decisions", "amendments", "corrections")
"""Tables that are no tabulation data of participants."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Exported:
    """The datasets of an export, and the tables beside them."""

    datasets: Mapping[str, pl.DataFrame]
    beside: Mapping[str, pl.DataFrame]


def export_study(report: Report, folder: Path, form: str, progress: Progress | None = None) -> Exported:
    """The new folder holds every dataset in one form, what describes them, and what SDTM has no place for."""
    made = datasets_of(report)
    about = About(report.study.name, f"{report.as_of}T00:00:00", "perprotocol", version("perprotocol"))
    folder.mkdir()
    for n, (name, frame) in enumerate(made.datasets.items(), 1):
        _write(frame, folder / f"{name.lower()}.{form}", name, about, report.as_of)
        if progress is not None:
            progress(n, len(made.datasets))
    for file, table in zip(("define-datasets.csv", "define-variables.csv"), define(made.datasets), strict=True):
        table.write_csv(folder / file)
    _write_beside(made.beside, report.study, folder / BESIDE)
    return made


def datasets_of(report: Report) -> Exported:
    """All datasets of a study, with their supplemental qualifiers, and what goes beside; blinded as the report is."""
    study, trial, sighted = report.study, report.protocol, report.blinding != BLINDED
    out = Outgoing(trial, study, _people(study), planned_visits(trial), sighted)
    ec, ex = doses.doses_out(out)
    dv, dv_cells = deviations.dv_out(out, report)
    ie, ie_cells = deviations.ie_out(out, report)
    frames = {
        "DM": people.dm_out(out), "AE": pl.DataFrame(), "CE": pl.DataFrame(), "CM": pl.DataFrame(),
        "DS": people.ds_out(out), "DV": dv, "EC": ec, "EX": ex, "IE": ie, "LB": pl.DataFrame(), "MH": pl.DataFrame(),
        "SV": visits.sv_out(out), "VS": pl.DataFrame(), "XF": pl.DataFrame(),
    }  # fmt: skip
    frames |= findings.findings_out(out) | events.events_out(out)
    frames = {name: frame for name, frame in frames.items() if len(frame)}
    cells = _cells(out, frames)
    cells["DV"] = [*cells.get("DV", []), dv_cells]
    cells["IE"] = [*cells.get("IE", []), ie_cells]
    done: dict[str, pl.DataFrame] = {}
    for name, frame in frames.items():
        plain, more = continued(frame.drop("n", "table", strict=False), name)
        done[name] = plain
        idvar = "" if name == "DM" else "VISITNUM" if name == "SV" else f"{name}SEQ"
        parts = [supplement(study.name, name, idvar, part) for part in (*cells.get(name, []), more) if len(part)]
        if parts:
            number = pl.col("IDVARVAL").cast(pl.Float64, strict=False)
            done[f"SUPP{name}"] = pl.concat(parts).sort("USUBJID", number, maintain_order=True)
    if {"EC", "EX"} <= {*done}:
        done["RELREC"] = doses.related(out)
    addv = deviations.addv_out(out, report)
    addv = addv.with_columns(_cut(addv[c]) for c, t in addv.schema.items() if t == pl.String)
    done |= {name: frame for name, frame in design_out(trial, study, sighted=sighted).items() if len(frame)}
    return Exported({**done, **({"ADDV": addv} if len(addv) else {})}, _beside(study, done))


def _people(study: Study) -> pl.DataFrame:
    """subject, USUBJID and reference start of everybody: day zero as recorded, else the first dose."""
    subjects = study.subjects
    stones = study.milestones
    word = stones["milestone"].str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    told = stones.filter((word == "day-zero") & (stones["date"] == stones["date_last"]))
    zero = told.group_by("s").agg(pl.col("date").min().alias("zero"))
    given = study.administrations.filter(
        ~pl.col("status").is_in(["not given", "unknown"]).fill_null(value=False),
        pl.col("start").is_not_null() & (pl.col("start") == pl.col("start_last")),
    )
    first = given.group_by("s").agg(pl.col("start").min().alias("first"))
    frame = subjects.select("s", "subject", "day_zero", "day_zero_last").sort("s")
    for part in (zero, first):
        frame = frame.join(part, on="s", how="left", maintain_order="left")
    exact = pl.when(pl.col("day_zero") == pl.col("day_zero_last")).then("day_zero")
    return frame.select(
        "subject",
        pl.format("{}-{}", pl.lit(study.name), "subject").alias("USUBJID"),
        pl.coalesce(exact, "zero", "first").alias("reference"),
    )


def _cells(out: Outgoing, frames: Mapping[str, pl.DataFrame]) -> dict[str, list[pl.DataFrame]]:
    """Of each domain the cells that an import would read otherwise than they were recorded."""
    go = Incoming(out.trial, Links(out.trial, Said(), Notes()), Notes(), ours=True, exposure="EC")
    sets = {name: _as_read(frames.get(name, pl.DataFrame()), name) for name in _SETS}
    nothing = {
        name: pl.DataFrame(schema=dict.fromkeys(("USUBJID", "SEQ", "QNAM", "QVAL"), pl.String)) for name in _SETS
    }
    back = domain_tables(sets, nothing, go)
    found: dict[str, list[pl.DataFrame]] = {}
    for table, domains in _DOMAINS.items():
        _, texts = out.table(table)
        if not len(texts):
            continue
        for domain in domains:
            rows = frames.get(domain, pl.DataFrame())
            if not rows.width:
                continue
            if "table" in rows.columns:
                rows = rows.filter(pl.col("table") == table)
            rows = _as_read(rows, domain).select("n", "USUBJID", "SEQ").drop_nulls("n")
            told = back["milestones" if table == "consents" else table]
            told = told.filter(pl.col("DOMAIN") == domain)
            told = told.rename({"date": "signed"}) if table == "consents" else told
            places = pl.Series(rows["n"].cast(pl.Int64))
            again = rows.join(told, on=["USUBJID", "SEQ"], how="left", maintain_order="left")
            apart = differing(table, texts[places.to_list()], again)
            found.setdefault(domain, []).append(apart.filter(pl.lit(out.sighted) | (pl.col("column") != "arm")))
    return found


_SETS = ("DM", "EX", "EC", "SV", "VS", "LB", "XF", "AE", "CE", "CM", "MH", "DS", "DV")
_DOMAINS = {
    "subjects": ("DM",), "consents": ("DS",), "milestones": ("DS",), "administrations": ("EC",), "visits": ("SV",),
    "observations": findings.DOMAINS, "events": events.DOMAINS, "deviation_log": ("DV",),
}  # fmt: skip
"""The domains whose qualifiers hold what a table cannot say in variables."""


def _as_read(frame: pl.DataFrame, domain: str) -> pl.DataFrame:
    """A domain as an import reads it: texts, with SEQ."""
    if not frame.width:
        return frame
    kept = [frame[c] for c in ("n", "table") if c in frame.columns]
    if domain == "DM":
        kept = [pl.int_range(len(frame), eager=True).alias("n")]
    texts = [as_text(frame[c]) for c in frame.columns if c not in ("n", "table")]
    seq = f"{domain}SEQ" if f"{domain}SEQ" in frame.columns else "VISITNUM" if domain == "SV" else None
    told = pl.DataFrame([*texts, *kept])
    return told.with_columns((pl.col(seq) if seq else pl.lit("")).alias("SEQ"))


def _cut(texts: pl.Series) -> pl.Series:
    """Texts of an analysis dataset, which has no qualifiers, at the length allowed; `…` where one was longer."""
    long = (texts.str.len_bytes() > MOST_BYTES).fill_null(value=False)
    words = texts.filter(long).unique()
    return texts.replace({w: w.encode()[: MOST_BYTES - 3].decode("utf-8", "ignore") + "…" for w in words})


def _beside(study: Study, done: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Tables that are no tabulation data; and of others the columns, where all their cells are empty, as a header."""
    found = {}
    for name, table in study.tables.items():
        raw = table.raw
        if name in KEPT_BESIDE:
            found[name] = raw
            continue
        empty = [c for c in raw.columns if c not in table.unmapped and raw[c].null_count() == len(raw)]
        if empty or not len(raw):
            found[name] = raw.select(empty or raw.columns).clear()
    return found


def _write(frame: pl.DataFrame, place: Path, name: str, about: About, day: date) -> None:
    said = dataset(name)
    if place.suffix == ".xpt":
        numbers = frame.with_columns(pl.col(pl.Int64).cast(pl.Float64))
        write_xpt(numbers, place, name, said.label, labels(name, frame), day)
    else:
        keys = {key: n for n, key in enumerate(said.keys, 1)}
        write_dataset_json(frame, place, name, said.label, labels(name, frame), keys, about)


def _write_beside(tables: Mapping[str, pl.DataFrame], study: Study, place: Path) -> None:
    place.mkdir()
    for name, frame in tables.items():
        frame.write_csv(place / f"{name}.csv")
    settings = dict(study.settings) | {"name": study.name}
    if study.data_cut is not None:
        settings["data_cut"] = study.data_cut.isoformat()
    (place / "study.yaml").write_text("".join(f"{k}: {v}\n" for k, v in settings.items()), encoding="utf-8")
