"""A protocol as a USDM file: what USDM has a place for in its own classes, the rest in extension attributes."""

from __future__ import annotations

from perprotocol.formats.usdm.extension import attach, differences
from perprotocol.formats.usdm.importing import draft_of
from perprotocol.formats.usdm.native import native
from perprotocol.formats.usdm.reading import check_data
from perprotocol.formats.usdm.versions import Json, lowered
from protocol import Protocol
from protocol.plain import plain_protocol


def export_usdm(protocol: Protocol, version: str = "4.0") -> Json:
    """The protocol as a USDM file of version `4.0` or `3.5`, which `import_usdm` reads back equal."""
    data = native(protocol)
    understood = draft_of(check_data(data, protocol.protocol))
    attach(data, understood, differences(plain_protocol(protocol), understood.document))
    return data if version == "4.0" else lowered(data)
