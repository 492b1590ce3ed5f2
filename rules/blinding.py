"""A blinded run: protocol and study without what allocation can be inferred from, before anything is computed.

Everybody is in one arm, of what all arms have in common. A treatment whose product depends on the arm has no product
and no dose, and its records no amount, lot or brand: of everybody alike, so that nothing shows that something was
withheld of one. All that follows is computed from these, and so is the manifest's hash of every input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from protocol.errors import Fault, StudyError
from protocol.model import Arm, Protocol, Treatment
from protocol.timing import Anchor, Moment
from protocol.walk import values
from rules.door.tables import SCHEMAS
from rules.facts import Study, read_study
from rules.happened.records import treatments_named
from rules.happened.versions import together
from rules.review.again import Change, read_again

ARM = "blinded"
OPEN, BLINDED, UNBLINDED = "open", "blinded", "unblinded"

TELLING: dict[str, tuple[str, ...]] = {
    "subjects": ("arm", "actual_arm"),
    "administrations": (
        "amount", "unit", "brand", "lot", "bag", "expires", "weight_used", "ordered", "prepared", "volume",
        "concentration", "concentration_unit", "viability", "viable_or_total", "counted", "thawed",
        "released", "dispensed",
    ),
}  # fmt: skip
"""Columns from which allocation can be inferred; of `administrations` only where the treatment is blinded."""

_NAMED = {"administrations": "treatment", "deviation_log": "activity", "decisions": "activity"}
"""Columns that may name a product, and then say the treatment instead."""


def blinded_treatments(protocol: Protocol) -> tuple[str, ...]:
    """Treatments whose product depends on the arm."""
    return tuple(n for n, t in protocol.treatments.items() if any(_depends(part) for part in t.parts()))


def sighted(
    versions: Sequence[Protocol], study: Study, blinded: bool | None
) -> tuple[tuple[Protocol, ...], Study, str]:
    """Versions and study as this run may see them, and how: open, blinded, or unblinded where the trial is blinded.

    `blinded` None is what the protocol says.
    """
    if any(is_blinded(version, blinded) for version in versions):
        return tuple(blind_protocol(version) for version in versions), blind(together(versions), study)[1], BLINDED
    unblinded = any(version.blinding == BLINDED for version in versions)
    return tuple(versions), study, UNBLINDED if unblinded else OPEN


def is_blinded(protocol: Protocol, blinded: bool | None) -> bool:
    """Whether a run is blinded: as it was asked for, else as the protocol says."""
    return protocol.blinding == BLINDED if blinded is None else blinded


def not_seen(protocol: Protocol) -> tuple[tuple[str, str], ...]:
    """Paths of a protocol that a blinded run does not judge, with the key of why."""
    kept = blind_protocol(protocol)
    blocks = ("treatments", "visits", "assessments", "modifications")
    lost = [f"{name}.{key}" for name in blocks for key in getattr(protocol, name) if key not in getattr(kept, name)]
    hidden = [f"treatments.{name}" for name in blinded_treatments(protocol)]
    return tuple((path, "blinded") for path in dict.fromkeys((*hidden, *lost)))


def _depends(part: Treatment) -> bool:
    return isinstance(part.product, dict)


def blind(protocol: Protocol, study: Study) -> tuple[Protocol, Study]:
    """Both as a blinded reader may see them; StudyError, without a recorded word, for what cannot be blinded."""
    _known(protocol, study)
    hidden = blinded_treatments(protocol)
    changes: dict[str, Change] = {name: partial(_told, name, protocol, frozenset(hidden)) for name in study.tables}
    told = read_again(study, changes=changes)
    if told.study is None:
        raise StudyError(masked(fault) for fault in told.faults)
    return blind_protocol(protocol), told.study


def read_facts(folder: str | Path, protocol: Protocol, blinded: bool | None) -> Study:
    """The study in a folder; for a blinded reader the faults of its files show no word that could tell an arm."""
    return unseen(partial(read_study, folder), protocol, blinded)


def unseen(read: Callable[[], Study], protocol: Protocol, blinded: bool | None) -> Study:
    """A study read; for a blinded reader the faults of its files show no word that could tell an arm."""
    try:
        return read()
    except StudyError as error:
        if not is_blinded(protocol, blinded):
            raise
        raise StudyError(masked(fault) for fault in error.faults) from None


def masked(fault: Fault) -> Fault:
    """The fault without the recorded word where that could tell an arm."""
    if fault.column in (*TELLING["subjects"], *TELLING["administrations"], "treatment"):
        return Fault(fault.file, fault.line, fault.column, "", "", "cannot be used", "see it with --unblinded")
    return fault


def _known(protocol: Protocol, study: Study) -> None:
    """Every arm and every treatment on record is one of the protocol."""
    faults = []
    for table, column, line in (("subjects", "arm", "row"), ("administrations", "treatment", "row")):
        for word, row in study.data(table).group_by(column).agg(pl.col(line).min()).drop_nulls().sort(line).iter_rows():
            known = (
                word in protocol.arms
                if column == "arm"
                else treatments_named(protocol, word, tuple(protocol.treatments))
            )
            if not known:
                faults.append(masked(Fault(study.tables[table].file, row, column, "", word, "", "")))
    if faults:
        raise StudyError(faults)


# --- the protocol -------------------------------------------------------------------------------------------------


def blind_protocol(protocol: Protocol) -> Protocol:
    """One arm, with what all arms have in common; a blinded treatment without product and dose."""
    arms = frozenset(protocol.arms)
    blocks: dict[str, dict[str, Any]] = {
        name: {
            key: element
            for key, element in getattr(protocol, name).items()
            if not element.arm or arms <= {*element.arm}
        }
        for name in ("treatments", "visits", "assessments")
    }
    lost = {key for name in blocks for key in getattr(protocol, name)} - {
        key for block in blocks.values() for key in block
    }
    while more := [(name, key) for name, block in blocks.items() for key, e in block.items() if _names(e) & lost]:
        for name, key in more:
            del blocks[name][key]
            lost.add(key)
    blocks["treatments"] = {key: _bare(treatment) for key, treatment in blocks["treatments"].items()}
    common = {name: {key: _for_all(element) for key, element in block.items()} for name, block in blocks.items()}
    kept = {k: m for k, m in protocol.modifications.items() if not {a.target for a in (*m.then, *m.may)} & lost}
    return protocol.model_copy(update={**common, "modifications": kept, "arms": {ARM: Arm()}, "blinding": OPEN})


def _names(element: object) -> set[str]:
    """The activities and milestones that an element counts from."""
    anchors = [anchor for _, anchor in values(element, Anchor)]
    anchors += [i.anchor for _, moment in values(element, Moment) for i in moment.alternatives if i.anchor]
    return {anchor.name for anchor in anchors}


def _for_all(element: Any) -> Any:
    return element.model_copy(update={"arm": ()})


def _bare(treatment: Treatment) -> Treatment:
    """A blinded treatment with a product of no name and without dose; any other as it is."""
    if not any(_depends(part) for part in treatment.parts()):
        return treatment
    nothing = {"product": ARM, "dose": ()}
    steps = tuple(step.model_copy(update=nothing) for step in treatment.steps)
    return treatment.model_copy(update=nothing | {"levels": {}, "steps": steps})


# --- the study ----------------------------------------------------------------------------------------------------


def _told(
    table: str, protocol: Protocol, hidden: frozenset[str], raw: pl.DataFrame, lines: pl.Series
) -> tuple[pl.DataFrame, pl.Series]:
    """A recorded table as a blinded reader may see it: only the columns of a study, and nothing that tells an arm."""
    told = raw.select(name for name in raw.columns if name in SCHEMAS[table].names)
    if table == "subjects":
        arm = pl.when(pl.col("arm").cast(pl.String).str.strip_chars() != "").then(pl.lit(ARM)).alias("arm")
        return told.with_columns(*([arm] if "arm" in told.columns else [])).drop("actual_arm", strict=False), lines
    if table == "corrections":
        kept = ~told["column"].is_in(sum(TELLING.values(), ("treatment",))) if "column" in told.columns else lines >= 0
        return told.filter(kept.fill_null(value=True)), lines.filter(kept.fill_null(value=True))
    if table == "lots":
        return told.clear(), lines.clear()  # whose lot it is says the product
    column = _NAMED.get(table)
    if column is None or column not in told.columns:
        return told, lines
    words = told[column].cast(pl.String).str.strip_chars()
    meant = {w: treatments_named(protocol, w, tuple(protocol.treatments)) for w in words.drop_nulls().unique() if w}
    names = {w: found[0] if len(found) == 1 else ARM for w, found in meant.items() if found and hidden & {*found}}
    told = told.with_columns(words.replace(names).alias(column))
    if table != "administrations":
        return told, lines
    lost = set(protocol.treatments) - set(blind_protocol(protocol).treatments)
    secret = words.is_in([w for w, found in meant.items() if hidden & {*found}])
    known = ~words.is_in([w for w, found in meant.items() if found and lost >= {*found}])
    telling = [pl.when(~secret).then(pl.col(c)).alias(c) for c in TELLING[table] if c in told.columns]
    return told.with_columns(telling).filter(known), lines.filter(known)
