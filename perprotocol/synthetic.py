"""`simulate`: a synthetic study written as a folder, and a summary of what was put in."""

from __future__ import annotations

from pathlib import Path

import polars as pl

import protocol as promised
from perprotocol.door import report_progress, say
from perprotocol.simulation.faults import KINDS
from perprotocol.simulation.folder import data_cut, write_folder
from perprotocol.simulation.study import Simulated, simulate
from protocol import Fault, StudyError

SUMMARY = {"kind": pl.String, "number": pl.Int64, "expected": pl.Int64, "what": pl.String}


def simulate_folder(
    name: str, folder: Path, number: int, seed: int, faults: str | None, form: str, *, quiet: bool
) -> pl.DataFrame:
    """The folder is there; of each kind of fault, how often it was put in and what must be found because of it."""
    trial = promised.read(name)
    wanted = read_faults(faults)
    with report_progress("simulate", quiet=quiet) as progress:
        simulated = simulate(trial, number, seed, wanted, progress)
    files = write_folder(simulated, folder, name, form)
    for kind, short in simulated.no_room.items():
        say(f"{kind}: {short} of {wanted[kind]} not put in, the protocol leaves too little room", quiet=quiet)
    say(f"wrote {folder} with {len(files)} files: SYNTHETIC, no row is about a real person", quiet=quiet)
    say(f"audit it with: perprotocol audit {name} {folder} --as-of {data_cut(simulated)}", quiet=quiet)
    say(f"what a site has to do by this protocol: perprotocol plan {name}", quiet=quiet)
    return summary_of(simulated)


def summary_of(simulated: Simulated) -> pl.DataFrame:
    """Kinds of fault put in, with their number and what must be found."""
    rows = []
    for kind, known in KINDS.items():
        mine = simulated.injected.filter(pl.col("kind") == kind)
        if len(mine):
            rows.append((kind, mine["subject"].n_unique(), len(mine), known.said))
    return pl.DataFrame(rows, schema=SUMMARY, orient="row")


def read_faults(text: str | None) -> dict[str, int]:
    """Kinds of fault with their number, from `overdose=3,dose_late=5`; `all=2` means each kind."""
    wanted: dict[str, int] = {}
    for part in (text or "").split(","):
        kind, _, number = (p.strip() for p in part.partition("="))
        if not part.strip():
            continue
        if not number.isascii() or not number.isdigit():
            raise StudyError([Fault("--faults", None, None, "", part, "is no kind and number", "write overdose=3")])
        wanted |= dict.fromkeys(KINDS, int(number)) if kind == "all" else {kind: int(number)}
    return wanted
