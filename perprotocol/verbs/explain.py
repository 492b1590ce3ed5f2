"""The verb `explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from perprotocol.door import bad_input
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out
from perprotocol.output import print_table, print_text

SHORT = "The page of a rule, or of a check of protocols."
EXAMPLES = "Examples:\n\nperprotocol explain dose_late\n\nperprotocol explain --list --lang zh"


def explain(
    code: Annotated[str | None, typer.Argument(help="A rule's code, such as dose_late.", metavar="[CODE]")] = None,
    list_: Annotated[bool, typer.Option("--list", help="All rules, one a line.")] = False,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
) -> None:
    """A rule's page: what it finds, why it matters, its source, and an example of each kind."""
    from perprotocol.pages import explain_rule, list_rules  # noqa: PLC0415

    with bad_input(output):
        if list_ or code is None:
            print_table(list_rules(lang.value), format, lang, output)
        else:
            print_text(explain_rule(code, lang.value), output)
