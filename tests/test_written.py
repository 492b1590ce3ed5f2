"""How the cells of a study are written is a setting of the study; without it what may be read two ways is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import protocol
import rules
from protocol.errors import StudyError
from rules.review.again import read_again

SUBJECTS = "subject;arm;day_zero\n001;msc;01/03/2024\n"
DOSES = "sep=;\nsubject;treatment;start;amount;unit;viability\n001;uc-msc;15.3.2024 10:20;1,62e7;cells;81,5\n"


def folder(place: Path, settings: str, doses: str = DOSES) -> Path:
    """A study with a point in time, an amount and a share as a German spreadsheet saves them."""
    for name, text in (("subjects.csv", SUBJECTS), ("administrations.csv", doses), ("study.yaml", settings)):
        (place / name).write_text(text, encoding="utf-8")
    return place


def test_dates_and_numbers_are_read_as_the_study_writes_them(tmp_path: Path) -> None:
    """Day first and a decimal comma; the line of Excel for the separator is no header, and rows keep their lines."""
    study = rules.read_study(folder(tmp_path, "dates: dmy\ndecimal: comma\n"))
    [row] = study.administrations.rows(named=True)
    assert (row["start"], row["start_minute"]) == (date(2024, 3, 15), 620)
    assert (row["amount"], row["viability"], row["row"]) == (1.62e7, 81.5, 3)
    assert study.subjects["day_zero"][0] == date(2024, 3, 1)
    assert study.tables["administrations"].raw["amount"][0] == "1,62e7"


def test_month_first_is_the_other_order(tmp_path: Path) -> None:
    """The same cell is another day."""
    doses = DOSES.replace("15.3.2024 10:20", "03/15/2024")
    study = rules.read_study(folder(tmp_path, "dates: mdy\ndecimal: comma\n", doses))
    assert study.administrations["start"][0] == date(2024, 3, 15)
    assert study.subjects["day_zero"][0] == date(2024, 1, 3)


def test_a_day_that_the_order_makes_impossible_is_refused(tmp_path: Path) -> None:
    """The 15th month is no reason to try the other order."""
    with pytest.raises(StudyError, match="15"):
        rules.read_study(folder(tmp_path, "dates: mdy\ndecimal: comma\n"))


def test_without_the_settings_both_are_refused(tmp_path: Path) -> None:
    """Nothing is guessed."""
    with pytest.raises(StudyError) as error:
        rules.read_study(folder(tmp_path, "name: x\n"))
    assert {fault.column for fault in error.value.faults} == {"start", "amount", "viability", "day_zero"}


@pytest.mark.parametrize("amount", ["1.620", "1.620.000"])
def test_a_point_before_three_digits_is_refused_where_the_sign_is_a_comma(tmp_path: Path, amount: str) -> None:
    """Thousands to one reader, a fraction to another."""
    with pytest.raises(StudyError, match="amount"):
        rules.read_study(folder(tmp_path, "dates: dmy\ndecimal: comma\n", DOSES.replace("1,62e7", amount)))


@pytest.mark.parametrize("setting", ["dates: ymd", "decimal: dot"])
def test_a_setting_that_is_not_known_is_refused(tmp_path: Path, setting: str) -> None:
    """With the words that are."""
    with pytest.raises(StudyError, match=r"dmy or mdy|comma or point"):
        rules.read_study(folder(tmp_path, f"{setting}\n"))


def test_a_study_read_again_is_written_the_same_way(tmp_path: Path) -> None:
    """So that a blinded run, or a correction taken back, reads what the first reading read."""
    study = rules.read_study(folder(tmp_path, "dates: dmy\ndecimal: comma\n"))
    again = read_again(study).get()
    assert again.administrations.equals(study.administrations)
    assert len(rules.validate(protocol.read("uc-msc-saa"), again)) == 1
