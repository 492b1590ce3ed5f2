"""Arrays as an occasions table: sentinels become nulls, answers become Booleans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.arrays import FEW, NONE, Flags, Ints
from rules.dosing.intended import UNKNOWN
from rules.occasions import schema
from rules.timing.grid import Laid

Array = npt.NDArray[Any]


MANY = 1000
"""From so many rows on, a column that says the same of all of them is kept once: a call costs more below that."""


def occasions_frame(table: str, columns: dict[str, Array | pl.Series], /, **more: Array | pl.Series) -> pl.DataFrame:
    """Arrays as a table with the dtypes of its description; `NONE` and `UNKNOWN` become null in nullable columns."""
    dtypes = schema(table)
    given = {name: columns[name] for name in dtypes} | more
    (leading, rows), *_ = given.items()
    if len(rows) < FEW:
        cells = {name: _values(values) for name, values in given.items()}
        types = {name: _type_of(values, dtypes.get(name)) for name, values in given.items()}
        return pl.DataFrame(list(zip(*cells.values(), strict=True)), schema=types, orient="row")
    alike = {name for name, values in given.items() if name != leading and len(rows) >= MANY and _is_one(values)}
    told = {
        name: _as_column(name, given[name][:1] if name in alike else given[name], dtypes.get(name)) for name in given
    }
    frame = pl.DataFrame([series for name, series in told.items() if name not in alike])
    if not alike:
        return frame
    # Half of the columns of most studies: as literals they are neither gathered nor filtered.
    return frame.select_seq(
        pl.lit(told[name].item(), dtype=told[name].dtype).alias(name) if name in alike else pl.col(name)
        for name in told
    )


def _is_one(values: Array | pl.Series) -> bool:
    """Whether every row has the same value; of texts only where that needs no search."""
    if isinstance(values, pl.Series):
        return values.null_count() == len(values)
    return values.strides == (0,) or bool(values[0] == values[-1] and (values == values[0]).all())


def _as_column(name: str, values: Array | pl.Series, dtype: pl.DataType | None) -> pl.Series:
    """An array as a column, its sentinels as nulls."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if values.dtype == np.int8:
        answers = pl.Series(name, values == 1)
        return answers.set(pl.Series(values < 0), None) if (values < 0).any() else answers
    series = pl.Series(name, values, dtype=pl.String if values.dtype == object else None)
    if values.dtype in (np.int32, np.int64):
        hollow = values == (NONE if values.dtype == np.int32 else UNKNOWN)
        series = series.set(pl.Series(hollow), None) if hollow.any() else series
    return series.cast(dtype) if dtype is not None else series


def _values(values: Array | pl.Series) -> list[Any]:
    """The values of a column, null for its sentinels."""
    if isinstance(values, pl.Series):
        return values.to_list()
    if values.dtype == np.int8:
        return [None if v < 0 else v == 1 for v in values.tolist()]
    hollow = _HOLLOW.get(values.dtype.name)
    return [None if v == hollow else v for v in values.tolist()]


_HOLLOW = {"int32": NONE, "int64": int(UNKNOWN)}
"""By the type of an array what stands for null in it."""


def _type_of(values: Array | pl.Series, dtype: pl.DataType | None) -> pl.DataType:
    """The dtype of a column: its own, that of its description, or that of its array."""
    return values.dtype if isinstance(values, pl.Series) else dtype or _TYPES[values.dtype.name]


_TYPES: dict[str, pl.DataType] = {
    "int8": pl.Boolean(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "bool": pl.Boolean(),
    "float64": pl.Float64(),
    "object": pl.String(),
}


def flag(values: npt.ArrayLike, n: int) -> Flags:
    """One flag for n rows."""
    return np.broadcast_to(np.asarray(values, np.bool_), n)


def one_of(words: Sequence[str], place: npt.NDArray[np.integer | np.bool_]) -> Array | pl.Series:
    """Of each row one of a few words, by its place among them."""
    if len(place) and (place == place[0]).all():
        return np.broadcast_to(np.array(words[int(place[0])], dtype=object), len(place))
    return pl.Series(words, dtype=pl.String).gather(pl.Series(place.astype(np.uint32)))


def after_death(laid: Laid, s: Ints, day: Ints) -> Flags:
    """Rows dated after every day on which the participant may have died."""
    death = laid.evidence.milestone("death").last[s]
    after: Flags = (death != NONE) & (day != NONE) & (day > death)
    return after
