"""An empty study folder to begin with: its tables with their headers, its settings and a page that explains them."""

from pathlib import Path

from protocol.errors import Fault, StudyError
from rules.door.settings import KEYS
from rules.door.tables import SCHEMAS, Column, Schema

_INTRODUCTION = """# {name}: a study folder

One table a file, one fact a row. Only `subjects` is required; remove the tables you do not need. Columns may stand in
any order, others may be added and are kept, and those in **bold** must be there. CSV, Parquet and an Excel workbook
with a sheet a table are read alike.

Dates are written with the year first: 2024-03-15, 2024-03-15T10:20, or 2024-03 and 2024 where no more is known. Numbers
have a decimal point: 16.2 or 1.62e7. A cell is left empty where nothing is known.
"""


def init_study(folder: str | Path) -> tuple[Path, ...]:
    """An empty study folder is there; its files are returned. StudyError if the folder holds anything already."""
    home = Path(folder)
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        why = "is there already and is not empty"
        raise StudyError([Fault(str(home), None, None, "", "", why, "name a new folder, or empty this one")])
    home.mkdir(parents=True, exist_ok=True)
    texts = {f"{name}.csv": ",".join(schema.names) + "\n" for name, schema in SCHEMAS.items()}
    texts |= {"study.yaml": _settings(home.resolve().name), "README.md": describe_tables(home.resolve().name)}
    for name, text in texts.items():
        # Excel takes a CSV file for UTF-8 only if it begins with a byte order mark.
        (home / name).write_text(text, "utf-8-sig" if name.endswith(".csv") else "utf-8")
    return tuple(home / name for name in texts)


def describe_tables(name: str) -> str:
    """A page in Markdown on every table and column of a study folder, from SCHEMAS."""
    return "\n".join([_INTRODUCTION.format(name=name), *map(_describe, SCHEMAS.values())])


def _describe(schema: Schema) -> str:
    rows = [f"| {_name(column)} | {_form(column)} | {column.meaning} |" for column in schema.columns]
    head = f"## {schema.name}\n\n{schema.meaning}\n\n| column | written as | meaning |\n|---|---|---|"
    return "\n".join([head, *rows, ""])


def _name(column: Column) -> str:
    return f"**{column.name}**" if column.required else column.name


def _form(column: Column) -> str:
    words = {"datetime": "date, or date and time", "value": "number or word", "integer": "whole number", "id": "text"}
    numbers = ("percent", "weight", "amount", "concentration")
    form = ", ".join(column.vocabulary) or words.get(column.kind, "number" if column.kind in numbers else column.kind)
    return f"{form} ({column.unit})" if column.unit else form


def _settings(name: str) -> str:
    lines = [f"# {meaning}\n{key}: {name if key == 'name' else ''}".rstrip() for key, meaning in KEYS.items()]
    return "# What holds for the whole study. Every line may be left out.\n" + "\n".join(lines) + "\n"
