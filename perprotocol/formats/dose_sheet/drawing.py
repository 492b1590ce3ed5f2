"""Sheets as a PDF, each on its page; a sign that no font has, or a page too full, is an error and never lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from perprotocol.door import extra
from perprotocol.formats.dose_sheet.said import words
from perprotocol.formats.dose_sheet.sheet import Sheet
from protocol import Fault, StudyError

SIZES = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5)
"""Sizes of type, in points, tried from the largest until every sheet fits its page."""

_FONTS = (".otf", ".ttf", ".ttc", ".otc")


def draw(sheets: Sequence[Sheet], foot: dict[str, Any], fonts: Path | None = None) -> bytes:
    """The PDF, a page a sheet, in the package's own fonts and those of a folder, never in those of the machine."""
    typst = extra("pdf", "typst")
    folders = [Path(str(resources.files("perprotocol").joinpath("formats/dose_sheet/fonts")))]
    folders += [fonts] if fonts is not None else []
    data = {"sheets": [sheet.page for sheet in sheets], "words": words(), "foot": foot}
    _check_signs(data, folders)
    template = resources.files("perprotocol").joinpath("formats/dose_sheet/page.typ").read_bytes()
    options = {"font_paths": [str(folder) for folder in folders], "ignore_system_fonts": True}
    families = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=options["font_paths"])
    inputs = {"data": json.dumps(data, ensure_ascii=False), "fonts": json.dumps(_ordered(families.families()))}
    for size in SIZES:
        inputs["size"] = str(size)
        ends = json.loads(typst.query(template, "<end>", field="value", sys_inputs=inputs, **options))
        if ends == list(range(1, len(sheets) + 1)):
            pdf, warnings = typst.compile_with_warnings(
                template, sys_inputs=inputs, pdf_standards=["a-2a"], timestamp=foot["made"], **options
            )
            if warnings:
                raise _fault("--fonts", "; ".join(w.message for w in warnings), "give a folder with its fonts")
            return bytes(pdf)
    crowded = next((s for s, end, n in zip(sheets, ends, range(1, len(ends) + 1), strict=False) if end != n), sheets[0])
    why = f"the sheet of {crowded.subject}, {crowded.activity} {crowded.occurrence}, does not fit one page"
    raise _fault("dose sheet", why, "shorten the titles of the protocol, or ask for fewer bags with --bags")


def _fault(option: str, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(option, None, None, "", "", why, remedy)])


def _ordered(families: Iterable[str]) -> list[str]:
    """Our fonts first, in the order in which a sign is looked for."""
    own = ["Dose Sheet Sans", "Dose Sheet Sans SC", "Dose Sheet Signs"]
    return own + [family for family in families if family not in own]


def _check_signs(data: object, folders: Sequence[Path]) -> None:
    """Every sign of the sheets is in a font; typst would leave out the others without a word."""
    known = set().union(*(signs_of(path) for folder in folders for path in _files(folder)))
    wanted = {sign for text in _texts(data) for sign in text if sign not in "\n\r\t"}
    if missing := sorted(sign for sign in wanted if ord(sign) not in known):
        shown = ", ".join(f"'{sign}' (U+{ord(sign):04X})" for sign in missing[:12])
        more = f" and {len(missing) - 12} more" if len(missing) > 12 else ""
        remedy = "name a folder with a font that has them: --fonts FOLDER, such as that of Noto Sans CJK"
        raise _fault("dose sheet", f"no font has {shown}{more}: they would be missing on paper", remedy)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _FONTS)


def signs_of(path: Path) -> set[int]:
    """The signs that a font file has."""
    ttlib = extra("pdf", "fontTools.ttLib")
    try:
        if path.suffix.lower() in (".ttc", ".otc"):
            with ttlib.TTCollection(str(path), lazy=True) as collection:
                return set().union(*(font.getBestCmap() or {} for font in collection.fonts))
        with ttlib.TTFont(str(path), lazy=True) as font:
            return set(font.getBestCmap() or {})
    except ttlib.TTLibError as error:
        raise _fault(str(path), f"is no font: {error}", "take it out of the folder") from None


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
