"""SDTM in: a folder of datasets becomes a study folder, some participants at a time, with notes on what could not be.

Every dataset is laid out as Parquet first; then the participants are taken in stretches, each of which is a small study
of its own: read, linked to the protocol, checked at the door of study folders, and written. Memory holds one stretch.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perprotocol.formats.sdtm import deviations, doses, events, findings, people, visits
from perprotocol.formats.sdtm.design import compare_design, data_cut
from perprotocol.formats.sdtm.folder import DESIGN, Progress, Staged, stage
from perprotocol.formats.sdtm.frames import Incoming
from perprotocol.formats.sdtm.links import Links, plain_number
from perprotocol.formats.sdtm.mapping import Said, read_mapping
from perprotocol.formats.sdtm.notes import Notes
from perprotocol.formats.sdtm.supplements import joined_texts, read_supplement, with_qualifiers
from perprotocol.formats.sdtm.terms import read_unit
from protocol import Protocol
from protocol.errors import Fault, StudyError
from protocol.quantity import parse_unit
from rules.door.entry import Entry
from rules.door.reading import Recorded
from rules.door.tables import SCHEMAS
from rules.facts import admit

ROWS = 150_000
"""Rows of the largest dataset in one stretch of participants."""
REPORT_FILE = "import-report.csv"
_READ = ("DM", "EX", "EC", "SV", "VS", "LB", "XF", "AE", "CE", "CM", "MH", "DS", "DV")
_TABLES = ("subjects", "consents", "milestones", "observations", "administrations", "visits", "events", "deviation_log")


@dataclass(frozen=True)
class Imported:
    """What an import made: the rows of each table, and its notes."""

    rows: Mapping[str, int]
    notes: Notes


def import_study(
    folder: Path, trial: Protocol, out: Path, mapping: Path | None = None, *, tables: str = "csv", lang: str = "en",
    progress: Progress | None = None,
) -> Imported:  # fmt: skip
    """The new study folder `out`; StudyError with everything that is wrong where the datasets cannot be read."""
    said = read_mapping(mapping, trial)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".datasets-") as work:
        staged = stage(folder, Path(work), progress)
        made = Path(work) / "study"
        made.mkdir()
        imported = _import(staged, trial, said, made, tables, progress)
        imported.notes.table(lang).write_csv(made / REPORT_FILE)
        made.rename(out)
    return imported


def _import(staged: Staged, trial: Protocol, said: Said, made: Path, form: str, progress: Progress | None) -> Imported:
    notes = Notes()
    design = {name: staged.scan(name).collect() for name in DESIGN if name in staged}
    links = Links(trial, said, notes, _planned(design))
    ours = staged.beside is not None
    go = Incoming(trial, links, notes, ours, _exposure(staged, links, notes, ours))
    compare_design(design, go)
    people.note_day_zero(go)
    _unread(staged, notes, ours=ours)
    index = _subjects(staged, said, notes, ours)
    stretches = list(_stretches(staged, index))
    parts = staged.place / "parts"
    for n, some in enumerate(stretches):
        for name, frame in _tables(staged, some, go).items():
            (parts / name).mkdir(parents=True, exist_ok=True)
            frame.write_parquet(parts / name / f"{n:05}.parquet", compression_level=1)
        if progress is not None:
            progress(n + 1, len(stretches))
    links.note_unused()
    rows = {name: _together(parts / name, made / f"{name}.{form}") for name in _TABLES if (parts / name).is_dir()}
    _beside(staged, made, form, rows)
    _settings(staged, design, trial, made)
    return Imported(rows, notes)


# --- before the rows ----------------------------------------------------------------------------------------------


def _planned(design: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Numbers of TV with their names."""
    tv = design.get("TV", pl.DataFrame())
    if not {"VISITNUM", "VISIT"} <= {*tv.columns}:
        return {}
    rows = tv.select("VISITNUM", "VISIT").unique().drop_nulls().rows()
    return {plain: name for number, name in rows if (plain := plain_number(number)) is not None}


def _exposure(staged: Staged, links: Links, notes: Notes, ours: bool) -> str:
    """EX or EC: EC where doses were collected in the protocol's own units or there is no EX, else EX."""
    if ours:
        return "EC"
    if links.said.exposure in staged:
        return links.said.exposure
    if "EC" not in staged or "EX" not in staged:
        return "EX" if "EX" in staged else "EC"
    wanted = ["ECTRT", "ECDOSU"]
    there = staged.columns("EC")
    if not {*wanted} <= {*there}:
        return "EX"
    pairs = staged.scan("EC").select(wanted).unique().collect().rows()
    chosen = "EC" if all(_comparable(links, word, unit) for word, unit in pairs) else "EX"
    notes.add("assumed", f"exposure-{chosen.lower()}", chosen)
    return chosen


