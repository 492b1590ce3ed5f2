"""A protocol file is read whole, written back, and every fault in it is said at once, where it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol
from protocol import DocumentError
from protocol.yaml_text import read_tree

HERE = Path(__file__).parent
BAD = HERE / "bad_documents"
GOOD = sorted((HERE / "good_documents").glob("*.yaml"))
HEAD = (BAD / "head.txt").read_text(encoding="utf-8")


def real_protocols() -> list[Any]:
    """The ten real protocols beside the real data, or one skipped stand-in."""
    folder = os.environ.get("PERPROTOCOL_REAL_DATA")
    found = sorted((Path(folder).parent / "protocols").glob("*.yaml")) if folder else []
    reason = "PERPROTOCOL_REAL_DATA names no folder beside which protocols lie"
    return [pytest.param(path, id=path.stem) for path in found] or [
        pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))
    ]


def cases() -> list[Any]:
    """Every case of every file of bad documents."""
    found = []
    for path in sorted(BAD.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(case, id=f"{path.stem}: {case['title']}"))
    return found


def assert_reads_back_equal(read: protocol.Protocol) -> None:
    """What is written reads back equal, in meaning and in every text."""
    written = protocol.write(read)
    again = protocol.read_text(written)
    assert again == read
    assert protocol.write(again) == written


@pytest.mark.parametrize("path", real_protocols())
def test_every_real_protocol_is_read_written_and_read_again_equal(path: Path) -> None:
    """The ten protocols on which the language was tried come through whole."""
    assert_reads_back_equal(protocol.read(path))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_construct_of_the_language_is_read_written_and_read_again_equal(path: Path) -> None:
    """Small documents of our own that together use the whole grammar come through whole."""
    assert_reads_back_equal(protocol.read(path))


@pytest.mark.parametrize("name", protocol.library())
def test_every_library_protocol_is_read_written_and_read_again_equal(name: str) -> None:
    """What ships with the package is right."""
    assert_reads_back_equal(protocol.read(name))


@pytest.mark.parametrize("case", cases())
def test_every_fault_is_said_at_its_place(case: dict[str, Any]) -> None:
    """Exactly the faults of the case are reported, in order, with line, column and the words a person needs."""
    text = case["text"].replace("# head\n", HEAD)
    try:
        protocol.read_text(text, "x.yaml")
        faults: tuple[protocol.Fault, ...] = ()
    except DocumentError as error:
        faults = error.faults
    said = [str(fault) for fault in faults]
    assert [(fault.line, fault.column) for fault in faults] == [(f["line"], f["column"]) for f in case["faults"]], said
    for message, expected in zip(said, case["faults"], strict=True):
        assert all(word in message for word in expected["words"]), message
        assert message.startswith(f"x.yaml:{expected['line']}:{expected['column']}: ")


@pytest.mark.parametrize("case", cases())
def test_no_message_speaks_of_the_tools_beneath(case: dict[str, Any]) -> None:
    """No word of pydantic, Python or the YAML parser reaches the user, and every fault says what to do."""
    try:
        protocol.read_text(case["text"].replace("# head\n", HEAD))
    except DocumentError as error:
        jargon = re.compile(
            r"pydantic|validat|Input should|value_error|NoneType|<class|Error\b|mapping|scalar|token", re.I
        )
        for fault in error.faults:
            assert not jargon.search(str(fault)), str(fault)
            assert fault.remedy, str(fault)
    else:
        assert case["faults"] == []


def test_a_file_that_is_not_there_is_answered_with_the_nearest_file(tmp_path: Path) -> None:
    """A slip in a file name costs one look."""
    (tmp_path / "trial.yaml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"trail\.yaml: there is no such file; write '.*trial\.yaml'"):
        protocol.read(tmp_path / "trail.yaml")


def test_a_folder_is_no_protocol(tmp_path: Path) -> None:
    """A folder given for a file is said to be one."""
    with pytest.raises(DocumentError, match="is a folder; name the protocol file in it"):
        protocol.read(tmp_path)


def test_an_unknown_library_name_is_answered_with_the_nearest() -> None:
    """A slip in a library name costs one look."""
    with pytest.raises(DocumentError, match=r"neither a file nor the name of a protocol.*write 'uc-msc-saa'"):
        protocol.read("uc-msc-sa")


def test_a_name_unlike_all_in_the_library_is_answered_with_the_list() -> None:
    """With nothing near, everything is listed."""
    with pytest.raises(DocumentError, match=r"one of: act15377, .*, uc-msc-saa"):
        protocol.read("0-0-0-0")


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    """A file saved in another encoding is not guessed at."""
    path = tmp_path / "trial.yaml"
    path.write_bytes("protocol: x\ntitle: 脐带".encode("gb18030"))
    with pytest.raises(DocumentError, match=r"trial\.yaml:2:8: the file is not UTF-8; save it as UTF-8"):
        protocol.read(path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    """Files saved by Windows editors are read."""
    path = tmp_path / "trial.yaml"
    path.write_text(HEAD, encoding="utf-8-sig")
    assert protocol.read(path).protocol == "x"


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "12:30", "010", "001", "1.10", "1e6", "2024-03-01", "~", "null", "0x1F"]
)
def test_every_scalar_is_the_text_that_was_written(text: str) -> None:
    """YAML's implicit types would change each of these."""
    assert read_tree(f"version: {text}\n", "x.yaml").data == {"version": text}


