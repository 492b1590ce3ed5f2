"""A harmful dose is never called right, whatever is odd about its record; and what is right raises no alarm."""

import polars as pl
import pytest

import protocol
import rules

HEAD = """
protocol: trial
version: 1
first_day: 0
arms: {a: one arm, b: other arm}
weight: {use: latest, within: 7 d}
events: {toxicity: toxicity}
"""
FIXED = "treatments: {x: {due: day 0, window: ±0 d, dose: {amount: 10 mg, tolerance: ±10 %}}}\n"
PER_KG = "treatments: {x: {due: day 0, window: ±0 d, dose: {amount: 1 mg/kg, tolerance: ±10 %}}}\n"
RANGE = "treatments: {x: {due: day 0, window: ±0 d, dose: 2.5 to 3.5 mg/kg}}\n"
CELLS = "treatments: {x: {due: day 0, window: ±0 d, dose: {amount: 1e6 cells/kg, tolerance: ±10 %}}}\n"
PRODUCTS = "products: {p1: P1, p2: P2}\n" + FIXED.replace("{due", "{product: {a: p1, b: p2}, due")
Row = dict[str, object]


def dose(amount: str, unit: str = "mg", start: str = "2024-03-01", treatment: str = "x", **more: object) -> Row:
    """A dose on record."""
    return {"subject": "1", "treatment": treatment, "start": start, "amount": amount, "unit": unit, **more}


def weight(kg: str, at: str = "2024-03-01") -> Row:
    """A body weight on record."""
    return {"subject": "1", "measure": "weight", "value": kg, "unit": "kg", "at": at}


def study(
    *doses: Row, weights: tuple[Row, ...] = (), born: str | None = "2020-01-01", **tables: list[Row]
) -> rules.Study:
    """One participant of arm a with these doses."""
    subject: Row = {"subject": "1", "arm": "a", "birth_date": born, "day_zero": "2024-03-01"}
    given: dict[str, list[Row]] = {"subjects": [subject], "administrations": list(doses), **tables}
    return rules.from_frames("t", given | ({"observations": list(weights)} if weights else {}))


def verdicts(body: str, facts: rules.Study) -> list[tuple[str, str | None]]:
    """Verdict and codes of every dose."""
    return rules.validate(protocol.read_text(HEAD + body), facts).select("verdict", "codes").rows()


@pytest.mark.parametrize("amount", ["100", "1e2"])
def test_a_range_is_no_wider_for_an_amount_written_coarsely(amount: str) -> None:
    """100 mg, 1e2 mg and 0.1 g of an intended 40.5 to 56.7 mg are one overdose."""
    for facts in (study(dose(amount), weights=(weight("16.2"),)), study(dose("0.1", "g"), weights=(weight("16.2"),))):
        assert verdicts(RANGE, facts) == [("deviates", "overdose")]


def test_a_range_still_holds_at_the_recorded_precision() -> None:
    """57 mg recorded in whole mg is 56.7 mg."""
    assert verdicts(RANGE, study(dose("57"), weights=(weight("16.2"),))) == [("complies", None)]


def test_more_given_than_prepared_is_judged_as_given() -> None:
    """A partial dose of 100 mg from 10 mg prepared is an overdose, and no departure of 1000 percent."""
    facts = study(dose("100", status="partly given", prepared="10"))
    assert verdicts(FIXED, facts) == [("deviates", "overdose")]
    assert rules.audit(protocol.read_text(HEAD + FIXED), facts).departures.is_empty()


def test_the_product_of_the_other_arm_is_a_wrong_treatment() -> None:
    """One treatment with a product for each arm: arm a got the product of arm b."""
    assert verdicts(PRODUCTS, study(dose("10", treatment="p2"))) == [("deviates", "wrong_treatment")]
    assert verdicts(PRODUCTS, study(dose("10", treatment="p1"))) == [("complies", None)]


def test_a_stop_of_a_treatment_with_a_product_for_each_arm_is_reported() -> None:
    """A finding that rests on a modification needs no single product."""
    body = PRODUCTS + "modifications: {m: {if: event toxicity, then: stop x}}\n"
    events: list[Row] = [{"subject": "1", "event": "toxicity", "start": "2024-02-20"}]
    report = rules.audit(protocol.read_text(HEAD + body), study(dose("10"), events=events))
    assert "dose_after_stop" in report.findings["code"].to_list()


def test_a_dose_for_a_weight_that_nobody_has_is_over() -> None:
    """Neither weight nor age is known, and 700 000 mg at 1 mg/kg imply 700 tonnes."""
    assert verdicts(PER_KG, study(dose("700000"), born=None))[0][0] == "deviates"
    assert verdicts(PER_KG, study(dose("16.2"), born=None))[0][0] == "cannot tell"


