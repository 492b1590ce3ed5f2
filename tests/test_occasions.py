"""The occasions tables: what fills them keeps what they declare, whatever the study."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol
import rules
from rules.arrays import FEW, NONE
from rules.door.tables import SCHEMAS
from rules.dosing.intended import UNKNOWN
from rules.match import build_occasions
from rules.match.frame import Array, occasions_frame
from rules.occasions import TABLES, example, schema
from rules.partitions import over_partitions
from rules.plan import compile_plan

EXAMPLE = Path(__file__).parent.parent / "examples" / "uc-msc-saa"


def built(study: rules.Study) -> dict[str, pl.DataFrame]:
    """Return every occasions table of a study of the seed's trial."""
    plan = compile_plan(protocol.read("uc-msc-saa"))
    return next(over_partitions([plan], study, date(2024, 12, 31), build_occasions))


STUDIES = {
    "the example": lambda: rules.read_study(EXAMPLE),
    "one participant without records": lambda: rules.from_frames("small", {"subjects": [{"subject": "1"}]}),
}


@pytest.mark.parametrize("study", STUDIES)
def test_every_table_is_filled_as_declared(study: str) -> None:
    """Each table is built, with its columns and dtypes and with those that its declaration names beside them."""
    tables = built(STUDIES[study]())
    assert list(tables) == list(TABLES)
    for name, table in tables.items():
        described = TABLES[name]
        assert {c: table.schema.get(c) for c in schema(name)} == schema(name), name
        named = {said[1:] for said in (described.records, described.about) if said.startswith("@")} - {"part", "rule"}
        assert {*described.day, *named} <= set(table.columns), name
        facts = {c.name: c.fact for c in described.columns if c.name != "part"}
        assert [c for c, fact in facts.items() if not fact and table[c].null_count()] == [], name


def test_a_table_says_in_which_table_of_the_study_its_records_stand() -> None:
    """What is no column names a table of the study folder."""
    assert {d.records for d in TABLES.values() if not d.records.startswith("@")} <= set(SCHEMAS)


SOME = {
    "int8": [-1, 0, 1],
    "int32": [NONE, -3, 0, 7],
    "int64": [int(UNKNOWN), 0, 10**15],
    "bool": [True, False],
    "float64": [0.0, 2.5],
    "object": ["word", "other"],
}


@pytest.mark.parametrize("kind", SOME)
@given(data=st.data())
def test_a_column_of_few_rows_says_what_one_of_many_does(kind: str, data: st.DataObject) -> None:
    """Few rows are taken value by value, many at once: the nulls, the values and the type are the same."""

    def column(values: Array) -> pl.Series:
        others = {name: one.new_from_index(0, len(values)) for name, one in example("holds").to_dict().items()}
        return occasions_frame("holds", others, x=values)["x"]

    values = np.array(data.draw(st.lists(st.sampled_from(SOME[kind]), min_size=1, max_size=9)), dtype=kind)
    few, many = (column(of) for of in (values, np.tile(values, FEW)))
    assert few.equals(many.head(len(few))) and few.dtype == many.dtype
