"""Avro schemas: what each type becomes, what is said, and that no record which was written by one is held."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.importing.avro_strategies import whole_records

from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.draft import FieldDraft
from watermaster.contract.export.avro import export_avro
from watermaster.contract.importing.imported import Imported
from watermaster.contract.importing.schema import import_schema
from watermaster.contract.problem import Problem
from watermaster.gate.exact import ExactLane
from watermaster.runtime.record_source import Reading


def imported(schema: Any) -> Imported:
    found = import_schema(json.dumps(schema).encode(), "order.avsc", "orders")
    assert isinstance(found, Imported), found
    return found


def compiled(found: Imported) -> Checks:
    result = compile_contract(read_contract(found.text.encode(), "c"))
    assert result.problems == (), found.text
    return result.checks[0]


def record(*kinds: Any, **more: Any) -> dict[str, Any]:
    fields = [{"name": "abcdef"[number], "type": kind} for number, kind in enumerate(kinds)]
    return {"type": "record", "name": "R", "namespace": "shop", "fields": fields, **more}


def of(kind: str | None, required: bool = True, **parts: Any) -> FieldDraft:
    return FieldDraft("a", kind, required=required, **parts)


def item(kind: str | None, required: bool = True, **parts: Any) -> FieldDraft:
    return FieldDraft("", kind, required=required, **parts)


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


BYTES, I32 = {"format": "byte"}, {"format": "i32"}
ALTERNATIVE = {"altnames": {"json": "x"}}
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 4}
CASES: list[tuple[Any, FieldDraft, list[tuple[str, str]]]] = [
    ("boolean", of("boolean"), []),
    ("int", of("integer", options={"format": "i32"}), []),
    ({"type": "long"}, of("integer", options={"format": "i64"}), []),
    ("float", of("number", options={"format": "f32"}), []),
    ("double", of("number", options={"format": "f64"}), []),
    ("bytes", of("string", options=BYTES), []),
    ("string", of("string"), []),
    ("null", of(None, required=False), [("", "type")]),
    (["null", "string"], of("string", required=False), []),
    (["string"], of("string"), []),
    ({"type": ["null", "string"]}, of("string", required=False), []),
    (ENUM, of("string", enum=("A", "B")), []),
    (
        {**ENUM, "doc": "d", "default": "A"},
        of("string", enum=("A", "B"), description="d", comments=('default of shop.E: "A"',)),
        [],
    ),
    (FIXED, of("string", options={**BYTES, "minLength": 8, "maxLength": 8}), []),
    ({"type": "array", "items": ["null", "int"]}, of("array", items=item("integer", required=False, options=I32)), []),
    (
        {"type": "map", "values": "bytes"},
        of("map", map_key=item("string"), map_value=item("string", options=BYTES)),
        [],
    ),
    (
        {"type": "record", "name": "S", "fields": [{"name": "b", "type": "string", "default": "", **ALTERNATIVE}]},
        of("object", properties=(FieldDraft("x", "string", required=True, comments=('default: ""',)),)),
        [],
    ),
    # logical types
    (logical("int", "date"), of("date"), []),
    (logical("int", "time-millis"), of("time", options={"timezone": False}), []),
    (logical("long", "timestamp-nanos"), of("timestamp", options={"timezone": True}), []),
    (logical("long", "local-timestamp-millis"), of("timestamp", options={"timezone": False}), []),
    (logical("string", "uuid"), of("string", options={"format": "uuid"}), []),
    (
        logical("bytes", "decimal", precision=4, scale=2),
        of("number", options={"multipleOf": Decimal("0.01"), "exclusiveMinimum": -100, "exclusiveMaximum": 100}),
        [],
    ),
    (
        logical("bytes", "decimal", precision=16, scale=16),
        of("number", options={"multipleOf": Decimal("1e-16"), "exclusiveMinimum": -1, "exclusiveMaximum": 1}),
        [("", "precision")],
    ),
    (
        {**FIXED, "logicalType": "decimal", "precision": 3},
        of("integer", options={"exclusiveMinimum": -1000, "exclusiveMaximum": 1000}),
        [],
    ),
    (logical("bytes", "decimal", precision=500, scale=0), of("integer"), [("", "precision")]),
    (logical("bytes", "decimal", scale=2), of("string", options=BYTES), [("", "logicalType")]),
    (logical("bytes", "decimal", precision=1, scale=2), of("string", options=BYTES), [("", "logicalType")]),
    (logical("long", "time-millis"), of("integer", options={"format": "i64"}), [("", "logicalType")]),
    (
        {**FIXED, "logicalType": "duration"},
        of("string", options={**BYTES, "minLength": 8, "maxLength": 8}),
        [("", "logicalType")],
    ),
    # unions of several types
    (["int", "long", "null"], of("integer", required=False, options={"format": "i64"}), []),
    (["int", "double"], of("number"), [("", "union")]),
    (["string", "bytes"], of("string"), [("", "union")]),
    (["null", "string", "int"], of(None, required=False), [("", "union")]),
    ([{"type": "map", "values": "int"}, {"type": "record", "name": "S", "fields": []}], of("object"), [("", "union")]),
    ([], of(None), [("", "union")]),
    # what has no counterpart
    ({"type": "string", "avro.java.string": "String"}, of("string"), [("", "avro.java.string")]),
    ({"type": "enum", "name": "E", "symbols": []}, of("string"), [("", "symbols")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "wanted", "said"), CASES, ids=lambda value: str(value)[:50])
def test_what_a_type_becomes(kind: Any, wanted: FieldDraft, said: list[tuple[str, str]]) -> None:
    found = imported(record(kind))
    assert found.draft.fields == (wanted,)
    assert [(remark.path.removeprefix("$.a"), remark.keyword) for remark in found.remarks] == said
    compiled(found)


def test_names_count_from_their_namespace() -> None:
    inner = {"type": "record", "name": "deep.Inner", "fields": [{"name": "x", "type": {**ENUM, "name": "Kind"}}]}
    found = imported(record(inner, "deep.Inner", {"type": "deep.Kind"}, {**ENUM, "name": "Kind"}, "Kind"))
    kinds = [field.logical_type for field in found.draft.fields]
    assert kinds == ["object", "object", "string", "string", "string"]
    assert found.draft.fields[1].properties == found.draft.fields[0].properties


def test_a_record_in_itself_is_left_open() -> None:
    found = imported(record(["null", "shop.R"], {"type": "array", "items": "R"}))
    assert found.draft.fields[0] == of("object", required=False)
    assert [remark.path for remark in found.remarks] == ["$.a", "$.b[]"]


def test_the_document_says_how_records_are_read() -> None:
    found = imported({**record("string"), "doc": "An order", "aliases": ["Order"]})
    assert found.text.splitlines()[1:5] == [
        "# Nothing is left out.",
        "# Records are judged in JSON: bytes are base64, decimals numbers, moments texts of RFC 3339.",
        "# In Avro it is the record shop.R.",
        '# aliases: ["Order"]',
    ]
    assert found.draft.description == "An order"
    assert imported(["null", record("string")]).draft.fields == (of("string"),)


def test_names_for_json_that_clash_are_not_taken() -> None:
    fields = [{"name": "a", "type": "int", "altnames": {"json": "b"}}, {"name": "b", "type": "int"}]
    found = imported({"type": "record", "name": "R", "fields": fields})
    assert [field.name for field in found.draft.fields] == ["a", "b"]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ("string", "import.root"),
        ([], "import.root"),
        (ENUM, "import.root"),
        ([record("int"), {**record("int"), "name": "S"}], "import.root"),
        (record("Unknown"), "import.reference"),
        (record({"type": "Unknown"}), "import.reference"),
        (record(3), "import.schema"),
        (record({}), "import.schema"),
        (record([["int"]]), "import.schema"),
        (record({"type": "array"}), "import.schema"),
        (record({"type": "enum", "name": "E"}), "import.schema"),
        (record({"type": "enum", "symbols": []}), "import.schema"),
        (record({"type": "fixed", "name": "F", "size": -1}), "import.schema"),
        (record({"type": "record", "name": "S"}), "import.schema"),
        (record({"type": "record", "name": "S", "fields": [{"name": "x"}]}), "import.schema"),
        (record(ENUM, ENUM), "import.schema"),
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}] * 2}, "import.schema"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_what_cannot_be_imported(schema: Any, code: str) -> None:
    found = import_schema(json.dumps(schema).encode(), "s", "s")
    assert isinstance(found, Problem)
    assert (found.code, bool(found.hint)) == (code, True)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_record_that_was_written_by_the_schema_is_held(tmp_path_factory: Any, data: st.DataObject) -> None:
    schema, values = data.draw(whole_records())
    found = imported(schema)
    records = data.draw(st.lists(values, min_size=1, max_size=4))
    file = Path(tmp_path_factory.mktemp("avro")) / "r.avro"
    with file.open("wb") as stream:
        fastavro.writer(stream, fastavro.parse_schema(schema), records)
    lane, source = ExactLane(compiled(found)), RecordFiles([file])
    texts = [value for part in source.parts() for chunk in source.read(part, Reading()) for value in chunk.values]
    assert len(texts) == len(records)
    for text in texts:
        verdict = lane.judge(None, text, 0)
        # Digits that a double does not keep are said of decimals, and held of any contract.
        assert [one for one in verdict.broken if not one.code.startswith("json.")] == [], (text, found.text)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(whole_records())
def test_what_avro_has_words_for_comes_back(drawn: tuple[dict[str, Any], Any]) -> None:
    first = imported(drawn[0])
    exported = export_avro(compiled(first)).schema
    fastavro.parse_schema(json.loads(json.dumps(exported)))
    again = imported(exported)
    # An object without described members may hold any, which Avro has no words for.
    if not first.remarks and '"fields": []' not in json.dumps(drawn[0]):
        compare = [without_words(field) for field in first.draft.fields]
        assert [without_words(field) for field in again.draft.fields] == compare
    last = export_avro(compiled(again)).schema
    assert {**last, "doc": ""} == {**exported, "doc": ""}


def without_words(field: FieldDraft) -> FieldDraft:
    """Without what is for people, and without what Avro says in another way."""
    options = {name: value for name, value in field.options.items() if name not in ("minLength", "maxLength")}
    return replace(
        field,
        description="",
        comments=(),
        options=options,
        properties=tuple(map(without_words, field.properties)),
        items=without_words(field.items) if field.items else None,
        map_value=without_words(field.map_value) if field.map_value else None,
    )
