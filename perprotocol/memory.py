"""How this process and those it starts treat memory that they are done with: they keep it for what follows.

A study is judged in parts, each of which takes the memory that the one before gave back. Handed to the system and asked
for again, page by page, it costs a seventh of the time of an audit (bench/README.md).
"""

import os
import sys

_KEEP = 512 << 20
"""Bytes of free memory that are kept."""
_WHOLE = 32 << 20
"""Bytes from which on a piece of memory is one of its own, given back at once: the most that glibc takes."""


def keep_memory() -> None:
    """Tell the allocators of Polars (jemalloc) and of NumPy (glibc); others do not listen. Before Polars is loaded."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(_KEEP))
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(_WHOLE))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  nowhere else

        # Of glibc only processes that begin later read the environment.
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(-1, _KEEP)
            library.mallopt(-3, _WHOLE)
