"""Bad input at the command: named, with a remedy, status 2, and nothing on standard output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import ROOT, run

EXAMPLE = "examples/uc-msc-saa"
CHILD = "--subject 001 --arm msc --day-zero 2024-03-01"
WEIGHED = f'{CHILD} --weight "16.2 kg"'
DOSE = "--treatment uc-msc --on 2024-03-15"


BAD = {
    "a protocol that is not there": (f"schedule uc-msc-sa {WEIGHED}", ["uc-msc-sa", "write 'uc-msc-saa'"]),
    "a broken protocol": (f"audit broken.yaml {EXAMPLE}", ["broken.yaml:4:", "a comma ends a value"]),
    "nothing typed in": ("schedule uc-msc-saa", ["--arm", "msc, control"]),
    "no day zero": ("schedule uc-msc-saa --arm msc", ["--day-zero", "2024-03-01"]),
    "an unknown arm": ("schedule uc-msc-saa --arm mcs --day-zero 2024-03-01", ["--arm", "mcs", "msc, control"]),
    "a day that does not exist": ("schedule uc-msc-saa --arm msc --day-zero 2024-02-30", ["--day-zero", "29 days"]),
    "a day read two ways": ("schedule uc-msc-saa --arm msc --day-zero 03/04/2024", ["--day-zero", "2024-03-04"]),
    "a weight without unit": (f"schedule uc-msc-saa {CHILD} --weight 16.2", ["--weight", "write kg"]),
    "a comma in a weight": (f'schedule uc-msc-saa {CHILD} --weight "16,2 kg"', ["--weight", "write 16.2"]),
    "a weight of nothing": (f'schedule uc-msc-saa {CHILD} --weight "0 kg"', ["--weight", "is no weight"]),
    "a weight below zero": (f'schedule uc-msc-saa {CHILD} --weight "-3 kg"', ["--weight", "is no weight"]),
    "a weight in grams": (f'schedule uc-msc-saa {CHILD} --weight "16200 kg"', ["--weight", "16.2 kg"]),
    "a height without unit": (f"schedule uc-msc-saa {CHILD} --height 101", ["--height", "write cm"]),
    "a weighing on no day": (f"schedule uc-msc-saa {WEIGHED} --weighed-on 2024-13-01", ["--weighed-on", "month 13"]),
    "as of no day": (f"schedule uc-msc-saa {WEIGHED} --as-of yesterday", ["--as-of", "2024-03-15"]),
    "an unknown subject": (f"schedule uc-msc-saa {EXAMPLE} --subject 999", ["--subject", "101, 102"]),
    "a person beside a study": (f"schedule uc-msc-saa {EXAMPLE} --arm msc", ["--arm", "STUDY"]),
    "a folder that is not there": ("audit uc-msc-saa nowhere", ["nowhere", "perprotocol init nowhere"]),
    "an unknown format": (f"audit uc-msc-saa {EXAMPLE} --format xml", ["--format", "'json'"]),
    "an unknown language": (f"audit uc-msc-saa {EXAMPLE} --lang fr", ["--lang", "'zh'"]),
    "a folder to write in that is not there": (
        f"audit uc-msc-saa {EXAMPLE} -o no/a.html",
        ["-o", "no/a.html", "is not there"],
    ),
    "a folder to write to": (f"schedule uc-msc-saa {WEIGHED} -o examples", ["-o", "examples", "is a folder"]),
    "neither study nor dose": (f"validate uc-msc-saa {WEIGHED}", ["--given"]),
    "a dose without its amount": (f"validate uc-msc-saa {EXAMPLE} {DOSE}", ["--treatment", "--given"]),
    "an amount without number": (f"validate uc-msc-saa {WEIGHED} --given abc {DOSE}", ["--given", "'abc'", "number"]),
    "an empty amount": (f"validate uc-msc-saa {WEIGHED} --given '' {DOSE}", ["--given", "empty"]),
    "an amount without unit": (
        f"validate uc-msc-saa {WEIGHED} --treatment atg --on 2024-03-01 --given 50",
        ["--given", "unit"],
    ),
    "an unknown unit": (f"validate uc-msc-saa {WEIGHED} --given '1 foo' {DOSE}", ["--given", "unknown unit"]),
    "an amount below zero": (f"validate uc-msc-saa {WEIGHED} --given '-5 cells' {DOSE}", ["--given", "below zero"]),
    "an unknown treatment": (
        f"validate uc-msc-saa {WEIGHED} --given '1e7 cells' --treatment uc-mcs --on 2024-03-15",
        ["--treatment", "uc-mcs", "uc-msc"],
    ),
    "a dose without treatment": (f"validate uc-msc-saa {CHILD} --given '1e7 cells'", ["--treatment", "--on"]),
    "a dose in some month": (
        f"validate uc-msc-saa {WEIGHED} --given '1e7 cells' --treatment uc-msc --on 2024-03",
        ["--on", "2024-03", "2024-03-15"],
    ),
    "a dose on a day written backwards": (
        f"validate uc-msc-saa {WEIGHED} --given '1e7 cells' --treatment uc-msc --on 15.03.2024",
        ["--on", "2024-03-15"],
    ),
    "a dose for nobody": (f"validate uc-msc-saa {EXAMPLE} --given '1e7 cells' {DOSE}", ["--subject"]),
    "a week that ends before it begins": (
        f"due uc-msc-saa {EXAMPLE} --from 2015-03-09 --to 2015-03-01",
        ["--to", "2015-03-01", "2015-03-09"],
    ),
    "an unknown rule": ("explain dose_lat", ["dose_lat", "write dose_late"]),
    "a folder that is in use": ("init examples", ["examples", "name a new folder"]),
    "a file for a folder": ("demo -o broken.yaml", ["-o", "broken.yaml"]),
    "a workbook that is none": ("audit uc-msc-saa broken.xlsx", ["broken.xlsx: is no workbook", "save it as .xlsx"]),
    "an unknown verb": ("frobnicate", ["frobnicate"]),
    "a birth after day zero": (
        f"schedule uc-msc-saa {CHILD} --birth-date 2030-01-01",
        ["--birth-date", "2030-01-01", "after day zero"],
    ),
    "an id of nothing": ("schedule uc-msc-saa --subject ' ' --arm msc --day-zero 2024-03-01", ["--subject", "empty"]),
    "a workbook of old": ("init my-study.xls", ["my-study.xls", "my-study.xlsx"]),
    "a forecast of another age": ("plan uc-msc-saa --from 9999-01-01", ["--from", "9999-01-01", "1900 to 2199"]),
    "an enrolment without end": ("plan uc-msc-saa --from 2025-01-06 --over '1000 y'", ["--over", "50 years"]),
    "a holiday that ends before it begins": (
        "plan uc-msc-saa --from 2025-01-06 --closed '2025-01-06 to 2025-01-01'",
        ["--closed", "2025-01-01 to 2025-01-06"],
    ),
    "a picture in a folder that is not there": (
        "plan uc-msc-saa --from 2025-01-06 --figure no/a.svg",
        ["--figure", "no/a.svg", "is not there"],
    ),
    "a file for a folder of pictures": (
        f"endpoints uc-msc-saa {EXAMPLE} --figures broken.yaml",
        ["--figures", "broken.yaml", "is a file"],
    ),
}


@pytest.mark.parametrize(("line", "said"), BAD.values(), ids=list(BAD))
def test_bad_input_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: list[str]
) -> None:
    """Status 2; standard error has the place and what to write, and nothing is on standard output."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.xlsx").write_text("no workbook", "utf-8")
    (tmp_path / "broken.yaml").write_text("protocol: x\nversion: 1\ntreatments:\n  drug: {due: days 1, 8}\n", "utf-8")
    answer = run(line)
    assert (answer.status, answer.out) == (2, ""), answer
    for part in said:
        assert part in answer.err, answer.err
