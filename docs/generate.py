"""Writes the pages that follow from the code: commands, rules, checks, tables. `make docs` runs it; a test compares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from typer.main import get_command

import protocol
from perprotocol.cli import app
from protocol.walk import children, elements
from rules.deviations import RULES
from rules.door.settings import KEYS
from rules.door.starting import describe_tables
from rules.lint import CHECKS
from rules.lint.check import Check
from rules.rule import Rule
from rules.telling.wording import catalogue

Verb: TypeAlias = Any
Parameter: TypeAlias = Any
"""typer's own classes: which they are differs between its releases; what is read here does not."""

HOME = Path(__file__).resolve().parent
_HOUSE = (
    "Imports run one way, `perprotocol -> rules -> protocol`, and so do the data: a protocol file becomes a plan, a "
    "study folder becomes facts; both meet in a schedule, are matched to occasions, and rules turn occasions into "
    "findings and queries.\n"
)
ROOMS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("protocol: what was promised", "Frozen models and the document they are read from.", ("protocol/",)),
    ("rules: the facts", "A study folder, checked and typed.", ("rules/facts.py", "rules/door/", "rules/parts.py")),
    ("rules: the plan", "A protocol, compiled once.", ("rules/plan.py", "rules/planning/")),
    (
        "rules: what is wrong with a protocol",
        "Read with its plan and the days that it plans, before a participant is enrolled.",
        ("rules/lint/", "rules/lint/faults/"),
    ),
    (
        "rules: what an amendment changes",
        "Two versions beside each other, and a study under both.",
        ("rules/diff/",),
    ),
    (
        "rules: what happened, in the protocol's words",
        "One partition of participants at a time.",
        ("rules/arrays.py", "rules/partitions.py", "rules/happened/"),
    ),
    (
        "rules: schedule and identity",
        "Which occurrences are expected, and which record is which.",
        ("rules/schedule.py", "rules/timing/", "rules/identity/"),
    ),
    ("rules: doses", "How much was intended, and how much was given.", ("rules/dose.py", "rules/dosing/")),
    ("rules: courses", "Treatments taken by days: what was taken beside what was planned.", ("rules/course/",)),
    (
        "rules: occasions and rules",
        "The tables a rule may see, and the rules.",
        ("rules/occasions/", "rules/match/", "rules/rule.py", "rules/deviations/"),
    ),
    (
        "rules: findings and their words",
        "Answers as rows, questions and sentences.",
        ("rules/audit.py", "rules/verdicts.py", "rules/findings.py", "rules/ahead.py", "rules/telling/"),
    ),
    (
        "rules: what people say of them",
        "Decisions, corrections and the site's log, beside the findings they concern.",
        ("rules/review/", "rules/blinding.py"),
    ),
    (
        "rules: what the trial ends in",
        "Endpoints and analysis sets, from the same facts as the audit.",
        ("rules/endpoints/",),
    ),
    ("rules: exposure and rates", "What was got, and how sites compare.", ("rules/exposure.py", "rules/rates.py")),
    (
        "rules: reports",
        "Tables, texts and the page.",
        ("rules/report.py", "rules/manifest.py", "rules/page/", "rules/texts.py"),
    ),
    (
        "perprotocol: how people reach it",
        "The command.",
        ("perprotocol/", "perprotocol/verbs/", "perprotocol/verbs/imports/", "perprotocol/verbs/exports/",
         "perprotocol/bulk/"),
    ),
    (
        "perprotocol: the formats of the field",
        "Read and written; nothing is judged here.",
        ("perprotocol/formats/", "perprotocol/formats/redcap/"),
    ),
    (
        "perprotocol: FHIR",
        "Resources of R4 and R5, read into a study folder and written.",
        ("perprotocol/formats/fhir/", "perprotocol/formats/fhir/reading/", "perprotocol/formats/fhir/writing/"),
    ),
    ("perprotocol: SDTM", "What was recorded, as regulators read it.", ("perprotocol/formats/sdtm/",)),
    (
        "perprotocol: the dose sheet",
        "One page an infusion, on paper.",
        ("perprotocol/formats/dose_sheet/", "perprotocol/formats/dose_sheet/fonts/"),
    ),
    ("perprotocol: listings", "What is handed over.", ("perprotocol/formats/listings/",)),
    ("perprotocol: USDM", "A study's design as the field exchanges it.", ("perprotocol/formats/usdm/",)),
    (
        "perprotocol: synthetic participants",
        "Perfect by the protocol alone, and with faults put in; nothing of the engine is used here.",
        ("perprotocol/simulation/", "perprotocol/simulation/faults/"),
    ),
    (
        "perprotocol: forecasts",
        "What a protocol asks of a site, played with those participants, for who writes one.",
        ("perprotocol/planning/",),
    ),
)  # fmt: skip
NOTE = "<!-- Written by `make docs`. Change the code, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Every generated page: its name in docs/ and its text."""
    return {
        "commands.md": commands_page(),
        "study-folder.md": study_page(),
        "rules.md": rules_page(),
        "lint.md": lint_page(),
        "house.md": house_page(),
        "library.md": library_page(),
    }


