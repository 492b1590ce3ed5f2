"""USDM 4.0 and 3.x, the field's format for a study's design: read as a protocol, and written from one."""

from perprotocol.formats.usdm.importing import Imported, import_usdm

__all__ = ["Imported", "import_usdm"]
