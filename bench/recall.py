"""Recall and precision of every rule, over synthetic studies under every protocol: `python -m bench.recall`.

Perfect participants must give no finding and no query; of those with a fault exactly what the simulator lists must be
found. The list comes from the protocol, never from the engine.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import polars as pl

import protocol
import rules
from perprotocol.door import report_progress, say
from perprotocol.simulation.faults import KINDS
from perprotocol.simulation.study import TRIES, Simulated, simulate
from rules.deviations import RULES

AFTER_ALL = date(2040, 1, 1)
PAGE = Path(__file__).resolve().parent.parent / "docs" / "recall.md"
COLUMNS = ["subject", "code", "activity", "occurrence"]
Told: TypeAlias = tuple[object, ...]
"""Participant, code, activity and occurrence of a finding or a query."""
TRIALS = Path(__file__).resolve().parent / "trials"
"""Invented protocols that state what none of the library does."""
PROTOCOLS = [*protocol.library(), *sorted(map(str, TRIALS.glob("*.yaml")))]
BATCH = 1000
"""Perfect participants audited at once: memory stays bounded."""
SHOWN = 20
"""Examples printed of each difference."""
WITHOUT_FAULT: dict[str, str] = {
    "premedication_mistimed": "it only asks, and its question has a code of its own: `hour`",
    "consent_version_outdated": "it needs two versions of a protocol; situation S38 is its case",
    "amendment_before_approval": "the fault of a site, and of no participant; its cases are in `tests/cases`",
    "identity_untold": "a date that fits two doses is nobody's fault; dense schedules are measured by themselves",
}
"""Rules for which no fault can be put into one participant by the protocol alone, and why."""


@dataclass
class Measured:
    """What one protocol gave: alarms about perfect participants, and by code what was put in, found, and both."""

    protocol: str
    participants: int
    seconds: float = 0
    alarms: Counter[Told] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    both: Counter[str] = field(default_factory=Counter)
    put: Counter[str] = field(default_factory=Counter)
    gaps: Counter[Told] = field(default_factory=Counter)
    """What is asked of the protocol itself, whoever takes part: no fault of a participant, and no alarm."""
    examples: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing is missed and nothing is found that was not put in."""
        return not self.alarms and self.injected == self.found == self.both


def measure(name: str, perfect: int, each: int, seed: int, kinds: Sequence[str] = tuple(KINDS)) -> Measured:
    """One protocol, audited with perfect participants and with so many faults of each kind."""
    trial, began = protocol.read(name), perf_counter()
    result = Measured(trial.protocol, perfect)
    with report_progress(f"{trial.protocol}: perfect", quiet=False) as progress:
        for first in range(0, perfect, BATCH):
            clean = simulate(trial, min(BATCH, perfect - first), seed, first=first)
            result.alarms += _told(trial, clean, result.gaps)
            progress(first + BATCH, perfect)
    with report_progress(f"{trial.protocol}: with faults", quiet=False) as progress:
        faulty = 2 * each * len(kinds) + TRIES
        with_faults = simulate(trial, faulty, seed + 1, dict.fromkeys(kinds, each), progress)
    _compare(result, with_faults, _told(trial, with_faults, result.gaps))
    result.seconds = perf_counter() - began
    return result


def _compare(result: Measured, simulated: Simulated, found: Counter[Told]) -> None:
    """What was put in beside what was found, by code; of each difference examples."""
    injected: Counter[Told] = Counter(simulated.injected.select(COLUMNS).rows())
    for counts, rows in ((result.injected, injected), (result.found, found), (result.both, injected & found)):
        for row, times in rows.items():
            counts[str(row[1])] += times
    kinds: dict[object, str] = dict(simulated.injected.select("subject", "kind").rows())
    result.put.update(kinds.values())
    result.examples = [f"alarm: {row}" for row in list(result.alarms)[:SHOWN]]
    for said, rows in (("missed", injected - found), ("too much", found - injected)):
        result.examples += [f"{said}: {kinds.get(row[0], 'no fault')} {row}" for row in list(rows)[:SHOWN]]


def _told(trial: protocol.Protocol, simulated: Simulated, gaps: Counter[Told]) -> Counter[Told]:
    """Everything an audit finds or asks of participants, by participant, code, activity and occurrence; what it asks
    of the protocol goes into `gaps`.
    """
    study = rules.from_frames("synthetic", simulated.frames)
    report = rules.audit(trial, study, as_of=AFTER_ALL)
    told = Counter(pl.concat([report.findings, report.queries]).select(COLUMNS).rows())
    gaps.update(asked := {row: n for row, n in told.items() if row[0] is None})
    return told - Counter(asked)


