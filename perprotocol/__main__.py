"""The command `perprotocol`: checks that `protocol` and `rules` are ours, then hands over."""

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def shadowed() -> str | None:
    """What is wrong when another distribution's `protocol` or `rules` would be imported instead of ours, else None."""
    home = Path(__file__).resolve().parent.parent
    for name in ("protocol", "rules"):
        found = find_spec(name)
        place = Path(found.origin).resolve().parent if found is not None and found.origin else None
        if place != home / name:
            where = place or "nowhere"
            return (
                f"perprotocol: the Python package '{name}' that would be used is not ours: it comes from {where}, "
                f"ours is {home / name}. Another installed distribution has the same name; install perprotocol "
                f"in an environment of its own (python -m venv), or remove the other distribution."
            )
    return None


def main() -> None:
    """Run the command line; exit status 0 nothing found, 1 findings, 2 bad input or usage, 3 cannot tell."""
    if fault := shadowed():
        sys.stderr.write(fault + "\n")
        sys.exit(2)
    # Start-up makes many objects and drops few: at its usual pace Python would search them for dropped ones many times.
    gc.set_threshold(500_000)
    # Nothing that happens to be installed may change how a protocol is read; and the search reads every distribution.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    from perprotocol.cli import app  # noqa: PLC0415  only once the packages are known to be ours

    try:
        app()
    finally:
        gc.freeze()  # the process ends here: nothing is worth a last search


if __name__ == "__main__":
    main()
