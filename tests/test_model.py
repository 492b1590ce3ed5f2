"""The protocol as data: short forms, inheritance of steps, actions, doses, and who says so."""

import pickle
from datetime import date

import pytest
from pydantic import ValidationError

import protocol
from protocol import Origin, Protocol
from protocol.actions import Action, Resume
from protocol.dosing import Dose, Frequency, Rounding, Span, Tolerance
from protocol.errors import ScalarError
from protocol.importance import Importance
from protocol.model import Text
from protocol.quantity import Quantity, Range, parse_amount
from protocol.timing import Duration

HEAD = "protocol: x\nversion: 1\nfirst_day: 0\narms: {a: A}\n"


def read(treatments: str, more: str = "") -> Protocol:
    """A protocol with these treatments."""
    return protocol.read_text(HEAD + more + "treatments:\n" + treatments)


def test_python_keywords_are_aliases() -> None:
    """`from`, `in`, `if`, `for` of the document are `from_`, `in_`, `if_`, `for_` in Python."""
    document = read("  t: {from: day 0, for: 7 d, frequency: daily, if: age < 18 y}\n")
    treatment = document.treatments["t"]
    assert treatment.from_ is not None
    assert treatment.for_ == Duration.parse("7 d")
    assert treatment.if_[0].names() == {"age"}


def test_short_forms_mean_what_the_long_ones_say() -> None:
    """A bare dose, a title alone, one value for a list, one condition for a criterion."""
    short = read(
        "  t: {dose: 81 mg, due: day 0, arm: a}\n", "criteria: {c: age < 18 y}\nmilestones: {day-zero: birth}\n"
    )
    long = read(
        "  t: {dose: [{amount: 81 mg}], due: [day 0], arm: [a]}\n",
        "criteria: {c: {if: [age < 18 y]}}\nmilestones: {day-zero: {anchor: birth}}\n",
    )
    assert short == long
    assert short.arms["a"].title == Text(en="A")


def test_a_text_speaks_chinese_where_it_can() -> None:
    """English stands in where there is no Chinese."""
    assert Text.model_validate({"en": "dose", "zh": "剂量"}).in_("zh") == "剂量"
    assert Text.model_validate("dose").in_("zh") == "dose"


def test_a_protocol_is_frozen_and_travels() -> None:
    """No field can be set, and a pickled protocol is the same protocol."""
    saa = protocol.read("uc-msc-saa")
    with pytest.raises(ValidationError):
        saa.version = "2"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(saa)) == saa


def test_which_fields_were_written_is_known() -> None:
    """A default is told from a written value that equals it."""
    document = read("  t: {due: day 0, late: keep}\n  u: {due: day 0}\n")
    assert "late" in document.treatments["t"].model_fields_set
    assert "late" not in document.treatments["u"].model_fields_set
    assert document.treatments["u"].late == "keep"


def test_a_treatment_without_steps_is_its_own_part() -> None:
    """One part, the treatment itself."""
    treatment = read("  t: {due: day 0, dose: 1 mg}\n").treatments["t"]
    assert treatment.parts() == (treatment,)


def test_a_step_inherits_what_it_does_not_say() -> None:
    """Route and window come from the treatment, the due day from the step."""
    parts = (
        read("  t: {route: oral, window: ±1 d, steps: [{due: day 0}, {due: day 7, window: ±2 d}]}\n")
        .treatments["t"]
        .parts()
    )
    assert [(part.route, str(part.window), str(part.due[0])) for part in parts] == [
        ("oral", "±1 d", "day 0"),
        ("oral", "±2 d", "day 7"),
    ]
    assert all(part.steps == () for part in parts)


def test_a_bare_dose_in_a_step_keeps_the_rest_of_the_dose() -> None:
    """81 mg replaces the amount; rounding and tolerance stay. A dose written as a map replaces all of it."""
    text = (
        "  t:\n    dose: {start: 5 mg, round: 5 mg, tolerance: ±10 %}\n"
        "    steps: [{due: day 0}, {due: day 1, dose: 81 mg}, {due: day 2, dose: {amount: 9 mg, max: 10 mg}}]\n"
    )
    first, second, third = (part.dose[0] for part in read(text).treatments["t"].parts())
    assert (first.start, first.amount) == (Quantity.parse("5 mg"), None)
    assert (second.amount, second.start, second.tolerance) == (parse_amount("81 mg"), None, Tolerance.parse("±10 %"))
    assert second.round == (Rounding.parse("5 mg"),)
    assert (third.amount, third.tolerance) == (parse_amount("9 mg"), None)


