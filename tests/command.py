"""The command in tests: a line as typed, and what came of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from perprotocol.cli import app

ROOT = Path(__file__).resolve().parent.parent


class Answer(NamedTuple):
    """What a run of the command gave."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The objects of a JSON array."""
        rows: list[dict[str, Any]] = json.loads(self.out)
        return rows


def run(line: str) -> Answer:
    """Run one line as typed after `perprotocol`; anything but a plain exit is a fault."""
    result = CliRunner().invoke(app, shlex.split(line), prog_name="perprotocol")
    assert isinstance(result.exception, SystemExit | None), result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)
