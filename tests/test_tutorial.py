"""The tutorial shows its own files: what a reader copies from the page is what the commands of the page read."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
FILES = ROOT / "examples" / "tutorial"


def blocks(kind: str) -> list[str]:
    """The blocks of a kind on the page."""
    return [
        found[2] for found in re.finditer(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if found[1] == kind
    ]


def test_the_protocol_on_the_page_is_the_protocol_of_the_commands() -> None:
    """The one block of YAML is the file, to the letter."""
    assert blocks("yaml") == [(FILES / "saa.yaml").read_text("utf-8")]


def test_the_rows_on_the_page_are_rows_of_the_study() -> None:
    """In their order, others left out."""
    rows = (FILES / "study" / "administrations.csv").read_text("utf-8").splitlines()
    shown = [line for block in blocks("") for line in block.splitlines()]
    assert shown
    assert [row for row in rows if row in shown] == shown


def test_every_gap_that_the_page_counts_is_there() -> None:
    """Eight things to confirm: the page says the number twice."""
    assert "eight things to ask the team" in PAGE
    assert "To confirm (8)" in PAGE
