"""A title that contradicts what it stands over.

What
----
The title of a treatment, of its product or of an arm names an amount that no dose of it is, or a route that is
another than the one written.

Why it matters
--------------
One of the two is wrong, and every dose is judged by the other: a digit was lost, or a code copied from elsewhere.

Way out
-------
Look it up in the protocol, and correct the dose, the route or the title.

Bad
---
treatments:
  drug: {title: drug 10 mg, due: day 0, window: ±0 d, dose: {amount: 20 mg, tolerance: ±5 %}}

Good
----
treatments:
  drug: {title: drug 20 mg, due: day 0, window: ±0 d, dose: {amount: 20 mg, tolerance: ±5 %}}
"""

import re
from collections.abc import Iterator

from protocol.elements import TitledElement
from protocol.errors import ScalarError
from protocol.model import Treatment
from protocol.quantity import Quantity, Range
from protocol.yaml_text import Path
from rules.happened.routes import route_term, same_route
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft

_AMOUNT = re.compile(r"[0-9][0-9.]*(?:e[0-9]+| ?×10[⁰¹²³⁴⁵⁶⁷⁸⁹]+)? ?[A-Za-zµμ]+(?:/[A-Za-z0-9²]+)*")
_WORD = re.compile(r"[a-z]{4,}")


def _find(draft: Draft) -> Iterator[Hit]:
    for path, element, treatments in _titled(draft):
        title = element.title.en if element.title is not None else ""
        doses = [amount for treatment in treatments for amount in _amounts(draft, treatment)]
        said = [each for each in _quantities(title) if any(each.dimension == dose.dimension for dose in doses)]
        if said and not any(_is_one(each, dose) for each in said for dose in doses):
            words = {"title": title, "said": said[0], "written": ", ".join(dict.fromkeys(map(str, doses)))}
            yield Hit((*path, "title"), words, "amount")
        routes = [part.route for treatment in treatments for part in treatment.parts() if part.route]
        meant = [word for word in _WORD.findall(title.lower()) if route_term(word) is not None]
        answers = [same_route(word, route) for word in meant for route in routes]
        if answers and all(answer is False for answer in answers) and path[0] != "arms":
            words = {"title": title, "said": meant[0], "written": ", ".join(dict.fromkeys(routes))}
            yield Hit((*path, "title"), words, "route")


def _titled(draft: Draft) -> Iterator[tuple[Path, TitledElement, list[Treatment]]]:
    """Every title that may name a dose or a route, with the treatments that it stands over."""
    treatments = draft.protocol.treatments
    for name, treatment in treatments.items():
        yield ("treatments", name), treatment, [treatment]
    for name, product in draft.protocol.products.items():
        yield ("products", name), product, [t for key, t in treatments.items() if _gives(key, t, name)]
    for name, arm in draft.protocol.arms.items():
        yield ("arms", name), arm, [t for t in treatments.values() if not t.arm or name in t.arm]


def _gives(key: str, treatment: Treatment, product: str) -> bool:
    given = treatment.product or key
    return product in (given.values() if isinstance(given, dict) else (given,))


def _amounts(draft: Draft, treatment: Treatment) -> Iterator[Quantity | Range]:
    """What a treatment gives, at any step or level."""
    name = next(key for key, each in draft.protocol.treatments.items() if each is treatment)
    for mine, _, dose in draft.doses():
        if mine == name:
            yield from (amount for amount in (dose.amount, dose.start, dose.max) if amount is not None)


def _quantities(title: str) -> Iterator[Quantity]:
    for found in _AMOUNT.findall(title):
        try:
            yield Quantity.parse(found)
        except ScalarError:
            continue


def _is_one(said: Quantity, dose: Quantity | Range) -> bool:
    if isinstance(dose, Range):
        return dose.dimension == said.dimension and dose.low.base <= said.base <= dose.high.base
    return dose.dimension == said.dimension and dose.base == said.base


title_contradicts = Check(
    code="title_contradicts",
    title="Title that contradicts what it stands over",
    page=__doc__,
    find=_find,
    message={
        "amount": "the title '{title}' says {said}, and the dose is {written}",
        "route": "the title '{title}' says {said}, and the route is {written}",
    },
    remedy="look it up in the protocol, and correct the one or the other",
)
