"""Texts for people: a rule's page, the list of rules, the verdict on one dose."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

import protocol
from perprotocol.typed_in import Judged
from protocol import Fault, StudyError
from rules.deviations import BY_CODE, RULES
from rules.page.labels import Labels
from rules.telling.wording import catalogue, rule_text


def list_rules(lang: str) -> pl.DataFrame:
    """Every rule: code, title, what it gives (finding or query), category."""
    words = catalogue(lang).get("words", {})
    kinds = {False: words.get("finding", "finding"), True: words.get("query", "query")}
    rows = [(r.code, rule_text(r, "title", lang), kinds[r.asks], words.get(r.category, r.category)) for r in RULES]
    return pl.DataFrame(rows, schema=["code", "title", "gives", "category"], orient="row")


def list_library(lang: str) -> pl.DataFrame:
    """Every protocol that ships with the package: its name, version, registry entry, title and how many arms it has."""
    rows = []
    for name in protocol.library():
        trial = protocol.read(name)
        title = trial.title.in_(lang) if trial.title is not None else None
        rows.append((name, trial.version, trial.registry, len(trial.arms), title))
    return pl.DataFrame(rows, schema=["protocol", "version", "registry", "arms", "title"], orient="row")


def explain_rule(code: str, lang: str) -> str:
    """The page of one rule, with its code, its sentence and its coded term; or of a check of protocols."""
    from rules.lint import BY_CODE as CHECKS  # noqa: PLC0415  a page of a rule needs no check

    rule = BY_CODE.get(code)
    if code in CHECKS:
        check = CHECKS[code]
        return f"{check.code}: {check.text('title', lang)}\n\n{check.page.strip()}"
    if rule is None:
        near = get_close_matches(code, [*BY_CODE, *CHECKS], 1)
        remedy = f"write {near[0]}" if near else "see perprotocol explain --list"
        raise StudyError([Fault("explain", None, None, "", code, "is no rule", remedy)])
    title, message = rule_text(rule, "title", lang), rule_text(rule, "message", lang)
    head, tail = f"{rule.code}: {title}\n\n  {message}\n\n", f"\n\nCategory\n--------\n{rule.category}; {rule.term}\n"
    return head + rule.page.strip() + tail


def judged_text(judged: Judged, lang: str) -> str:
    """The verdict on a dose typed in, and what would follow it."""
    labels = Labels(lang)
    return "\n".join([verdict_text(judged.verdict, lang, ahead=judged.ahead), *_follow_lines(judged.follows, labels)])


def verdict_text(verdicts: pl.DataFrame, lang: str, *, ahead: bool = False) -> str:
    """The verdict on one dose, given or `ahead` of us, then the steps behind it, one a line."""
    labels = Labels(lang)
    lines = []
    for v in verdicts.iter_rows(named=True):
        word = labels(f"would {v['verdict']}") if ahead else labels.value(v["verdict"])
        lines.append(f"{word.upper()}  {v['message']}")
        weight = f"{v['weight_kg']:g} kg ({v['weight_on']}, {v['weight_age']} d)" if v["weight_kg"] is not None else "?"
        steps = {
            "given": v["given"],
            "intended": v["intended"],
            "least": v["least"],
            "most": v["most"],
            "weight_kg": weight,
            "first_allowed_day": v["opens"] or v["due"],
            "due": v["due"],
            "last_compliant_day": v["closes"] or v["due"],
            "because": v["because"],
            "basis": labels.value(v["basis"]),
            "source": v["source"],
            "version": v["version"],
        }
        lines += [f"  {labels.column(k)}: {x}" for k, x in steps.items() if x is not None]
    return "\n".join(lines)


MOST_AHEAD = 12
"""Occurrences that are listed after a dose; `schedule` shows all of them."""


def _follow_lines(follows: pl.DataFrame, labels: Labels) -> list[str]:
    """What lies ahead: everything that the dose moves, and the next of each activity."""
    chosen = follows.filter((pl.col("moved").fill_null(0) != 0) | pl.col("next"))
    lines = [f"  {labels('follows')}:"] if len(chosen) else []
    for row in chosen.head(MOST_AHEAD).iter_rows(named=True):
        if row["due"] is None:
            continue
        moved, opens, closes = row["moved"] or 0, row["opens"] or row["due"], row["closes"] or row["due"]
        said = labels("moved", days=f"{moved:+d}", planned=row["planned"]) if moved else labels("unmoved")
        lines.append(f"    {row['activity']} {row['occurrence']}: {row['due']} ({opens} – {closes}), {said}")
    if len(chosen) > MOST_AHEAD:
        lines.append(f"    {labels('more ahead', n=len(chosen) - MOST_AHEAD)}")
    return lines
