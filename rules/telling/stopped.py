"""What the sponsor is asked after a treatment was stopped: whether what follows it goes on, where nothing says so."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from protocol.model import Protocol
from rules.facts import Study
from rules.happened.spells import EXCUSES, STOP
from rules.plan import compile_plan
from rules.planning.sequels import Sequel, unsaid_sequels
from rules.telling.rows import to_sponsor
from rules.telling.wording import catalogue

_QUERY = "sequel"


def sequels_wanted(versions: Sequence[Protocol], study: Study, departures: pl.DataFrame, lang: str) -> pl.DataFrame:
    """One query about each treatment that follows a stopped one, where the protocol does not say whether it goes on."""
    protocol, stopped = versions[-1], departures.filter(pl.col("kind") == EXCUSES[STOP])
    wanted = {s.after: s for s in unsaid_sequels(compile_plan(protocol))} if len(stopped) else {}
    counted = [(sequel, _concerned(sequel, study, stopped)) for sequel in wanted.values()]
    return to_sponsor(_question(sequel, number, protocol, study, lang) for sequel, number in counted if number)


def _concerned(sequel: Sequel, study: Study, stopped: pl.DataFrame) -> int:
    """How many participants of its arms had doses withheld because the treatment before it was stopped."""
    arms = study.subjects.filter(pl.col("arm").is_in(sequel.arms))["subject"]
    mine = stopped.filter((pl.col("activity") == sequel.stopped) & pl.col("subject").is_in(arms.implode()))
    return mine["subject"].n_unique()


def _question(sequel: Sequel, number: int, protocol: Protocol, study: Study, lang: str) -> dict[str, object]:
    titles = {name: protocol.treatments[name].title for name in (sequel.stopped, sequel.after)}
    question = catalogue(lang)["facts"][_QUERY]
    said = {name: title.in_(lang) if title is not None else name for name, title in titles.items()}
    return {
        "id": f"{study.name}/protocol/{sequel.after}/query-{_QUERY}",
        "event": f"{study.name}/protocol/{sequel.after}",
        "code": _QUERY,
        "rule": "dose_after_stop, dose_not_given",
        "activity": sequel.after,
        "message": question.format(activity=said[sequel.stopped]).replace("#", said[sequel.after]),
        "version": protocol.version,
        "measure": float(number),
        "measure_unit": "participants",
    }
