"""SDTM at size: `python -m bench.sdtm` makes transport files of a million exposures, imports and audits them.

The study is simulated, exported, and its records copied under new ids, byte by byte; what the export keeps beside its
datasets is left out, so that it is read as anybody's. Each command is a process of its own, whose peak of memory
(`wait4`) is told with its seconds; the audit has one worker.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase, digits
from struct import unpack
from time import perf_counter

import numpy as np

from perprotocol.formats.xpt import xpt_layout

TRIAL, PEOPLE = "primaquine-challenge", 1_000
_RECORD, _NAMESTR = 80, 140
_SIGNS = (digits + ascii_uppercase).encode()
_KEPT = ("dm", "ae", "ce", "ds", "ec", "ex", "lb", "sv", "vs", "ta", "te", "ts")


def main(arguments: Sequence[str] | None = None) -> None:
    """Make, import and audit the study, and print what each cost."""
    parser = argparse.ArgumentParser(prog="python -m bench.sdtm", description=__doc__)
    parser.add_argument("--exposures", type=int, default=1_000_000, help="rows of EX, at least; 1000000")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()), help="where everything is made")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-sdtm-", dir=options.data) as name:
        place = Path(name)
        run("simulate", TRIAL, "-n", str(PEOPLE), "--tables", "parquet", "-o", f"{name}/one", show=False)
        run("export", "sdtm", TRIAL, f"{name}/one", "-o", f"{name}/tabulations", "--as", "xpt", show=False)
        made = copy_all(place / "tabulations", place / "many", options.exposures)
        print(", ".join(f"{rows:,} {dataset.upper()}" for dataset, rows in made.items()))
        run("import", "sdtm", f"{name}/many", "--protocol", TRIAL, "--tables", "parquet", "-o", f"{name}/study")
        run("audit", TRIAL, f"{name}/study", "--engine", "parts", "--workers", "1", "-o", f"{name}/results")


def run(*words: str, show: bool = True) -> None:
    """The command has run; its seconds and the most memory that it held are printed."""
    start = perf_counter()
    command = [sys.executable, "-m", "perprotocol", *words, "--quiet"]
    done = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"{' '.join(words)}: exit status {done.returncode}")
    if show:
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
        cpu = used.ru_utime + used.ru_stime
        print(f"{' '.join(words[:2])}: {perf_counter() - start:.0f} s, {cpu:.0f} s of processors, {peak:.2f} GB")


def copy_all(folder: Path, out: Path, exposures: int) -> dict[str, int]:
    """The datasets, their records copied as often as EX needs; the rows of each."""
    out.mkdir()
    copies = -(-exposures // xpt_layout(folder / "ex.xpt").rows)
    return {name: copy(path, out / path.name, copies) for name in _KEPT if (path := folder / f"{name}.xpt").is_file()}


def copy(path: Path, out: Path, copies: int) -> int:
    """A dataset with its records so many times, each time under ids that begin with two other signs; design once."""
    layout, data = xpt_layout(path), path.read_bytes()
    people = [span for name, *span in variables(data) if name in ("USUBJID", "SUBJID")]
    rows = np.frombuffer(data, np.uint8, layout.rows * layout.width, layout.start).reshape(layout.rows, layout.width)
    rows, written = rows.copy(), 0
    with out.open("wb") as file:
        file.write(data[: layout.start])
        for n in range(copies if people else 1):
            for start, width in people:
                _rename(rows[:, start : start + width], n)
            file.write(rows.tobytes())
            written += len(rows)
        file.write(b" " * (-(written * layout.width) % _RECORD))
    return written


def _rename(ids: np.ndarray, n: int) -> None:
    """Ids of five digits at their end: the first two, which are noughts, become the number of the copy."""
    ends = (ids != ord(" ")).sum(axis=1)
    for place, sign in ((5, _SIGNS[n // len(_SIGNS)]), (4, _SIGNS[n % len(_SIGNS)])):
        ids[np.arange(len(ids)), ends - place] = sign


def variables(data: bytes) -> list[tuple[str, int, int]]:
    """Name, place in a row and width of each variable of a transport file."""
    head = data.index(b"HEADER RECORD*******NAMESTR")
    number, first = int(data[head + 54 : head + 58]), head + _RECORD
    described = [data[first + n * _NAMESTR :][:_NAMESTR] for n in range(number)]
    return [(d[8:16].decode().strip(), unpack(">i", d[84:88])[0], unpack(">h", d[4:6])[0]) for d in described]


if __name__ == "__main__":
    main()
