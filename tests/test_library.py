"""The protocols that ship with the package: named as their files, sourced field by field, scheduled and audited."""

from datetime import date
from pathlib import Path

import pytest

import protocol
import rules
from perprotocol.pages import list_library
from protocol.walk import children, elements

ABOUT = {"title", "note", "source", "basis", "assumed", "stated", "en", "zh"}
FROM_THE_ISSUE = {
    "uc-msc-saa",
    "primaquine-challenge",
    "lzzt",
    "covacta",
    "remestemcel-l",
    "act15377",
    "carboplatin-gemcitabine",
}
UNSOURCED = {"protocol", "version", "effective", "registry", "sources", "arms", "importance"}
"""Blocks that name or count things; nothing is promised in them."""

every = pytest.mark.parametrize("name", protocol.library())


def test_the_library_holds_the_trials_that_were_promised() -> None:
    """Cells by weight, cycles, an optional dose, a maximum, a branch by response, ladders, patches and a formula."""
    assert set(protocol.library()) >= FROM_THE_ISSUE


@every
def test_a_protocol_is_found_under_its_own_name(name: str) -> None:
    """The name of the file is the id of the protocol."""
    assert protocol.read(name).protocol == name


@every
def test_every_field_says_who_says_so(name: str) -> None:
    """No promise of a library protocol is without a source that the file explains."""
    trial = protocol.read(name)
    for path, element in elements(trial):
        for key, _ in children(element):
            if key in ABOUT or (path or (key,))[0] in UNSOURCED:
                continue
            place = ".".join(map(str, (*path, key)))
            said = trial.origin(place)
            assert said.source.split(" ")[0] in trial.sources, f"{place}: {said}"


@every
def test_every_arm_has_a_calendar_and_an_audit(name: str) -> None:
    """A participant of each arm of whom only day zero is recorded is scheduled, and what is missing is asked for."""
    trial = protocol.read(name)
    subjects = [{"subject": arm, "arm": arm, "day_zero": "2024-03-01"} for arm in trial.arms]
    study = rules.from_frames("one", {"subjects": subjects})
    calendar = rules.schedule(trial, study)
    assert set(calendar["subject"]) == set(trial.arms)
    report = rules.audit(trial, study, as_of=date(2024, 3, 1))
    assert report.findings.rows() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_list_names_every_protocol_with_its_title(lang: str) -> None:
    """Whoever looks for a name finds it beside what it is."""
    listed = list_library(lang)
    assert tuple(listed["protocol"]) == protocol.library()
    assert listed["title"].null_count() == 0


def test_the_readme_leads_to_the_library() -> None:
    """The page of the library is linked from the first page."""
    assert "docs/library.md" in (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
