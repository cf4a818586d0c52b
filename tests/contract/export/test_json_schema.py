"""The exported schema never refuses what the gate passes, and refuses what its words can say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gate.strategies import contracts, documents, dump

from watermaster.contract.checks import KeyCheck
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.export.json_schema import DIALECT, Exported, export_json_schema
from watermaster.gate.exact import ExactLane
from watermaster.gate.verdict import PASSED

HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: orders\nversion: 1.0.0\nstatus: active\n"
CONTRACT = (
    HEAD
    + """\
schema:
  - name: orders
    logicalType: object
    customProperties: [{property: unknownFields, value: hold, vendor: watermaster}]
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {format: i32, minimum: 1}}
      - {name: kind, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[a-z]+$", maxLength: 5}}
      - {name: note, logicalType: string, logicalTypeOptions: {pattern: "(?i)^x"}}
      - {name: at, logicalType: timestamp, logicalTypeOptions: {timezone: true}}
      - {name: day, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}
      - {name: price, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0, multipleOf: 0.01}}
      - {name: tags, logicalType: array, items: {logicalType: string, required: true},
         logicalTypeOptions: {uniqueItems: true, maxItems: 2}}
      - name: customer
        logicalType: object
        required: true
        properties:
          - {name: name, logicalType: string}
"""
)
GOOD: dict[str, Any] = {"id": 1, "kind": "a", "customer": {"name": None}}


@pytest.fixture(scope="module")
def exported() -> Exported:
    (checks,) = compile_contract(read_contract(CONTRACT.encode(), "c")).checks
    return export_json_schema(checks)


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"id": 0}, False),
        ({"id": 2**31}, False),
        ({"id": None}, False),
        ({"kind": "A"}, False),
        ({"kind": "abcdef"}, False),
        ({"note": None}, True),
        ({"note": 1}, False),
        ({"note": "y"}, True),  # left out, and said
        ({"price": 0}, False),
        ({"tags": ["a", "a"]}, False),
        ({"tags": [None]}, False),
        ({"customer": None}, False),
        ({"customer": {"other": 1}}, False),
        ({"unknown": 1}, False),
    ],
)
def test_what_its_words_can_say(exported: Exported, change: dict[str, Any], accepted: bool) -> None:
    jsonschema_rs.meta.validate(exported.schema)
    assert exported.schema["$schema"] == DIALECT
    assert jsonschema_rs.is_valid(exported.schema, GOOD | change) is accepted


def test_what_it_has_no_words_for_is_said(exported: Exported) -> None:
    assert [line.partition(":")[0] for line in exported.left_out] == ["$.note", "$.day", "$.price"]
    assert exported.schema["properties"]["at"]["format"] == "date-time"
    assert "format" not in exported.schema["properties"]["day"]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_it_never_refuses_what_the_gate_passes(data: st.DataObject) -> None:
    root = data.draw(contracts())
    # One field at a time: of many random ones hardly any record keeps all.
    for field in root.value.properties:
        value = replace(root.value, properties=(field,), required_names=(), min_properties=None, max_properties=None)
        checks = replace(root, value=value, rules=(), key=KeyCheck())
        lane, validator = ExactLane(checks), jsonschema_rs.validator_for(export_json_schema(checks).schema)
        for _ in range(4):
            text = dump(data.draw(documents(value)))
            if lane.judge(None, text.encode("utf-8", "surrogatepass"), 0) is PASSED:
                assert [error.message for error in validator.iter_errors(json.loads(text))] == []
