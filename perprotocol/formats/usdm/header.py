"""What a study says of itself: its identity, arms, who may take part, and its amendments."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from perprotocol.formats.usdm.draft import FILE, TEAM, Block, Draft, kebab
from perprotocol.formats.usdm.model import Dictionary, EligibilityCriterion, Wrapper
from perprotocol.formats.usdm.versions import Json, every_map

_TITLES = ("Official Study Title", "Scientific Study Title", "Brief Study Title", "Public Study Title", "Study Acronym")
"""Kinds of titles, the fullest first."""
_MASKED = {"Open Label Study": "open", "Double Blind Study": "blinded", "Triple Blind Study": "blinded"}


def write_identity(draft: Draft, study: Wrapper, file: str, first_day: int) -> None:
    """Who the protocol is: its name, version, date, registry number and titles."""
    version, document = draft.version, draft.document
    name = kebab(study.study.name)
    document["protocol"] = name or study.study.name
    document["version"] = version.version_identifier or "1"
    effective = list(_effective(draft))
    if effective:
        document["effective"] = max(effective)
    if blinding := _blinding(draft):
        document["blinding"] = blinding
    registry = next(_registry(draft), None)
    if registry is not None:
        document["registry"] = registry
    titles = {title.type.decode: title.text for title in version.titles}
    title = next((titles[kind] for kind in _TITLES if titles.get(kind)), None)
    if title is not None:
        document["title"] = title
    document["first_day"] = str(first_day)
    if not draft.own:
        said = f"{file}, USDM {study.usdm_version}, study {study.study.name}, version {version.version_identifier}"
        document["source"] = FILE
        document["basis"] = "stated"
        document["sources"] = {FILE: said, TEAM: "not stated in the USDM file, the study team must confirm"}
        document["assumed"] = {"first_day": TEAM}
        if amendments := [f"amendment {one.number}: {plain_text(one.summary)}" for one in version.amendments]:
            document["note"] = "; ".join(amendments)
            last = version.amendments[-1].number
            draft.tell("read", "amendments", "StudyAmendment", "note", number=len(amendments), last=last)
        draft.tell("assumed", "first_day", "Timing", "first_day", day=first_day)


def _effective(draft: Draft) -> Iterator[str]:
    amended = [date for amendment in draft.version.amendments for date in amendment.date_values]
    for date in (*draft.version.date_values, *amended):
        if date.type.decode == "Protocol Effective Date":
            yield date.date_value
        else:
            draft.tell("not said", "other_date", date.place, kind=date.type.decode, date=date.date_value)


def _blinding(draft: Draft) -> str | None:
    schema = draft.design.blinding_schema
    if schema is None:
        return None
    said = schema.standard_code.decode
    if said not in _MASKED:
        draft.tell("question", "blinding", draft.design.place, "blinding", schema=said)
    return _MASKED.get(said)


def _registry(draft: Draft) -> Iterator[str]:
    registries = {one.id for one in draft.version.organizations if one.type.decode == "Study Registry"}
    found = [one.text for one in draft.version.study_identifiers if one.scope_id in registries]
    yield from sorted(found, key=lambda text: not text.startswith("NCT"))


def write_arms(draft: Draft) -> dict[str, str]:
    """The arms; their ids by those of the file."""
    named: dict[str, str] = {}
    for arm in draft.design.arms:
        name = kebab(arm.name) or f"arm-{len(named) + 1}"
        while name in named.values():
            name += "-2"
        named[arm.id] = name
        element: Block = {"title": arm.title}
        if arm.description and arm.description != arm.title and not draft.own:
            element["note"] = arm.description
        draft.block("arms")[name] = draft.origin(element, arm.place)
        draft.homes[f"arms.{name}"] = arm.id
    return named


def write_eligibility(draft: Draft, data: Json) -> None:
    """Every criterion as a sentence that a person judges."""
    items = {one.id: one for one in draft.version.eligibility_criterion_items}
    tags = {one.id: _tags(one, data) for one in draft.version.dictionaries}
    for criterion in draft.design.eligibility_criteria:
        item = items.get(criterion.criterion_item_id)
        if item is None:
            continue
        text = plain_text(item.text, tags.get(item.dictionary_id or "", {}))
        side = "include" if "inclusion" in criterion.category.decode.lower() else "exclude"
        block = draft.block("eligibility").setdefault(side, {})
        name = _free(criterion, block, draft)
        block[name] = draft.origin({"text": text}, f"{criterion.place}, criterion {criterion.identifier}".rstrip())
        draft.homes[f"eligibility.{side}.{name}"] = criterion.id
    if draft.design.eligibility_criteria and not draft.own:
        draft.tell(
            "read", "criteria", "EligibilityCriterion", "eligibility", number=len(draft.design.eligibility_criteria)
        )


def _free(criterion: EligibilityCriterion, block: Block, draft: Draft) -> str:
    return draft.name(criterion.name, criterion.identifier, suffix="criterion")


def _tags(dictionary: Dictionary, data: Json) -> dict[str, str]:
    """Tag -> the text that it stands for."""
    found: dict[str, str] = {}
    for each in dictionary.parameter_maps:
        reference = re.search(r'id="([^"]+)" attribute="([^"]+)"', each.reference)
        home = next((m for m in every_map(data) if reference and m.get("id") == reference[1]), None)
        value = home.get(_camel(reference[2])) if home is not None and reference else None
        if isinstance(value, str | int | float):
            found[each.tag] = f"{value:g}" if isinstance(value, float) else str(value)
    return found


def _camel(text: str) -> str:
    return text


def plain_text(text: str, tags: dict[str, str] | None = None) -> str:
    """The text without its markup, on one line; a tag that stands for nothing known stays as [tag]."""
    known = tags or {}
    text = re.sub(r'<usdm:tag\s+name="([^"]+)"\s*(?:/>|>\s*</usdm:tag>)', lambda m: known.get(m[1], f"[{m[1]}]"), text)
    text = re.sub(r"<(?:li|p|tr|br)[^>]*>", " ", text)
    text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return re.sub(r"\s+", " ", text).strip()
