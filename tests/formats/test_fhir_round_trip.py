"""There and back: a study that went out as FHIR and came in again is judged the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fhir_files import run
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol
import rules
from perprotocol.formats.fhir.reading.elements import Clock
from perprotocol.formats.fhir.reading.folder import assemble
from perprotocol.formats.fhir.reading.intake import take_files
from perprotocol.formats.fhir.reading.naming import Names
from perprotocol.formats.fhir.reading.taken import Taken
from perprotocol.formats.fhir.writing.elements import Release
from perprotocol.formats.fhir.writing.export import Export, write

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = "examples/uc-msc-saa"
RELEASES = ("R4", "R5")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder with the examples at hand."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def export(line: str) -> None:
    """Export what the line says."""
    status, out, err = run(f"export fhir {line}")
    assert (status, out) == (0, ""), err


def audited(trial: str, folder: str, as_of: str) -> list[pl.DataFrame]:
    """Findings, queries, departures and verdicts of a study, without the lines of its files."""
    study = rules.read_study(folder)
    versions = protocol.read_versions(trial)
    report = rules.audit(versions, study, as_of=date.fromisoformat(as_of), blinded=False)
    verdicts = rules.validate(versions, study, as_of=date.fromisoformat(as_of), blinded=False)
    tables = [report.findings, report.queries, report.departures, verdicts]
    unstable = ("id", "event", "record", "because")  # the name of the folder, its lines, and a cell `given` left empty
    return [table.drop(unstable, strict=False) for table in tables]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("form", ["out", "out.json"])
def test_the_example_study_comes_back_with_the_same_verdicts(release: str, form: str) -> None:
    """Doses, weights, events, consents and visits return: every verdict, finding, query and departure is the same."""
    export(f"uc-msc-saa {EXAMPLE} --as-of 2020-12-31 --release {release} --only records -o {form}")
    assert run(f"import fhir {form} -o back")[0] == 0
    for before, after in zip(
        audited("uc-msc-saa", EXAMPLE, "2020-12-31"), audited("uc-msc-saa", "back", "2020-12-31"), strict=True
    ):
        assert before.equals(after)


@pytest.mark.parametrize("name", protocol.library())
def test_a_simulated_study_with_every_fault_comes_back_with_the_same_audit(name: str) -> None:
    """Whatever can be recorded of a trial survives the journey."""
    assert run(f"simulate {name} -n 150 --faults all=1 --seed 3 -o simulated")[0] == 0
    line = f"{name} simulated --time-zone Asia/Shanghai --as-of 2022-01-01 --only records --unblinded"
    export(f"{line} -o out")
    status, _, err = run("import fhir out -o back")
    assert status == 0, err
    for before, after in zip(
        audited(name, "simulated", "2022-01-01"), audited(name, "back", "2022-01-01"), strict=True
    ):
        assert before.drop("message", strict=False).equals(after.drop("message", strict=False))


# --- any rows ----------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
WORD = TEXT.map(str.strip).filter(lambda text: text and text.lower() not in ("nan", "inf", "infinity"))
MAYBE = st.none() | WORD
DAY = st.dates(date(2001, 1, 1), date(2039, 12, 31)).map(date.isoformat)
MOMENT = DAY | st.builds("{}T{:02}:{:02}".format, DAY, st.integers(4, 23), st.integers(0, 59)) | st.just("2024-03")
WHOLE = st.integers(1, 10**6).map(str) | st.sampled_from(["1.620e7", "5E3"])
NUMBER = st.decimals(1, 900_000, places=3).map(str) | WHOLE
MEASURED = st.tuples(st.none() | NUMBER, st.sampled_from(["mg", "10^6 cells", "IU", "mL", "µg", "AUC"]))
COUNTED = st.tuples(WHOLE, st.just("cells"))
DOSE = st.fixed_dictionaries(
    {
        "treatment": WORD,
        "start": MOMENT,
        "dose": MEASURED | COUNTED,
        "status": st.sampled_from([None, "given", "partly given", "not given", "unknown"]),
        "route": MAYBE,
        "reason": MAYBE,
        "lot": MAYBE,
        "bag": MAYBE,
        "expires": st.none() | DAY,
        "source": st.none() | st.sampled_from(["ward", "the pharmacy's log"]),
        "viability": st.none() | st.integers(2, 100).map(str),
    }
)
VALUE = st.fixed_dictionaries(
    {
        "measure": st.sampled_from(["weight", "anc", "stage", "中性粒细胞"]),
        "value": st.integers(3, 90).map(str) | st.sampled_from(["16.20", "7.0"]),
        "unit": st.just("kg"),
        "at": MOMENT,
        "reported": st.none() | MOMENT,
        "visit": MAYBE,
        "method": MAYBE,
    }
)
WORDS = st.sampled_from(["positive", "not done", "not analysable", "<25", "no reaction"])


def _row_of(dose: dict[str, Any]) -> dict[str, str | None]:
    amount, unit = dose["dose"]
    return {"subject": "1", "amount": amount, "unit": unit} | {k: v for k, v in dose.items() if k != "dose"}


@settings(max_examples=40)
@given(
    doses=st.lists(DOSE, max_size=4),
    values=st.lists(VALUE, max_size=3),
    words=st.lists(WORDS, max_size=2),
    release=st.sampled_from(RELEASES),
    form=st.sampled_from(["out", "out.json"]),
)
def test_whatever_a_row_says_it_says_again(
    tmp_path_factory: pytest.TempPathFactory,
    doses: list[dict[str, Any]],
    values: list[dict[str, str | None]],
    words: list[str],
    release: str,
    form: str,
) -> None:
    """Any words, amounts, days and times of day come back as they were understood, in both releases and forms."""
    told = [{"subject": "1", "measure": "stage", "value": word, "at": "2024-03-01"} for word in words]
    tables = {
        "subjects": [{"subject": "1", "arm": "msc", "birth_date": "2019-05", "sex": "F"}],
        "administrations": [_row_of(dose) for dose in doses],
        "observations": [*({"subject": "1", **value} for value in values), *told],
    }
    study = rules.from_frames("any", tables, time_zone="Asia/Shanghai")
    place = tmp_path_factory.mktemp("any") / form
    write(Export(protocol.read_versions("uc-msc-saa"), study, Release(release)), ("records",), place)
    taken = Taken(Names(), Clock())
    take_files(sorted(place.iterdir()) if place.is_dir() else [place], taken, lambda done, total: None)
    back = assemble(taken, None).tables
    again = rules.from_frames("any", {name: frame.drop("path", "place") for name, frame in back.items()})
    for name in tables:
        before, after = study.data(name), again.data(name)
        new = ("record",)  # a row without an id has one afterwards
        if name == "administrations":
            before = before.with_columns(pl.col("status").fill_null("given"))
        assert before.drop(*new).equals(after.drop(*new)), name
