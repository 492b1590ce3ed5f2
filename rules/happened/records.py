"""What was recorded, made ready to be matched: bags of one dose joined, treatments named as the protocol names them.

Several rows may form one dose (bags, a restart), and two rows may say the same dose twice. Both are settled here,
before anything is judged. Rows that say *not given* stay: they answer for an occurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from protocol.errors import Fault, StudyError
from protocol.model import Protocol
from rules.arrays import NONE, Flags, Index, Ints, Longs, coded, days, distinct, key, taken, whole, whole_or_none
from rules.facts import Study
from rules.happened.evidence import Evidence
from rules.happened.repeated import COUNTS, UNRULED, VOMITED, Kinds, given_again, said_twice

GIVEN, PARTLY, NOT_GIVEN, UNKNOWN = range(4)
STATUS = {
    "given": GIVEN,
    "partly given": PARTLY,
    "not given": NOT_GIVEN,
    "unknown": UNKNOWN,
    "done": GIVEN,
    "partly done": PARTLY,
    "not done": NOT_GIVEN,
}
RESTART = 60
"""Minutes within which a second row without a bag goes on with the dose before it. A tool default."""

TWICE = 15
"""Minutes within which the same amount from the same bag is one dose recorded twice. A tool default."""

NOT_IN_ARM, ARM_UNKNOWN, AMBIGUOUS = -1, -2, -3


@dataclass(frozen=True)
class Records:
    """Doses or visits of a partition, sorted by participant, activity and time; one row a dose, not a bag.

    activity: place in `names`, or NOT_IN_ARM, ARM_UNKNOWN, AMBIGUOUS (a product of several treatments of the arm).
    place: row of the first record in the table's frame; `parts` how many rows were joined. `named`: the first activity
    that the word may stand for, whatever the arm. `unsure`: a row without its amount may repeat it. `dose_of`: of each
    row of the table of doses, which dose it is part of.
    """

    names: tuple[str, ...]
    s: Ints
    activity: Ints
    word: Ints
    day: Ints
    last: Ints
    minute: Ints
    label: Ints
    status: Ints
    place: Ints
    parts: Ints
    amount: Longs
    duplicate: Flags
    misfiled: Flags
    unsure: Flags
    named: Ints
    words: tuple[str, ...] = ()
    dose_of: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    kinds: Kinds | None = None
    """Of each row of the table of doses whether it counts (`repeated.py`); None where all do."""

    @cached_property
    def vague(self) -> bool:
        """Whether some record is dated only by its month or year."""
        return bool(((self.day != self.last) & (self.day != NONE)).any())

    @cached_property
    def to_place(self) -> list[tuple[Index, Ints]]:
        """Of each activity the rows that may be one of its occurrences, in order, and whose they are."""
        usable = (self.activity >= 0) & ~(self.duplicate | self.misfiled) & (self.day != NONE)
        activity = np.where(usable, self.activity, -1)
        rows = [np.flatnonzero(activity == n) for n in range(len(self.names))]
        return [(mine, self.s[mine]) for mine in rows]

    def take(self, order: Ints) -> Records:
        """These rows in another order, or fewer of them."""
        columns = (
            "s", "activity", "word", "day", "last", "minute", "label", "status", "place", "parts", "amount",
            "duplicate", "misfiled", "unsure", "named",
        )  # fmt: skip
        chosen: dict[str, Any] = {c: taken(getattr(self, c), order) for c in columns}
        return replace(self, **chosen)


def read_doses(e: Evidence) -> Records:
    """The administrations of a partition."""
    frame = e.frames["administrations"]
    names = tuple(e.protocol.treatments)
    words, codes = _codes(frame["treatment"])
    table = np.array([_resolve(e.protocol, w, names) for w in words], dtype=np.int32).reshape(
        len(words), len(e.protocol.arms) + 1
    )
    records = _records(e, frame, "start", names, words, codes, table)
    return _joined(records, frame, e)


def read_visits(e: Evidence) -> Records:
    """The visits of a partition; a visit that the protocol does not know keeps no activity: it is unscheduled."""
    frame = e.frames["visits"]
    names = tuple(e.protocol.visits)
    words, codes = _codes(frame["visit"])
    places, labels = zip(*(_visit(e.protocol, w, names) for w in words), strict=True) if words else ((), ())
    table = np.array([[p] * (len(e.protocol.arms) + 1) for p in places], dtype=np.int32).reshape(
        len(words), len(e.protocol.arms) + 1
    )
    records = _records(e, frame, "date", names, words, codes, table)
    labelled = np.array(labels or [NONE], dtype=np.int32)[records.word] if words else records.label
    keep = np.flatnonzero(records.activity >= 0).astype(np.int32)
    return replace(records, label=labelled).take(keep)


def check_words(versions: Sequence[Protocol], study: Study) -> None:
    """Raise StudyError with every treatment and every arm that no version knows, each at its first row."""
    protocol = versions[-1]
    faults: list[Fault] = []
    for table, column, known, what in (
        ("administrations", "treatment", tuple(protocol.treatments), "treatment or product"),
        ("subjects", "arm", tuple(protocol.arms), "arm"),
    ):
        frame = study.data(table)
        for word in sorted(distinct(frame[column])):
            if not any(_knows(version, table, str(word)) for version in versions):
                row = int(frame.filter(frame[column] == word)["row"].min())  # type: ignore[arg-type]
                why = f"is no {what} of the protocol {protocol.protocol}"
                faults.append(
                    Fault(study.tables[table].file, row, column, "", str(word), why, _nearest(str(word), known))
                )
    if faults:
        raise StudyError(faults)


def _knows(protocol: Protocol, table: str, word: str) -> bool:
    if table == "subjects":
        return word in protocol.arms
    return bool(treatments_named(protocol, word, tuple(protocol.treatments)))


def treatment_words(protocol: Protocol, word: str) -> tuple[str, ...]:
    """The treatments of the protocol that a word may stand for, as written in it."""
    return tuple(treatments_named(protocol, word, tuple(protocol.treatments)))


def _nearest(word: str, names: tuple[str, ...]) -> str:
    import difflib  # noqa: PLC0415  only an error needs it

    near = difflib.get_close_matches(word.lower(), names, 1, 0.5)
    return f"write {near[0]}" if near else "write one of " + ", ".join(names)


def _codes(column: pl.Series) -> tuple[tuple[str, ...], Ints]:
    """Distinct words, and each row's place among them (-1 where empty)."""
    words = tuple(sorted(distinct(column)))
    if not words:
        return (), np.full(len(column), -1, np.int32)
    return words, coded(column, {word: place for place, word in enumerate(words)}, -1)


