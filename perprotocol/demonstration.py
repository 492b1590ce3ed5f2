"""The demo: the main job on the synthetic example study that ships with the package."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

import protocol as promised
import rules
from perprotocol.door import say
from perprotocol.pages import verdict_text
from protocol import Fault
from rules.report import write_report, write_table


def example_folder() -> Path:
    """The example study: beside the package when installed from a wheel, in the checkout otherwise."""
    here = Path(__file__).resolve().parent
    places = (here / "examples" / "uc-msc-saa", here.parent / "examples" / "uc-msc-saa")
    found = next((p for p in places if p.is_dir()), None)
    if found is None:
        remedy = "run the demo in a checkout of the repository, as by make demo"
        fault = Fault("demo", None, None, "", "", "the example study is not installed", remedy)
        raise promised.StudyError([fault])
    return found


def run_demo(folder: Path, lang: str, *, quiet: bool) -> None:
    """Print one child's calendar, one verdict and the audit; write the HTML page into a folder."""
    if folder.exists() and not folder.is_dir():
        fault = Fault("-o", None, None, "", str(folder), "is a file", "name a folder for the page")
        raise promised.StudyError([fault])
    trial, study = promised.read("uc-msc-saa"), rules.read_study(example_folder())
    cut = study.data_cut
    verdicts = rules.validate(trial, study, as_of=cut, lang=lang)
    slip = verdicts.filter(pl.col("codes").str.contains("overdose")).head(1)
    child = slip["subject"][0] if len(slip) else study.subjects["subject"][0]
    say(f"The calendar of child {child} (synthetic):", quiet=quiet)
    calendar = rules.schedule(trial, study, as_of=cut)
    own = calendar.filter((pl.col("subject") == child) & (pl.col("kind") != "assessment"))
    write_table(own.head(24), "table", lang, None)
    say("One verdict:", quiet=quiet)
    print_text(verdict_text(slip, lang))
    report = rules.audit(trial, study, as_of=cut, lang=lang)
    say("The audit:", quiet=quiet)
    write_report(report, None, "table", None, protocol_file="uc-msc-saa", options={})
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"uc-msc-saa.{lang}.html"
    write_report(report, calendar, "html", page, protocol_file="uc-msc-saa", options={})
    say(f"wrote {page}: open it in a browser", quiet=quiet)


def print_text(text: str) -> None:
    """A text on standard output."""
    sys.stdout.write(text + "\n")
