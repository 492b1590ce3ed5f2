"""A real trial's visit table: LZZT with what its visits measure, at the site and by telephone."""

from datetime import date, timedelta

import polars as pl

import protocol
import rules

ZERO = date(2013, 1, 10)
WEEKS = {"3": 0, "4": 2, "5": 4, "7": 6, "8": 8, "9": 12, "10": 16, "11": 20, "12": 24, "13": 26}
PHONE = ("8", "9", "10", "11")


def _asked(leave_out: tuple[str, str] = ("", ""), **more: list[dict[str, object]]) -> list[tuple[str, str, str]]:
    """Code, activity and sentence of all that is found or asked about a participant who attended every visit."""
    trial = protocol.read("lzzt")
    attended = {f"visit-{n}": ZERO + timedelta(weeks=weeks) for n, weeks in WEEKS.items()}
    attended |= {"visit-1": ZERO - timedelta(10), "visit-2": ZERO - timedelta(2)}
    attended |= {f"phone {k}": ZERO + timedelta(weeks=WEEKS[n] + 2) for k, n in enumerate(PHONE, 1)}
    who = {"subject": "001"}
    measured = [
        who | {"measure": name, "value": "20", "at": str(day)}
        for visit, day in attended.items()
        for name in trial.visits[visit.partition(" ")[0]].does
        if (visit, name) != leave_out
    ]
    study = rules.from_frames(
        "lzzt",
        {
            "subjects": [who | {"arm": next(iter(trial.arms)), "day_zero": str(ZERO)}],
            "visits": [who | {"visit": visit, "date": str(day)} for visit, day in attended.items()],
            "observations": measured,
            **more,
        },
        data_cut=date(2014, 1, 1),
    )
    report = rules.audit(trial, study)
    both = pl.concat([report.findings, report.queries])
    return [row for row in both.select("code", "activity", "message").rows() if not row[0].startswith("course")]


def test_who_attends_every_visit_and_telephone_call_is_asked_about_nothing() -> None:
    """Visits are told apart by their whole name: `visit-10` is no tenth `visit-1`."""
    assert _asked() == []


def test_a_questionnaire_left_out_at_one_visit_is_one_question() -> None:
    """It names the visit and the assessment; the visits before and after it have theirs."""
    [(code, activity, message)] = _asked(("visit-10", "npi-x"))
    assert (code, activity) == ("assessment_no_record", "visit-10")
    assert "NPI-X" in message


def test_a_questionnaire_left_out_by_telephone_is_one_question() -> None:
    """Calls count from the visit before as it took place, and are judged like visits."""
    [(code, activity, _)] = _asked(("phone 3", "npi-x"))
    assert (code, activity) == ("assessment_no_record", "phone")