def treatments_named(protocol: Protocol, word: str, names: tuple[str, ...], arm: str | None = None) -> list[str]:
    """Treatments that a recorded word may stand for: by id or title first, else by product (of one arm, if given)."""
    simple = word.lower().strip().replace("_", "-")
    spaced = simple.replace(" ", "-")
    named = [n for n in names if spaced == n or simple in _titles(protocol.treatments[n].title)]
    return named or [n for n in names if {spaced, simple} & _product_words(protocol, n, arm)]


def _titles(title: object) -> set[str]:
    return {str(t).lower() for t in (getattr(title, "en", None), getattr(title, "zh", None)) if t}


def _product_words(protocol: Protocol, treatment: str, arm: str | None) -> set[str]:
    product = protocol.treatments[treatment].product
    products = {product or treatment} if not isinstance(product, dict) else set(product.values())
    if isinstance(product, dict) and arm is not None:
        products = {p for of, p in product.items() if of == arm}
    words = {p.lower() for p in products}
    for name in products & set(protocol.products):
        said = (*protocol.products[name].terms, *protocol.products[name].brand)
        words |= _titles(protocol.products[name].title) | {t.lower() for t in said}
    return words


def _resolve(protocol: Protocol, word: str, names: tuple[str, ...]) -> list[int]:
    """The treatment that a word means in each arm; last, where the arm is unknown."""
    found = []
    for arm in protocol.arms:
        candidates = treatments_named(protocol, word, names, arm)
        mine = [n for n in candidates if any(not p.arm or arm in p.arm for p in protocol.treatments[n].parts())]
        found.append(names.index(mine[0]) if len(mine) == 1 else AMBIGUOUS if mine else NOT_IN_ARM)
    same = set(found)
    return [*found, found[0] if len(same) == 1 and found[0] >= 0 else ARM_UNKNOWN]


def visit_named(protocol: Protocol, word: str) -> str | None:
    """The visit of the protocol that a recorded word names, if it names one."""
    return visit_occurrence(protocol, word)[0]


def visit_occurrence(protocol: Protocol, word: str) -> tuple[str | None, int | None]:
    """The visit of the protocol that a recorded word names and the number of its occurrence, where it names them."""
    names = tuple(protocol.visits)
    place, number = _visit(protocol, word, names)
    return names[place] if place >= 0 else None, number if number != NONE else None


def activities_named(protocol: Protocol, word: str) -> list[str]:
    """The activities, or the criterion, that a recorded word stands for; none where the protocol knows no such word."""
    simple = "-".join(word.lower().replace("_", " ").split())
    others = (*protocol.assessments, *protocol.eligibility.include, *protocol.eligibility.exclude)
    visit = visit_named(protocol, word)
    named = [name for name in others if name == simple] + ([visit] if visit is not None else [])
    return named or treatments_named(protocol, word, tuple(protocol.treatments))


