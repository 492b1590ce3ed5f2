"""The manifest of a run: everything that determines its result, under one hash, and beside it who, when and where.

The clock, the machine and the operator are no part of the hash: the same hash means the same bytes of result.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias
from typing import Protocol as Interface

from protocol.document import write
from protocol.model import Protocol
from rules.deviations import RULES
from rules.facts import Study

Manifest: TypeAlias = dict[str, Any]


class Dated(Interface):
    """A study, or the settings of one that is read in parts."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def data_cut(self) -> date | None:
        """The last day that its records are complete for."""

    @property
    def final(self) -> bool:
        """Whether its data are declared final."""


DRAFT = "protocol file not approved: DRAFT"

_PACKAGES = ("protocol", "rules", "perprotocol")
_SUFFIXES = (".py", ".yaml", ".json", ".css", ".js")
_LIBRARIES = ("numpy", "pint", "polars", "pydantic", "python-dateutil", "PyYAML", "rich", "typer")
_OPERATOR = "PERPROTOCOL_OPERATOR"


class Run(Interface):
    """What every result says of the run that gave it, an audit as any other."""

    @property
    def protocol(self) -> Protocol:
        """The newest version of the protocol, as the reader may see it."""

    @property
    def promised(self) -> tuple[Protocol, ...]:
        """The versions as their files say them."""

    @property
    def study(self) -> Study:
        """The facts."""

    @property
    def as_of(self) -> date:
        """The day of judgement."""

    @property
    def lang(self) -> str:
        """The language of its texts."""

    @property
    def blinding(self) -> str:
        """How it saw the study: open, blinded or unblinded."""


def write_manifest(
    report: Run,
    *,
    options: Mapping[str, object] | None = None,
    protocol_file: str | Path | None = None,
    operator: str | None = None,
) -> Manifest:
    """The manifest of the run that gave the report, as data for JSON.

    `hash` is the SHA-256 of everything above it. `run` says when, where and by whom (`operator`, else the environment
    variable PERPROTOCOL_OPERATOR, else null); it is not part of the hash.
    """
    determined = determining(
        report.promised or (report.protocol,),
        report.study,
        input_hashes(report.study),
        as_of=report.as_of,
        lang=report.lang,
        blinding=report.blinding,
        options=options,
        protocol_file=protocol_file,
    )
    return {**determined, "hash": manifest_hash(determined), "run": run_of(operator)}


def determining(
    versions: Sequence[Protocol],
    study: Dated,
    hashes: Mapping[str, str],
    *,
    as_of: date | None,
    lang: str,
    blinding: str,
    options: Mapping[str, object] | None = None,
    protocol_file: str | Path | None = None,
) -> Manifest:
    """What determines the result of a run: tool, inputs, protocol, days, options; `versions` are oldest first."""
    promised = versions[-1]
    return {
        "tool": "perprotocol", "version": _version("perprotocol"), "build": build_hash(), "rules": rule_versions(),
        "python": platform.python_version(), "libraries": {name: _version(name) for name in _LIBRARIES},
        "study": study.name, "inputs": dict(sorted(hashes.items())), "protocol": promised.protocol,
        "protocol version": promised.version, "protocol hash": _sha256(write(promised).encode()),
        **({"versions before": {v.version: _sha256(write(v).encode()) for v in versions[:-1]}} if versions[1:] else {}),
        "protocol file": _file(protocol_file), "approval": _approval(promised), "blinding": blinding,
        "data cut": _iso(study.data_cut), "data final": study.final, "as of": _iso(as_of),
        "language": lang, "options": {name: _plain(value) for name, value in sorted((options or {}).items())},
    }  # fmt: skip


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """The SHA-256 of a manifest without its `hash`, its `run` and the hashes of the files it gave."""
    kept = {key: value for key, value in manifest.items() if key not in ("hash", "run", "results")}
    return _sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())


def input_hashes(study: Study) -> dict[str, str]:
    """The SHA-256 of every input file; of tables that never were files, of their cells as CSV."""
    if study.hashes:
        return dict(sorted(study.hashes.items()))
    return {table.file: _sha256(table.raw.write_csv().encode()) for table in study.tables.values()}


@cache
def build_hash() -> str:
    """The SHA-256 of the tool's own files: two runs with the same build hash ran the same code and the same texts."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        spec = find_spec(package)
        for root in map(Path, (spec and spec.submodule_search_locations) or ()):
            for path in sorted(p for p in root.rglob("*") if p.suffix in _SUFFIXES):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def rule_versions() -> dict[str, str]:
    """The version of every rule: the first 12 figures of the SHA-256 of its own file, where all that it says stands."""
    folder = resources.files("rules.deviations")
    return {rule.code: _sha256(folder.joinpath(f"{rule.code}.py").read_bytes())[:12] for rule in RULES}


def run_of(operator: str | None = None) -> dict[str, str | None]:
    """When, where and by whom: no part of the hash."""
    now = datetime.now(UTC)
    return {
        "operator": operator or os.environ.get(_OPERATOR) or None,
        "utc": now.isoformat(timespec="seconds"),
        "time zone": now.astimezone().tzname(),
        "utc offset": now.astimezone().strftime("%z"),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}, {sys.implementation.name}",
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _file(path: str | Path | None) -> dict[str, str] | None:
    """Name and hash of the protocol file; None for a protocol of the library or one made in memory."""
    if path is None or not Path(path).is_file():
        return None
    return {"name": Path(path).name, "sha256": _sha256(Path(path).read_bytes())}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _approval(protocol: Protocol) -> dict[str, str] | str:
    """Who approved the protocol file and when; that it is a draft where nobody has."""
    if protocol.approved is None:
        return DRAFT
    said = {name: getattr(protocol.approved, name) for name in ("by", "on", "author", "reviewer", "reason")}
    return {name: str(value) for name, value in said.items() if value is not None}


def _iso(value: object) -> str | None:
    return None if value is None else str(value)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