def test_the_dose_of_a_level_keeps_the_rest_of_the_dose() -> None:
    """A level names an amount, the treatment its cap and rounding."""
    text = "  t:\n    dose: {round: 50 mg}\n    levels: {0: 1000 mg/m², -1: {dose: 800 mg/m²}}\n    due: day 0\n"
    treatment = read(text).treatments["t"]
    assert [str(dose.amount) for dose in treatment.doses_at(-1)] == ["800 mg/m²"]
    assert treatment.doses_at(0)[0].round == (Rounding.parse("50 mg"),)
    assert treatment.doses_at(-2) == ()


def test_conditions_of_treatment_and_step_hold_together() -> None:
    """A step narrows its treatment's condition and cannot widen it."""
    text = "  t: {if: age < 18 y, steps: [{due: day 0}, {due: day 1, if: weight > 9 kg}]}\n"
    first, second = read(text).treatments["t"].parts()
    assert [str(condition.text) for condition in first.if_] == ["age < 18 y"]  # type: ignore[union-attr]
    assert [str(condition.text) for condition in second.if_] == ["age < 18 y", "weight > 9 kg"]  # type: ignore[union-attr]


def test_a_later_step_of_a_course_starts_where_the_last_ended() -> None:
    """Only the first step inherits `from`; an end a step writes replaces the inherited one of any kind."""
    text = "  t: {from: day 0, for: 28 d, frequency: daily, steps: [{dose: 1 mg}, {to: day 90, dose: 2 mg}]}\n"
    first, second = read(text).treatments["t"].parts()
    assert (str(first.from_), str(first.for_), first.to) == ("day 0", "28 d", None)
    assert (second.from_, second.for_, str(second.to)) == (None, None, "day 90")


def test_a_rate_may_change_with_time() -> None:
    """One rate holds from the start; a map holds from each elapsed time on."""
    document = read("  t: {rate: 400 mL/h}\n  u: {rate: {0 min: 175 mL/h, 60 min: 225 mL/h}}\n")
    assert document.treatments["t"].rate == {Duration.parse("0 min"): Quantity.parse("400 mL/h")}
    assert [str(after) for after in document.treatments["u"].rate or {}] == ["0 min", "60 min"]


def test_every_part_of_the_head_is_kept() -> None:
    """Dates are dates, versions are texts as written."""
    document = read("  t: T\n", "effective: 2022-03-18\nreplaces: 1.10\nregistry: NCT00000000\n")
    assert (document.effective, document.replaces, document.version) == (date(2022, 3, 18), "1.10", "1")


ACTIONS = {
    "hold atg": Action("", "hold", "atg"),
    "stop all": Action("", "stop", "all"),
    "omit isatuximab": Action("", "omit", "isatuximab"),
    "delay cycle": Action("", "delay", "cycle"),
    "delay cycle by up to 14 d": Action("", "delay", "cycle", up_to=Duration.parse("14 d")),
    "raise ciclosporin": Action("", "raise", "ciclosporin"),
    "reduce alxn1840 by 1 level": Action("", "reduce", "alxn1840", levels=1),
    "reduce alxn1840 by 2 levels": Action("", "reduce", "alxn1840", levels=2),
    "raise csa by 10 to 25 %": Action("", "raise", "csa", by=Range.parse("10 to 25 %")),
    "reduce gemcitabine to 50 %": Action("", "reduce", "gemcitabine", to=Quantity.parse("50 %")),
    "set xanomeline-high to 54 mg": Action("", "set", "xanomeline-high", to=Quantity.parse("54 mg")),
    "repeat labs every 7 d": Action("", "repeat", "labs", every=Duration.parse("7 d")),
}


