"""Every record that the gate passes can be written by the exported schema, and what that does not say is said."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.export.avro_datum import datum
from tests.gate.strategies import contracts, documents, dump

from watermaster.contract.checks import CelRule, Checks, KeyCheck, Limits, UnknownFields
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.export.avro import export_avro
from watermaster.contract.export.avro_name import TypeNames, is_legal, member_names
from watermaster.gate.exact import ExactLane
from watermaster.gate.strict_json import decode_strictly
from watermaster.gate.verdict import PASSED

HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: shop.orders-v1
    logicalType: object
    customProperties: [{property: unknownFields, value: hold, vendor: watermaster}]
    properties:
"""


def compiled(body: str) -> Checks:
    (checks,) = compile_contract(read_contract((HEAD + body).encode(), "c")).checks
    return checks


def field(body: str) -> tuple[Any, list[str]]:
    exported = export_avro(compiled(f"      - {{name: a, required: true, {body}}}\n"))
    fastavro.parse_schema(exported.schema)
    return exported.schema["fields"][0]["type"], [said.removeprefix("$.a: ") for said in exported.left_out]


DECIMAL = {"type": "bytes", "logicalType": "decimal"}
BY_I64 = "without the format i64, or bounds as narrow, a whole number is carried as a decimal"
TEXT_OF_ANYTHING = "it may be anything, so it is carried as its JSON text"
FINER = "what is finer than a microsecond"


@pytest.mark.parametrize(
    ("body", "kind", "left_out"),
    [
        ("logicalType: boolean", "boolean", []),
        ("logicalType: integer, logicalTypeOptions: {format: i8}", "int", []),
        ("logicalType: integer, logicalTypeOptions: {format: u32}", "long", []),
        ("logicalType: integer, logicalTypeOptions: {format: u64}", {**DECIMAL, "precision": 20, "scale": 0}, [BY_I64]),
        ("logicalType: integer, logicalTypeOptions: {format: i64, minimum: 0, maximum: 9}", "int", ["its bounds"]),
        (
            "logicalType: integer, logicalTypeOptions: {exclusiveMinimum: -2147483649, maximum: 2147483647.5}",
            "int",
            [],
        ),
        ("logicalType: integer, logicalTypeOptions: {minimum: -2147483649, maximum: 0}", "long", ["its bounds"]),
        ("logicalType: integer", {**DECIMAL, "precision": 400, "scale": 0}, [BY_I64]),
        (
            "logicalType: integer, logicalTypeOptions: {format: i64, multipleOf: 5}",
            "long",
            ["that it is a multiple of 5"],
        ),
        ("logicalType: number", "double", []),
        ("logicalType: number, logicalTypeOptions: {format: f32, minimum: 0}", "float", ["its bounds"]),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 0.01, minimum: 0}",
            "double",
            ["that it is a multiple of 0.01", "its bounds"],
        ),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 0.01, exclusiveMinimum: -1e3, maximum: 999.99}",
            {**DECIMAL, "precision": 5, "scale": 2},
            [],
        ),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 0.05, minimum: 0, maximum: 0.01}",
            {**DECIMAL, "precision": 2, "scale": 2},
            ["that it is a multiple of 0.05", "its bounds"],
        ),
        ("logicalType: string", "string", []),
        (
            "logicalType: string, logicalTypeOptions: {format: email, maxLength: 3, pattern: a}",
            "string",
            ["its length", "its pattern", "its format email"],
        ),
        ("logicalType: string, logicalTypeOptions: {format: byte}", "bytes", []),
        (
            "logicalType: string, logicalTypeOptions: {format: uuid}",
            {"type": "string", "logicalType": "uuid"},
            [],
        ),
        (
            "logicalType: string, enum: [{value: A}, {value: b_1}]",
            {"type": "enum", "name": "shop_orders_v1_a", "symbols": ["A", "b_1"]},
            [],
        ),
        (
            "logicalType: string, enum: [{value: A}, {value: b-1}]",
            "string",
            ["its listed values, of which some are no symbols of Avro"],
        ),
        ("logicalType: date", {"type": "int", "logicalType": "date"}, []),
        (
            "logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy, minimum: 01.01.2020}",
            {"type": "int", "logicalType": "date"},
            ["its bounds in time"],
        ),
        ("logicalType: time", "string", ["no type of Avro has its form, so it is carried as text"]),
        (
            "logicalType: time, logicalTypeOptions: {timezone: false}",
            {"type": "long", "logicalType": "time-micros"},
            [FINER],
        ),
        (
            "logicalType: timestamp",
            {"type": "long", "logicalType": "timestamp-micros"},
            [f"{FINER}, and the offset that it is written with"],
        ),
        (
            "logicalType: timestamp, logicalTypeOptions: {timezone: false}",
            {"type": "long", "logicalType": "local-timestamp-micros"},
            [FINER],
        ),
        (
            "logicalType: timestamp, logicalTypeOptions: {timezone: false, defaultTimezone: '+02:00'}",
            {"type": "long", "logicalType": "timestamp-micros"},
            [f"{FINER}, and the offset that it is written with"],
        ),
        ("logicalType: array", {"type": "array", "items": ["null", "string"]}, [f"$.a[]: {TEXT_OF_ANYTHING}"]),
        (
            "logicalType: array, items: {logicalType: boolean, required: true}, logicalTypeOptions: {maxItems: 1}",
            {"type": "array", "items": "boolean"},
            ["how many items it has"],
        ),
        (
            "logicalType: map, map: {key: {logicalType: string, logicalTypeOptions: {pattern: a}},"
            " value: {logicalType: boolean}}",
            {"type": "map", "values": ["null", "boolean"]},
            ["$.a.~: what its keys are"],
        ),
        ("logicalType: object", "string", [TEXT_OF_ANYTHING]),
        (
            "logicalType: object, properties: [{name: b, logicalType: boolean}]",
            {
                "type": "record",
                "name": "shop_orders_v1_a",
                "fields": [{"name": "b", "type": ["null", "boolean"], "default": None}],
            },
            [],
        ),
    ],
)
def test_what_each_kind_of_field_becomes(body: str, kind: Any, left_out: list[str]) -> None:
    found, said = field(body)
    assert found == kind
    assert said == left_out