def _visit(protocol: Protocol, word: str, names: tuple[str, ...]) -> tuple[int, int]:
    """The visit and the occurrence that a recorded word names: `weekly`, `weekly 2`, or a title.

    A name itself goes before a name with a number: `visit-10` is no tenth `visit-1`.
    """
    simple = word.lower().strip()
    spellings = {
        spelling: n
        for n, name in reversed(list(enumerate(names)))
        for spelling in {name, name.replace("-", " ")} | _titles(protocol.visits[name].title)
    }
    if simple in spellings:
        return spellings[simple], NONE
    for spelling in sorted(spellings, key=len, reverse=True):
        rest = simple.removeprefix(spelling)
        apart = rest[:1] in (" ", "-", "#") or not spelling[-1:].isdigit()
        number = rest.strip(" -#")
        if simple.startswith(spelling) and apart and number.isascii() and number.isdigit():
            return spellings[spelling], int(number)
    return NOT_IN_ARM, NONE


def _records(
    e: Evidence, frame: pl.DataFrame, at: str, names: tuple[str, ...], words: tuple[str, ...], codes: Ints, table: Ints
) -> Records:
    s = frame["s"].to_numpy()
    activity = table[codes, e.arm_place[s]] if words else np.full(len(s), NOT_IN_ARM, np.int32)
    minute, label = (whole_or_none(frame, column) for column in (f"{at}_minute", "occurrence"))
    status = coded(frame["status"], STATUS, GIVEN)
    day, n = days(frame, at), len(s)
    base = whole(frame, "base", -1) if "base" in frame.columns else np.full(n, -1, np.int64)
    other = frame["meant_for"].is_not_null() if "meant_for" in frame.columns else None
    no = np.broadcast_to(np.False_, n)
    misfiled = no if other is None or not other.any() else other.to_numpy()
    records = Records(
        names,
        s,
        activity.astype(np.int32),
        codes,
        day,
        days(frame, f"{at}_last"),
        minute,
        label,
        status,
        np.arange(n, dtype=np.int32),
        np.broadcast_to(np.int32(1), n),
        base,
        no,
        misfiled,
        no,
        _first_named(table, codes),
        words,
    )
    group = (s.astype(np.int64) << 12) + (codes + 1)
    # One number for participant, word, day and minute; what ties on it is told apart by what it says, not by its row.
    known = np.clip(day, -(1 << 19), (1 << 19) - 1).astype(np.int64) + (1 << 19)
    when = (group << 32) + (known << 11) + np.maximum(minute, -1) + 1
    order = np.argsort(when, kind="stable")
    sorted_ = when[order]
    if (sorted_[1:] == sorted_[:-1]).any():
        ties = [values for values in (base, label) if (values != values[0]).any()]
        order = np.lexsort((*ties, when))
    return records.take(order.astype(np.int32))


def _first_named(table: Ints, codes: Ints) -> Ints:
    """The activity that each record's word names in the first arm that has it."""
    return (table.max(axis=1)[codes] if len(table) else np.full(len(codes), NOT_IN_ARM)).astype(np.int32)