def main() -> None:
    """The generated pages are up to date; what was written is named."""
    for name, text in pages().items():
        path = HOME / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stdout.write(f"wrote docs/{name}\n")


def verbs() -> dict[str, Verb]:
    """Every verb of the command by name, in the order of its help; those of a group as `group verb`."""
    command: Any = get_command(app)
    return dict(_flat("", command))


def _flat(prefix: str, group: Verb) -> Iterator[tuple[str, Verb]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _flat(f"{prefix}{name} ", command)
        else:
            yield prefix + name, command


def commands_page() -> str:
    """Every verb with its arguments, its options and its examples."""
    head = "# The command\n\n" + NOTE + _COMMANDS
    return head + "\n".join("\n".join(_verb(name, command)) for name, command in verbs().items())


def study_page() -> str:
    """Every table and column of a study folder, and every line of its settings."""
    title, _, rest = describe_tables("study").partition("\n")
    assert title == "# study: a study folder"
    settings = "".join(f"| {key} | {meaning} |\n" for key, meaning in KEYS.items())
    return f"# The study folder\n\n{NOTE}{_STUDY}{rest.lstrip()}{_SETTINGS}{settings}"


def rules_page() -> str:
    """Every rule's page, below a list of all of them; then what no rule looks at."""
    rows = [f"| [`{r.code}`](#{r.code}) | {r.title} | {_gives(r)} | {r.category} |" for r in RULES]
    head = ["# The rules", "", NOTE + _RULES, "| code | title | gives | category |", "|---|---|---|---|", *rows, ""]
    notes = [f"- {note}" for note in catalogue("en")["notes"].values()]
    return "\n".join([*head, *(line for rule in RULES for line in _rule(rule)), _NOT_JUDGED, *notes, ""])


def lint_page() -> str:
    """Every check of a protocol with its page, below a list of all of them."""
    rows = [f"| [`{c.code}`](#{c.code}) | {c.title} | {c.kind} |" for c in CHECKS]
    head = ["# What is wrong with a protocol", "", NOTE + _LINT, "| code | title | gives |", "|---|---|---|", *rows, ""]
    return "\n".join([*head, *(line for check in CHECKS for line in _check(check))])


def _check(check: Check) -> Iterator[str]:
    yield f"## {check.code}\n"
    yield f"**{check.title}.** {check.section('What')}\n"
    yield f"*Why it matters.* {check.section('Why it matters')}\n"
    yield f"*A way out.* {check.section('Way out')}\n"
    for heading in ("Bad", "Good"):
        yield f"{heading}:\n\n```yaml\n{check.section(heading)}\n```\n"


def house_page() -> str:
    """Every file with the first sentence of its docstring, in the order in which the data pass through it."""
    lines = ["# The house", "", NOTE + _HOUSE]
    for heading, said, files in ROOMS:
        lines += [f"## {heading}", "", said, "", "| file | what |", "|---|---|"]
        for name in files:
            for path in sorted((HOME.parent / name).glob("*.py")) if name.endswith("/") else [HOME.parent / name]:
                lines.append(f"| `{path.relative_to(HOME.parent)}` | {_first_sentence(path)} |")
        lines.append("")
    return "\n".join(lines)


def library_page() -> str:
    """Every protocol of the library: what it is, from which documents, and how much of it is assumed."""
    lines = ["# The library", "", NOTE + _LIBRARY]
    for name in protocol.library():
        trial = protocol.read(name)
        lines += [f"## {name}", "", f"{trial.title}. {trial.title.in_('zh') if trial.title else ''}.", ""]
        lines += [f"{trial.note}\n"] if trial.note else []
        lines += [f"Version {trial.version}" + (f", {trial.registry}" if trial.registry else "") + ". Arms:"]
        lines += [", ".join(f"{arm} ({described.title})" for arm, described in trial.arms.items()) + "."]
        stated, assumed = _origins(trial)
        lines += ["", f"{stated} fields are stated, {assumed} assumed. Sources:", ""]
        lines += [*(f"- `{key}`: {text}" for key, text in trial.sources.items()), ""]
    return "\n".join(lines)


def _origins(trial: protocol.Protocol) -> tuple[int, int]:
    """How many fields of activities, criteria and modifications a document states, and how many are assumed."""
    own = set(protocol.Protocol.names_by_key()) & {"milestones", "weight", "bsa", "eligibility", "criteria", "cycles"}
    own |= {"treatments", "visits", "assessments", "modifications", "importance"}
    about = {"title", "note", "source", "basis", "assumed", "stated"}
    found = [
        trial.origin(".".join(map(str, (*path, key)))).basis
        for path, element in elements(trial)
        if path and path[0] in own
        for key, _ in children(element)
        if key not in about
    ]
    return found.count("stated"), found.count("assumed")


def _first_sentence(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return said.partition("\n")[0].replace("|", "\\|")


def _verb(name: str, command: Verb) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield f"## {name}\n"
    yield f"`perprotocol {' '.join([name, *(str(p.metavar) for p in arguments), '[options]'])}`\n"
    yield " ".join((command.help or "").split()) + "\n"
    yield "| | |\n|---|---|"
    yield from (f"| `{p.metavar}` | {_help(p)} |" for p in arguments)
    yield from (f"| {_flags(p)} | {_help(p)} |" for p in options)
    examples = [line for line in (command.epilog or "").split("\n\n")[1:] if line]
    yield "\n```\n" + "\n".join(examples) + "\n```\n"


def _flags(option: Parameter) -> str:
    words = [str(word.value) for word in type(option.default)] if isinstance(option.default, Enum) else []
    metavar = option.metavar or "\\|".join(words)
    return ", ".join(f"`{flag}`" for flag in option.opts) + (f" {metavar}" if metavar else "")


def _help(parameter: Parameter) -> str:
    return str(getattr(parameter, "help", None) or "").replace("|", "\\|")


def _gives(rule: Rule) -> str:
    return "query" if rule.asks else "finding"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"## {rule.code}\n"
    yield f"**{rule.title}.** Gives a {_gives(rule)}. Category: {rule.category}. Term: {rule.term}.\n"
    for heading in ("What", "Why it matters", "Reference"):
        yield f"*{heading}.* {rule.section(heading)}\n"
    yield f"*Deviates:* `{rule.section('Deviates')}`. *Complies:* `{rule.section('Complies')}`.\n"


_COMMANDS = """\
`perprotocol VERB PROTOCOL [STUDY] [options]`. PROTOCOL is a file, or the name of a protocol in the library; STUDY is a
folder of tables, or one Excel workbook. Results go to standard output, progress and remarks to standard error.

Exit status: 0 nothing found (for one dose typed in: *complies*), 1 deviations found, 2 bad input or usage, 3 cannot
tell (for a whole study only with `--strict`).

"""
_STUDY = """\
What happened, as the site has it. `perprotocol init FOLDER` makes one with all tables, empty. A fault in a file ends
the command with status 2, and names every fault of every file with line, column, value and remedy.

"""
_SETTINGS = """
## study.yaml

What holds for the whole study. Every line may be left out.

| key | meaning |
|---|---|
"""
_RULES = """\
A rule names one fault, and answers *deviates*, *complies* or *cannot tell*. What deviates is a finding (a detected
deviation, a candidate until a person confirms it), or, where the doubt is about the data, a query. A fact that a rule
lacks is one query, with all the rules that it blocks. The examples are executed by tests; days and amounts in them are
those of the occasions tables, amounts in base units. `perprotocol explain CODE` prints the same page.
"""

_LINT = """\
`perprotocol lint PROTOCOL` reads a protocol before a participant is enrolled, and says what is wrong with it: the line,
the reason and a way out. A *fault* must be mended: as it stands some verdict can never be given, or somebody can never
comply. What is *to confirm* gives verdicts, and rests on what no document states. What is *not judged* is read and
scheduled, and must be checked by hand. A file that cannot be read as a protocol at all (an amount in a wrong dimension,
an unknown name) ends with status 2 and every fault of its language.

Exit status: 0 no fault, 1 faults; with `--strict` also 1 for what is to be confirmed. `--closed "saturday, sunday"`
says on which weekdays clinics are closed; without it no target is held against them. The examples are executed by
tests.

"""
_LIBRARY = """\
Protocols that ship with the package; `perprotocol library` lists them, and each name may stand for PROTOCOL. They are
written anew from public facts. What no document states is marked *assumed*, with who has to confirm it, and a finding
that rests on it says so: read them as worked examples, never as the protocol of record.
"""
_NOT_JUDGED = """\
## What is not judged

A report names each of these with the place in the protocol, under *Not judged*:
"""

if __name__ == "__main__":
    main()