def _comparable(links: Links, word: str | None, unit: str | None) -> bool:
    """Whether doses collected under this name and in this unit can be laid beside the protocol's."""
    if links.treatment(word) is None:
        return False
    known = read_unit(unit) if unit else None
    if known is None:
        return unit is None
    stated = links.dimensions(str(word))
    return not stated or parse_unit(known).dimension in stated


def _unread(staged: Staged, notes: Notes, *, ours: bool) -> None:
    """The datasets and files that nothing of a study folder is read from, and records of nobody in DM."""
    people = staged.scan("DM").select("USUBJID")
    for name in _READ[1:]:
        if name in staged:
            rows = staged.scan(name).join(people, on="USUBJID", how="anti").select(pl.len()).collect().item()
            notes.add("left out", "nobody", name, "USUBJID", rows=rows)
    for name, rows in staged.rows.items():
        known = (*_READ, *DESIGN, "RELREC", *(("IE", "ADDV") if ours else ()))
        if name not in known and not name.startswith("SUPP"):
            notes.add("left out", "dataset", name, rows=rows)
    for name in staged.others:
        if not name.startswith("define"):
            notes.add("left out", "file", name)


def _subjects(staged: Staged, said: Said, notes: Notes, ours: bool) -> pl.DataFrame:
    """USUBJID and subject of everybody, sorted by subject: SUBJID where it names each once, else USUBJID."""
    dm = staged.scan("DM").collect()
    usable = "SUBJID" in dm.columns and dm["SUBJID"].null_count() == 0 and dm["SUBJID"].is_unique().all()
    if said.subject == "SUBJID" and not usable:
        why = "does not name each participant once"
        raise StudyError([Fault("DM", None, "SUBJID", "", "", why, "write subject: USUBJID in the mapping file")])
    chosen = said.subject or ("SUBJID" if usable else "USUBJID")
    if not ours and not said.subject:
        notes.add("assumed", f"subject-{chosen.lower()}", "DM", chosen)
    return dm.select("USUBJID", pl.col(chosen).alias("subject")).sort("subject")


