"""How often a day a record says that a drug was taken, in the words that sites and data standards use."""

from __future__ import annotations

import re
from functools import cache

import polars as pl

from protocol.dosing import Frequency
from protocol.errors import ScalarError

_WORDS = {
    "once daily": "qd od q24h daily sid 1x/day 每日一次 每天一次 每日1次 每天1次 一日一次",
    "every morning": "qam 每早 每日早晨",
    "every evening": "qpm qhs hs 每晚 睡前",
    "twice daily": "bid bd q12h 2x/day 每日两次 每日二次 每天两次 每日2次 每天2次 一日两次",
    "three times daily": "tid tds q8h 3x/day 每日三次 每天三次 每日3次 每天3次 一日三次",
    "four times daily": "qid qds q6h 4x/day 每日四次 每天四次 每日4次 每天4次 一日四次",
    "every other day": "qod eod q2d q48h 隔日一次 隔日",
    "once weekly": "qw qwk weekly 每周一次",
}
"""The protocol's words, and others for the same (CDISC's FREQ codelist, common abbreviations, Chinese)."""

_MEANT = {word: meant for meant, words in _WORDS.items() for word in words.split()}


@cache
def times_and_days(word: str | None) -> tuple[int, int]:
    """So many times in so many days; (0, 0) where the word does not say it."""
    simple = re.sub(r"[\s_]+", " ", (word or "").lower().replace("every day", "daily").strip(" ."))
    simple = re.sub(r" (?:a|per|each) day$", " daily", simple)
    simple = _MEANT.get(simple.replace(".", "").replace(" ", ""), simple)
    try:
        found = Frequency.parse(simple)
    except ScalarError:
        return 0, 0
    return found.times, found.days


def read_frequencies(words: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Times and days of every word of a column, 0 where nothing is said or it cannot be read."""
    found = {word: times_and_days(word) for word in words.unique()}
    return tuple(words.replace_strict({w: f[i] for w, f in found.items()}, return_dtype=pl.Int32) for i in (0, 1))  # type: ignore[return-value]
