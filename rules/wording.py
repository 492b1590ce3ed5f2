"""Verdicts as sentences: templates filled by column, in English and Chinese.

A rule's templates name words in braces. Each word is one function here, from the hits of a rule to a column of text;
phrases that join several words stand in `catalogue/en.yaml` and `catalogue/zh.yaml`, as do the rules' Chinese texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

import polars as pl

from protocol.model import Protocol
from rules.amount_text import amount_texts, display_unit
from rules.grid import Laid
from rules.rule import Rule
from rules.slots import Part
from rules.words import OPTIONAL, WORDS

_WORD = re.compile(r"\{(\w+)\}")


@cache
def catalogue(lang: str) -> dict[str, Any]:
    """The texts of one language: `rules` (code -> title, message ...), `phrases` and `words`."""
    import yaml  # noqa: PLC0415  start-up of --help does not need it

    text = resources.files("rules").joinpath(f"catalogue/{lang}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def rule_text(rule: Rule, field: str, lang: str) -> str:
    """A rule's title, message, expected or observed in a language; English stands in the rule itself."""
    own: str = getattr(rule, field)
    return str(catalogue("zh")["rules"].get(rule.code, {}).get(field, own)) if lang == "zh" else own


def placeholders(template: str) -> tuple[str, ...]:
    """The words that a template uses."""
    return tuple(_WORD.findall(template))


@dataclass(frozen=True)
class Wording:
    """The words of one partition in one language. `recorded` gives the cells of a record as they were recorded."""

    laid: Laid
    lang: str
    raw: Callable[[str, pl.Series], pl.DataFrame]
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
        pieces = _WORD.split(template)
        unknown = self.phrases["unknown"]
        texts: list[pl.Expr] = []
        for i, piece in enumerate(pieces):
            if i % 2:
                texts.append(pl.lit(self.word(piece, hits).fill_null("" if piece in OPTIONAL else unknown)))
            elif piece:
                texts.append(pl.lit(piece))
        if len(pieces) < 2:
            return pl.Series([template], dtype=pl.String).new_from_index(0, len(hits))
        return pl.select(pl.concat_str(texts)).to_series()

    def choose(self, hits: pl.DataFrame, which: pl.Series, yes: str, no: str) -> pl.Series:
        """One of two phrases for every row; the other is not filled where no row needs it."""
        if which.all():
            return self.fill(self.phrases[yes], hits)
        other = self.fill(self.phrases[no], hits)
        return self.fill(self.phrases[yes], hits).zip_with(which, other) if which.any() else other

    def word(self, name: str, hits: pl.DataFrame) -> pl.Series:
        """One word for every row of `hits`; null where it has no value. Worked out once for the same rows."""
        if self._last.get("hits") is not hits:
            self._last.clear()
            self._last["hits"] = hits
        if name not in self._last:
            is_phrase = name in self.phrases and name not in WORDS
            word = self.fill(self.phrases[name], hits) if is_phrase else WORDS[name](self, hits)
            self._last[name] = word
            return word
        found: pl.Series = self._last[name]
        return found

    def name_of(self, part: Part) -> str:
        """An activity's title in the language, else its id."""
        title = self._element(part).title
        return title.in_(self.lang) if title is not None else part.activity

    def _element(self, part: Part) -> Any:
        return getattr(self.protocol, f"{part.kind}s")[part.activity]

    def by_part(self, hits: pl.DataFrame, value: Callable[[Part], str | None]) -> pl.Series:
        """A text that is the same for all rows of one part of the plan."""
        table = pl.Series([value(p) for p in self.laid.plan.parts] + [None], dtype=pl.String)
        return table.gather(hits["part"].fill_null(len(self.laid.plan.parts)))

    def amounts(self, hits: pl.DataFrame, column: str, thousandths: bool = False) -> pl.Series:
        """Amounts in base units as people write them, in the unit of the treatment's dose."""
        value = hits[column].cast(pl.Int64)
        value = value // 1000 if thousandths else value
        text = pl.Series([None], dtype=pl.String).new_from_index(0, len(hits))
        codes: dict[tuple[str, str], list[int]] = {}
        for code in hits["part"].unique().drop_nulls():
            if unit := display_unit(self.laid.plan.parts[code]):
                codes.setdefault(unit, []).append(code)
        for unit, parts in codes.items():
            mine = hits["part"].is_in(parts) if len(codes) > 1 else hits["part"].is_not_null()
            text = text.zip_with(~mine, amount_texts(value, *unit))
        return text
