"""The documentation says what is so: its sessions are run, its Python and YAML read, its links and tables compared."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import protocol
from docs.generate import pages, verbs
from perprotocol.cli import app
from perprotocol.simulation.forecast import ACTIVITIES, CHANGES, WEEKDAYS, WEEKS
from rules.deviations import RULES
from rules.diff import DIFF
from rules.endpoints.participants import OBSERVED
from rules.endpoints.published import COMPARED as PUBLISHED
from rules.endpoints.results import RESULTS
from rules.endpoints.sets import SETS
from rules.exposure import EXPOSURE
from rules.findings import COUNTS
from rules.lint import LINT
from rules.rates import RATES
from rules.review.assessed import CAUSES, FIELDS
from rules.review.compare import COMPARED
from rules.review.decided import DECISIONS, HISTORY
from rules.review.logged import RECONCILIATION
from rules.telling.calendar_table import SCHEDULE
from rules.telling.departures import DEPARTURES
from rules.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PAGES = [*WRITTEN, *sorted(ROOT.glob("examples/*/*.md")), ROOT / "bench/README.md"]


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(kind: str) -> Iterator[Block]:
    """Every block of a kind in the pages that are run."""
    for page in WRITTEN:
        text = page.read_text("utf-8")
        for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if found[1] == kind:
                yield Block(page, text.count("\n", 0, found.start()) + 2, kind, found[2])


def of_each(kind: str) -> Callable[..., object]:
    """Run a test once for every block of a kind."""
    return pytest.mark.parametrize("block", list(blocks(kind)), ids=str)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new folder with the repository's examples at hand, and work in it."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def run(command: str) -> tuple[int, str]:
    """Return the exit status and what was printed: standard error where the input was bad, else standard output."""
    program, *arguments = shlex.split(command, comments=True)
    if program == "python":
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr if done.returncode == 2 else done.stdout
    assert program == "perprotocol"
    result = CliRunner().invoke(app, arguments, prog_name="perprotocol")
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stderr if result.exit_code == 2 else result.stdout


def sessions(block: Block) -> Iterator[tuple[str, int, list[str]]]:
    """Every command of a block, the exit status that is written behind it (else 0), and the lines shown below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        status = re.search(r"# exit (\d)$", command)
        yield command, int(status[1]) if status else 0, [line.rstrip() for line in lines]


@of_each("console")
def test_a_session_is_what_the_command_prints(block: Block, place: Path) -> None:
    """Each command ends with the status written; the lines shown are printed, and `...` stands for any others."""
    for command, status, lines in sessions(block):
        found, text = run(command)
        assert found == status, f"{block}: {command}\n{text}"
        if lines:
            pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in lines)
            printed = "".join(line.rstrip() + "\n" for line in text.splitlines())
            assert re.fullmatch(pattern, printed), f"{block}: {command}\n{printed}"


@of_each("python")
def test_python_in_a_page_runs(block: Block, place: Path) -> None:
    """A block of Python runs by itself beside the examples."""
    exec(compile("\n" * block.line + block.text, str(block.page), "exec"), {})


@of_each("yaml")
def test_yaml_in_a_page_is_the_language(block: Block) -> None:
    """A block of YAML is a protocol, or a part that makes one together with the smallest rest."""
    rest = {
        "protocol": "protocol: example\n",
        "version": "version: 1\n",
        "first_day": "first_day: 0\n",
        "arms": "arms: {one: everyone}\n",
        "treatments": "treatments: {drug: {due: day 0}}\n",
    }
    missing = [text for key, text in rest.items() if not re.search(rf"^{key}:", block.text, re.MULTILINE)]
    read = protocol.read_text("".join(missing) + block.text, str(block))
    assert protocol.read_text(protocol.write(read)) == read


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file or heading of the repository finds it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"https?:", target):
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("name", list(pages()))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """The page is what the code says now; `make docs` renews it."""
    assert (ROOT / "docs" / name).read_text("utf-8") == pages()[name], "renew it with: make docs"


def test_every_verb_and_option_is_explained() -> None:
    """README and its Chinese sister name every verb; every argument and option has its line of help."""
    for name, command in verbs().items():
        for page in ("README.md", "docs/README.zh.md"):
            assert f"| `{name}` |" in (ROOT / page).read_text("utf-8"), (page, name)
        commands = (ROOT / "docs/commands.md").read_text("utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            assert parameter.help, (name, parameter.name)
            assert all(f"`{flag}`" in commands for flag in parameter.opts if flag.startswith("-")), parameter.opts


def fields_of(heading: str) -> list[str]:
    """Return the names in the first column of the table below a heading of docs/output.md."""
    text = (ROOT / "docs/output.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("A schedule row", SCHEDULE),
        ("A finding or a query", FIELDS),
        ("A verdict", VERDICTS),
        ("A departure", DEPARTURES),
        ("The site's log beside what was detected", RECONCILIATION),
        ("A decision on record", DECISIONS),
        ("A state", HISTORY),
        ("A cause", CAUSES),
        ("A difference between two runs", COMPARED),
        ("A fault of a protocol", LINT),
        ("A difference between two versions", DIFF),
        ("The answers of every rule", COUNTS),
        ("An exposure", EXPOSURE),
        ("A site's rate", RATES),
        ("A week of a forecast", WEEKS),
        ("An activity of a forecast", ACTIVITIES),
        ("A weekday of a forecast", WEEKDAYS),
        ("A wider window of a forecast", CHANGES),
        ("A figure of an endpoint", RESULTS),
        ("What a participant contributes", OBSERVED),
        ("Membership of an analysis set", SETS),
        ("A published figure", PUBLISHED),
    ],
)
def test_every_field_of_a_result_is_explained_in_its_order(heading: str, fields: list[str]) -> None:
    """docs/output.md names the fields that the code gives, in the same order."""
    assert fields_of(heading) == list(fields)


def test_every_key_of_a_manifest_is_explained() -> None:
    """docs/output.md names every key of the manifest that a run writes."""
    import rules
    from rules.manifest import write_manifest

    saa = protocol.read("uc-msc-saa")
    report = rules.audit(saa, rules.from_frames("small", {"subjects": [{"subject": "1", "arm": "msc"}]}))
    assert [*write_manifest(report), "results"] == fields_of("The manifest")


def test_the_change_log_names_every_rule() -> None:
    """A rule that answers anew is no surprise: its code stands in CHANGELOG.md."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert [rule.code for rule in RULES if f"`{rule.code}`" not in text] == []


def test_what_may_not_be_done_is_said_once() -> None:
    """README has the disclaimer, once in each language."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.count("never the sole basis of a dose") == 1
    assert text.count("不得作为给药的唯一依据") == 1


def test_the_house_names_every_file() -> None:
    """A reader finds every module of the three packages on the page of the house."""
    page = (ROOT / "docs" / "house.md").read_text("utf-8")
    files = [p for d in ("protocol", "rules", "perprotocol") for p in (ROOT / d).rglob("*.py")]
    missing = [str(p.relative_to(ROOT)) for p in files if f"`{p.relative_to(ROOT)}`" not in page]
    assert missing == ["rules/__init__.py"]
