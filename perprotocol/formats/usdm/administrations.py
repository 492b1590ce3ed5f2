"""One administration of an intervention: how much, by which route, how often and how long, and whether it agrees."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from perprotocol.formats.usdm.draft import Block, Draft
from perprotocol.formats.usdm.model import (
    AdministrableProduct,
    Administration,
    Quantity,
    Range,
    StudyIntervention,
)
from perprotocol.formats.usdm.terms import FREQUENCIES, ROUTES, ROUTES_OF_FORMS, SPANS, UNITS
from protocol import ScalarError
from protocol.dosing import Frequency
from protocol.quantity import Quantity as Amount


@dataclass
class Administrations:
    """The administrations of a file, read one by one; `first` is the number of day zero."""

    draft: Draft
    first: int
    names: dict[str, str] = field(default_factory=dict)
    """Product -> its id in the protocol."""

    def __post_init__(self) -> None:
        self.products = {one.id: one for one in self.draft.version.administrable_products}

    def part(self, administration: Administration) -> Block:
        """The dose, route, frequency and duration of one administration, as far as they can be said."""
        part: Block = {}
        route = administration.route.standard_code.decode if administration.route else None
        if route is not None:
            part["route"] = ROUTES.get(route, re.sub(r" route of administration$", "", route.lower()))
        if administration.frequency is not None:
            said = administration.frequency.standard_code.decode
            if (often := frequency(said)) is not None:
                part["frequency"] = often
            elif said.lower() == "once":
                part["due"] = f"day {self.first}"
            else:
                self.draft.tell("question", "frequency", administration.place, frequency=said)
        part |= self._lasting(administration)
        if administration.dose is not None:
            part["dose"] = self._dose(administration, administration.dose)
        if administration.administrable_product_id in self.products:
            part["product"] = self._product(self.products[administration.administrable_product_id])
        return {key: value for key, value in part.items() if value is not None}

    def _product(self, product: AdministrableProduct) -> str:
        """The product that is given, with its form."""
        if product.id not in self.names:
            self.names[product.id] = self.draft.name(product.name, product.label, suffix="product")
            form = product.administrable_dose_form.standard_code.decode
            element: Block = {"title": product.title, "note": form}
            self.draft.block("products")[self.names[product.id]] = self.draft.origin(element, product.place)
        return self.names[product.id]

    def _dose(self, administration: Administration, dose: Quantity) -> str | None:
        text = f"{number(dose.value)} {unit(dose)}".strip()
        why = "has no unit" if not unit(dose) else None
        try:
            Amount.parse(text)
        except ScalarError as fault:
            why = fault.why
        if why is not None:
            self.draft.tell("question", "dose", administration.place, dose=text, why=why)
        return text if why is None else None

    def _lasting(self, administration: Administration) -> Block:
        """How long a course goes on (`for`) or, in hours and minutes, one dose takes (`over`)."""
        duration = administration.duration
        quantity = duration.quantity
        if isinstance(quantity, Range) or quantity is None:
            if quantity is not None:
                self.draft.tell("question", "duration_range", administration.place)
            return {}
        said = f"{number(quantity.value)} {unit(quantity)}".strip()
        clock = unit(quantity) in ("h", "min")
        if not (clock or unit(quantity) in SPANS) or quantity.value != int(quantity.value) or quantity.value <= 0:
            self.draft.tell("contradiction", "duration", administration.place, duration=said)
            return {}
        if clock and not self.draft.own:
            self.draft.tell("assumed", "time_of_one_dose", administration.place, duration=said)
        if duration.duration_will_vary:
            reason = duration.reason_duration_will_vary or "-"
            self.draft.tell("assumed", "duration_varies", administration.place, duration=said, reason=reason)
        return {"over" if clock else "for": said}

    def check_texts(self, intervention: StudyIntervention, administration: Administration) -> None:
        """The dose and route as coded are those of the words around them."""
        texts = " ".join(
            (*administration.texts, *(intervention.texts if len(intervention.administrations) == 1 else ()))
        )
        dose = administration.dose
        if dose is not None and dose.unit is not None:
            pattern = rf"([0-9]+(?:\.[0-9]+)?)\s?{re.escape(unit(dose))}(?![A-Za-z0-9]|/(?!d(?:ay)?\b))"
            said = [Decimal(found) for found in re.findall(pattern, texts)]
            if said and dose.value not in said:
                values = {"coded": f"{number(dose.value)} {unit(dose)}", "text": texts}
                self.draft.tell("contradiction", "dose_text", administration.place, **values)
        form = (
            self.products[administration.administrable_product_id].administrable_dose_form.standard_code.decode
            if (administration.administrable_product_id in self.products)
            else ""
        )
        route = administration.route.standard_code.decode if administration.route is not None else ""
        for word, routes in ROUTES_OF_FORMS.items():
            if re.search(rf"\b{word}(?:e?s)?\b", f"{texts} {form}".lower()) and route:
                if ROUTES.get(route, route.lower()) not in routes:
                    values = {"route": route, "form": word, "text": f"{texts} {form}".strip()}
                    self.draft.tell("contradiction", "route_form", administration.place, **values)
                break


def number(value: Decimal) -> str:
    """The number without zeros that say nothing."""
    return f"{value.normalize():f}"


def unit(quantity: Quantity) -> str:
    """The unit as a protocol writes it."""
    if quantity.unit is None:
        return ""
    code = quantity.unit.standard_code
    return UNITS.get(code.decode) or UNITS.get(code.decode.title()) or code.decode


def frequency(decode: str) -> str | None:
    """The frequency of a term, None where the language has no words for it."""
    text = FREQUENCIES.get(decode, decode.lower())
    try:
        return Frequency.parse(text).text
    except ScalarError:
        return None