@pytest.mark.parametrize("text", ACTIONS)
def test_an_action_is_read_as_what_it_says(text: str) -> None:
    """Verb, target, and by how much."""
    assert Action.parse(text) == ACTIONS[text]
    assert str(Action.parse(text)) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Action, "pause atg"),
        (Action, "hold"),
        (Action, "set atg"),
        (Action, "reduce atg by lots"),
        (Action, "repeat labs"),
        (Resume, "next week"),
        (Resume, "5 mg"),
        (Tolerance, "10 %"),
        (Tolerance, "±-10 %"),
        (Tolerance, "±10 mg"),
        (Tolerance, "+1 % to +5 %"),
        (Tolerance, "±0.001 %"),
        (Rounding, "0 mg"),
        (Rounding, "sideways 5 mg"),
        (Frequency, "bid"),
        (Frequency, "every 5 h"),
        (Span, "1 d"),
        (Span, "6 h to 1 h"),
        (Span, "0 min"),
        (Importance, "very"),
        (Importance, "important over 3 d"),
    ],
)
def test_what_is_outside_a_grammar_is_refused(kind: type[Action], text: str) -> None:
    """Every refusal says why and what to write."""
    with pytest.raises(ScalarError) as fault:
        kind.parse(text)
    assert fault.value.why
    assert fault.value.remedy


def test_scalars_of_doses_are_read_as_what_they_say() -> None:
    """Basis points, directions, doses a day."""
    assert (Tolerance.parse("±10 %").low_bp, Tolerance.parse("±10 %").high_bp) == (-1000, 1000)
    assert (Tolerance.parse("-5 % to +7.5 percent").low_bp, Tolerance.parse("-5 % to +7.5 %").high_bp) == (-500, 750)
    assert [Rounding.parse(text).direction for text in ("10 mg", "down 5 mg", "up 200 mg")] == ["nearest", "down", "up"]
    assert [
        (f.times, f.days) for f in map(Frequency.parse, ("twice daily", "every other day", "every 8 h", "every 3 wk"))
    ] == [
        (2, 1),
        (1, 2),
        (3, 1),
        (1, 21),
    ]
    assert (str(Span.parse("1 h to 6 h").low), str(Span.parse("30 min").high)) == ("1 h", "30 min")
    assert (Resume.parse("level -1").level, Resume.parse("75 %").share) == (-1, Quantity.parse("75 %"))
    assert Importance.parse("important from 30 %") == Importance("", True, "from", Quantity.parse("30 %"))
    assert Importance.parse("important above 3 d").bound == Duration.parse("3 d")
    assert not Importance.parse("not important").important


def test_a_dose_that_is_no_bare_amount_stands_alone() -> None:
    """Only a bare amount is filled from the dose it stands in for."""
    base = Dose.model_validate({"amount": "5 mg", "max": "9 mg"})
    whole = Dose.model_validate({"amount": "6 mg", "count": "total"})
    assert whole.over(base) == whole
    assert whole.over(None) == whole
    assert Dose.model_validate("6 mg").over(base) == Dose.model_validate({"amount": "6 mg", "max": "9 mg"})


TEAM = "stated nowhere, the study team must confirm"
ARTICLE = "BMC Pediatr 2021;21:102, abstract, doi 10.1186/s12887-021-02562-x"
DEFAULT = Origin("assumed", "default", "stated nowhere: a default of this tool")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("treatments.uc-msc.window", Origin("assumed", "team", TEAM)),
        ("treatments.uc-msc.due", Origin("stated", "card", "the design card of the project")),
        ("treatments.uc-msc.times", Origin("stated", "article", ARTICLE)),
        ("treatments.uc-msc", Origin("stated", "article", ARTICLE)),
        ("treatments.uc-msc.dose.amount", Origin("stated", "card", "the design card of the project")),
        ("treatments.uc-msc.dose.count", Origin("assumed", "team", TEAM)),
        ("treatments.uc-msc.dose.round", DEFAULT),
        ("treatments.uc-msc.limits.0.opens", Origin("assumed", "team", TEAM)),
        ("treatments.ciclosporin.missed", DEFAULT),
        ("visits.day-90.window", Origin("assumed", "team", TEAM)),
        ("visits.day-90.due", Origin("stated", "article", ARTICLE)),
        ("visits.weekly.window", Origin("assumed", "team", TEAM)),
        ("measures.response.cases.CR", Origin("assumed", "team", TEAM)),
        ("events.transfusion", Origin("stated", "registry", "ClinicalTrials.gov NCT02218437")),
        ("importance.overdose", Origin("assumed", "team", TEAM)),
        ("importance.dose_early", DEFAULT),
        ("months", Origin("assumed", "team", TEAM)),
        ("first_day", Origin("stated", "card", "the design card of the project")),
        ("treatments.nothing.window", DEFAULT),
    ],
)
def test_the_origin_of_every_field_is_known(path: str, expected: Origin) -> None:
    """The nearest `assumed` or `stated` entry, else the nearest source; what is not written is a default of ours."""
    assert protocol.read("uc-msc-saa").origin(path) == expected


