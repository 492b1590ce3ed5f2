"""Arrays as an occasions table: sentinels become nulls, answers become Booleans."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.arrays import NONE, Flags, Ints
from rules.dosing.intended import UNKNOWN
from rules.occasions import schema
from rules.timing.grid import Laid

Array = npt.NDArray[Any]


def occasions_frame(table: str, columns: dict[str, Array | pl.Series], /, **more: Array | pl.Series) -> pl.DataFrame:
    """Arrays as a table with the dtypes of its description; `NONE` and `UNKNOWN` become null in nullable columns."""
    dtypes = schema(table)
    series = [_series(name, columns[name], dtypes[name]) for name in dtypes]
    series += [_series(name, values, None) for name, values in more.items()]
    return pl.DataFrame(series)


def _series(name: str, values: Array | pl.Series, dtype: pl.DataType | None) -> pl.Series:
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


def flag(values: npt.ArrayLike, n: int) -> Flags:
    """One flag for n rows."""
    return np.broadcast_to(np.asarray(values, np.bool_), n)


def after_death(laid: Laid, s: Ints, day: Ints) -> Flags:
    """Rows dated after every day on which the participant may have died."""
    death = laid.evidence.milestone("death").last[s]
    after: Flags = (death != NONE) & (day != NONE) & (day > death)
    return after
