"""A synthetic study as a folder: its tables, what was injected, and a page that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import polars as pl

from perprotocol.simulation.study import Simulated
from protocol import Fault, StudyError

INJECTED = "injected.csv"
AFTER = 60
"""Days from the last record to the day the data are complete for."""


def data_cut(simulated: Simulated) -> date:
    """A day on which everything is past."""
    found = [v for rows in simulated.tables.values() for row in rows for v in row.values() if isinstance(v, datetime)]
    last = max(found, default=datetime(2021, 1, 1))
    return date.fromordinal(last.date().toordinal() + AFTER)


def write_folder(simulated: Simulated, folder: Path, name: str, form: str = "csv") -> list[Path]:
    """The files of the study, written into an empty or new folder; StudyError where something is there already."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        why = "is a file" if folder.is_file() else "is not empty"
        raise StudyError([Fault("-o", None, None, "", str(folder), why, "name a new folder, or an empty one")])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table, frame in simulated.frames.items():
        written.append(folder / f"{table}.{form}")
        _write(frame, written[-1])
    injected = folder / INJECTED
    simulated.injected.write_csv(injected)
    settings = folder / "study.yaml"
    cut = data_cut(simulated)
    said = f"name: synthetic study of {simulated.protocol.protocol}\ndata_cut: {cut}\nprotocol: {name}\n"
    settings.write_text(said, encoding="utf-8")
    page = folder / "README.md"
    page.write_text(_page(simulated, name, cut), encoding="utf-8")
    return [*written, injected, settings, page]


def _write(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M")


def _page(simulated: Simulated, name: str, cut: date) -> str:
    kinds: Mapping[str, int] = dict(simulated.injected.filter(~pl.col("follows"))["kind"].value_counts().rows())
    listed = "".join(f"- {kind}: {number}\n" for kind, number in sorted(kinds.items())) or "- none\n"
    return (
        f"# Synthetic study of {simulated.protocol.protocol}\n\n"
        f"**Synthetic: no row is about a real person.** Made by `perprotocol simulate {name}`, version "
        f"{simulated.protocol.version} of the protocol, {len(simulated.tables['subjects'])} participants.\n\n"
        f"Faults put in, each into a participant of its own (`{INJECTED}` lists whom, and what must be found):\n\n"
        f"{listed}\nEverything is past on {cut}: `perprotocol audit {name} . --as-of {cut}`.\n"
    )
