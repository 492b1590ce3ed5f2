"""Eighteen invented children and their records as the protocol wants them. Nobody's data; see make_uc_msc_saa.py."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

SEED = 20210227  # the day on which the article appeared
Row = dict[str, str]
Tables = dict[str, list[Row]]

COLUMNS = {
    "subjects": "subject arm site sex birth_date screening_outcome enrolled day_zero source",
    "consents": "subject version signed document by source",
    "milestones": "subject milestone date source",
    "observations": "subject measure value unit low at visit source",
    "administrations": "subject treatment start end occurrence amount unit frequency route brand lot bag expires "
    "status reason weight_used prepared volume concentration viability viable_or_total thawed record source",
    "visits": "subject visit date status source",
    "events": "subject event start end grade detail source",
    "deviation_log": "subject term date category activity occurrence important source",
    "amendments": "site version approved active source",
}
"""The tables of the example with their columns."""

GAINS = {
    "anc": ((0.1, 0.4), 0.9, 0.25, 2.6),
    "platelets": ((5, 15), 38, 9, 190),
    "reticulocytes": ((4, 15), 32, 8, 70),
}
"""In 10^9/L: first value from and to, gain by day 90 with and without response, further gain within two years."""

INSIDE, OUTSIDE = (108, 192), ((72, 94), (214, 266))
"""Ciclosporin troughs in ng/mL, within and outside 100 to 200."""


@dataclass(frozen=True)
class Child:
    """One invented child; days count from day zero. `good` says whether the response at day 90 is partial or none."""

    subject: str
    arm: str
    sex: str
    born: date
    zero: date
    weight: float
    good: bool = False
    reaction: int | None = None
    dies: int | None = None
    leaves: int | None = None
    fails: int | None = None

    @property
    def last(self) -> int:
        """Last day on which anything is recorded."""
        return min(d for d in (self.dies, self.leaves, 9999) if d is not None)

    @property
    def eighteen_months(self) -> int:
        """The study day on which 18 months have passed."""
        month = self.zero.month + 6
        return (self.zero.replace(year=self.zero.year + 1 + (month > 12), month=(month - 1) % 12 + 1) - self.zero).days

    def day(self, day: int) -> date:
        """The date of a study day."""
        return self.zero + timedelta(day)


CHILDREN = (
    Child("101", "msc", "F", date(2010, 5, 21), date(2014, 9, 16), 17.4, good=True),
    Child("102", "control", "M", date(2012, 7, 30), date(2014, 10, 22), 12.3, good=True),
    Child("103", "msc", "M", date(2012, 4, 18), date(2014, 12, 9), 13.1, reaction=1),
    Child("104", "control", "F", date(2006, 12, 11), date(2015, 1, 20), 24.9, dies=398),
    Child("105", "msc", "M", date(2009, 9, 2), date(2015, 3, 17), 19.0, fails=305),
    Child("106", "control", "M", date(2012, 6, 24), date(2015, 4, 28), 13.6),
    Child("107", "msc", "F", date(2008, 4, 27), date(2015, 6, 9), 21.8, reaction=2, fails=671),
    Child("108", "control", "F", date(2012, 3, 15), date(2015, 8, 18), 14.4),
    Child("109", "msc", "M", date(2011, 11, 20), date(2015, 10, 13), 16.2, fails=487),
    Child("110", "control", "M", date(2012, 3, 28), date(2015, 12, 8), 15.2, fails=1035),
    Child("111", "msc", "F", date(2006, 10, 5), date(2016, 3, 1), 28.6),
    Child("112", "control", "F", date(2011, 10, 9), date(2016, 5, 17), 17.1, good=True),
    Child("201", "msc", "M", date(2012, 12, 14), date(2014, 11, 4), 11.4, reaction=0, dies=151),
    Child("202", "control", "F", date(2009, 1, 6), date(2015, 2, 10), 20.3),
    Child("203", "msc", "F", date(2012, 5, 3), date(2015, 7, 14), 14.2, leaves=243),
    Child("204", "control", "M", date(2005, 8, 1), date(2015, 11, 17), 31.5),
    Child("205", "msc", "M", date(2003, 6, 8), date(2016, 1, 12), 41.7, reaction=3, fails=884),
    Child("206", "control", "F", date(2002, 12, 19), date(2016, 9, 6), 45.2, fails=1250),
)


class Chart:
    """The records of one child that follow the protocol."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.rng = random.Random(SEED + int(child.subject))
        self.tables: Tables = {name: [] for name in COLUMNS}
        self.site = child.subject[0]
        self.baseline = {measure: self.between(*first) for measure, (first, *_) in GAINS.items()}
        self.weighed = ""
        self.csa_mg = 0

    def between(self, low: float, high: float) -> float:
        """A number from low up to high."""
        return low + (high - low) * self.rng.random()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self.rng.random())

    def at(self, day: int, hour: float | None = None) -> str:
        """The date of a study day, with the clock time if an hour is given."""
        if hour is None:
            return self.child.day(day).isoformat()
        minutes = int(hour * 60)
        return f"{self.child.day(day).isoformat()}T{minutes // 60:02d}:{minutes % 60:02d}"

    def write(self, table: str, **cells: object) -> Row:
        """A row of the table is written; empty cells are left out."""
        row = {"subject": self.child.subject} | {name: str(cell) for name, cell in cells.items() if cell is not None}
        self.tables[table].append(row)
        return row

    # --- who and when ---------------------------------------------------------------------------------------------

    def tell(self) -> Tables:
        """All records of the child, in the order of the protocol."""
        child, trial = self.child, self.child.arm == "msc"
        screened = -self.whole(6, 11)
        self.write(
            "subjects",
            arm=child.arm,
            site=f"0{self.site}",
            sex=child.sex,
            birth_date=child.born,
            day_zero=child.zero,
            screening_outcome="enrolled" if trial else "concurrent control",
            enrolled=self.at(-2) if trial else None,
        )
        if trial:
            self.write(
                "consents", version="1", signed=self.at(screened - 1, 15.5), document="main study", by="guardian"
            )
        self.screen(screened)
        self.treat()
        self.follow()
        self.take_ciclosporin()
        self.take_g_csf()
        self.transfuse()
        self.end()
        return self.tables

    def end(self) -> None:
        """Failure, death, withdrawal, or completion at the last visit."""
        child = self.child
        if child.fails:
            self.write(
                "events", event="treatment failure", start=self.at(child.fails), detail="second-line treatment begun"
            )
        last = self.tables["visits"][-1]["date"][:10]
        if child.dies:
            self.write("milestones", milestone="death", date=self.at(child.dies))
        elif child.leaves:
            self.write("milestones", milestone="withdrawal", date=self.at(child.leaves))
            self.write("milestones", milestone="last contact", date=self.at(child.leaves))
        else:
            self.write("milestones", milestone="completion", date=last)
            self.write("milestones", milestone="last contact", date=last)

    # --- visits ---------------------------------------------------------------------------------------------------

    def come(self, visit: str, day: int, *, body: bool = False, t_cells: bool = False) -> None:
        """A visit took place: counts, and where the protocol asks for it weight, height and T cells."""
        self.write("visits", visit=visit, date=self.at(day, self.between(8, 9.5)), status="done")
        if body:
            self.weigh(day, visit)
        for measure, value, unit, low in self.counts(day):
            self.write(
                "observations", measure=measure, value=value, unit=unit, low=low, at=self.at(day, 7), visit=visit
            )
        if t_cells:
            value = f"{self.between(0.5, 2.1):.2f}"
            self.write(
                "observations", measure="lymphocytes-t", value=value, unit="10^9/L", at=self.at(day, 7), visit=visit
            )

    def weigh(self, day: int, visit: str) -> None:
        """Weight and height are recorded; children grow by about 2 kg and 6 cm a year."""
        age = (self.child.day(day) - self.child.born).days / 365.25
        self.weighed = f"{self.child.weight + (2.0 * day / 365) + (self.between(-0.15, 0.15) if day else 0):.1f}"
        height = f"{75 + 6.2 * age if age > 2 else 74 + 6 * age:.1f}"
        self.write("observations", measure="weight", value=self.weighed, unit="kg", at=self.at(day, 7.5), visit=visit)
        self.write("observations", measure="height", value=height, unit="cm", at=self.at(day, 7.5), visit=visit)

    def counts(self, day: int) -> Iterator[tuple[str, str, str, str | None]]:
        """Blood counts of a day: little gain without response, and recovery within two years unless treatment fails."""
        early = min(max(day, 0), 90) / 90
        late = 0 if self.child.fails or day <= 90 else min(day - 90, 640) / 640
        for measure, (_, response, none, further) in GAINS.items():
            value = self.baseline[measure] + early * (response if self.child.good else none) + late * further
            yield measure, f"{value * self.between(0.97, 1.03):.{2 if measure == 'anc' else 0}f}", "10^9/L", None
        years = (self.child.day(day) - self.child.born).days / 365.25
        lowest = 110 if years < 6 else 115 if years < 12 else 120
        hb = 68 + early * (30 if self.child.good else 12) + late * 45
        yield "hb", f"{hb * self.between(0.95, 1.05):.0f}", "g/L", str(lowest)

    def screen(self, day: int) -> None:
        """Screening: marrow, T cells, counts, and that nothing was given before."""
        self.come("screening", day, body=True, t_cells=True)
        marrow = (
            ("cellularity", f"{self.between(5, 22):.0f}", "percent"),
            ("residual", f"{self.between(5, 25):.0f}", "percent"),
        )
        for measure, value, unit in (*marrow, ("untreated", "yes", None)):
            self.write("observations", measure=measure, value=value, unit=unit, at=self.at(day, 10), visit="screening")
        self.write("observations", measure="atg-test-dose", value="no reaction", at=self.at(-1, 16), visit="screening")

    def follow(self) -> None:
        """Days 60 and 90 and the half-years, as long as the child is in the trial."""
        for visit, due, spread in (("day-60", 60, 3), ("day-90", 90, 5)):
            self.come(visit, due + self.whole(-spread, spread), body=True, t_cells=True)
        for n in range(1, 9):
            months = self.child.zero.month - 1 + 6 * n
            planned = self.child.zero.replace(year=self.child.zero.year + months // 12, month=months % 12 + 1)
            day = (planned - self.child.zero).days + self.whole(0 if n == 8 else -8, 10)
            if day < self.child.last:
                self.come(f"follow-up {n}", day)

    # --- treatments -----------------------------------------------------------------------------------------------

    def give(self, treatment: str, start: str, **cells: object) -> Row:
        """An administration is recorded."""
        return self.write("administrations", treatment=treatment, start=start, **cells)

    def treat(self) -> None:
        """ATG with methylprednisolone, the weekly visits, and UC-MSC in the group that gets it."""
        self.come("admission", 0, body=True)
        self.take_atg()
        self.come("weekly 1", 7 + self.whole(-1, 1), body=True)
        for n in (1, 2, 3):
            day = 7 + 7 * n + self.whole(-1, 1)
            self.come(f"weekly {n + 1}", day - self.whole(0, 1), body=True)
            if self.child.arm == "msc":
                self.take_cells(n, day)

    def take_atg(self) -> None:
        """Five days of rabbit ATG, to a multiple of 5 mg; a reaction ends it for good."""
        child = self.child
        wanted = self.between(2.8, 3.2)
        amount = int(wanted * child.weight / 5 + 0.5) * 5
        premedication = int(2 * child.weight + 0.5)
        lot = f"T{child.zero:%y}{self.whole(10, 49)}"
        for day in range(5):
            if child.reaction is not None and day > child.reaction:
                self.give(
                    "atg", self.at(day), status="not given", reason="ATG discontinued after anaphylactic reaction"
                )
                continue
            start = self.between(9, 10.5)
            self.give(
                "methylprednisolone",
                self.at(day, start - 0.75),
                amount=premedication,
                unit="mg",
                route="intravenous",
                weight_used=child.weight,
            )
            row = self.give(
                "atg",
                self.at(day, start),
                end=self.at(day, start + self.between(8, 11)),
                amount=amount,
                unit="mg",
                route="intravenous",
                brand="Thymoglobuline",
                lot=lot,
                status="given",
                weight_used=child.weight,
            )
            if day == child.reaction:
                self.react(day, start + 1.5, row)

    def react(self, day: int, hour: float, row: Row) -> None:
        """An anaphylactic reaction; early in the course it cuts the infusion short."""
        grade = 4 if day == 0 else 3
        self.write(
            "events",
            event="anaphylaxis",
            start=self.at(day, hour),
            end=self.at(day, hour + 3),
            grade=grade,
            detail="during rabbit ATG, recovered",
        )
        if day < 2:
            row |= {
                "status": "partly given",
                "prepared": row["amount"],
                "amount": str(int(row["amount"]) * (day + 1) // 5),
            }
            row |= {"end": self.at(day, hour), "reason": "stopped: anaphylactic reaction"}

    def take_cells(self, n: int, day: int) -> None:
        """One dose of UC-MSC by the latest weight. Site 02 counts total cells and numbers its doses."""
        viable = float(self.weighed) * self.between(0.97, 1.04)
        start, viability = self.between(13, 15), self.whole(86, 95)
        lot = f"UC{self.child.day(day - 40):%y%m}"
        row = self.give(
            "uc-msc",
            self.at(day, start),
            end=self.at(day, start + 0.6),
            route="intravenous",
            status="given",
            lot=lot,
            bag=f"{lot}-{self.whole(10, 99)}",
            expires=self.child.day(day + 700),
            weight_used=self.weighed,
            volume=50,
            viability=viability,
            thawed=self.at(day, start - 0.7),
        )
        if self.site == "1":
            row |= {"amount": cells(viable), "unit": "cells", "viable_or_total": "viable"}
        else:
            total = viable * 100 / viability
            row |= {"amount": f"{total:.1f}", "unit": "10^6 cells", "viable_or_total": "total", "occurrence": str(n)}

    def take_ciclosporin(self) -> None:
        """Twice a day for 18 months, changed within days of a trough outside 100 to 200 ng/mL."""
        end = min(self.child.eighteen_months - 1, self.child.last, self.child.fails or 9999)
        self.csa_mg = int(2.5 * self.child.weight / 5 + 0.5) * 5
        since = 0
        for due in range(14, end - 5, 21):
            day = due + self.whole(-3, 3)
            low, high = OUTSIDE[self.whole(0, 1)] if self.rng.random() < 0.12 else INSIDE
            level = self.whole(low, high)
            self.write("observations", measure="csa-trough", value=level, unit="ng/mL", at=self.at(day, 7.8))
            if not 100 <= level <= 200:
                self.course("ciclosporin", since, day + 1, self.csa_mg, "mg", "twice daily", "oral")
                since = day + 2
                self.csa_mg += 5 if level < 100 else -5
        self.course("ciclosporin", since, end, self.csa_mg, "mg", "twice daily", "oral")

    def take_g_csf(self) -> None:
        """Once a day for some weeks; in one child it is held for some days."""
        amount, last = int(5 * self.child.weight / 25 + 0.5) * 25, self.whole(27, 62)
        if self.child.subject == "103":
            self.write("events", event="hold", start=self.at(21), end=self.at(24), detail="g-csf: bone pain")
            self.course("g-csf", 0, 20, amount, "ug", "once daily", "subcutaneous")
            self.course("g-csf", 25, last, amount, "ug", "once daily", "subcutaneous")
        else:
            self.course("g-csf", 0, last, amount, "ug", "once daily", "subcutaneous")

    def course(self, treatment: str, first: int, last: int, amount: int, unit: str, frequency: str, route: str) -> None:
        """One row for all doses of some days."""
        self.give(
            treatment,
            self.at(first),
            end=self.at(last),
            amount=amount,
            unit=unit,
            frequency=frequency,
            route=route,
            status="given",
        )

    def transfuse(self) -> None:
        """Red cells and platelets while they are needed: with a response not after day 55, else for 4 to 7 months."""
        end = 55 if self.child.good else min(self.whole(120, 210), self.child.last - 1)
        day = 3
        while day < end:
            event = "platelet transfusion" if self.rng.random() < 0.65 else "red cell transfusion"
            self.write("events", event=event, start=self.at(day), end=self.at(day))
            day += self.whole(6, 12) + day // 20


def cells(millions: float) -> str:
    """A number of cells with three digits, as the first site writes it: 1.62e7."""
    digits, _, power = f"{millions * 1e6:.2e}".partition("e")
    return f"{digits}e{int(power)}"
