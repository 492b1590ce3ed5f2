"""The trial as SDTM tells it: arms and elements (TA, TE), visits (TV) and a summary (TS), made from the protocol."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from perprotocol.formats.sdtm.frames import Incoming, take
from perprotocol.formats.sdtm.links import NUMBERED, plain_number, titles
from perprotocol.formats.sdtm.mapping import simple
from protocol.model import Protocol
from protocol.timing import Moment
from rules import Study
from rules.plan import compile_plan
from rules.planning.slots import ArmPlan, Slot

_SCREENING, _TREATMENT, _FOLLOW_UP = "SCREENING", "TREATMENT", "FOLLOW-UP"
_WORDS = 8
"""Signs that an element's code may have."""


def planned_visits(trial: Protocol) -> dict[str, tuple[float, int | None]]:
    """Each planned visit, with its occurrence where there are several -> VISITNUM and VISITDY, in their order."""
    return {name: (number, _study_day(day)) for name, number, day, *_ in _visits(trial)}


def _study_day(days: int | None) -> int | None:
    """The study day so many days after day zero, which is day 1; there is no day 0."""
    return None if days is None else days + 1 if days >= 0 else days


def _visits(trial: Protocol) -> list[tuple[str, float, int | None, tuple[str, ...], Slot]]:
    """Name, number, planned day from day zero (None where it is no single day), arms, and the slot.

    `visit-4` is visit 4; where visits are numbered so, others have the number before them and a tenth.
    """
    plan = compile_plan(trial)
    slots = [s for arm in plan.arms.values() for s in arm.slots if s.part.kind == "visit"]
    several = {s.part.activity for s in slots if s.occurrence > 1}
    seen: dict[str, tuple[float, int | None, list[str], Slot]] = {}
    for name, arm in plan.arms.items():
        for column, slot in enumerate(arm.slots):
            if slot.part.kind != "visit":
                continue
            word = slot.part.activity + (f" {slot.occurrence}" if slot.part.activity in several else "")
            if word in seen:
                seen[word][2].append(name)
            else:
                seen[word] = (_about(arm, column), _planned(arm, column), [name], slot)
    order = sorted(seen, key=lambda word: seen[word][0])
    own = {word: int(found[1]) for word in order if (found := NUMBERED.fullmatch(word))}
    rows, before, tenths = [], 0.0, 0
    for word in order:
        before, tenths = (float(own[word]), 0) if word in own else (before, tenths + 1) if own else (before + 1, 0)
        rows.append((word, round(before + tenths / 10, 4), seen[word][1], tuple(seen[word][2]), seen[word][3]))
    return rows


def _planned(arm: ArmPlan, column: int) -> int | None:
    """Days from day zero to an occurrence, where it is planned from day zero or from another that is."""
    slot, days = arm.slots[column], 0
    if _within(slot):
        return None
    for _ in arm.slots:
        if slot.offset.months or slot.offset.minutes or slot.offset.working or slot.others:
            return None
        days += slot.offset.days
        if slot.ref.kind == "milestone":
            return days if slot.ref.name == "day-zero" else None
        if slot.ref.kind not in ("slot", "previous") or slot.ref.slot < 0:
            return None
        slot = arm.slots[slot.ref.slot]
    return None


def _about(arm: ArmPlan, column: int) -> float:
    """About how many days from day zero, for the order alone; what hangs on nothing planned comes last."""
    slot = arm.slots[column]
    days = (slot.low or 0) if _within(slot) else 0
    for _ in arm.slots:
        days += slot.offset.about
        if slot.ref.kind == "milestone":
            late = 0 if slot.ref.name in ("day-zero", "enrolled", "consented", "randomised") else 10**5
            return float(days + late)
        if slot.ref.slot < 0:
            return float(days + 10**5)
        slot = arm.slots[slot.ref.slot]
    return float(10**6)


def _within(slot: Slot) -> bool:
    """Whether it is due any time within a stretch of days."""
    return any(i.kind in ("within", "within_days") for moment in slot.part.element.due for i in moment.alternatives)


def design_out(trial: Protocol, study: Study, *, sighted: bool = True) -> dict[str, pl.DataFrame]:
    """TA, TE, TV and TS; without `sighted` no arm is named."""
    found = {"TA": _ta(trial, study.name), "TE": _te(trial, study.name)} if sighted else {}
    return {**found, "TV": _tv(trial, study.name, sighted=sighted), "TS": _ts(trial, study)}


def _elements(trial: Protocol) -> list[tuple[str, str, str, str, str]]:
    """ETCD, element, start rule, end rule, arm ("" for all)."""
    first = _title(trial.milestones["day-zero"].title) if "day-zero" in trial.milestones else ""
    day_zero = f"Day zero{f': {first}' if first else ''}"
    rows = [("SCREEN", "Screening", "Informed consent", day_zero, "")]
    codes = {"SCREEN", "FOLLOWUP"}
    for n, (name, arm) in enumerate(trial.arms.items(), 1):
        code = "".join(sign for sign in name.upper() if sign.isalnum())[:_WORDS] or f"ARM{n}"
        code = code if code not in codes else f"ARM{n}"
        codes.add(code)
        rows.append(
            (code, _title(arm.title) or name, day_zero, "Last planned dose, or discontinuation of treatment", name)
        )
    rows.append(("FOLLOWUP", "Follow-up", "After the last planned dose", "Last planned visit", ""))
    return rows


