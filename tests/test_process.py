"""The command as a process: how it starts, what stands in its way, and how it ends when nobody reads on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/uc-msc-saa"


def process(*arguments: str, path: str = str(ROOT)) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments and this path to packages."""
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)


def test_a_foreign_package_of_the_same_name_is_named(tmp_path: Path) -> None:
    """Another distribution's `rules` before ours: status 2, both places, and what to do."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/__init__.py").write_text("", "utf-8")
    done = process("-P", "-m", "perprotocol", "--help", path=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 2
    for said in ("'rules'", str(tmp_path / "rules"), str(ROOT / "rules"), "environment of its own"):
        assert said in done.stderr


def test_help_waits_for_no_library() -> None:
    """The command starts without the engine's libraries, so that help comes at once."""
    done = process("-c", "import sys, perprotocol.cli; print({'polars', 'numpy', 'pydantic'} & set(sys.modules))")
    assert done.stdout == "set()\n"


def test_memory_is_kept_for_the_next_part_unless_somebody_said_otherwise() -> None:
    """The command tells the allocators, before Polars is loaded and for the processes it starts; a setting stays."""
    code = (
        # Polars puts a setting of its own where none stands, and this process has loaded it.
        "import os, sys; os.environ['MALLOC_TRIM_THRESHOLD_'] = '1'; os.environ.pop('_RJEM_MALLOC_CONF', None); "
        "from perprotocol.memory import keep_memory; keep_memory(); "
        "print([n for n in sys.modules if n == 'polars'], os.environ['MALLOC_TRIM_THRESHOLD_'], "
        "os.environ['_RJEM_MALLOC_CONF'])"
    )
    assert process("-c", code).stdout == "[] 1 dirty_decay_ms:10000,muzzy_decay_ms:10000\n"
    seen = "import perprotocol.cli as c, os; c.options(version=False); print('MALLOC_MMAP_THRESHOLD_' in os.environ)"
    assert process("-c", seen).stdout == "True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_stops_reading_is_no_fault() -> None:
    """`| head` ends the output, without a word on standard error."""
    command = f"{sys.executable} -m perprotocol validate uc-msc-saa {EXAMPLE} --quiet --format csv | head -1"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.startswith("subject,")
    assert done.stderr == ""


def test_a_demo_without_its_example_says_so(tmp_path: Path) -> None:
    """Installed without the examples, the demo names what is missing."""
    for package in ("protocol", "rules", "perprotocol"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = process("-P", "-m", "perprotocol", "demo", "-o", str(tmp_path / "demo"), path=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "the example study is not installed" in done.stderr
