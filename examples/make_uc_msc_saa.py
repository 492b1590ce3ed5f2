"""The example study `uc-msc-saa` as files: 18 invented children, and the faults that its README lists.

    python examples/make_uc_msc_saa.py            writes the tables beside the README
    python examples/make_uc_msc_saa.py FOLDER     writes them there

Nobody's data: every child, date, weight and count is made up, from a fixed seed. First a study is written that follows
the protocol throughout (`invented_children.py`); then each function of `SEEDED` changes one thing, and nothing else is
wrong. Only `random.random()` is used, which Python keeps the same across versions: the same files, byte for byte.

What is not invented: 9 + 9 children, a median age of 4 years, four anaphylactic reactions to ATG, one and two partial
responses at day 90. Deaths and failures are placed so that the published survival figures come out. They are rows made
to fit, which check arithmetic and are no evidence. The published figures themselves are the table `published`.
"""

import csv
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from invented_children import CHILDREN, COLUMNS, Chart, Child, Row, Tables, cells

HOME = Path(__file__).parent / "uc-msc-saa"

STUDY = """\
# SYNTHETIC: 18 invented children, written by examples/make_uc_msc_saa.py. Nobody's data; see README.md.
name: uc-msc-saa-example
protocol: uc-msc-saa
data_cut: 2020-12-31
time_zone: Asia/Shanghai
"""

ABSTRACT = "BMC Pediatr 2021;21:102, abstract"
PUBLISHED = """\
endpoint,figure,arm,answer,at,number,of,value,error,unit
atg-anaphylaxis,share,msc,yes,,4,9,44,,%
response-90,share,msc,PR,,1,9,11,,%
response-90,share,control,PR,,2,9,22,,%
overall-survival,survival,msc,,4 y,,,88.9,10.5,%
overall-survival,survival,control,,4 y,,,88.9,10.5,%
failure-free-survival,survival,msc,,4 y,,,38.1,17.2,%
failure-free-survival,survival,control,,4 y,,,66.7,15.7,%
failure-free-survival,p,,,,,,0.153,,
clonal-evolution,share,msc,yes,,0,9,,,
clonal-evolution,share,control,yes,,0,9,,,
overall-survival,follow-up,,,,,,48,,mo
"""
"""What the abstract prints; the only rows of the folder that are not made up. It says that no clone evolved."""


def find(tables: Tables, table: str, subject: str, number: int = 1, **cells: str) -> Row:
    """The row (of several the given one, from 1) of a subject that has these cells."""
    fits = [r for r in tables[table] if r["subject"] == subject and all(r.get(k) == v for k, v in cells.items())]
    return fits[number - 1]


def move(row: Row, day: date, *columns: str) -> None:
    """The columns of a row are on another day, at the same time."""
    for column in columns:
        row[column] = day.isoformat() + row[column][10:]


def move_visit(tables: Tables, subject: str, visit: str, day: date) -> None:
    """A visit and what was measured at it are on another day."""
    move(find(tables, "visits", subject, visit=visit), day, "date")
    for row in tables["observations"]:
        if row["subject"] == subject and row.get("visit") == visit:
            move(row, day, "at")


def child(subject: str) -> Child:
    """The child of that number."""
    return next(c for c in CHILDREN if c.subject == subject)


def log(
    tables: Tables, subject: str, term: str, day: date, category: str, activity: str, occurrence: int, important: str
) -> None:
    """The site has logged a deviation in its own words."""
    tables["deviation_log"].append(
        {
            "subject": subject,
            "term": term,
            "date": day.isoformat(),
            "category": category,
            "activity": activity,
            "occurrence": str(occurrence),
            "important": important,
        }
    )


def pounds(tables: Tables) -> None:
    """101: the weight of the day of the second UC-MSC dose stands in pounds in the kilogram column."""
    dose = find(tables, "administrations", "101", 2, treatment="uc-msc")
    weight = find(tables, "observations", "101", measure="weight", visit="weekly 3")
    weight["value"] = f"{float(weight['value']) / 0.45359237:.1f}"
    del dose["weight_used"]


def by_volume(tables: Tables) -> None:
    """101: of the third UC-MSC dose only volume and concentration are recorded. Complies."""
    dose = find(tables, "administrations", "101", 3, treatment="uc-msc")
    concentration = float(dose.pop("amount")) / 20
    del dose["unit"]
    dose |= {"volume": "20", "concentration": f"{concentration:.3g} cells/mL".replace("e+0", "e")}


def two_bags(tables: Tables) -> None:
    """103: the first UC-MSC dose comes from two bags, one after the other. Complies."""
    first = find(tables, "administrations", "103", treatment="uc-msc")
    amount = float(first["amount"])
    second = first | {"amount": cells(amount * 0.4 / 1e6), "bag": first["lot"] + "-07", "volume": "20"}
    begun, done = (
        datetime.fromisoformat(first["end"]) + timedelta(minutes=6),
        datetime.fromisoformat(first["end"]) + timedelta(minutes=30),
    )
    second |= {"start": f"{begun:%Y-%m-%dT%H:%M}", "end": f"{done:%Y-%m-%dT%H:%M}"}
    first |= {"amount": cells(amount * 0.6 / 1e6), "volume": "30"}
    tables["administrations"].insert(tables["administrations"].index(first) + 1, second)


def missed_visit(tables: Tables) -> None:
    """103: the third half-yearly visit did not take place."""
    visit = find(tables, "visits", "103", visit="follow-up 3")
    gone = [r for r in tables["observations"] if r["subject"] == "103" and r.get("visit") == "follow-up 3"]
    tables["observations"] = [r for r in tables["observations"] if r not in gone]
    visit |= {"date": "2016-06-09", "status": "not done"}
    log(
        tables,
        "103",
        "18-month visit not attended, family had moved",
        date(2016, 6, 9),
        "visit completion",
        "follow-up",
        3,
        "no",
    )


