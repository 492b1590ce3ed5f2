"""Verdicts as sentences: templates filled by column, in English and Chinese.

A rule's templates name words in braces. Each word is one function here, from the hits of a rule to a column of text;
phrases that join several words stand in `catalogue/en.yaml` and `catalogue/zh.yaml`, as do the rules' Chinese texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.arrays import Ints, whole
from rules.planning.slots import Part, Plan
from rules.rule import Rule
from rules.telling.amount_text import amount_texts, display_unit
from rules.telling.words import OPTIONAL, WORDS
from rules.texts import read_texts
from rules.timing.grid import Laid

_WORD = re.compile(r"\{(\w+)\}")


def catalogue(lang: str) -> dict[str, Any]:
    """The texts of one language: `rules` (code -> title, message ...), `phrases` and `words`."""
    found: dict[str, Any] = read_texts("rules", f"catalogue/{lang}.yaml")
    return found


def rule_text(rule: Rule, field: str, lang: str) -> str:
    """A rule's title, message, expected or observed in a language; English stands in the rule itself."""
    own: str = getattr(rule, field)
    return str(catalogue("zh")["rules"].get(rule.code, {}).get(field, own)) if lang == "zh" else own


def hypothetical(messages: pl.Series, lang: str) -> pl.Series:
    """Sentences about a dose that is not given yet: `was given` reads `would be given`."""
    words: dict[str, str] = catalogue(lang).get("hypothetical", {})
    return messages.str.replace_many(list(words), list(words.values())) if words else messages


def placeholders(template: str) -> tuple[str, ...]:
    """The words that a template uses."""
    return tuple(_WORD.findall(template))


Text: TypeAlias = pl.Series | pl.Expr
"""A word for every row of the hits: worked out already, or to be worked out together with the template it stands in."""


@dataclass(frozen=True)
class Wording:
    """The words of one partition in one language. `recorded` gives the cells of a record as they were recorded."""

    laid: Laid
    lang: str
    raw: Callable[..., pl.DataFrame]
    _last: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def protocol(self) -> Protocol:
        """The protocol the verdicts rest on."""
        return self.laid.plan.protocol

    @cached_property
    def phrases(self) -> dict[str, str]:
        """Phrases by name."""
        found: dict[str, str] = catalogue(self.lang)["phrases"]
        return found

    def fill(self, template: str, hits: pl.DataFrame) -> pl.Series:
        """The template filled for every row of `hits`; a word without a value reads as the phrase `unknown`."""
        return self.fill_all([template], hits)[0]

    def fill_all(self, templates: Sequence[str], hits: pl.DataFrame) -> list[pl.Series]:
        """Several templates filled at once, in their order."""
        texts = [self.text(template, hits).alias(str(n)) for n, template in enumerate(templates)]
        filled = hits.select_seq(texts).get_columns() if texts else []
        # A template without words is one text, whatever the number of rows.
        return [text if len(text) == len(hits) else text.new_from_index(0, len(hits)) for text in filled]

    def text(self, template: str, hits: pl.DataFrame) -> pl.Expr:
        """The template as an expression over `hits`."""
        pieces = _WORD.split(template)
        if len(pieces) < 2:
            return pl.lit(template)
        unknown = self.phrases["unknown"]
        texts: list[pl.Expr] = []
        for i, piece in enumerate(pieces):
            if i % 2:
                texts.append(_filled(self._text_of(piece, hits), "" if piece in OPTIONAL else unknown))
            elif piece:
                texts.append(pl.lit(piece))
        return pl.concat_str(texts)

    def choose(self, hits: pl.DataFrame, which: pl.Series, yes: str, no: str) -> pl.Expr:
        """One of two phrases for every row; the other is not filled where no row needs it."""
        if which.all():
            return self.text(self.phrases[yes], hits)
        other = self.text(self.phrases[no], hits)
        return (
            pl.when(pl.lit(which)).then(self.text(self.phrases[yes], hits)).otherwise(other) if which.any() else other
        )

    def word(self, name: str, hits: pl.DataFrame) -> pl.Series:
        """One word for every row of `hits`; null where it has no value."""
        text = self._text_of(name, hits)
        return text if isinstance(text, pl.Series) else hits.select_seq(text).to_series()

    def _text_of(self, name: str, hits: pl.DataFrame) -> Text:
        """One word, begun once for the same rows."""
        known = self._of(hits)
        if name not in known:
            is_phrase = name in self.phrases and name not in WORDS
            known[name] = self.text(self.phrases[name], hits) if is_phrase else WORDS[name](self, hits)
        found: Text = known[name]
        return found

    def _of(self, hits: pl.DataFrame) -> dict[str, Any]:
        """What is known of these rows already; of the rows before them nothing is kept."""
        if self._last.get("the rows") is not hits:
            self._last.clear()
            self._last["the rows"] = hits
        return self._last

    def name_of(self, part: Part) -> str:
        """An activity's title in the language, else its id."""
        title = self._element(part).title
        return title.in_(self.lang) if title is not None else part.activity

    def _element(self, part: Part) -> Any:
        return getattr(self.protocol, f"{part.kind}s")[part.activity]

    def parts(self, hits: pl.DataFrame) -> tuple[Ints, list[int]]:
        """The part of the plan of each row, and those that occur; a row without one has the number behind the last."""
        known, none = self._of(hits), len(self.laid.plan.parts)
        if "the parts" not in known:
            of = whole(hits, "part", none).astype(np.int32)
            known["the parts"] = of, np.flatnonzero(np.bincount(of, minlength=1)).tolist()
        found: tuple[Ints, list[int]] = known["the parts"]
        return found

    def by_part(self, hits: pl.DataFrame, value: Callable[[Part], str | None]) -> pl.Series:
        """A text that is the same for all rows of one part of the plan."""
        of, present = self.parts(hits)
        parts = self.laid.plan.parts
        if len(present) == 1:
            text = value(parts[present[0]]) if present[0] < len(parts) else None
            return pl.Series([text], dtype=pl.String).new_from_index(0, len(hits))
        return pl.Series([*map(value, parts), None], dtype=pl.String)[of]

    def amounts(self, hits: pl.DataFrame, column: str, thousandths: bool = False) -> pl.Series:
        """Amounts in base units as people write them, in the unit of the treatment's dose."""
        value = hits[column].cast(pl.Int64)
        value = value // 1000 if thousandths else value
        of, present = self.parts(hits)
        units = _units(self.laid.plan)
        rows, texts = [], []
        for unit in dict.fromkeys(units[code] for code in present):
            mine = np.flatnonzero(np.array([u == unit for u in units])[of])
            own = value if len(mine) == len(value) else value.gather(mine)
            texts.append(amount_texts(own, *unit) if unit is not None else own.clear(len(own)).cast(pl.String))
            rows.append(mine)
        if len(texts) < 2:
            return texts[0] if texts else value.cast(pl.String)
        back = np.empty(len(value), np.int64)
        back[np.concatenate(rows)] = np.arange(len(value))
        return pl.concat(texts).gather(back)


@lru_cache(maxsize=64)
def _units(plan: Plan) -> list[tuple[str, str] | None]:
    """The unit in which the amounts of each part are printed, and none for what has no part."""
    return [*map(display_unit, plan.parts), None]


def _filled(text: Text, missing: str) -> pl.Expr:
    """The text with a word for what is missing."""
    if isinstance(text, pl.Series):
        return pl.lit(text).fill_null(missing) if text.null_count() else pl.lit(text)
    return text.fill_null(missing)
