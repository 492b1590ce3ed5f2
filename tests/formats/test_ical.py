"""Calendars as other programs read them: `ical` (another library) reads what `icalendar` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event, EventStatus

from perprotocol.formats.ical import WORDS, file_name
from tests.command import run

ROOT = Path(__file__).resolve().parents[2]
TRIAL = """
protocol: leukaemia-trial
title: {en: drug in acute leukaemia, zh: 急性白血病用药}
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {active: drug, placebo: placebo}
products: {drug: {title: verum}, placebo: {title: sugar}}
treatments:
  infusion: {title: {en: drug infusion, zh: 输注}, due: day 0, every: 7 d, times: 3, window: -1 d to +2 d,
    dose: 5 mg/kg}
  extra: {arm: active, due: day 1, window: ±0 d, dose: 5 mg}
visits:
  closing: {title: {en: closing visit, zh: 末次访视}, due: 30 d after last infusion, window: ±3 d}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder with a small trial, a study of three participants and the examples at hand."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "trial.yaml").write_text(TRIAL, "utf-8")
    monkeypatch.chdir(tmp_path)
    study("")
    yield tmp_path


def study(
    doses: str, subjects: str = "1,active,01,2024-03-01\n2,placebo,01,2024-03-04\n3,active,02,2024-03-05\n"
) -> None:
    """Write the study with these doses."""
    folder = Path("study")
    folder.mkdir(exist_ok=True)
    (folder / "subjects.csv").write_text("subject,arm,site,day_zero\n" + subjects, "utf-8")
    (folder / "administrations.csv").write_text("subject,treatment,start,amount,unit,status\n" + doses, "utf-8")


def export(options: str, as_of: str = "2024-03-10") -> None:
    """Write calendars of the small trial."""
    status, out, err = run(f"export ical trial.yaml study --as-of {as_of} {options}")
    assert (status, out) == (0, ""), err


def read(path: str) -> Calendar:
    """A calendar as the other library reads it."""
    return IcsCalendarStream.calendar_from_ics(Path(path).read_bytes().decode("utf-8"))


def events(path: str) -> dict[str, Event]:
    """The events of a calendar by what they are called."""
    return {str(event.summary): event for event in read(path).events}


def test_an_occurrence_is_an_all_day_event_with_its_window_in_words() -> None:
    """The due day and the day after it, without a time: it stays on its day in every time zone."""
    export("-o out")
    event = events("out/1.ics")["1 · infusion 2"]
    assert (event.dtstart, event.dtend) == (date(2024, 3, 8), date(2024, 3, 9))
    assert str(event.description).splitlines() == [
        "Window: 2024-03-07 to 2024-03-10",
        "Study day 7, protocol version 1",
    ]
    assert str(events("out/1.ics")["1 · extra"].description).startswith("Window: this day only\n")


def test_every_due_day_of_the_example_study_is_read_back() -> None:
    """Each row of the schedule that has a day is one event on that day, in both languages."""
    import protocol
    import rules

    calendar = rules.schedule(
        protocol.read("uc-msc-saa"), rules.read_study("examples/uc-msc-saa"), as_of=date(2016, 1, 1)
    )
    due = sorted(calendar["due"].drop_nulls())
    for lang in ("en", "zh"):
        line = f"export ical uc-msc-saa examples/uc-msc-saa --as-of 2016-01-01 --lang {lang} -o {lang}.ics"
        assert run(line)[0] == 0
        found = read(f"{lang}.ics").events
        assert sorted(event.dtstart for event in found) == due
        assert len({event.uid for event in found}) == len(found)
        assert all(event.dtend == event.dtstart + timedelta(days=1) for event in found)
        assert all(str(event.description).splitlines()[0][:3] in ("Win", "No ", "时间窗", "方案未") for event in found)


@pytest.mark.parametrize(("options", "files"), [("", ["1", "2", "3"]), ("--by site", ["01", "02"])])
def test_there_is_a_file_for_each_subject_or_site(options: str, files: list[str]) -> None:
    """Every participant is in the one file that is theirs."""
    export(f"-o out {options}")
    assert sorted(path.stem for path in Path("out").iterdir()) == files
    assert (
        {s[0] for s in events("out/01.ics")} == {"1", "2"} if options else {s[0] for s in events("out/3.ics")} == {"3"}
    )


