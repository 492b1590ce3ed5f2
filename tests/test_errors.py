"""Errors say what, where, why and what to write, and form one tree."""

from __future__ import annotations

import pickle

from protocol.errors import DocumentError, Fault, InputError, PerprotocolError, ScalarError, StudyError


def test_a_fault_says_what_where_why_and_what_to_write() -> None:
    """One line, with the place before the message, as compilers print it."""
    fault = Fault(
        "study/x.yaml", 12, 7, "treatments.uc-msc.window", "3 d", "is a window without its sign", "write '±3 d'"
    )
    assert str(fault) == (
        "study/x.yaml:12:7: treatments.uc-msc.window: '3 d' is a window without its sign; write '±3 d'"
    )
    assert str(Fault("a.csv", None, None, "", "", "has no rows", "")) == "a.csv: has no rows"


def test_errors_are_one_tree_and_carry_every_fault() -> None:
    """A file's error lists each of its faults; a scalar's error is a ValueError for pydantic's sake."""
    fault = Fault("a.csv", 2, "unit", "", "mgg", "is no unit", "write mg")
    assert str(StudyError([fault, fault])).splitlines() == [str(fault)] * 2
    assert DocumentError([fault]).faults == (fault,)
    assert issubclass(DocumentError, InputError) and issubclass(InputError, PerprotocolError)
    assert issubclass(ScalarError, PerprotocolError) and issubclass(ScalarError, ValueError)


def test_a_scalar_error_survives_the_way_between_processes() -> None:
    """A worker's error arrives with its parts."""
    error = pickle.loads(pickle.dumps(ScalarError("3 d", "is a window without its sign", "write '±3 d'")))
    assert (error.text, error.why, error.remedy) == ("3 d", "is a window without its sign", "write '±3 d'")
    assert str(error) == "'3 d' is a window without its sign; write '±3 d'"
