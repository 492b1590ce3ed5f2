"""The verb `export usdm`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Out, ProtocolArg, Quiet
from perprotocol.output import print_text, whole

SHORT = "A protocol as USDM 4.0 or 3.5."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export usdm uc-msc-saa -o uc-msc-saa.json\n\n"
    "perprotocol export usdm protocol.yaml --usdm-version 3.5 -o protocol.json"
)


class Version(str, Enum):
    """Versions of USDM that are written."""

    v4 = "4.0"
    v3 = "3.5"


def usdm(
    protocol: ProtocolArg,
    version: Annotated[Version, typer.Option("--usdm-version", help="Version of USDM: 4.0 or 3.5.")] = Version.v4,
    output: Out = None,
    quiet: Quiet = False,
) -> None:
    """A protocol as a USDM file: what USDM has a place for in its own classes, the rest in extension attributes.

    `import usdm` reads it back equal. In 3.5, which has no extension attributes, annotations hold the rest.
    """
    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        from perprotocol.formats.usdm import export_usdm, extended  # noqa: PLC0415

        data = export_usdm(promised.read(protocol), version.value)
        text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        if output is None:
            print_text(text, None)
            return
        with whole(output) as place:
            place.write_text(text, encoding="utf-8")
        say(f"wrote {output}; {extended(data)} fields that USDM has no place for are {_WHERE[version]}", quiet=quiet)


_WHERE = {Version.v4: "extension attributes", Version.v3: "annotations"}
