"""The official JSON schema of ODCS 3.2, and the schema of our own extensions that builds on it.

One defect of the published schema is mended: its conditions on `logicalType` also hold where there is none (a JSON
schema `if` on an absent key is true), so that a property without logical type would be refused for lacking `map`,
although the standard leaves the logical type out freely. Each such condition gets the `required` that was meant.
Nothing else is changed.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

JsonSchema: TypeAlias = dict[str, Any]

VENDOR = "watermaster"
"""The vendor of our `customProperties`."""

_POSITIVE = {"type": "integer", "minimum": 1}
_EXTENSIONS: JsonSchema = {
    "tombstones": {"type": "string", "enum": ["pass", "hold", "drop"]},
    "unknownFields": {"type": "string", "enum": ["allow", "hold"]},
    "encoding": {"type": "string", "enum": ["json", "json-schema", "avro"]},
    "holdBudget": {
        "type": "object",
        "properties": {
            "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            "window": _POSITIVE,
            "minimum": _POSITIVE,
        },
        "additionalProperties": False,
    },
    # Upper bounds: what one gate process can hold in memory, and half of every decoder's own recursion limit.
    "limits": {
        "type": "object",
        "properties": {
            "valueBytesMax": {**_POSITIVE, "maximum": 256 * 1024 * 1024},
            "depthMax": {**_POSITIVE, "maximum": 500},
            "elementsMax": {**_POSITIVE, "maximum": 50_000_000},
            "integerDigitsMax": {**_POSITIVE, "maximum": 4_000},
        },
        "additionalProperties": False,
    },
    "onFailure": {"type": "string", "enum": ["hold", "drop"]},
    "message": {"type": "string", "minLength": 1, "maxLength": 500},
}
RECORD_KEY = "key"
EXTENSION_PLACES: dict[str, tuple[str, ...]] = {
    "schema": ("tombstones", "unknownFields", "encoding", "holdBudget", "limits", RECORD_KEY),
    "quality": ("onFailure", "message"),
}
"""Which of our properties may stand on which element: on the objects under `schema`, on the rules under `quality`."""


@cache
def official_schema() -> JsonSchema:
    """The schema as shipped by its authors, with the one mend described above. Shared: never change it."""
    # The package's file, as constant as code. Its own `json_schema()` opens the same one, by a deprecated call.
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    schema: JsonSchema = json.loads(text)
    for branch in schema["$defs"]["SchemaBaseProperty"]["allOf"]:
        condition = branch.get("if", {})
        for alternative in condition.get("anyOf", [condition]):
            if "logicalType" in alternative.get("properties", {}):
                alternative["required"] = ["logicalType"]
    return schema


@cache
def extension_schema(name: str) -> JsonSchema:
    """The schema of the value of one of our custom properties. A record key is described like a property."""
    official = official_schema()
    definitions = dict(official["$defs"])
    if name == RECORD_KEY:
        record_key = copy.deepcopy(definitions["SchemaBaseProperty"])
        record_key["properties"]["encoding"] = {
            "type": "string",
            "enum": ["string", "json", "json-schema", "avro", "bytes"],
        }
        definitions["Extension"] = record_key
    else:
        definitions["Extension"] = _EXTENSIONS[name]
    return {"$schema": official["$schema"], "$ref": "#/$defs/Extension", "$defs": definitions}


def editor_schema() -> JsonSchema:
    """The schema of whole documents for editors: the official one, with the values of our own custom properties.

    An editor that follows it says of a document what `contract lint` says of its form. What needs more than the form
    (unknown fields in a rule, patterns, CEL) only `contract lint` can say.
    """
    schema = copy.deepcopy(official_schema())
    names = sorted({name for names in EXTENSION_PLACES.values() for name in names})
    definitions = schema["$defs"]
    definitions["CustomProperty"]["allOf"] = [
        {"if": _is_ours({}), "then": {"properties": {"property": {"enum": names}}}},
        *(
            {"if": _is_ours({"property": {"const": name}}), "then": {"properties": {"value": _reference(name)}}}
            for name in names
        ),
    ]
    definitions |= {f"Watermaster-{name}": extension_schema(name)["$defs"]["Extension"] for name in names}
    return schema


def _is_ours(more: JsonSchema) -> JsonSchema:
    return {"properties": {"vendor": {"const": VENDOR}, **more}, "required": ["vendor", *more]}


def _reference(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/Watermaster-{name}"}