def by_rule(results: Sequence[Measured]) -> pl.DataFrame:
    """Of every code what was put in, found, and both, with recall and precision; over all protocols."""
    codes = [rule.code for rule in RULES]
    codes += sorted({c for r in results for c in (*r.injected, *r.found)} - set(codes))
    rows = []
    for code in codes:
        injected, found, both = (sum(getattr(r, w)[code] for r in results) for w in ("injected", "found", "both"))
        recall = round(100 * both / injected, 2) if injected else None
        rows.append((code, injected, found, both, recall, round(100 * both / found, 2) if found else None))
    schema = ["code", "injected", "found", "both", "recall", "precision"]
    return pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)


def page(results: Sequence[Measured], each: int) -> str:
    """The figures as a page."""
    people = results[0].participants if results else 0
    lines = [_HEAD.format(perfect=sum(r.participants for r in results), each=each, people=people)]
    lines += ["| protocol | perfect participants | findings and queries | faults put in |", "|---|---:|---:|---:|"]
    lines += [f"| {r.protocol} | {r.participants} | {r.alarms.total()} | {r.put.total()} |" for r in results]
    lines += ["", "| rule | to be found | found | recall | precision | without a fault, because |"]
    lines.append("|---|---:|---:|---:|---:|---|")
    for code, injected, found, _, recall, precision in by_rule(results).rows():
        why = WITHOUT_FAULT.get(code)
        shares = (f"{share:g} %" if share is not None else "" for share in (recall, precision))
        lines.append(f"| `{code}` | {injected or ''} | {found or ''} | " + " | ".join(shares) + " |")
        lines[-1] += f" {why if why and not injected else ''} |"
    lines += ["", "| kind of fault | what it is | put in | under |", "|---|---|---:|---|"]
    for name, kind in KINDS.items():
        under = [r.protocol for r in results if r.put[name]]
        said = ", ".join(under) if len(under) < len(results) else "all"
        lines.append(f"| `{name}` | {kind.said} | {sum(r.put[name] for r in results)} | {said} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every protocol, print the figures; 1 where something is missed or found too much."""
    parser = argparse.ArgumentParser(prog="python -m bench.recall", description=__doc__)
    parser.add_argument("--perfect", type=int, default=10_000, help="perfect participants under each protocol; 10000")
    parser.add_argument("--each", type=int, default=25, help="faults of each kind under each protocol; 25")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same studies; 1")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="kinds of fault; all")
    parser.add_argument(
        "--protocols", nargs="*", default=PROTOCOLS, help="names or files; the library and bench/trials"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the figures")
    parser.add_argument("--page", action="store_true", help="write docs/recall.md too")
    options = parser.parse_args(arguments)
    results = []
    for name in options.protocols:
        r = measure(name, options.perfect, options.each, options.seed, options.kinds)
        results.append(r)
        say(
            f"{r.protocol}: {r.alarms.total()} alarms, {r.both.total()} of {r.injected.total()} found, "
            f"{r.found.total() - r.both.total()} too much; {r.seconds:.0f} s"
        )
        for example in (*r.examples, *(f"asked of the protocol: {row[1]} {row[2]}" for row in r.gaps)):
            say(f"  {example}")
    figures = by_rule(results)
    if options.format == "json":
        alarms = {r.protocol: r.alarms.total() for r in results}
        print(json.dumps({"rules": figures.to_dicts(), "perfect": alarms}, indent=2))
    else:
        with pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
            print(figures)
    if options.page:
        PAGE.write_text(page(results, options.each), encoding="utf-8")
    return 0 if all(r.whole for r in results) else 1


_HEAD = """\
# Recall and precision

<!-- Written by `make recall`. Change bench/recall.py, not this page. -->

Measured on synthetic studies (`perprotocol simulate`) under every protocol of [the library](library.md): {perfect}
perfect participants, then up to {each} faults of every kind under each, every fault in a participant of its own.
What must be found of a fault, its unavoidable consequences with it, is listed by the simulator from the protocol alone;
it imports nothing of the engine. A simulator by the same authors cannot show a misunderstanding that both share: the
situations in `tests/situations` are a set of their own, written by hand. Trials below the library's are invented, in
`bench/trials`: they state what none of the library does.

Command: `python -m bench.recall --perfect {people} --each {each} --page`. `tests/test_recall.py` is the same in small.
"""

if __name__ == "__main__":
    raise SystemExit(main())
