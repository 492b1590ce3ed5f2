"""The verb `library`."""

from __future__ import annotations

from perprotocol.door import bad_input
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out
from perprotocol.output import print_table

SHORT = "The protocols that ship with the package."
EXAMPLES = "Examples:\n\nperprotocol library\n\nperprotocol library --lang zh --format json"


def library(format: FormatOpt = Format.table, output: Out = None, lang: LangOpt = Lang.en) -> None:
    """The protocols that ship with the package: any of their names may stand for PROTOCOL."""
    from perprotocol.pages import list_library  # noqa: PLC0415

    with bad_input(output):
        print_table(list_library(lang.value), format, lang, output)
