"""A word that a measure cannot be.

What
----
A condition compares a measure with a word that is none of its `values` and none of its `cases`.

Why it matters
--------------
It is never true: mostly the word is misspelt.

Way out
-------
Write one of the measure's words, or add the word to its `values`.

Bad
---
measures: {response: {values: [none, partial, complete]}}
visits: {day-28: {due: day 28, window: ±2 d, does: [response]}}
events: {flare: a flare}
modifications: {responded: {if: response = partial or compleet, may: stop drug}}

Good
----
measures: {response: {values: [none, partial, complete]}}
visits: {day-28: {due: day 28, window: ±2 d, does: [response]}}
events: {flare: a flare}
modifications: {responded: {if: response = partial or complete, may: stop drug}}
"""

from collections.abc import Iterator

from protocol.conditions import Compare, Condition, Words, leaves
from protocol.walk import values
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    for path, condition in values(draft.protocol, Condition):
        for leaf in leaves([condition]):
            measure = draft.protocol.measures.get(leaf.name) if isinstance(leaf, Compare) else None
            if measure is None or not isinstance(leaf, Compare) or not isinstance(leaf.value, Words):
                continue
            known = (*measure.values, *measure.cases)
            for word in leaf.value.words if known else ():
                if word.lower() not in {each.lower() for each in known}:
                    words = {"word": word, "measure": leaf.name, "known": ", ".join(known)}
                    yield Hit(path, words)


word_unknown = Check(
    code="word_unknown",
    title="Word that a measure cannot be",
    page=__doc__,
    find=_find,
    message="'{word}' is none of the words of {measure}: {known}",
    remedy="write one of its words, or add the word to its values",
)