def late_dose(tables: Tables) -> None:
    """105: the second UC-MSC dose is given 2 days after its window; the third keeps 5 days' distance and is on time."""
    for number, day in ((2, 24), (3, 29)):
        move(
            find(tables, "administrations", "105", number, treatment="uc-msc"),
            child("105").day(day),
            "start",
            "end",
            "thawed",
        )
    log(
        tables,
        "105",
        "2nd cell infusion late, product delivered late",
        child("105").day(24),
        "study treatment",
        "uc-msc",
        2,
        "no",
    )


def after_stop(tables: Tables) -> None:
    """107: ATG is given once more on the day after the anaphylactic reaction, and only then discontinued."""
    given = find(tables, "administrations", "107", 3, treatment="atg")
    premedication = find(tables, "administrations", "107", 3, treatment="methylprednisolone")
    again = find(tables, "administrations", "107", 4, treatment="atg")
    day = child("107").day(3)
    del again["reason"]
    again |= given
    move(again, day, "start", "end")
    move(more := dict(premedication), day, "start")
    tables["administrations"].insert(tables["administrations"].index(again), more)
    log(tables, "107", "ATG given the day after anaphylaxis", day, "study treatment", "atg", 4, "yes")


def tenfold(tables: Tables) -> None:
    """109: the first UC-MSC dose is recorded with ten times its amount, and the site has not noticed."""
    dose = find(tables, "administrations", "109", 1, treatment="uc-msc")
    dose["amount"] = dose["amount"].replace("e7", "e8")


def not_given(tables: Tables) -> None:
    """111: the third UC-MSC dose is not given, the family is on holiday."""
    dose = find(tables, "administrations", "111", 3, treatment="uc-msc")
    day = child("111").day(28)
    kept = {
        "subject": "111",
        "treatment": "uc-msc",
        "start": day.isoformat(),
        "status": "not given",
        "reason": "family on holiday",
    }
    dose.clear()
    dose |= kept
    log(tables, "111", "3rd cell infusion omitted, parents away", day, "study treatment", "uc-msc", 3, "yes")


def out_of_window(tables: Tables) -> None:
    """201: the visit of day 60 takes place on day 66, 3 days after its window."""
    day = child("201").day(66)
    move_visit(tables, "201", "day-60", day)
    log(tables, "201", "第60天访视超窗3天", day, "访视", "day-60", 1, "否")


def no_record(tables: Tables) -> None:
    """203: nothing is recorded of the second UC-MSC dose."""
    tables["administrations"].remove(find(tables, "administrations", "203", 2, treatment="uc-msc"))


def old_weight(tables: Tables) -> None:
    """205: the third UC-MSC dose rests on the weight of the week before; at the visit nobody weighed the child."""
    day = child("205").day(29)
    move_visit(tables, "205", "weekly 3", child("205").day(20))
    body = [find(tables, "observations", "205", measure=measure, visit="weekly 4") for measure in ("weight", "height")]
    tables["observations"] = [row for row in tables["observations"] if row not in body]
    old = find(tables, "observations", "205", measure="weight", visit="weekly 3")
    dose = find(tables, "administrations", "205", 3, treatment="uc-msc")
    move(dose, day, "start", "end", "thawed")
    dose |= {"weight_used": old["value"], "amount": f"{float(old['value']) * 100 / float(dose['viability']):.1f}"}
    log(tables, "205", "第3次输注按9天前体重计算", day, "研究治疗", "uc-msc", 3, "否")


def double_entry(tables: Tables) -> None:
    """106: one dose of ATG is entered twice."""
    dose = find(tables, "administrations", "106", 3, treatment="atg")
    tables["administrations"].insert(tables["administrations"].index(dose) + 1, dict(dose))
    log(tables, "106", "ATG entered twice", child("106").day(2), "data entry", "atg", 3, "no")


SEEDED: tuple[Callable[[Tables], None], ...] = (
    pounds,
    by_volume,
    two_bags,
    missed_visit,
    late_dose,
    after_stop,
    tenfold,
    not_given,
    out_of_window,
    no_record,
    old_weight,
    double_entry,
)


def make(folder: Path) -> tuple[Path, ...]:
    """The tables and settings of the example are in the folder; their paths are returned. The README is not touched."""
    tables: Tables = {name: [] for name in COLUMNS}
    for one in CHILDREN:
        for name, rows in Chart(one).tell().items():
            tables[name] += rows
    tables["amendments"] = [
        {"site": "01", "version": "1", "approved": "2014-07-15", "active": "2014-08-18"},
        {"site": "02", "version": "1", "approved": "2014-07-15", "active": "2014-09-22"},
    ]
    for change in SEEDED:
        change(tables)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[name].split(), lineterminator="\n")
            writer.writeheader()
            for n, row in enumerate(rows, 1):
                writer.writerow(
                    row | {"source": "synthetic"} | ({"record": f"A{n:04d}"} if name == "administrations" else {})
                )
    with (folder / "published.csv").open("w", encoding="utf-8", newline="") as file:
        for n, line in enumerate(PUBLISHED.splitlines()):
            file.write(f'{line},"{ABSTRACT}"\n' if n else f"{line},source\n")
    (folder / "study.yaml").write_text(STUDY, "utf-8")
    return (*(folder / f"{name}.csv" for name in (*tables, "published")), folder / "study.yaml")


if __name__ == "__main__":
    for path in make(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME):
        print(path)
