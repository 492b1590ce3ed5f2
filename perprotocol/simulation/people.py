"""Participants of a trial: who they are, and their lives, perfect or with swerves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from perprotocol.simulation.days import DAY, number
from perprotocol.simulation.draws import draw
from perprotocol.simulation.life import Stage
from perprotocol.simulation.participant import Participant
from perprotocol.simulation.patient import Key, Patient, Seen, Swerve
from perprotocol.simulation.script import Script
from perprotocol.simulation.story import Story, story_of
from protocol import Protocol
from protocol.conditions import Reached
from protocol.timing import Moment

FIRST_DAY = number(date(2021, 1, 4))
ENROLS_FOR = 900
"""Days over which a trial enrols."""
LEAVES = 0.1
"""How many leave before the end."""
SITES = 6
ENDLESS = 6 * 365
"""Days within which everybody leaves a trial that has no end of its own."""


def subject(n: int) -> str:
    """The id of participant n."""
    return f"{n + 1:05d}"


@dataclass(frozen=True)
class Cast:
    """Everybody who may take part in one trial: the seed tells who they are."""

    protocol: Protocol
    seed: int
    leaves: float = LEAVES

    @cached_property
    def story(self) -> Story:
        """What may happen to them."""
        return story_of(self.protocol)

    @cached_property
    def scripts(self) -> dict[str, Script]:
        """The lines of every arm."""
        return {arm: Script(self.protocol, arm) for arm in self.protocol.arms}

    def arm(self, n: int) -> str:
        """The arm of participant n: arms take turns."""
        arms = list(self.protocol.arms)
        return arms[n % len(arms)]

    def judged(self, n: int) -> bool:
        """Whether consent, eligibility and visits of participant n are judged."""
        return self.protocol.arms[self.arm(n)].group != "concurrent"

    def live(
        self,
        n: int,
        swerves: Mapping[Key, Swerve] | None = None,
        leaves: tuple[str, int] | None = None,
        zero: int | None = None,
    ) -> Patient:
        """Participant n, who does as the protocol says but for the swerves; `leaves`: how, and after how many days.

        `zero` is the day on which day zero falls, any day of the enrolment without it.
        """
        seed = self.seed * 1_000_003 + n
        zero = FIRST_DAY + int(draw(seed, 20) * ENROLS_FOR) if zero is None else zero
        ages = self.story.ages
        months = ages[int(draw(seed, 21) * len(ages))]
        birth = zero - months * 365 // 12 - 40 - int(draw(seed, 22) * 90)
        screened = zero - self._earliest() - 1
        sex = "female" if draw(seed, 23) < 0.5 else "male"
        site = f"{1 + int(draw(seed, 24) * SITES):02d}"
        who = Patient(subject(n), self.arm(n), site, sex, zero, birth, seed)
        who.screened = who.consent = screened
        who.enrolled, who.day_zero = min(zero, screened + 1), zero
        who.labelled = draw(seed, 25) < 0.3
        who.numbered = self.scripts[who.arm].dense
        goes = (leaves[0], zero + leaves[1]) if leaves is not None else self._leaves(seed, zero)
        life = Participant(self.scripts[who.arm], self.story, who, Stage({} if swerves is None else swerves, goes))
        who.weighings[screened] = life.grams(screened)
        self._enrol(life, who)
        life.play()
        life.finish()
        who.planned = life.planned
        return who

    def _enrol(self, life: Participant, who: Patient) -> None:
        """What is known of everybody before the first dose."""
        at = who.enrolled * DAY + 8 * 60
        who.seen.append(Seen("height", str(life.mm() // 10), "cm", at))
        for name, value in self.story.eligible.items():
            if name in self.protocol.measures:
                life._observe(name, at, None, value)
            elif isinstance(value, str):
                who.seen.append(Seen(name, value, "", at))
        if self._clearance:
            who.seen.append(Seen("gfr", str(life.clearance()), self.protocol.measures["gfr"].unit or "", at))
        if self._randomises:
            who.milestones.append(("randomised", life.known["randomised"]))

    @cached_property
    def _clearance(self) -> bool:
        doses = (d for t in self.protocol.treatments.values() for p in t.parts() for d in p.dose)
        return any(d.formula is not None for d in doses) and "gfr" in self.protocol.measures

    @cached_property
    def _randomises(self) -> bool:
        return any("randomised" in str(m) for v in self._activities() for m in v.due)

    def _activities(self) -> list:  # type: ignore[type-arg]
        return [line.part for script in self.scripts.values() for line in script.lines]

    def _earliest(self) -> int:
        """How many days before day zero the first thing may take place."""
        return self._days_before

    @cached_property
    def _days_before(self) -> int:
        found = [0]
        for script in self.scripts.values():
            for line in script.lines:
                for starts in line.starts:
                    low = starts[0].window[0] if starts[0].window and not starts[0].clock else 0
                    low += line.window[0] if line.window and not line.clock else 0
                    found.append(-(starts[0].offset[1] + low))
        return max(found)

    def _leaves(self, seed: int, zero: int) -> tuple[str, int] | None:
        """How and from when on a participant leaves; None for staying to the end."""
        ways = self._ways
        if self._endless:
            return ("death" if draw(seed, 30) < 0.6 else "withdrawal", zero + 30 + int(draw(seed, 31) * ENDLESS))
        if draw(seed, 32) >= self.leaves:
            return None
        return ways[int(draw(seed, 33) * len(ways))], zero + 1 + int(draw(seed, 34) * 200)

    @cached_property
    def _endless(self) -> bool:
        """Some series ends with the participation alone."""

        def ends(moment: Moment | None) -> bool:
            return moment is not None and all(i.anchor is None or i.anchor.name != "death" for i in moment.alternatives)

        return any(p.every and p.times is None and not ends(p.to) and not ends(p.before) for p in self._activities())

    @cached_property
    def _ways(self) -> tuple[str, ...]:
        """How people leave: as everywhere, and by the milestones at which this protocol ends something."""
        moments = [m for p in self._activities() for m in (p.to, p.before) if m is not None]
        moments += [c.to for c in self.protocol.cycles.values() if c.to is not None]
        names = {i.anchor.name for m in moments for i in m.alternatives if i.anchor is not None}
        names |= {c.milestone for m in self.protocol.modifications.values() for c in m.if_ if isinstance(c, Reached)}
        own = sorted(n for n in names if n in self.protocol.milestones and n != "day-zero")
        return ("discontinuation", "withdrawal", "death", *own)