def _joined(r: Records, frame: pl.DataFrame, e: Evidence) -> Records:
    """Rows of one dose as one: the first row stays, its amount is the sum. Repeated rows are marked, not joined."""
    everyone = np.ones(len(r.s), np.bool_)
    if len(r.s) < 2:
        return _headed(r, everyone)
    group = (r.s.astype(np.int64) << 12) + (r.word + 1)
    same = (group[1:] == group[:-1]) & (r.day[1:] == r.day[:-1]) & (r.day[1:] != NONE)
    same &= ~r.misfiled[1:] & ~r.misfiled[:-1]
    same &= ~_by_days(e.protocol, r.names)[r.named[1:]]
    if not same.any():
        return _headed(r, everyone)
    pair, denied = np.flatnonzero(same).astype(np.int32), r.status == NOT_GIVEN
    echo, kinds = said_twice(r, frame, pair, denied, RESTART)
    kept = (r.label[pair + 1] == r.label[pair]) & ~denied[pair] & ~denied[pair + 1] | echo
    pair, echo = pair[kept], echo[kept]
    same_amount = (r.amount[pair] == r.amount[pair + 1]) & (r.amount[pair] >= 0)
    part, repeat = _tell_apart(r, frame, pair, same_amount)
    again = np.where(echo, COUNTS, given_again(e, r, frame, pair))
    lacking = (np.minimum(r.amount[pair], r.amount[pair + 1]) < 0) & ~echo & (again == COUNTS)
    part, repeat = part | echo | (again != COUNTS), repeat & ~echo & (again == COUNTS)
    kinds[r.place[pair[again == VOMITED]]] = VOMITED
    kinds[r.place[pair[again == UNRULED] + 1]] = UNRULED
    r = replace(r, kinds=kinds)
    duplicate = r.duplicate.copy()
    duplicate[pair[repeat] + 1] = True
    head = everyone
    head[pair[part] + 1] = False
    first = np.maximum.accumulate(np.where(head, np.arange(len(head)), 0))
    amount, unknown = np.zeros(len(head), np.int64), np.zeros(len(head), np.bool_)
    counts = np.isin(kinds[r.place], (COUNTS, UNRULED))
    np.add.at(amount, first[counts], np.maximum(r.amount[counts], 0))
    np.logical_or.at(unknown, first[counts], r.amount[counts] < 0)
    unsure = np.zeros(len(head), np.bool_)
    if lacking.any():
        unsure[first[pair[lacking & _tell_apart(r, frame, pair, same_amount | lacking)[1]] + 1]] = True
    parts = np.bincount(first, minlength=len(head)).astype(np.int32)
    amount = np.where(unknown, -1, amount)
    status = np.full(len(head), GIVEN, np.int32)
    np.maximum.at(status, first[counts], r.status[counts])
    label = r.label.copy()
    np.maximum.at(label, first, r.label)
    r = replace(r, label=label, amount=amount, parts=parts, duplicate=duplicate, unsure=unsure, status=status)
    return _headed(r, head)


def _by_days(protocol: Protocol, names: tuple[str, ...]) -> Flags:
    """Of each treatment, and last of none, whether it is a course: two records of a day are two doses of that day."""
    courses = [any(p.often() is not None for p in protocol.treatments[n].parts()) for n in names]
    return np.array([*courses, False, False, False])


def _headed(r: Records, head: Flags) -> Records:
    """The rows that begin a dose, and of each row of the table which dose it is part of."""
    dose_of = np.zeros(len(head), np.int32)
    dose_of[r.place] = np.cumsum(head) - 1
    return replace(r if head.all() else r.take(np.flatnonzero(head).astype(np.int32)), dose_of=dose_of)


def _tell_apart(r: Records, frame: pl.DataFrame, pair: Ints, same_amount: Flags) -> tuple[Flags, Flags]:
    """Of each row that follows another of its day: does it continue that dose, or repeat it? Else it is its own."""
    before, after = frame[r.place[pair]], frame[r.place[pair + 1]]
    bag_b, bag_a = before["bag"], after["bag"]
    other_bag = (bag_b != bag_a).fill_null(value=False).to_numpy()
    same_bag = (bag_b == bag_a).fill_null(value=False).to_numpy()
    no_bag = (bag_b.is_null() & bag_a.is_null()).to_numpy()
    start_b, start_a = r.minute[pair], r.minute[pair + 1]
    end_b = whole(before, "end_minute", NONE).astype(np.int32)
    timed = (start_b != NONE) & (start_a != NONE)
    same_time = start_a == start_b
    again = timed & (np.abs(start_a - start_b) <= TWICE) & same_amount & ~other_bag
    again &= (end_b == NONE) | (start_a < end_b)
    follows = timed & ~same_time & (start_a - np.where(end_b == NONE, start_b, end_b) <= RESTART)
    untold = ~timed & ~same_amount
    part = (
        other_bag | (same_bag & timed & ~same_time) | (no_bag & (follows | untold)) | (~same_amount & same_time & timed)
    )
    part &= ~again
    repeat = ~part & same_amount & (same_time | ~timed | again)
    return part, repeat


def first_given(records: Records, n: int, name: str | None = None, *, certain: bool = False) -> Ints:
    """Day of each participant's first dose (of one treatment), `NONE` where none is recorded to the day.

    `certain` leaves out rows of unknown status or with the amount 0, of which nobody knows whether they were doses.
    Where the earliest dose of one treatment says that it is a later one of it, the first is not on record.
    """
    given = (records.status != NOT_GIVEN) & (records.day != NONE) & (records.day == records.last) & ~records.misfiled
    if certain:
        given &= np.isin(records.status, (GIVEN, PARTLY)) & (records.amount != 0)
    if name is not None:
        given &= records.activity == records.names.index(name)
    first = np.full(n, NONE, np.int32)
    rows = np.flatnonzero(given)
    order = rows[np.argsort(key(records.s[rows], records.day[rows]), kind="stable")][::-1]
    later = (records.label[order] > 1) & (name is not None)
    first[records.s[order]] = np.where(later, NONE, records.day[order])
    return first
