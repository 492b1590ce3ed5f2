"""The JSON Schema accepts what the reader accepts, in short forms and with numbers, and refuses what it can see."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from test_document import GOOD, HEAD, real_protocols

import protocol
from protocol.schema import published
from protocol.yaml_text import read_tree

FOLDER = Path(protocol.__file__).parent
LIBRARY = sorted((FOLDER / "library").glob("*.yaml"))
VALIDATOR = Draft202012Validator(protocol.schema())
RENEW = (
    "renew it: python -c \"from protocol.schema import published; print(published(), end='')\" > protocol/schema.json"
)


def as_editors_see(text: str) -> Any:
    """The document with YAML's own types, as JSON carries them."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def bad_fields() -> list[Any]:
    """The cases of faults in single fields."""
    text = (Path(__file__).parent / "bad_documents" / "fields.yaml").read_text(encoding="utf-8")
    return [pytest.param(case, id=case["title"]) for case in yaml.safe_load(text)]


def test_the_published_schema_is_current() -> None:
    """The file beside the package is what the models say today."""
    assert (FOLDER / "schema.json").read_text(encoding="utf-8") == published(), RENEW


def test_the_schema_is_a_schema() -> None:
    """It keeps the rules of its own draft."""
    Draft202012Validator.check_schema(protocol.schema())


@pytest.mark.parametrize("path", [*GOOD, *LIBRARY], ids=lambda path: path.stem)
@pytest.mark.parametrize("load", [lambda text: read_tree(text, "").data, as_editors_see], ids=["texts", "types"])
def test_the_schema_accepts_our_own_documents(path: Path, load: Any) -> None:
    """Every document that reads passes, with every scalar as text and with the plain types of YAML."""
    assert [error.message for error in VALIDATOR.iter_errors(load(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("path", real_protocols())
@pytest.mark.parametrize("load", [lambda text: read_tree(text, "").data, as_editors_see], ids=["texts", "types"])
def test_the_schema_accepts_the_real_protocols(path: Path, load: Any) -> None:
    """So do the ten real ones."""
    assert [error.message for error in VALIDATOR.iter_errors(load(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("case", bad_fields())
def test_the_schema_refuses_what_a_schema_can_see(case: dict[str, Any]) -> None:
    """A fault in one field is seen in the editor already, except where the case says that a schema cannot."""
    data = read_tree(case["text"].replace("# head\n", HEAD), "").data
    assert VALIDATOR.is_valid(data) == ("schema" in case)