def test_the_same_run_gives_the_same_bytes() -> None:
    """No clock is read: stamps are the as-of day, whenever it is run and whatever stood there."""
    export("-o out.ics")
    first = Path("out.ics").read_bytes()
    export("-o out.ics")
    assert Path("out.ics").read_bytes() == first
    Path("out.ics").unlink()
    export("-o out.ics")
    assert Path("out.ics").read_bytes() == first


def test_a_changed_day_is_the_same_event_with_a_higher_number() -> None:
    """What moved counts up and what did not move stays as it was: a calendar that imports it again moves one event."""
    export("-o out")
    before = events("out/1.ics")
    study("1,infusion,2024-03-15,,,\n")
    export("-o out", "2024-03-20")
    after = events("out/1.ics")
    moved = after["1 · closing"]
    assert before["1 · closing"].dtstart == moved.dtstart == date(2024, 4, 14)
    assert moved.model_dump() == before["1 · closing"].model_dump()
    study("1,infusion,2024-03-17,,,\n")
    export("-o out", "2024-03-20")
    again = events("out/1.ics")
    assert again["1 · closing"].dtstart == date(2024, 4, 16)
    assert again["1 · closing"].uid == moved.uid
    assert again["1 · closing"].sequence > moved.sequence
    assert again["1 · infusion 2"].model_dump() == before["1 · infusion 2"].model_dump()


def test_a_change_on_the_same_day_still_counts_up() -> None:
    """Two runs of one day differ by their number, since their stamps do not."""
    export("-o out")
    before = events("out/1.ics")["1 · infusion 2"]
    study("1,infusion,2024-03-08,,,\n")
    export("-o out")
    after = events("out/1.ics")["1 · infusion 2"]
    assert after.status is EventStatus.CONFIRMED
    assert (after.uid, after.dtstamp, after.sequence) == (before.uid, before.dtstamp, before.sequence + 1)


def test_what_is_not_due_any_more_is_cancelled_and_tells_nothing() -> None:
    """After a withdrawal no visit stays in a nurse's telephone."""
    export("-o out --titles")
    before = {event.uid: event for event in read("out/1.ics").events}
    Path("study/milestones.csv").write_text("subject,milestone,date\n1,withdrawal,2024-03-02\n", "utf-8")
    export("-o out --titles", "2024-03-12")
    gone = [event for event in read("out/1.ics").events if event.summary == "cancelled"]
    assert gone
    for event in gone:
        assert event.status is EventStatus.CANCELLED
        assert event.description is None
        assert event.dtstart == before[event.uid].dtstart
        assert event.sequence > before[event.uid].sequence
    text = Path("out/1.ics").read_bytes()
    export("-o out --titles", "2024-03-12")
    assert Path("out/1.ics").read_bytes() == text


def test_an_ordered_stop_cancels_and_a_dose_not_given_too() -> None:
    """An occurrence that is on record as not given is no appointment."""
    study("1,infusion,2024-03-08,,,not given\n")
    export("-o out")
    assert events("out/1.ics")["1 · infusion 2"].status is EventStatus.CANCELLED


def test_no_title_is_told_unless_it_is_asked_for() -> None:
    """A title may hold a diagnosis or a drug's name; ids of participants and activities are all that is shown."""
    export("-o out --by site")
    assert "leukaemia" not in Path("out/01.ics").read_text("utf-8")
    assert "drug" not in Path("out/01.ics").read_text("utf-8")
    export("-o titled --by site --titles --lang zh")
    assert "1 · 输注 1" in events("titled/01.ics")
    assert "NAME:急性白血病用药 · 01中心" in Path("titled/01.ics").read_text("utf-8")