def _te(trial: Protocol, study: str) -> pl.DataFrame:
    rows = [(study, "TE", code, name, start, end) for code, name, start, end, _ in _elements(trial)]
    return _texts(rows, ("STUDYID", "DOMAIN", "ETCD", "ELEMENT", "TESTRL", "TEENRL"))


def _ta(trial: Protocol, study: str) -> pl.DataFrame:
    elements = _elements(trial)
    rows = []
    for arm, described in trial.arms.items():
        mine = [e for e in elements if e[4] in ("", arm)]
        for order, ((code, name, *_), epoch) in enumerate(
            zip(mine, (_SCREENING, _TREATMENT, _FOLLOW_UP), strict=True), 1
        ):
            branch = f"Assigned to {_title(described.title) or arm}" if order == 1 else None
            label = _title(described.title) or arm
            rows.append((study, "TA", arm.upper()[:20], label, order, code, name, branch, None, epoch))
    names = ("STUDYID", "DOMAIN", "ARMCD", "ARM", "TAETORD", "ETCD", "ELEMENT", "TABRANCH", "TATRANS", "EPOCH")
    return _texts(rows, names).with_columns(pl.col("TAETORD").cast(pl.Int64))


def _tv(trial: Protocol, study: str, *, sighted: bool) -> pl.DataFrame:
    rows = []
    for name, number, day, arms, slot in _visits(trial):
        every = len(arms) == len(trial.arms) or not sighted
        planned = _study_day(day)
        due = " or ".join(moment.text for moment in slot.part.element.due if isinstance(moment, Moment))
        window = f", window {slot.part.element.window}" if slot.part.element.window is not None else ""
        rule = f"Due {due}{window}" if due else None
        for arm in ("",) if every else arms:
            label = _title(trial.arms[arm].title) or arm if arm else None
            rows.append((study, "TV", number, name.upper(), planned, arm.upper()[:20] or None, label, rule, None))
    names = ("STUDYID", "DOMAIN", "VISITNUM", "VISIT", "VISITDY", "ARMCD", "ARM", "TVSTRL", "TVENRL")
    return _texts(rows, names).with_columns(pl.col("VISITNUM").cast(pl.Float64), pl.col("VISITDY").cast(pl.Int64))


def _ts(trial: Protocol, study: Study) -> pl.DataFrame:
    """The title, the registry number and the day up to which the data are complete."""
    told = [
        ("TITLE", "Trial Title", _title(trial.title)),
        ("REGID", "Registry Identifier", str(trial.registry or "")),
        ("NARMS", "Planned Number of Arms", str(len(trial.arms))),
        ("PROTVERS", "Protocol Version", str(trial.version)),
        ("DCUTDTC", "Data Cutoff Date", study.data_cut.isoformat() if study.data_cut else ""),
        ("DCUTDESC", "Data Cutoff Description", "Data are complete up to this day" if study.data_cut else ""),
    ]
    rows = [(study.name, "TS", "1", code, name, value) for code, name, value in told if value]
    frame = _texts(rows, ("STUDYID", "DOMAIN", "TSSEQ", "TSPARMCD", "TSPARM", "TSVAL"))
    return frame.with_columns(pl.col("TSSEQ").cast(pl.Int64))


def _texts(rows: Sequence[Sequence[object]], names: tuple[str, ...]) -> pl.DataFrame:
    texts = [[None if cell is None else str(cell) for cell in row] for row in rows]
    return pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String), orient="row")


def _title(title: object) -> str:
    return str(getattr(title, "en", None) or "")


# --- in -----------------------------------------------------------------------------------------------------------


def compare_design(design: dict[str, pl.DataFrame], go: Incoming) -> None:
    """What TA and TV say otherwise than the protocol: arms it does not have, and visits on other days."""
    told = take(design.get("TA", pl.DataFrame()), "ARMCD", "ARM").unique().rows()
    linked = {go.links.arm(code, label, rows=0) for code, label in told}
    for arm, described in go.trial.arms.items():
        if "TA" in design and arm not in linked and not titles(described.title) & {simple(a) for a in linked}:
            go.notes.add("read", "arm-not-in-ta", "TA", "ARMCD", arm)
    planned = planned_visits(go.trial)
    rows = take(design.get("TV", pl.DataFrame()), "VISITNUM", "VISIT", "VISITDY")
    for number, name, day in rows.unique(maintain_order=True).drop_nulls("VISITDY").rows():
        visit, how = go.links.visit(number, name)
        said = planned.get(visit, (0.0, None))[1]
        if how in ("name", "number", "mapping") and said is not None and plain_number(day) != str(said):
            go.notes.add("read", "visit-day", "TV", "VISITDY", f"{name} ({day})", protocol=str(said))


def data_cut(design: dict[str, pl.DataFrame]) -> str | None:
    """The data cut that TS names."""
    rows = take(design.get("TS", pl.DataFrame()), "TSPARMCD", "TSVAL").filter(pl.col("TSPARMCD") == "DCUTDTC")
    return str(rows["TSVAL"][0])[:10] if len(rows) and rows["TSVAL"][0] else None
