"""Pauses of dosing in study.yaml: read to the day, and refused with a remedy where they cannot be."""

from pathlib import Path

import pytest

from protocol.errors import ScalarError, StudyError
from rules import read_study
from rules.door.pauses import Pause, parse_pauses


def test_a_pause_has_a_first_and_perhaps_a_last_day_and_names_what_is_paused() -> None:
    """Several stand beside each other."""
    assert parse_pauses("2024-03-20 to 2024-04-10, since 2024-06-01 of uc-msc") == (
        Pause("2024-03-20 to 2024-04-10", 19802, 19823, None),
        Pause("since 2024-06-01 of uc-msc", 19875, None, "uc-msc"),
    )


@pytest.mark.parametrize("text", ["2024-03-20", "from March on", "2024-04-10 to 2024-03-20", "since 2024-03"])
def test_a_pause_that_is_no_stretch_of_days_is_refused(text: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(ScalarError):
        parse_pauses(text)


def test_a_wrong_pause_stands_with_its_line_in_the_faults_of_the_folder(tmp_path: Path) -> None:
    """One site's pause is read like that of the whole study."""
    (tmp_path / "subjects.csv").write_text("subject\n001\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text("name: s\npaused 01: soon\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"study\.yaml:2:12: paused 01: 'soon'"):
        read_study(tmp_path)
