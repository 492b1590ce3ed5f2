"""USDM 4.0 and 3.x, the field's format for a study's design: read as a protocol, and written from one."""

from perprotocol.formats.usdm.exporting import export_usdm
from perprotocol.formats.usdm.extension import extended
from perprotocol.formats.usdm.importing import Imported, import_usdm

__all__ = ["Imported", "export_usdm", "extended", "import_usdm"]
