"""The official schema is used as it is shipped, but for one mend that must stay as small as it is."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest

from watermaster.contract.official_schema import EXTENSION_PLACES, extension_schema, official_schema


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
