"""The listings as tables, from a report: what was found, asked and given, nothing that the report does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from rules.audit import Report
from rules.blinding import BLINDED
from rules.page.labels import Labels
from rules.page.summary import by_site, by_subject, marks
from rules.rates import site_rates, subject_days
from rules.texts import read_texts

ANSWER = ("answer", "answered_by", "answered_on")
"""Empty columns of a list of queries: the place for the site's answer."""

_DEVIATION = (
    "site", "subject", "arm", "date", "activity", "occurrence", "code", "rule_title", "category", "term", "importance",
    "proposed_importance", "measure", "measure_unit", "expected", "message", "cause", "primary", "decision", "state",
    "serious_breach", "excluded_from", "logged", "record", "event", "id",
)  # fmt: skip
_QUERY = ("id", "site", "subject", "date", "activity", "occurrence", "question", "record")


@dataclass(frozen=True)
class Listing:
    """One listing: its name, its table, and the site it is handed to, where it is of one."""

    name: str
    frame: pl.DataFrame
    site: str | None = None


@dataclass(frozen=True)
class Words:
    """The words of the listings in one language; what they do not have the report has."""

    lang: str

    @property
    def labels(self) -> Labels:
        """The words of a report."""
        return Labels(self.lang)

    def __getitem__(self, block: str) -> Mapping[str, str]:
        found: Mapping[str, str] = read_texts("perprotocol.formats.listings")[self.lang][block]
        return found

    def column(self, name: str) -> str:
        """The heading of a column."""
        own: str = self["columns"].get(name) or self.labels.column(name)
        return self.labels.value(name) if own == name else own

    def value(self, value: str) -> str:
        """A word of these listings as people read it."""
        return self["values"].get(value, value)


def make_listings(report: Report, exposure: pl.DataFrame, about: Mapping[str, str], lang: str) -> list[Listing]:
    """Every listing, in the order in which they are read; one of nothing is there all the same, but for `excluded`."""
    words, open_ = Words(lang), report.blinding != BLINDED
    everyone = by_subject(report)
    found = [
        Listing("about", _about(report, about, words)),
        Listing("deviations", _deviations(report, lang, arm=open_)),
    ]
    found.append(Listing("summary-by-site", _by_site(report, everyone)))
    if open_:
        found.append(Listing("summary-by-arm", _by_arm(report, everyone)))
    found.append(Listing("exposure", exposure if open_ else exposure.drop("arm")))
    excluded = _excluded(report)
    found += [Listing("excluded", excluded)] if len(excluded) else []
    found.append(Listing("rules", _rules(report, lang)))
    return found + _queries(report)


def _about(report: Report, about: Mapping[str, str], words: Words) -> pl.DataFrame:
    """What these listings are, of which data, and how their numbers come about."""
    study, said = report.study, words["about"]
    mark = [text for text, _ in marks(report, words.labels)]
    rows = {
        "study": study.name, "protocol": f"{report.protocol.protocol}, {report.protocol.version}",
        "as of": str(report.as_of), "data cut": str(study.data_cut or words.labels("no cut")),
        "final": words.labels.value("yes" if study.final else "no"), "blinding": ", ".join(mark) or report.blinding,
        **about,
    }  # fmt: skip
    told = [(said[key], value) for key, value in rows.items()]
    told += [("", said[key]) for key in ("deviations", "rates", "exposure", "disclaimer")]
    return pl.DataFrame(told, schema={"key": pl.String, "value": pl.String}, orient="row")


def _deviations(report: Report, lang: str, *, arm: bool) -> pl.DataFrame:
    """Every detected deviation, by site, participant and day (ICH E3 16.2.2)."""
    labels = Labels(lang)
    titles = {code: labels.code(code) for code in report.findings["code"].unique()}
    rows = report.findings.with_columns(rule_title=pl.col("code").replace(titles))
    names = [name for name in _DEVIATION if name in rows.columns and (arm or name != "arm")]
    return rows.select(names).sort("site", "subject", "date", nulls_last=True, maintain_order=True)


def _by_site(report: Report, everyone: pl.DataFrame) -> pl.DataFrame:
    """Sites with participants, time on study, deviations by category and their rate (ICH E3 10.2)."""
    funnel = site_rates(report.findings, subject_days(report.study, report.as_of))
    rates = funnel.sites.select(
        "site", subject_days="days", per_100_days=(pl.col("rate") * 100).round(4), z=pl.col("z").round(2), flag="flag"
    )
    sites = by_site(report, everyone)
    categories = [name for name in sites.columns if name not in (*_NUMBERS, "site")]
    told = sites.join(rates, on="site", how="left", maintain_order="left")
    return told.select("site", *_NUMBERS, *categories, "subject_days", "per_100_days", "z", "flag")


_NUMBERS = ("subjects", "findings", "important", "queries", "departures")


def _by_arm(report: Report, everyone: pl.DataFrame) -> pl.DataFrame:
    """Arms with participants and deviations by category."""
    sums = (
        everyone.group_by("arm")
        .agg(pl.len().alias("subjects"), pl.col(_NUMBERS[1:]).sum())
        .sort("arm", nulls_last=True)
    )
    if not len(report.findings):
        return sums
    own = report.findings.drop("arm").join(everyone.select("subject", "arm"), on="subject", how="left")
    split = own.group_by("arm", "category").agg(pl.len()).sort("category")
    wide = split.pivot("category", index="arm", values="len")
    joined = sums.join(wide, on="arm", how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(0) for name in wide.columns if name != "arm")


def _excluded(report: Report) -> pl.DataFrame:
    """Participants whom a decision on record keeps out of an analysis (ICH E3 16.2.3)."""
    study = report.study
    names = study.subjects.select("s", "subject", "site")
    chosen = study.decisions.filter(pl.col("kind") == "excluded").join(names, on="s", maintain_order="left")
    return chosen.select("site", "subject", "analysis_set", "reason", "decided", "by", "document", "finding")


def _rules(report: Report, lang: str) -> pl.DataFrame:
    labels = Labels(lang)
    titles = {code: labels.code(code) for code in report.counts["rule"]}
    told = report.counts.with_columns(rule_title=pl.col("rule").replace(titles))
    return told.select("rule", "rule_title", *(name for name in report.counts.columns if name != "rule"))


def _queries(report: Report) -> list[Listing]:
    """One list for each site; a gap of the protocol is a question to the sponsor."""
    rows = report.queries.with_columns(question="message").with_columns(
        pl.lit(None, pl.String).alias(n) for n in ANSWER
    )
    rows = rows.select(*_QUERY, *ANSWER).sort("subject", "date", "activity", "occurrence", nulls_last=True)
    sponsor = rows.filter(pl.col("subject").is_null())
    sites = report.study.subjects["site"].unique().sort(nulls_last=True).to_list()
    found = [
        Listing(
            "queries",
            rows.filter(pl.col("subject").is_not_null() & pl.col("site").eq_missing(pl.lit(site))),
            site or "",
        )
        for site in sites
    ]
    return found + ([Listing("queries", sponsor, "sponsor")] if len(sponsor) else [])