def test_a_threefold_dose_without_a_weight_is_no_tenfold_slip() -> None:
    """48 mg at 1 mg/kg for a child of four is over; no factor is named that does not fit."""
    found = rules.validate(protocol.read_text(HEAD + PER_KG), study(dose("48")))
    assert found["verdict"].to_list() == ["deviates"]
    assert "factor of 10" not in found["message"][0]


def test_ten_times_the_cells_are_over_whatever_they_count() -> None:
    """The protocol does not say viable or total; ten times as many viable cells are too many under both readings."""
    facts = study(dose("1.62e8", "cells", viable_or_total="viable"), weights=(weight("16.2"),))
    assert verdicts(CELLS, facts)[0][0] == "deviates"


def test_an_amount_that_its_volume_contradicts_is_asked_about() -> None:
    """10 mg on record, and 10 mL of 10 mg/mL: which is right?"""
    assert verdicts(FIXED, study(dose("10", volume="10", concentration="10 mg/mL")))[0][0] == "cannot tell"
    assert verdicts(FIXED, study(dose("10", volume="1", concentration="10 mg/mL"))) == [("complies", None)]


def test_one_bag_reported_by_two_systems_is_no_double_dose() -> None:
    """The same bag and amount two minutes later, from another system, is one dose."""
    pair = [dose("10", start=f"2024-03-01T10:0{m}", bag="A", source=s) for m, s in ((0, "eCRF"), (2, "HIS"))]
    assert [v for v, _ in verdicts(FIXED, study(*pair))] == ["complies"]
    report = rules.audit(protocol.read_text(HEAD + FIXED), study(*pair))
    assert not len(report.findings) + len(report.queries)


def test_of_two_weights_of_one_day_neither_is_chosen_by_its_row() -> None:
    """16 and 20 kg on one day without times: the dose cannot be told, in either order of the rows."""
    for pair in ((weight("16"), weight("20")), (weight("20"), weight("16"))):
        assert verdicts(PER_KG, study(dose("16"), weights=pair))[0][0] == "cannot tell"


def test_the_frames_of_this_file_are_what_they_say() -> None:
    """The plain dose complies: what deviates above does so for its own reason."""
    assert verdicts(FIXED, study(dose("10"))) == [("complies", None)]
    assert isinstance(study(dose("10")).administrations, pl.DataFrame)


def test_what_is_no_certain_dose_does_not_fix_day_zero() -> None:
    """A row of unknown status, or of amount 0, on 20 February leaves day zero on the recorded 1 March."""
    body = "milestones: {day-zero: start of x 1}\n" + FIXED
    doubtful: tuple[Row, ...] = (dose("10", start="2024-02-20", status="unknown"), dose("0", start="2024-02-20"))
    for row in doubtful:
        codes = rules.audit(protocol.read_text(HEAD + body), study(row, dose("10"))).queries["code"].to_list()
        assert "day_zero_disagrees" not in codes


def test_rows_of_one_day_are_told_apart_by_what_they_say_not_by_their_order() -> None:
    """A labelled and an unlabelled dose of one day give the same findings in either order."""
    body = (
        "treatments: {x: {due: day 0, every: 7 d, times: 3, window: ±1 d, dose: {amount: 10 mg, tolerance: ±50 %}}}\n"
    )
    pair = [dose("11", start="2024-03-08", occurrence="2"), dose("11", start="2024-03-08")]
    reports = [rules.audit(protocol.read_text(HEAD + body), study(*rows)) for rows in (pair, pair[::-1])]
    assert reports[0].findings["id"].to_list() == reports[1].findings["id"].to_list()


def test_an_amount_in_another_unit_is_asked_about_and_nothing_else() -> None:
    """Milligrams where cells are due: which unit is meant?"""
    body = CELLS.replace("tolerance", "count: viable, tolerance")
    facts = study(dose("16", "mg", viable_or_total="viable"), weights=(weight("16.2"),))
    assert verdicts(body, facts) == [("cannot tell", "unit")]


def test_an_overdose_of_cells_whose_count_is_open_says_how_much() -> None:
    """Ten times as many cells, viable or total not said: the sentence has the amount."""
    body = CELLS.replace("tolerance", "count: viable, tolerance")
    found = rules.validate(protocol.read_text(HEAD + body), study(dose("1.62e8", "cells"), weights=(weight("16.2"),)))
    assert found["verdict"].to_list() == ["deviates"]
    assert "1.62×10⁸ cells is 900 % over" in found["message"][0]


def test_a_record_after_death_is_named_with_its_day() -> None:
    """The question is dated by the record that cannot be, not by day zero."""
    milestones: list[Row] = [{"subject": "1", "milestone": "death", "date": "2024-03-05"}]
    report = rules.audit(
        protocol.read_text(HEAD + FIXED), study(dose("10"), dose("10", start="2024-03-09"), milestones=milestones)
    )
    assert report.queries.filter(pl.col("code") == "record_after_death")["date"].dt.to_string().to_list() == [
        "2024-03-09"
    ]