def test_the_doses_of_atg_rest_on_the_label() -> None:
    """The seed states no dose of ATG, and the file says so, down to the amount."""
    origin = protocol.read("uc-msc-saa").origin("treatments.atg.dose.amount")
    assert (origin.basis, origin.source) == ("assumed", "label")


def test_the_origin_of_a_step_falls_back_to_its_treatment() -> None:
    """A step's own field counts first, then the treatment's; a place in the source is kept."""
    text = (
        "  t:\n    source: plan 3\n    window: ±1 d\n    assumed: {window: team}\n"
        "    dose: {amount: 1 mg, tolerance: ±5 %, assumed: {tolerance: team}}\n"
        "    steps: [{due: day 0, dose: 2 mg}, {due: day 1, window: ±2 d, source: plan 4}]\n"
    )
    document = read(text, "sources: {plan: the plan, team: nobody}\nbasis: stated\nsource: plan\n")
    origins = {
        path: document.origin(f"treatments.t.{path}")
        for path in ("steps.0.window", "steps.1.window", "steps.0.dose", "steps.0.dose.tolerance", "steps.0.route")
    }
    assert origins["steps.0.window"] == Origin("assumed", "team", "nobody")
    assert origins["steps.1.window"] == Origin("stated", "plan 4", "the plan, 4")
    assert origins["steps.0.dose"] == Origin("stated", "plan 3", "the plan, 3")
    assert origins["steps.0.dose.tolerance"] == Origin("assumed", "team", "nobody")
    assert origins["steps.0.route"] == DEFAULT


def test_a_document_without_sources_assumes_everything() -> None:
    """A field whose source nobody names is never printed as the sponsor's."""
    assert read("  t: {due: day 0}\n").origin("treatments.t.due") == Origin("assumed", "", "no source is named")


def test_every_element_of_the_library_has_a_chinese_title() -> None:
    """A nurse in Tianjin reads every name in her own language."""
    for name in protocol.library():
        document = protocol.read(name)
        blocks = (
            "arms",
            "measures",
            "events",
            "treatments",
            "visits",
            "assessments",
            "modifications",
            "endpoints",
            "analysis_sets",
        )
        for block in (*blocks, "criteria", "products", "milestones"):
            for key, element in getattr(document, block).items():
                assert element.title is not None, f"{name}: {block}.{key}"
                assert element.title.zh, f"{name}: {block}.{key}"


def test_the_ladders_of_primaquine_give_the_doses_read_off_the_data() -> None:
    """Days and milligrams of all five ladders add up, each amount with the assumed tolerance."""
    document = protocol.read("primaquine-challenge")
    totals = {}
    for name in "abcde":
        parts = document.treatments[name].parts()
        days = [
            (part.due[0].alternatives[0].last or 0) - (part.due[0].alternatives[0].first or 0) + 1 for part in parts
        ]
        amounts = [float(str(part.dose[0].amount).removesuffix(" mg")) for part in parts]
        assert {str(part.dose[0].tolerance) for part in parts} == {"±5 %"}
        totals[name] = (sum(days), sum(day * amount for day, amount in zip(days, amounts, strict=True)))
    assert totals == {"a": (20, 375), "b": (20, 385), "c": (20, 407.5), "d": (16, 355), "e": (15, 352.5)}
    assert document.origin("treatments.a.dose.tolerance").source == "team"
    assert document.origin("treatments.a.steps.0.dose").source == "data"
