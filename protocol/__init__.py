"""What was promised: a trial's protocol as data, read from one YAML document.

import protocol

saa = protocol.read("uc-msc-saa")           # or a path
saa.treatments["uc-msc"].window             # ±1 d
saa.origin("treatments.uc-msc.window")      # assumed, by whom
"""

from protocol.document import library, read, read_text, read_versions, write
from protocol.errors import DocumentError, Fault, InputError, PerprotocolError, ScalarError, StudyError
from protocol.model import Protocol
from protocol.origin import Origin
from protocol.schema import schema

__all__ = [
    "DocumentError",
    "Fault",
    "InputError",
    "Origin",
    "PerprotocolError",
    "Protocol",
    "ScalarError",
    "StudyError",
    "library",
    "read",
    "read_text",
    "read_versions",
    "schema",
    "write",
]