def _stretches(staged: Staged, index: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The participants in stretches, so that no dataset has many more than ROWS rows in one."""
    most = max((rows for name, rows in staged.rows.items() if not name.startswith("SUPP")), default=1)
    step = max(1, len(index) * ROWS // max(most, 1))
    for start in range(0, len(index), step):
        yield index.slice(start, step)


# --- one stretch --------------------------------------------------------------------------------------------------


def _tables(staged: Staged, some: pl.DataFrame, go: Incoming) -> dict[str, pl.DataFrame]:
    """The tables of some participants, every row good enough for the door of a study folder."""
    sets = {name: _part(staged, name, some, go) for name in _READ}
    cells = {name: read_supplement(_rows(staged, f"SUPP{name}", some)) for name in _READ}
    sets = {name: joined_texts(frame, cells[name]) if frame.width else frame for name, frame in sets.items()}
    made = domain_tables(sets, cells, go)
    found: dict[str, pl.DataFrame] = {}
    for name, frame in made.items():
        named = frame.join(some, on="USUBJID", how="inner", maintain_order="left").sort("subject", maintain_order=True)
        found[name] = named
    shaped = {name: _shaped(name, frame) for name, frame in found.items() if len(frame) or name == "subjects"}
    if go.ours:
        return shaped
    events.interruptions(sets["AE"], go)
    admitted = _admitted(shaped, go)
    return admitted | visits.early_terminations(admitted, sets["DS"], some, go)


def domain_tables(
    sets: Mapping[str, pl.DataFrame], cells: Mapping[str, pl.DataFrame], go: Incoming
) -> dict[str, pl.DataFrame]:
    """The tables of a study that the domains tell, with DOMAIN, USUBJID and SEQ of each row; `cells`: qualifiers."""

    def told(rows: pl.DataFrame, domain: str) -> pl.DataFrame:
        rows = rows.with_columns(pl.lit(domain).alias("DOMAIN"))
        return with_qualifiers(rows, cells[domain]) if go.ours else rows

    subjects = told(people.subjects_in(sets["DM"], sets["DS"], go), "DM")
    stones = told(people.milestones_in(sets["DM"], sets["DS"], go), "DS")
    stones, consents = people.split_consents(stones)
    given = told(doses.administrations_in(sets["EC"], sets["EX"], go), go.exposure)
    seen = told(visits.visits_in(sets["SV"], sets["DM"], go), "SV")
    measured = [told(findings.observations_in(sets[d], d, go), d) for d in findings.DOMAINS if sets[d].width]
    happened = [told(events.events_in(sets[d], d, go), d) for d in events.DOMAINS if sets[d].width]
    log = told(deviations.log_in(sets["DV"], cells["DV"], go), "DV")
    tables = {
        "subjects": subjects, "consents": consents, "milestones": stones, "administrations": given, "visits": seen,
        "observations": pl.concat(measured, how="diagonal_relaxed") if measured else pl.DataFrame(),
        "events": pl.concat(happened, how="diagonal_relaxed") if happened else pl.DataFrame(), "deviation_log": log,
    }  # fmt: skip
    return {name: frame for name, frame in tables.items() if frame.width}


def _part(staged: Staged, name: str, some: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The rows of some participants, with SEQ, which names each record once even where its number does not."""
    frame = _rows(staged, name, some)
    if not frame.width:
        return frame
    seq = f"{name}SEQ" if f"{name}SEQ" in frame.columns else "VISITNUM" if name == "SV" else None
    order = pl.int_range(1, pl.len() + 1).over("USUBJID").cast(pl.String)
    number = pl.coalesce(pl.col(seq).str.replace(r"\.0+$", ""), order) if seq and seq in frame.columns else order
    frame = frame.with_columns(number.alias("SEQ"))
    again = pl.int_range(1, pl.len() + 1).over("USUBJID", "SEQ")
    return frame.with_columns(pl.when(again > 1).then(pl.format("{} ({})", "SEQ", again)).otherwise("SEQ").alias("SEQ"))


def _rows(staged: Staged, name: str, some: pl.DataFrame) -> pl.DataFrame:
    if name not in staged:
        return pl.DataFrame()
    return staged.scan(name).filter(pl.col("USUBJID").is_in(some["USUBJID"].implode())).collect()


def _shaped(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the table, those of every table that reads or writes it, as texts."""
    columns = [c for c in SCHEMAS[name].names if c in frame.columns]
    return frame.select(pl.col(columns).cast(pl.String))


def _admitted(tables: dict[str, pl.DataFrame], go: Incoming) -> dict[str, pl.DataFrame]:
    """The tables without the rows that the door of study folders refuses, each refusal named."""
    index = tables["subjects"].select("subject").unique().sort("subject")
    index = index.with_row_index("s").cast({"s": pl.Int32})
    for name, frame in tables.items():
        lines = pl.int_range(1, len(frame) + 1, dtype=pl.Int32, eager=True).alias("row")
        entry = Entry(Recorded(name, name, frame, lines), None)
        admit(entry, index)
        if not entry.bad.any():
            continue
        for reason, number in entry.balance().refused.items():
            go.notes.add("left out", "refused", name, value=reason, rows=number)
        kept = entry.cells.filter(~entry.bad)["row"]
        tables[name] = frame[(kept - 1).to_list()]
    return tables


# --- after the rows -----------------------------------------------------------------------------------------------


def _together(parts: Path, place: Path) -> int:
    """The parts of a table as one file, without the columns that hold nothing; the number of its rows."""
    frame = pl.concat([pl.scan_parquet(path) for path in sorted(parts.glob("*.parquet"))], how="diagonal")
    counts = frame.select(pl.all().is_not_null().any(), pl.len().alias("rows of it")).collect()
    kept = [c for c in counts.columns[:-1] if counts[c][0]]
    rows = int(counts["rows of it"][0])
    told = frame.select(kept or counts.columns[:1])
    if place.suffix == ".parquet":
        told.sink_parquet(place)
    else:
        told.sink_csv(place)
    return rows


def _beside(staged: Staged, made: Path, form: str, rows: dict[str, int]) -> None:
    """What stands beside the datasets of an export of ours: tables that SDTM has no place for, and empty columns."""
    if staged.beside is None:
        return
    for path in sorted(staged.beside.glob("*.csv")):
        name, there = path.stem, made / f"{path.stem}.{form}"
        extra = pl.read_csv(path, infer_schema=False)
        if there.exists():
            known = pl.read_csv(there, infer_schema=False) if form == "csv" else pl.read_parquet(there)
            extra = known.with_columns(
                pl.lit(None, pl.String).alias(c) for c in extra.columns if c not in known.columns
            )
        else:
            rows[name] = len(extra)
        _write(extra, there)


def _write(frame: pl.DataFrame, place: Path) -> None:
    if place.suffix == ".parquet":
        frame.write_parquet(place)
    else:
        frame.write_csv(place)


def _settings(staged: Staged, design: Mapping[str, pl.DataFrame], trial: Protocol, made: Path) -> None:
    """study.yaml: as it stands beside an export of ours, else the study's name and the data cut of TS."""
    if staged.beside is not None and (staged.beside / "study.yaml").is_file():
        shutil.copyfile(staged.beside / "study.yaml", made / "study.yaml")
        return
    dm = staged.scan("DM")
    name = dm.select("STUDYID").head(1).collect().item() if "STUDYID" in staged.columns("DM") else None
    cut = data_cut(dict(design))
    lines = [f"name: {name or 'study'}", f"protocol: {trial.protocol}", *([f"data_cut: {cut}"] if cut else [])]
    (made / "study.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
