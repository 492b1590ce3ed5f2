"""What outcomes are called in both languages, and what a figure does with the names of a protocol."""

from __future__ import annotations

import re
from pathlib import Path

import protocol
import rules
from rules.endpoints import outcomes
from rules.endpoints.figure import draw_curves
from rules.endpoints.participants import OBSERVED
from rules.endpoints.published import COMPARED
from rules.endpoints.results import RESULTS
from rules.endpoints.sets import SETS
from rules.endpoints.words import Words
from rules.texts import read_texts

EXAMPLE = Path(__file__).parent.parent / "examples" / "uc-msc-saa"


def test_both_languages_have_the_same_words() -> None:
    """Every phrase, value and heading, with the same places to fill in."""
    english, chinese = (read_texts("rules.endpoints")[lang] for lang in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        if isinstance(text, dict):
            assert key == "spans" or text.keys() == chinese[key].keys(), key
        else:
            assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", chinese[key])), key


def test_every_column_has_a_heading() -> None:
    """Of each table of the outcomes."""
    for lang in ("en", "zh"):
        headings = Words(lang).all["columns"]
        assert {*RESULTS, *OBSERVED, *SETS, *COMPARED} <= headings.keys()


def test_a_figure_escapes_what_a_protocol_calls_things() -> None:
    """A title with markup stays a text."""
    trial = protocol.read("uc-msc-saa")
    found = outcomes(trial, rules.read_study(EXAMPLE))
    arms = {name: arm.model_copy(update={"title": None}) for name, arm in trial.arms.items()}
    endpoint = trial.endpoints["overall-survival"]
    title = endpoint.title.model_copy(update={"en": "<script>&"}) if endpoint.title is not None else None
    named = trial.model_copy(
        update={
            "arms": arms,
            "endpoints": trial.endpoints | {"overall-survival": endpoint.model_copy(update={"title": title})},
        }
    )
    assert "<script>" not in draw_curves(found.curves[0], named, Words("en"))
