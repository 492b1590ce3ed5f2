"""What every verb needs at the door: days, bad input as plain messages, progress, remarks on standard error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

if TYPE_CHECKING:
    from perprotocol.typed_in import Person

MOST_FAULTS = 50
"""Faults printed of one input; the rest are counted."""


def say(text: str, *, quiet: bool = False) -> None:
    """A remark on standard error."""
    if not quiet:
        sys.stderr.write(text + "\n")


def day(text: str | None, option: str) -> date | None:
    """The day typed at an option; a usage error says what to write."""
    if text is None:
        return None
    from rules.door.cells import FIRST_YEAR, LAST_YEAR  # noqa: PLC0415  --help needs no table

    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a day; write it as 2024-03-15", param_hint=option) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        why = f"'{text}' is outside the years {FIRST_YEAR} to {LAST_YEAR}; write the year that was meant"
        raise typer.BadParameter(why, param_hint=option)
    return found


def zone_of(text: str | None) -> ZoneInfo | None:
    """The time zone typed at --time-zone; a usage error says what to write."""
    try:
        return ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError):
        why = f"'{text}' is no time zone; write one such as Asia/Shanghai"
        raise typer.BadParameter(why, param_hint="--time-zone") from None


def resolve_as_of(text: str | None, *, quiet: bool) -> date:
    """The day of judgement: as typed, else today, taken once and printed: no verdict depends on a clock unseen."""
    given = day(text, "--as-of")
    if given is None:
        given = date.today()
        say(f"as of {given} (today; set it with --as-of)", quiet=quiet)
    return given


CLOSED_PIPE = 141
"""The status of a program whose reader has gone, as in `| head`: 128 and the number of SIGPIPE."""


@contextmanager
def bad_input(output: Path | None = None, figure: Path | None = None) -> Iterator[None]:
    """Bad input ends the command with status 2 and every fault on its own line, never with a traceback.

    That nothing can be written to `output` or `figure` is said before any work is done.
    """
    from protocol.errors import InputError, PerprotocolError  # noqa: PLC0415  --help needs neither

    try:
        check_place(output)
        check_place(figure, "--figure")
        yield
    except InputError as error:
        lines = [str(fault) for fault in error.faults]
        more = [f"+{len(lines) - MOST_FAULTS} more"] if len(lines) > MOST_FAULTS else []
        say("\n".join([*lines[:MOST_FAULTS], *more]))
        raise typer.Exit(2) from None
    except PerprotocolError as error:
        say(str(error))
        raise typer.Exit(2) from None
    except OSError as error:
        # Polars tells of a closed pipe in words alone.
        if error.errno == errno.EPIPE or "Broken pipe" in str(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(CLOSED_PIPE) from None
        say(f"{error.filename or 'perprotocol'}: {error.strerror or error}; check the place and who may use it")
        raise typer.Exit(2) from None


def check_place(output: Path | None, option: str = "-o") -> None:
    """A file can be written there, as far as can be seen; StudyError with what is in the way."""
    from protocol.errors import Fault, StudyError  # noqa: PLC0415

    if output is None:
        return
    why = "is a folder" if output.is_dir() else None
    if not output.parent.is_dir():
        why = "stands in a folder that is not there"
    if why is not None:
        remedy = "name a file in a folder that is there"
        raise StudyError([Fault(option, None, None, "", str(output), why, remedy)])


def check_folder(folder: Path | None, option: str) -> None:
    """A folder can stand there; StudyError where a file does."""
    from protocol.errors import Fault, StudyError  # noqa: PLC0415

    if folder is not None and folder.exists() and not folder.is_dir():
        raise StudyError([Fault(option, None, None, "", str(folder), "is a file", "name a folder")])


def extra(name: str, module: str) -> Any:
    """The module that an extra installs; StudyError that says how to install it where it is missing."""
    from protocol.errors import Fault, StudyError  # noqa: PLC0415

    try:
        return import_module(module)
    except ImportError:
        remedy = f"install it: pip install 'perprotocol[{name}]'"
        raise StudyError([Fault("perprotocol", None, None, "", "", f"needs {module}", remedy)]) from None


@contextmanager
def report_progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for work that lasts more than a second, with the time left."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, TimeRemainingColumn  # noqa: PLC0415

    began = monotonic()
    with Progress(
        *Progress.get_default_columns(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(what, total=None, visible=False)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=monotonic() - began > 1)

        yield advance


def say_weighed(person: Person, day: str | None, *, quiet: bool) -> None:
    """A weight typed in without its day counts as measured on the day it is needed; that is said, not hidden."""
    if person.weight is not None and person.weighed_on is None and day is not None:
        say(f"weight {person.weight} taken as measured on {day}; give its day with --weighed-on", quiet=quiet)
