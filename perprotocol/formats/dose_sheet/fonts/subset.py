"""Makes the fonts of the dose sheet anew: `python -m perprotocol.formats.dose_sheet.fonts.subset FOLDER`.

FOLDER holds NotoSansCJK-Regular.ttc, NotoSansCJK-Bold.ttc, DejaVuSans.ttf and DejaVuSans-Bold.ttf, as Debian's
fonts-noto-cjk and fonts-dejavu-core do. The parts have names of their own, since they are no longer those fonts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

HOME = Path(__file__).resolve().parent
LATIN, HAN, SIGNS = "Dose Sheet Sans", "Dose Sheet Sans SC", "Dose Sheet Signs"
"""Letters, hanzi, and the signs that neither has: raised digits, letters of European names, Greek, Cyrillic."""

_LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x100)]
_MORE = [*range(0x100, 0x180), *range(0x370, 0x400), *range(0x400, 0x460), *range(0x2070, 0x209D)]
_SIGNS = [ord(sign) for sign in "–—‘’“”…•‰′″−×÷±≤≥≠≈∞→←↑↓√°µ℃№☐☑✓□■△▲○●◆◇"]


def gb2312() -> list[int]:
    """Every hanzi and sign of GB 2312, levels 1 and 2: what Chinese forms are written with."""
    pairs = (bytes([row, cell]) for row in (*range(0xA1, 0xAA), *range(0xB0, 0xF8)) for cell in range(0xA1, 0xFF))
    return [ord(sign) for pair in pairs if (sign := pair.decode("gb2312", "ignore"))]


def main(folder: Path) -> None:
    """The four fonts, five files, stand beside this one."""
    for weight in ("Regular", "Bold"):
        collection = TTCollection(str(folder / f"NotoSansCJK-{weight}.ttc"))
        noto = next(font for font in collection.fonts if font["name"].getDebugName(1) == "Noto Sans CJK SC")
        if weight == "Regular":
            hans = next(f for f in TTCollection(str(folder / "NotoSansCJK-Regular.ttc")).fonts if _is_sc(f))
            _save(hans, [*gb2312(), *_SIGNS], HAN, "Regular", "otf")
        _save(noto, [*_LETTERS, *_SIGNS], LATIN, weight, "otf")
        name = "DejaVuSans.ttf" if weight == "Regular" else "DejaVuSans-Bold.ttf"
        _save(TTFont(str(folder / name)), [*_LETTERS, *_MORE, *_SIGNS], SIGNS, weight, "ttf")


def _is_sc(font: Any) -> bool:
    return bool(font["name"].getDebugName(1) == "Noto Sans CJK SC")


def _save(font: Any, signs: list[int], family: str, style: str, suffix: str) -> None:
    options = subset.Options(hinting=False, layout_features=["kern"], name_IDs=[0, 7, 13, 14], notdef_outline=True)
    options.drop_tables += ["GSUB", "vhea", "vmtx", "VORG", "BASE", "STAT"]
    part = subset.Subsetter(options)
    part.populate(unicodes=signs)
    part.subset(font)
    plain = f"{family} {style}".replace(" ", "")
    for number, text in ((1, family), (2, style), (3, plain), (4, f"{family} {style}"), (5, "Version 1"), (6, plain)):
        font["name"].setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        names = font["CFF "].cff
        names.fontNames = [plain]
        names[0].FamilyName, names[0].FullName = family, f"{family} {style}"
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(HOME / f"{plain}.{suffix}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
