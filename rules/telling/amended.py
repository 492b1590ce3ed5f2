"""What is said where a protocol has several versions: what another version says of a dose, and what no version says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.deviations import BY_CODE
from rules.facts import Study
from rules.findings import Verdicts, answer
from rules.happened.versions import UNTOLD, plain
from rules.match import build_doses
from rules.match.in_force import version_of
from rules.telling.rows import Place, to_sponsor
from rules.telling.wording import catalogue
from rules.timing.carried import Carried
from rules.timing.grid import Laid

_QUERY = "transition"


def beside_others(laid: Laid, carried: Carried, verdicts: Verdicts, place: Place, lang: str) -> Verdicts:
    """The findings about a dose say with which other version of the protocol it would comply."""
    about = [code for code, rule in BY_CODE.items() if rule.table in ("doses", "conduct", "specifications")]
    mine = pl.col("code").is_in(about) & (pl.col("verdict") == "deviates")
    findings, file = verdicts.findings, place.files.get("administrations", "")
    if not len(findings.filter(mine)):
        return verdicts
    for other in carried.others.values():
        records = [f"{file}:{row}" for row in _complying(other)]
        phrase = catalogue(lang)["phrases"]["complies_with"].replace("#", other.plan.protocol.version)
        told = pl.when(mine & pl.col("record").is_in(records)).then(pl.col("message") + pl.lit(phrase))
        findings = findings.with_columns(message=told.otherwise("message"))
    return Verdicts(findings, verdicts.queries, verdicts.departures, verdicts.counts)


def _complying(laid: Laid) -> pl.Series:
    """The lines of the doses of which this version has nothing to say."""
    tables = build_doses(laid)
    doses, faulty = tables["doses"], [np.zeros(0, np.int32)]
    for name, table in tables.items():
        for found in answer(name, table):
            faulty += [table["dose"].to_numpy()[found.deviates], table["dose"].to_numpy()[found.untold]]
    fine = doses["matched"] & doses["dosed"] & ~doses["dose"].is_in(np.concatenate(faulty).astype(np.int32))
    return doses["row"].filter(fine)


def of_version(laid: Laid, doses: pl.DataFrame, verdicts: pl.DataFrame, lang: str) -> pl.DataFrame:
    """The verdicts on the doses of this layout's version; those of which no rule says the version cannot be told."""
    versions = version_of(laid, "doses", doses)
    number = laid.carried.version if laid.carried is not None else 0
    untold = pl.Series(versions == UNTOLD)
    said = pl.lit(catalogue(lang)["notes"]["no-transition"])
    told = verdicts.with_columns(
        verdict=pl.when(untold).then(pl.lit("cannot tell")).otherwise("verdict"),
        codes=pl.when(untold).then(pl.lit(_QUERY)).otherwise("codes"),
        message=pl.when(untold).then(said).otherwise("message"),
        version=pl.when(untold).then(None).otherwise("version"),
    )
    return told.filter(pl.Series((versions == number) | ((versions == UNTOLD) & (number == 0))))


def transitions_wanted(versions: Sequence[Protocol], study: Study, lang: str) -> pl.DataFrame:
    """One query about each amendment in use that does not say to whom of those already in the trial it applies."""
    used = {plain(version) for version in study.amendments["version"]}
    signed = "consents" in study.tables
    rows = [
        version
        for version in versions[1:]
        if plain(version.version) in used
        and (version.transition is None or (version.transition == "from re-consent" and not signed))
    ]
    question = catalogue(lang)["facts"][_QUERY]
    return to_sponsor(
        {
            "id": f"{study.name}/protocol/{version.version}/query-{_QUERY}",
            "event": f"{study.name}/protocol/{version.version}",
            "code": _QUERY,
            "rule": ", ".join(BY_CODE),
            "message": question.replace("#", version.version),
            "version": version.version,
        }
        for version in rows
    )


def unknown_versions(versions: Sequence[Protocol], study: Study) -> tuple[tuple[str, str], ...]:
    """What is not judged because a version, or its activation, is not known."""
    known = {plain(version.version) for version in versions}
    named = {plain(version) for version in study.amendments["version"]}
    notes = [("amendments", "unknown-version")] if named - known else []
    notes += [("amendments", "no-amendments")] if {plain(v.version) for v in versions[1:]} - named else []
    return tuple(notes)
