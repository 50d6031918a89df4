"""docs/status.md is the contract of the status document: it names all that is told."""

from __future__ import annotations

import copy
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from streamgauge.core.totals import GroupTotals, Totals
from streamgauge.web.status import SCHEMA, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import SinkHealth

PROSE, _, _BLOCK = (
    (Path(__file__).parents[2] / "docs" / "status.md")
    .read_text(encoding="utf-8")
    .partition("## JSON Schema")
)
CONTRACT: dict[str, Any] = orjson.loads(_BLOCK.partition("```json")[2].partition("```")[0])


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema in it that has properties."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for inner in schema.values():
            yield from _objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _objects(inner)


def _closed() -> Draft202012Validator:
    """The contract with every key refused that it does not name."""
    closed = copy.deepcopy(CONTRACT)
    for schema in _objects(closed):
        schema["additionalProperties"] = False
    return Draft202012Validator(closed)


@pytest.fixture
def document(snapshot: Snapshot, sinks: list[SinkHealth]) -> dict[str, Any]:
    """Rendered from a stream with everything in it."""
    return status([snapshot], sinks, snapshot.as_of_ms + 500)


def test_contract_is_a_schema() -> None:
    """The block can be handed to any validator, and is of the version that is told."""
    Draft202012Validator.check_schema(CONTRACT)
    assert CONTRACT["properties"]["schema"] == {"const": SCHEMA}


def test_document_obeys_and_says_nothing_undocumented(document: dict[str, Any]) -> None:
    """Every key that is rendered is in the contract."""
    _closed().validate(document)


def test_empty_document_obeys() -> None:
    """Before any stream has told anything."""
    _closed().validate(status([], [], 1))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the keys of a document are, except those that are names and not words."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _paths(inner, (*path, position))


NAMES = {"orders", "0", "1", "fulfillment", "billing", "orders.placed.dlq", "header", "none"}
NAMES |= {"c0ffee0123456789", "all zero", "lag__fulfillment", "fresh", "otlp", "dagster"}


def test_contract_notices_every_missing_key(document: dict[str, Any]) -> None:
    """A key that is not rendered any more breaks the contract, wherever it is."""
    validator = Draft202012Validator(CONTRACT)
    paths = [path for path in _paths(document) if path[-1] not in NAMES]
    assert len(paths) > 100
    for *path, key in paths:
        place: Any = document
        for step in path:
            place = place[step]
        value = place.pop(key)
        assert not validator.is_valid(document), (*path, key)
        place[key] = value
    validator.validate(document)


@pytest.mark.parametrize(
    ("name", "table"), [("totals", Totals), ("groups of totals", GroupTotals)], ids=str
)
def test_every_field_of_the_tables_is_documented(name: str, table: type) -> None:
    """A field that a table of totals gains must be explained to those who read it."""
    totals = CONTRACT["$defs"]["totals"]["properties"]
    documented = (
        totals if table is Totals else totals["groups"]["additionalProperties"]["properties"]
    )
    assert set(documented) == {f.name for f in fields(table)}, name


def test_every_key_of_the_contract_is_explained() -> None:
    """Each stands in backticks somewhere in the text above the schema."""
    keys = {key for schema in _objects(CONTRACT) for key in schema["properties"]}
    without_blocks = re.sub(r"```.*?```", "", PROSE, flags=re.DOTALL)
    explained = set(re.findall(r"`([^`]+)`", without_blocks))
    assert keys - explained == set()
