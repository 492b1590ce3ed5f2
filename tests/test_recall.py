"""The proof of issue 3, in small: what participants do who follow a protocol, and what must be found of the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import protocol
from bench.recall import PROTOCOLS, measure, page

REAL = os.environ.get("PERPROTOCOL_REAL_DATA")
EACH = 2
NOT_PLAYED = {
    "07-alexion-nct04573309": "the second level of a course depends on a committee that no assessment records",
    "08-cdc-hepb-hpv": "an immunisation calendar: its series begin at birth, and people choose between them",
    "10-ciclosporin": "a trough guides the dose from week to week, which the simulator does for one change alone",
}
"""Real protocols that the simulator cannot follow, and why."""


def real_protocols() -> list[Any]:
    """The real protocols beside the real data, or one skipped stand-in."""
    found = sorted((Path(REAL).parent / "protocols").glob("*.yaml")) if REAL else []
    skipped = pytest.mark.skip(reason="PERPROTOCOL_REAL_DATA is not set: the ten real protocols are not at hand")
    return [pytest.param(f, id=f.stem) for f in found if f.stem not in NOT_PLAYED] or [
        pytest.param(None, id="none", marks=skipped)
    ]


@pytest.mark.parametrize("name", PROTOCOLS, ids=lambda name: Path(name).stem)
def test_a_small_measurement_is_whole(name: str) -> None:
    """Two of every fault, and perfect participants: all is found, nothing else is, and the page says so."""
    result = measure(name, 40, EACH, seed=3)
    assert result.whole, result.examples
    assert not result.gaps
    said = page([result], EACH)
    assert f"| {result.protocol} | 40 | 0 | {result.put.total()} |" in said


@pytest.mark.parametrize("file", real_protocols())
def test_a_small_measurement_of_a_real_protocol_is_whole(file: Path) -> None:
    """Perfect participants, and one of every fault; what is asked of the protocol itself is no alarm."""
    result = measure(str(file), 40, 1, seed=3)
    assert result.whole, result.examples


@pytest.mark.skipif(REAL is None, reason="PERPROTOCOL_REAL_DATA is not set: the ten real protocols are not at hand")
def test_every_protocol_that_is_not_played_is_one_of_the_real_ones() -> None:
    """A reason whose protocol is no longer there is taken back."""
    files = {f.stem for f in (Path(REAL or "").parent / "protocols").glob("*.yaml")}
    assert set(NOT_PLAYED) <= files
    assert all(protocol.read(str(Path(REAL or "").parent / "protocols" / f"{name}.yaml")) for name in NOT_PLAYED)
