"""Work shared out between processes: NumPy holds the interpreter too much for threads to use two cores."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from subprocess import PIPE, Popen
from typing import Any, BinaryIO, TypeVar, cast

from protocol import PerprotocolError

S = TypeVar("S")
T = TypeVar("T")

MOST = 4
"""Processes at once, if nobody says how many: each holds a part of the study in memory."""


def cores() -> int:
    """Processes at once, if nobody says how many."""
    return min(os.cpu_count() or 1, MOST)


def in_processes(one: Callable[[S], T], items: Sequence[S], workers: int | None = None) -> Iterator[T]:
    """What `one` makes of each item, in the order of the items; this process works too, beside `workers` - 1 others.

    `one`, the items and what is made of them can be pickled. Where the work ends early, for an error or an interrupt,
    no item is begun any more, and those under way are finished.
    """
    number = min(workers or cores(), len(items))
    if number < 2:
        yield from map(one, items)
        return
    others = [Worker(one, max(1, (os.cpu_count() or 1) // number)) for _ in range(number - 1)]
    free: SimpleQueue[Callable[[S], T]] = SimpleQueue()
    free.put(one)
    for other in others:
        free.put(other)

    def do(item: S) -> T:
        worker = free.get()
        try:
            return worker(item)
        finally:
            free.put(worker)

    pool = ThreadPoolExecutor(number)
    try:
        yield from pool.map(do, items)
    finally:
        pool.shutdown(cancel_futures=True)
        for other in others:
            other.end()


class Worker:
    """A process of its own that does `one`. It needs nothing of the script that began it, as `multiprocessing` would.

    An interrupt from the keyboard does not reach it: the process that began it decides what follows.
    """

    def __init__(self, one: Callable[[Any], Any], threads: int) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from perprotocol.bulk.processes import work; work()"
        environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
        self._process = Popen(
            [sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, env=environment, start_new_session=True
        )
        self._asked, self._told = (cast("BinaryIO", pipe) for pipe in (self._process.stdin, self._process.stdout))
        pickle.dump(one, self._asked)

    def __call__(self, item: Any) -> Any:
        """What is made of the item; raises what that raises."""
        pickle.dump(item, self._asked)
        self._asked.flush()
        try:
            done, told = pickle.load(self._told)
        except EOFError:
            why = "ended before its part of the study was done: it says why above, or else memory ran out"
            raise ChildProcessError(f"process {self._process.pid} {why}") from None
        if not done:
            raise told
        return told

    def end(self) -> None:
        """No further item is coming."""
        self._asked.close()
        self._told.close()
        self._process.wait()


def work() -> None:
    """Do what the process that began this one asks for, until nothing more comes; prints go to standard error."""
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    one = pickle.load(asked)
    while True:
        try:
            item = pickle.load(asked)
        except EOFError:
            return
        try:
            answer = True, one(item)
        except (PerprotocolError, OSError) as error:
            answer = False, error
        pickle.dump(answer, told)
        told.flush()