def test_members_that_avro_has_no_name_for_stand_beside_theirs() -> None:
    names = [("na me", "true"), ("na_me", "true"), ("na-me", "false"), ("1st", "false"), ("", "false")]
    body = "".join(f'      - {{name: "{name}", logicalType: boolean, required: {due}}}\n' for name, due in names)
    fields = export_avro(compiled(body)).schema["fields"]
    assert [one["name"] for one in fields] == ["na_me_2", "na_me", "na_me_3", "_1st", "_"]
    assert fields[0] == {
        "name": "na_me_2",
        "doc": "in JSON: na me",
        "altnames": {"json": "na me"},
        "type": "boolean",
    }
    assert fields[1] == {"name": "na_me", "type": "boolean"}


def test_what_no_schema_of_values_says() -> None:
    checks = compiled("      - {name: a, logicalType: integer}\n")
    checks = replace(
        checks,
        key=KeyCheck(required=True),
        rules=(CelRule("one", "$", "this.a == 1"),),
        unknown_fields=UnknownFields.ALLOW,
        unjudged=("more",),
    )
    said = export_avro(checks).left_out
    assert [one.partition(":")[0] for one in said] == ["$.a", "$", "$", "key", "more"]


@given(st.lists(st.text(max_size=4), unique=True, max_size=8), st.lists(st.text(max_size=3), max_size=8))
def test_names_are_legal_and_each_there_once(members: list[str], types: list[str]) -> None:
    legal = member_names(members)
    assert list(legal) == sorted(legal, key=lambda name: (not is_legal(name), members.index(name)))
    assert all(map(is_legal, legal.values()))
    assert len(set(legal.values())) == len(members)
    assert all(legal[name] == name for name in members if is_legal(name))
    names = TypeNames()
    chosen = [names.name(text) for text in [*types, "int", "record"]]
    assert all(map(is_legal, chosen))
    assert len({*chosen, "int", "record"}) == len(chosen) + 2


def without_moments(schema: Any) -> Any:
    """So that what was written as a number is read as one."""
    if isinstance(schema, list):
        return [without_moments(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: without_moments(part) for name, part in schema.items() if name not in ("default", "doc")}
    return plain if plain.get("logicalType") == "decimal" else {k: v for k, v in plain.items() if k != "logicalType"}


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_gate_passes_can_be_written(data: st.DataObject) -> None:
    root = data.draw(contracts())
    # One field at a time: of many random ones hardly any record keeps all.
    for one in root.value.properties:
        value = replace(root.value, properties=(one,), required_names=(), min_properties=None, max_properties=None)
        checks = replace(root, value=value, rules=(), key=KeyCheck(), limits=Limits())
        schema = export_avro(checks).schema
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        lane = ExactLane(checks)
        for _ in range(4):
            text = dump(data.draw(documents(value))).encode("utf-8", "surrogatepass")
            if lane.judge(None, text, 0) is not PASSED:
                continue
            written, stream = datum(decode_strictly(text, Limits()), value, schema), io.BytesIO()
            fastavro.schemaless_writer(stream, parsed, written, strict=True)
            stream.seek(0)
            read = fastavro.schemaless_reader(stream, fastavro.parse_schema(without_moments(schema)))
            assert read == written or '"float"' in json.dumps(schema)
