"""Real doses as a study folder: an ascending-dose study of primaquine in volunteers with G6PD deficiency.

    python examples/import_primaquine.py primaquine_doses.csv FOLDER
    perprotocol audit primaquine-challenge FOLDER

The data (CC0) stay where they are, nothing of them is part of this project. One row of the table is one person and day:
`ID, study, Clock_Time, Calendar_Day, Day, Time, PQdose, weight, PQ_mg_kg`. Part 1 becomes volunteers `1` to `24` with
the ladder that `LADDERS` gives them, part 2 the volunteers `p2-1` to `p2-16` of the arm `single`.

What the table does not say and this script does not decide:

- The clock times end in Z, and their zone is not documented. They are kept as written, so a date is the date written.
- A weight stands on every row of a person and never changes. It is written once, on the day of the first dose; when
  the person was weighed is not documented.
- Who was meant to follow which ladder is documented nowhere. The ladders are read off the doses themselves, so every
  verdict that rests on them is *assumed*.
- Why a record ends is not documented. Nothing is written for the days after it.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

LADDERS = {
    "ladder-a": (1, 2, 3, 4, 5),
    "ladder-b": (6, 7),
    "ladder-c": (8, 9, 18),
    "ladder-d": (10, 11, 12, 13, 14, 15, 16, 17, 19),
    "ladder-e": (20, 21, 22, 23, 24),
}
"""The volunteers of part 1 by the ladder that their doses show, as `primaquine-challenge` has it. Assumed."""

ARMS = {str(volunteer): ladder for ladder, volunteers in LADDERS.items() for volunteer in volunteers}
NEEDED = ("ID", "study", "Clock_Time", "Calendar_Day", "PQdose", "weight")

STUDY = """\
# Written by examples/import_primaquine.py from primaquine_doses.csv (CC0).
# The clock times end in Z and their zone is not documented: they are kept as written, no time_zone is set.
name: primaquine-challenge
protocol: primaquine-challenge
data_cut: {last}
not_collected: counts
"""

Row = dict[str, str]


def read_doses(path: Path) -> list[Row]:
    """The rows of the table in the order of person and time; ValueError if it is not the table described above."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in NEEDED if not rows or name not in rows[0]]
    if missing:
        raise ValueError(f"{path.name} has no {', '.join(missing)}: give primaquine_doses.csv")
    for line, row in enumerate(rows, 2):
        if row["study"] not in ("Part1", "Part2") or (row["study"] == "Part1" and row["ID"] not in ARMS):
            raise ValueError(f"{path.name}:{line}: {row['study']} {row['ID']} is no volunteer of part 1 or 2")
        if not row["Clock_Time"].startswith(row["Calendar_Day"]):
            raise ValueError(f"{path.name}:{line}: {row['Clock_Time']} is not on {row['Calendar_Day']}")
    return sorted(rows, key=lambda row: (row["study"], int(row["ID"]), row["Clock_Time"]))


def volunteer(row: Row) -> str:
    """The id of the person in the study folder: both parts number theirs from 1."""
    return row["ID"] if row["study"] == "Part1" else f"p2-{row['ID']}"


def write_study(rows: list[Row], folder: Path) -> None:
    """The study folder holds subjects, administrations, weights and settings of these doses."""
    folder.mkdir(parents=True, exist_ok=True)
    first = {volunteer(row): row for row in reversed(rows)}
    people = {who: first[who] for who in dict.fromkeys(map(volunteer, rows))}
    write(
        folder / "subjects.csv",
        ("subject", "arm"),
        ((who, ARMS[row["ID"]] if row["study"] == "Part1" else "single") for who, row in people.items()),
    )
    write(
        folder / "administrations.csv",
        ("subject", "treatment", "start", "amount", "unit"),
        ((volunteer(row), "primaquine", row["Clock_Time"], row["PQdose"], "mg") for row in rows),
    )
    write(
        folder / "observations.csv",
        ("subject", "measure", "value", "unit", "at", "method"),
        (
            (who, "weight", row["weight"], "kg", row["Calendar_Day"], "day of weighing not documented")
            for who, row in people.items()
        ),
    )
    last = max(row["Calendar_Day"] for row in rows)
    (folder / "study.yaml").write_text(STUDY.format(last=last), "utf-8")


def write(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table is written as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(arguments: list[str]) -> int:
    """Read the table, write the folder; 2 if that cannot be done."""
    if len(arguments) != 2:
        print("usage: python examples/import_primaquine.py primaquine_doses.csv FOLDER", file=sys.stderr)
        return 2
    try:
        rows = read_doses(Path(arguments[0]))
        write_study(rows, Path(arguments[1]))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(rows)} doses of {len(set(map(volunteer, rows)))} volunteers: {arguments[1]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