def test_a_merged_field_keeps_the_origin_it_had_in_defaults() -> None:
    """An element with a source of its own does not lend it to what it inherits."""
    text = HEAD + (
        "sources: {team: nobody, article: BMC, plan: SAP}\nsource: article\nbasis: stated\n"
        "visits:\n"
        "  defaults: {basis: assumed, source: team, window: ±3 d}\n"
        "  v: {due: day 3, basis: stated, source: article 2}\n"
        "  w: {due: day 9}\n"
        "assessments:\n"
        "  defaults: {window: ±1 d}\n"
        "  a: {due: day 3, source: plan 5}\n"
    )
    read = protocol.read_text(text)
    for again in (read, protocol.read_text(protocol.write(read))):
        assert again.origin("visits.v.window") == protocol.Origin("assumed", "team", "nobody")
        assert again.origin("visits.v.due") == protocol.Origin("stated", "article 2", "BMC, 2")
        assert again.origin("visits.w.due").source == "team"
        assert again.origin("assessments.a.window") == protocol.Origin("stated", "article", "BMC")
        assert again.origin("assessments.a.due") == protocol.Origin("stated", "plan 5", "SAP, 5")


def test_brackets_without_end_are_a_fault_and_no_crash() -> None:
    """Thousands of brackets are answered like any other fault."""
    with pytest.raises(DocumentError, match="too many brackets in brackets"):
        protocol.read_text("protocol: " + "[" * 3000 + "]" * 3000)


DAMAGE = st.tuples(
    st.integers(0, 10_000), st.integers(0, 6), st.sampled_from(["", " ", "\n", *"{}[],:-#&*!|>%@'0±：，"])
)


@settings(max_examples=80, deadline=None)
@given(which=st.integers(0, len(GOOD) - 1), damage=st.lists(DAMAGE, min_size=1, max_size=4))
def test_a_damaged_document_is_read_or_answered_with_faults(which: int, damage: list[tuple[int, int, str]]) -> None:
    """Whatever is typed, the answer is a protocol that reads back equal or faults with remedies, never a crash."""
    text = GOOD[which].read_text(encoding="utf-8")
    for position, removed, inserted in damage:
        at = position % len(text)
        text = text[:at] + inserted + text[at + removed :]
    try:
        read = protocol.read_text(text)
    except DocumentError as error:
        assert error.faults
        assert all(fault.line and fault.column and fault.remedy for fault in error.faults)
    else:
        assert_reads_back_equal(read)


def test_reading_a_library_protocol_imports_nothing_heavy() -> None:
    """No pint, no JSON Schema, no tables: a dose typed in is answered within a second."""
    heavy = "{'pint', 'jsonschema', 'polars', 'numpy', 'hypothesis'}"
    code = f"import protocol, sys; protocol.read('uc-msc-saa'); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
