"""Which small faults no test notices: mutmut writes the mutants, one warm process runs the tests that reach each.

mutmut itself forks for every mutant, and a fork of a process in which Polars has begun its threads stands still for
ever. So only its mutated sources are used: an import hook puts them in the place of the files that are asked for.
`python -m bench.mutants rules/dose.py` writes a line of JSON for each mutant, and one before it begins: a mutant with
nothing but that took the process down. A run that was cut off goes on where it stopped. All times are of the processor:
a busy machine makes no mutant hang.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import time
from collections import Counter
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutmut.mutation import trampoline
from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 10
"""How many times its usual time a test may take, in seconds at least, before a mutant counts as hanging."""

HOMES = ("rules", "protocol", "perprotocol", "tests")
WORDS = ("rules.telling", "rules.texts", "protocol.units", "protocol.pint_units")
"""What these modules keep follows from no mutant: words, units, the calendar."""


class Hangs(Exception):
    """A mutant that does not come to an end."""


class Mutated(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Imports the chosen files as mutmut mutated them; `changes` says of each mutant what it changed."""

    def __init__(self, files: list[Path]) -> None:
        self.files = {".".join(f.with_suffix("").parts).removesuffix(".__init__"): f for f in files}
        self.changes: dict[str, tuple[str, str]] = {}

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Where a chosen module comes from."""
        if name not in self.files:
            return None
        file = ROOT / self.files[name]
        return importlib.util.spec_from_file_location(
            name, file, loader=self, submodule_search_locations=[str(file.parent)] if file.stem == "__init__" else None
        )

    def exec_module(self, module: ModuleType) -> None:
        """The module with all its mutants, none of them at work."""
        exec(self.code(module.__name__), module.__dict__)

    def code(self, name: str) -> CodeType:
        """The code of a module with its mutants; what each changes is noted."""
        file = self.files[name]
        text = mutate_file_contents(str(file), (ROOT / file).read_text("utf-8")).code
        tree = ast.parse(text)
        functions = {f.name: f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
        for mutant, function in functions.items():
            title, _, number = mutant.partition("__mutmut_")
            if number.isdecimal():
                before = _lines(functions[f"{title}__mutmut_orig"])
                self.changes[f"{name}.{mutant}"] = _change(before, _lines(function))
        return compile(text, str(ROOT / file), "exec")


def _lines(function: ast.FunctionDef) -> list[str]:
    return [
        line.strip() for statement in (function.args, *function.body) for line in ast.unparse(statement).split("\n")
    ]


def _change(before: list[str], after: list[str]) -> tuple[str, str]:
    """The lines that a mutant changes, as they were and as they are."""
    diff = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    was, now = ("\n".join(line[2:] for line in diff if line[0] == sign) for sign in "-+")
    return was, now


class Trial:
    """Takes the place of pytest's loop: each mutant is at work while the tests that reach it run, until one fails."""

    def __init__(self, given: argparse.Namespace, mutated: Mutated) -> None:
        self.given, self.mutated = given, mutated
        self.hits: set[str] = set()
        self.kills: Counter[tuple[str, str]] = Counter()
        self.caches: list[Any] = []

    def pytest_collection(self) -> None:
        """Found faults are not made smaller: that one was found is enough."""
        settings.register_profile("mutants", settings.default, phases=[Phase.explicit, Phase.generate], database=None)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Every mutant of the chosen files, one line of the log each."""
        items = {item.nodeid: item for item in session.items if isinstance(item, pytest.Function)}
        for name in self.mutated.files:
            importlib.import_module(name)
        signal.signal(signal.SIGPROF, _hang)
        reached = self.reached(items)
        done = {json.loads(line)["mutant"] for line in _text(self.given.log).splitlines()}
        with self.given.log.open("a") as log:
            for mutant, change in self.mutated.changes.items():
                if mutant not in done and (not self.given.only or mutant in self.given.only):
                    self.log(log, mutant, {"begun": True})
                    self.log(log, mutant, {"was": change[0], "now": change[1]} | self.fate(mutant, items, reached))
        return True

    def log(self, log: Any, mutant: str, said: dict[str, Any]) -> None:
        """One line, written at once."""
        print(json.dumps({"mutant": mutant} | said, ensure_ascii=False), file=log, flush=True)

    def reached(self, items: dict[str, pytest.Function]) -> dict[str, tuple[float, list[str]]]:
        """How long each test takes and which mutated functions it calls; tests that fail as they are reach none."""
        known: dict[str, tuple[float, list[str]]] = json.loads(_text(self.given.reached) or "{}")
        trampoline.record_trampoline_hit = lambda name, caller=None: self.hits.add(name)
        os.environ["MUTANT_UNDER_TEST"] = "stats"
        for name, item in items.items():
            if name not in known:
                self.hits.clear()
                begun = time.process_time()
                failed = self.fails(item, 300)
                known[name] = time.process_time() - begun, [] if failed else sorted(self.hits)
                self.given.reached.write_text(json.dumps(known))
        return known

    def fate(self, mutant: str, items: dict[str, pytest.Function], reached: Any) -> dict[str, Any]:
        """The test that notices a mutant, or none; those that killed a neighbour first, then the quickest."""
        function = mutant.partition("__mutmut_")[0]
        tests = [name for name in items if function in reached[name][1] and reached[name][0] < self.given.slowest]
        tests.sort(key=lambda name: (-self.kills[function, name], reached[name][0]))
        os.environ["MUTANT_UNDER_TEST"] = mutant
        begun = time.process_time()
        for tried, name in enumerate(tests, 1):
            if self.fails(items[name], PATIENCE * max(1, reached[name][0])):
                self.kills[function, name] += 1
                return {"by": name, "tried": tried, "seconds": round(time.process_time() - begun, 1)}
            if time.process_time() - begun > self.given.budget:
                return {"by": None, "tried": tried, "left": len(tests) - tried}
        return {"by": None, "tried": len(tests), "left": 0}

    def fails(self, item: pytest.Function, limit: float) -> bool:
        """Whether a test fails, with nothing kept from before."""
        if not self.caches:
            found = [o for o in gc.get_objects() if isinstance(o, _lru_cache_wrapper)]
            self.caches = [o for o in found if o.__module__.startswith(HOMES) and not o.__module__.startswith(WORDS)]
        for cache in self.caches:
            cache.cache_clear()
        item._initrequest()
        signal.setitimer(signal.ITIMER_PROF, limit, limit)
        try:
            return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hangs


def tally(log: Path) -> None:
    """How many mutants of each module were killed, and how many live."""
    fates = {line["mutant"]: line for line in map(json.loads, _text(log).splitlines())}
    modules: dict[str, Counter[str]] = {}
    for mutant, said in fates.items():
        fate = "killed" if said.get("by") or "begun" in said else "not all tests tried" if said["left"] else "survived"
        modules.setdefault(mutant.rpartition(".")[0], Counter())[fate] += 1
    for module, fate in sorted(modules.items()):
        print(module, *(f"{number} {name}," for name, number in sorted(fate.items())), f"{fate.total()} in all")


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def main() -> None:
    """Run the mutants of the files that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", default=["tests"])
    parser.add_argument("--log", type=Path, default=ROOT / "bench/data/mutants.jsonl")
    parser.add_argument("--reached", type=Path, default=ROOT / "bench/data/reached.json")
    parser.add_argument("--only", nargs="*", help="mutants by name")
    parser.add_argument("--slowest", type=float, default=1e9, help="seconds of the slowest test that is tried")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for one mutant")
    given = parser.parse_args()
    files = [f for place in given.files for f in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    mutated = Mutated(files)
    sys.meta_path.insert(0, mutated)
    # Assertions of the tests need no rewriting: that one fails is enough.
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", *given.tests]
    given.log.parent.mkdir(parents=True, exist_ok=True)
    status = pytest.main(options, plugins=[Trial(given, mutated)])
    tally(given.log)
    sys.exit(status)


if __name__ == "__main__":
    main()
