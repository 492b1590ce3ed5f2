"""The demo: the main job on the synthetic example study that ships with the package."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

import protocol as promised
import rules
from perprotocol.door import check_folder, say
from perprotocol.pages import verdict_text
from protocol import Fault
from rules.page.labels import Labels
from rules.page.text import numbers
from rules.report import write_report, write_table

SAID = {
    "en": {
        "calendar": "The calendar of child {child} (synthetic):",
        "verdict": "\nOne verdict:",
        "audit": "\nThe audit:",
        "page": "\nwrote {page}, the whole audit: open it in a browser",
    },
    "zh": {
        "calendar": "受试者 {child}（虚构）的日历：",
        "verdict": "\n一次给药的判定：",
        "audit": "\n方案依从性核查：",
        "page": "\n已写入 {page}（完整核查报告）：请用浏览器打开",
    },
}
"""What is said between the parts, by language."""


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
    """Print one child's calendar, one verdict and what the audit found; write the whole audit as an HTML page."""
    check_folder(folder, "-o")
    said = SAID[lang]
    trial, study = promised.read("uc-msc-saa"), rules.read_study(example_folder())
    cut = study.data_cut
    verdicts = rules.validate(trial, study, as_of=cut, lang=lang)
    slip = verdicts.filter(pl.col("codes").str.contains("overdose")).head(1)
    child = slip["subject"][0] if len(slip) else study.subjects["subject"][0]
    say(said["calendar"].format(child=child), quiet=quiet)
    calendar = rules.schedule(trial, study, as_of=cut)
    own = calendar.filter((pl.col("subject") == child) & (pl.col("kind") != "assessment"))
    write_table(own.head(24), "table", lang, None)
    say(said["verdict"], quiet=quiet)
    print_text(verdict_text(slip, lang))
    report = rules.audit(trial, study, as_of=cut, lang=lang)
    say(said["audit"], quiet=quiet)
    print_text("\n".join(line for _, line in numbers(report, Labels(lang))))
    write_table(report.findings.drop("verdict"), "table", lang, None)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"uc-msc-saa.{lang}.html"
    write_report(report, calendar, "html", page, protocol_file="uc-msc-saa", options={})
    say(said["page"].format(page=page), quiet=quiet)


def print_text(text: str) -> None:
    """A text on standard output."""
    sys.stdout.write(text + "\n")
