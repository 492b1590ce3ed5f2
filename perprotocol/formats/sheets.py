"""A workbook on its way out: texts stay texts, days are days to Excel, and nothing recorded can run as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from perprotocol.door import extra
from perprotocol.output import whole
from protocol import Fault, StudyError

MOST_ROWS, MOST_SIGNS = 1_048_576, 32_767
"""What a sheet, and a cell, of a workbook can hold."""

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_MADE = datetime(2000, 1, 1)
"""A workbook says when it was made: always then, so that the same study gives the same bytes."""

_DAY, _TIME, _SECONDS = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm:ss"
_FORMS = {"text": "@", "day": _DAY, "time": _TIME}


@dataclass(frozen=True)
class Heading:
    """The head of a column: its text, what it means, what may be chosen in it.

    `form`: how what is typed into it later shall be kept: `text` keeps 001 as it is typed, `day`, `time`, or nothing.
    """

    text: str
    note: str = ""
    choices: tuple[str, ...] = ()
    form: str = ""
    width: float = 0
    strong: bool = False


@dataclass
class Workbook:
    """A workbook that is being written; `add` puts one sheet behind the others."""

    book: Any
    file: str
    footer: str = ""
    formats: dict[str, Any] = field(default_factory=dict)

    def format(self, **properties: object) -> Any:
        """The cell format with these properties, made once."""
        key = repr(sorted(properties.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format(properties)
        return self.formats[key]

    def add(self, name: str, headings: Sequence[Heading], rows: Iterable[Sequence[object]], *, title: str = "") -> int:
        """The sheet with its head and its rows stands in the workbook; how many rows it has."""
        sheet = self.book.add_worksheet(name)
        first = 2 if title else 0
        if title:
            sheet.write_string(0, 0, title, self.format(bold=True, font_size=13))
        for place, heading in enumerate(headings):
            self._column(sheet, place, heading)
            style = self.format(
                bold=True, bottom=1, text_wrap=True, valign="top", quote_prefix=bool(_FORMULA.match(heading.text))
            )
            sheet.write_string(first, place, heading.text, style)
            if heading.note:
                sheet.write_comment(first, place, heading.note, {"x_scale": 2})
        number = first
        for cells in rows:
            number += 1
            if number >= MOST_ROWS:
                why = f"has more rows than a sheet can hold, {MOST_ROWS}"
                raise StudyError([Fault(self.file, None, None, name, "", why, "write it as CSV or Parquet")])
            for place, value in enumerate(cells):
                self._put(sheet, name, number, place, value)
        for place, heading in enumerate(headings):
            if heading.choices:
                sheet.data_validation(first + 1, place, MOST_ROWS - 1, place, _choice(heading.choices))
        self._lay_out(sheet, first, number, len(headings))
        return number - first

    def _column(self, sheet: Any, place: int, heading: Heading) -> None:
        style = self.format(num_format=_FORMS[heading.form]) if heading.form else None
        sheet.set_column(place, place, heading.width or max(len(heading.text) + 3, 11), style)

    def _put(self, sheet: Any, name: str, row: int, place: int, value: object) -> None:
        match value:
            case None | "":
                return
            case bool():
                sheet.write_string(row, place, "yes" if value else "no")
            case int() | float():
                sheet.write_number(row, place, value)
            case datetime():
                form = _SECONDS if value.second else _TIME
                sheet.write_datetime(row, place, value, self.format(num_format=form, align="left"))
            case date():
                sheet.write_datetime(row, place, value, self.format(num_format=_DAY, align="left"))
            case _:
                text = str(value)
                if len(text) > MOST_SIGNS:
                    why = f"has {len(text)} characters, and a cell of a workbook holds {MOST_SIGNS}"
                    raise StudyError(
                        [Fault(f"{self.file}[{name}]", row + 1, place + 1, "", text[:30] + "…", why, "shorten it")]
                    )
                # The mark that Excel itself sets where a person types an apostrophe first: the text is not changed.
                style = self.format(quote_prefix=True) if _FORMULA.match(text) else None
                sheet.write_string(row, place, text, style)

    def _lay_out(self, sheet: Any, head: int, last: int, width: int) -> None:
        sheet.freeze_panes(head + 1, 0)
        sheet.autofilter(head, 0, max(last, head + 1), max(width - 1, 0))
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(head)
        sheet.set_footer(f"&L{self.footer.replace('&', '&&')}&R&P / &N")


def _choice(words: tuple[str, ...]) -> dict[str, object]:
    return {
        "validate": "list", "source": list(words), "error_type": "warning", "error_title": "not one of the words",
        "error_message": "Write one of: " + ", ".join(words),
    }  # fmt: skip


@contextmanager
def new_workbook(path: Path, footer: str = "") -> Iterator[Workbook]:
    """A workbook to fill, which then stands at `path`, whole."""
    xlsxwriter = extra("excel", "xlsxwriter")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with whole(path) as place:
        book = xlsxwriter.Workbook(str(place), options)
        book.set_properties({"created": _MADE})
        try:
            yield Workbook(book, path.name, footer)
        finally:
            book.close()
