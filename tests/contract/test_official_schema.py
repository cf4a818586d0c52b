"""The official schema is used as it is shipped, but for one mend that must stay as small as it is."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
import yaml

from watermaster.contract.official_schema import EXTENSION_PLACES, editor_schema, extension_schema, official_schema


def _shipped() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _contract(node: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", "version": "1"}
    return {**head, "schema": [{"name": "o", "properties": [{"name": "a", **node}]}]}


def test_the_mend_is_needed() -> None:
    document = _contract({})
    assert not jsonschema_rs.is_valid(_shipped(), document), "shipped mended: drop the mend"
    assert jsonschema_rs.is_valid(official_schema(), document)


def test_the_mend_changes_nothing_else() -> None:
    mended = copy.deepcopy(official_schema())
    for branch in mended["$defs"]["SchemaBaseProperty"]["allOf"]:
        for alternative in branch.get("if", {}).get("anyOf", [branch.get("if", {})]):
            alternative.pop("required", None)
    assert mended == _shipped()


@pytest.mark.parametrize(
    "node",
    [
        {"logicalType": "map"},
        {"logicalType": "string", "logicalTypeOptions": {"minimum": 1}},
        {"logicalType": "vector", "logicalTypeOptions": {}},
        {"logicalType": "array", "items": {"logicalType": "nothing"}},
        {"unknown": 1},
    ],
)
def test_both_refuse_what_is_wrong(node: dict[str, Any]) -> None:
    assert not jsonschema_rs.is_valid(_shipped(), _contract(node))
    assert not jsonschema_rs.is_valid(official_schema(), _contract(node))


@pytest.mark.parametrize("name", sorted({name for names in EXTENSION_PLACES.values() for name in names}))
def test_every_extension_has_a_schema_that_refuses_something(name: str) -> None:
    assert not jsonschema_rs.is_valid(extension_schema(name), ["nothing takes a list"])


def _with_ours(kind: str, name: str, value: object, vendor: str = "watermaster") -> dict[str, Any]:
    document = _contract({})
    (stream,) = document["schema"]
    custom = [{"property": name, "value": value, "vendor": vendor}]
    if kind == "schema":
        stream["customProperties"] = custom
    else:
        stream["quality"] = [{"type": "custom", "engine": "cel", "implementation": "true", "customProperties": custom}]
    return document


@pytest.mark.parametrize(
    ("kind", "name", "value", "vendor", "accepted"),
    [
        ("schema", "tombstones", "pass", "watermaster", True),
        ("schema", "tombstones", "keep", "watermaster", False),
        ("schema", "tombstones", "keep", "somebody", True),  # theirs, and none of our business
        ("schema", "tombstone", "pass", "watermaster", False),
        ("schema", "limits", {"depthMax": 20}, "watermaster", True),
        ("schema", "limits", {"depth": 20}, "watermaster", False),
        ("schema", "key", {"logicalType": "integer", "encoding": "string"}, "watermaster", True),
        ("schema", "key", {"logicalType": "integer", "encoding": "hex"}, "watermaster", False),
        ("quality", "onFailure", "drop", "watermaster", True),
        ("quality", "onFailure", "stop", "watermaster", False),
    ],
)
def test_editors_see_our_own_properties(kind: str, name: str, value: object, vendor: str, accepted: bool) -> None:
    assert jsonschema_rs.is_valid(editor_schema(), _with_ours(kind, name, value, vendor)) is accepted


def test_editors_accept_what_is_shipped_and_refuse_what_the_standard_does() -> None:
    validator = jsonschema_rs.validator_for(editor_schema())
    text = resources.files("watermaster").joinpath("demo_data", "flights.odcs.yaml").read_text("utf-8")
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    assert not validator.is_valid(_contract({"unknown": 1}))