def test_no_dose_stands_in_a_calendar() -> None:
    """A dose follows the weight of its day; a telephone that shows an old one is a danger."""
    Path("study/observations.csv").write_text("subject,measure,value,unit,at\n1,weight,16,kg,2024-03-01\n", "utf-8")
    export("-o out --titles")
    assert "mg" not in Path("out/1.ics").read_text("utf-8")
    assert "80" not in str(events("out/1.ics")["1 · drug infusion 1"].description)


def test_a_blinded_calendar_is_the_same_whatever_the_arms() -> None:
    """Exchanging all arms changes no byte of what a blinded reader gets; unblinded it does."""
    text = TRIAL.replace("version: 1\n", "version: 1\nblinding: blinded\n")
    Path("trial.yaml").write_text(
        text.replace("5 mg/kg}", "5 mg/kg, product: {active: drug, placebo: placebo}}"), "utf-8"
    )
    export("-o before")
    export("-o seen --unblinded")
    study("", "1,placebo,01,2024-03-01\n2,active,01,2024-03-04\n3,placebo,02,2024-03-05\n")
    export("-o after")
    export("-o known --unblinded")
    for name in ("1.ics", "2.ics", "3.ics"):
        assert Path("before", name).read_bytes() == Path("after", name).read_bytes()
        assert Path("seen", name).read_bytes() != Path("known", name).read_bytes()
    status, _, err = run("export ical trial.yaml study --as-of 2024-03-10 -o seen")
    assert status == 2
    assert "not blinded alike" in err


@pytest.mark.parametrize(
    "text", ["", "no calendar", "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//other//EN\nEND:VCALENDAR\n"]
)
def test_a_file_that_is_no_calendar_of_ours_is_not_touched(text: str) -> None:
    """A file of somebody else keeps its content, and the message says where it stands."""
    Path("out.ics").write_text(text, "utf-8")
    status, _, err = run("export ical trial.yaml study --as-of 2024-03-10 -o out.ics")
    assert status == 2
    assert err.splitlines()[-1] == (
        "out.ics: is there, and is no calendar that this export wrote; name another place, or remove it"
    )
    assert Path("out.ics").read_text("utf-8") == text


def test_nothing_is_written_where_one_calendar_cannot_be_updated() -> None:
    """All files of a run are written, or none."""
    export("-o out")
    Path("out/2.ics").write_text("spoilt", "utf-8")
    before = Path("out/1.ics").read_bytes()
    study("1,infusion,2024-03-09,,,\n")
    assert run("export ical trial.yaml study --as-of 2024-04-10 -o out")[0] == 2
    assert Path("out/1.ics").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("export ical trial.yaml study -o out.ics --by site", "one calendar is not divided"),
        ("export ical trial.yaml study -o none/out", "stands in a folder that is not there"),
        ("export ical trial.yaml study -o trial.yaml", "File exists"),
        ("export ical trial.yaml nowhere -o out", "nowhere"),
        ("export ical trial.yaml study --subject 9 -o 9.ics", "9"),
    ],
)
def test_bad_usage_ends_with_2_and_a_word(line: str, said: str) -> None:
    """Nothing is written, and no traceback shown."""
    status, _, err = run(line)
    assert status == 2
    assert said in err
    assert not Path("out").exists() and not Path("out.ics").exists()


def test_without_a_place_the_calendar_goes_to_standard_output() -> None:
    """One calendar of all, for a pipe."""
    status, out, _ = run("export ical trial.yaml study --as-of 2024-03-10")
    assert status == 0
    assert len(IcsCalendarStream.calendar_from_ics(out).events) == 14


@pytest.mark.parametrize(("one", "other"), [("a/b", "a%2Fb"), ("..", "."), ("", "_x"), ("一", "二")])
def test_no_two_participants_share_a_file(one: str, other: str) -> None:
    """Ids with signs that no file name may hold have files of their own, inside the folder."""
    assert file_name(one) != file_name(other)
    assert "/" not in file_name(one) and Path(file_name(one)).name == file_name(one)


def test_both_languages_have_every_phrase() -> None:
    """Nothing is said in one language only, and the places to fill are the same."""
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, phrase in WORDS["en"].items():
        assert phrase.count("{}") == WORDS["zh"][key].count("{}")
