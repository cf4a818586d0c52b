"""What each keyword of JSON Schema becomes, and what is said of those that become nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.contract.importing.judging import compiled

from watermaster.contract.draft import FieldDraft
from watermaster.contract.importing.imported import Imported
from watermaster.contract.importing.keyword import MAY_BE_NULL
from watermaster.contract.importing.remark import Remark, RemarkKind, sentences
from watermaster.contract.importing.schema import import_schema
from watermaster.contract.problem import Problem

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"


def imported(schema: Any) -> Imported:
    found = import_schema(json.dumps(schema).encode(), "orders.schema.json", "shop.orders")
    assert isinstance(found, Imported), found
    return found


def remarks(found: Imported) -> list[tuple[str, str]]:
    return [(remark.path, remark.keyword) for remark in found.remarks if remark.why != MAY_BE_NULL]


def field(schema: Any, **root: Any) -> tuple[FieldDraft, list[tuple[str, str]]]:
    """The field of one required member, and the remarks on it."""
    found = imported({"type": "object", "properties": {"a": schema}, "required": ["a"], **root})
    return found.draft.fields[0], [(path.removeprefix("$.a"), word) for path, word in remarks(found)]


def of(kind: str | None, required: bool = True, **parts: Any) -> FieldDraft:
    return FieldDraft("a", kind, required=required, **parts)


def item(kind: str | None, required: bool = True, **parts: Any) -> FieldDraft:
    return FieldDraft("", kind, required=required, **parts)


KEY = item("string")
NUMBER = {"type": "number"}
TEXT = {"type": "string"}
CASES: list[tuple[Any, FieldDraft, list[tuple[str, str]]]] = [
    # types
    (TEXT, of("string"), []),
    ({"type": "integer"}, of("integer"), []),
    ({"type": ["integer", "number"]}, of("number"), []),
    ({"type": "boolean"}, of("boolean"), []),
    ({"type": "object"}, of("object"), []),
    ({"type": "array"}, of("array"), []),
    ({"type": ["string", "null"]}, of("string", required=False), []),
    ({}, of(None, required=False), []),
    (True, of(None, required=False), []),
    ({"not": {"type": "null"}}, of(None), []),
    ({"type": ["string", "integer"]}, of(None), [("", "type")]),
    ({"type": "null"}, of(None, required=False), [("", "type")]),
    (False, of(None, required=False), [("", "false")]),
    ({"type": "string", "enum": [1]}, of(None, required=False), [("", "type")]),
    # values
    ({"enum": ["a", "b", "a"]}, of("string", enum=("a", "b")), []),
    ({"enum": ["a", None]}, of("string", required=False, enum=("a",)), []),
    ({"enum": [1, 1.0, 2.5]}, of("number", enum=(1, Decimal("2.5"))), []),
    ({"type": "integer", "enum": [1, 2.5, "x"]}, of("integer", enum=(1,)), []),
    ({"enum": ["a", 1, True]}, of(None, enum=("a", 1, True)), []),
    ({"enum": ["a", {}]}, of(None), [("", "enum")]),
    ({"enum": [{}, {"b": 1}]}, of("object"), [("", "enum")]),
    ({"const": "a"}, of("string", enum=("a",)), []),
    ({"const": "a", "enum": ["a", "b"]}, of("string", enum=("a",)), []),
    # texts
    (
        {**TEXT, "minLength": 0, "maxLength": 3, "pattern": "^a"},
        of("string", options={"maxLength": 3, "pattern": "^a"}),
        [],
    ),
    ({**TEXT, "minLength": 3, "maxLength": 2}, of("string"), [("", "minLength and maxLength")]),
    ({**TEXT, "pattern": "^(?=a)"}, of("string"), [("", "pattern")]),
    ({**TEXT, "pattern": "(?i)a"}, of("string"), [("", "pattern")]),
    ({**TEXT, "pattern": r"^\S+$"}, of("string", options={"pattern": r"^\S+$"}), [("", "pattern")]),
    ({**TEXT, "format": "uuid"}, of("string", options={"format": "uuid"}), [("", "format")]),
    ({**TEXT, "format": "date"}, of("date"), [("", "format")]),
    ({**TEXT, "format": "date-time"}, of("timestamp", options={"timezone": True}), [("", "format")]),
    ({**TEXT, "format": "time"}, of("time", options={"timezone": True}), [("", "format")]),
    (
        {**TEXT, "format": "date", "maxLength": 10},
        of("string", options={"maxLength": 10, "format": "date"}),
        [("", "format")],
    ),
    ({**TEXT, "format": "iri"}, of("string"), [("", "format")]),
    # numbers
    (
        {**NUMBER, "minimum": 0.1, "exclusiveMaximum": 5},
        of("number", options={"minimum": Decimal("0.1"), "exclusiveMaximum": 5}),
        [],
    ),
    ({**NUMBER, "minimum": 1, "exclusiveMinimum": 1}, of("number", options={"exclusiveMinimum": 1}), []),
    ({**NUMBER, "minimum": 2, "exclusiveMinimum": 1}, of("number", options={"minimum": 2}), []),
    ({**NUMBER, "maximum": 1, "exclusiveMaximum": 1}, of("number", options={"exclusiveMaximum": 1}), []),
    ({**NUMBER, "minimum": 1, "exclusiveMaximum": 1}, of("number"), [("", "minimum and exclusiveMaximum")]),
    ({**NUMBER, "multipleOf": 0.01}, of("number", options={"multipleOf": Decimal("0.01")}), []),
    # lists
    (
        {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        of("array", options={"minItems": 1, "maxItems": 2, "uniqueItems": True}, items=item("string")),
        [],
    ),
    ({"type": "array", "items": {"type": ["string", "null"]}}, of("array", items=item("string", required=False)), []),
    ({"type": "array", "items": {}}, of("array"), []),
    ({"type": "array", "items": False}, of("array", options={"maxItems": 0}), []),
    ({"type": "array", "prefixItems": [TEXT], "items": TEXT}, of("array"), [("", "items"), ("", "prefixItems")]),
    ({"type": "array", "contains": TEXT}, of("array"), [("", "contains")]),
    # objects
    (
        {"type": "object", "properties": {"b": TEXT, "c": NUMBER}, "required": ["b", "d"]},
        of("object", options={"required": ("d",)},
           properties=(FieldDraft("b", "string", required=True), FieldDraft("c", "number"), FieldDraft("d"))),
        [],
    ),
    (
        {"type": "object", "minProperties": 1, "maxProperties": 2},
        of("object", options={"minProperties": 1, "maxProperties": 2}),
        [],
    ),
    ({"type": "object", "additionalProperties": False}, of("object", options={"maxProperties": 0}), []),
    ({"type": "object", "additionalProperties": NUMBER}, of("map", map_key=KEY, map_value=item("number")), []),
    (
        {"type": "object", "additionalProperties": NUMBER, "propertyNames": {"maxLength": 2}, "maxProperties": 2},
        of("map", map_key=item("string", options={"maxLength": 2}), map_value=item("number")),
        [("", "maxProperties")],
    ),
    (
        {"type": "object", "patternProperties": {"^[a-z]$": NUMBER}, "additionalProperties": False},
        of("map", map_key=item("string", options={"pattern": "^[a-z]$"}), map_value=item("number")),
        [],
    ),
    ({"type": "object", "patternProperties": {"^[a-z]$": NUMBER}}, of("object"), [("", "patternProperties")]),
    (
        {"type": "object", "properties": {"b": TEXT}, "additionalProperties": NUMBER},
        of("object", properties=(FieldDraft("b", "string"),)),
        [("", "additionalProperties")],
    ),
    ({"type": "object", "dependentRequired": {"b": ["c"]}}, of("object"), [("", "dependentRequired")]),
    # combinations
    ({"anyOf": [TEXT, {"type": "null"}]}, of("string", required=False), []),
    (
        {"oneOf": [{"const": None}, {**TEXT, "maxLength": 1}]},
        of("string", required=False, options={"maxLength": 1}),
        [],
    ),
    ({"oneOf": [{"type": "null"}, {"type": ["null", "string"]}]}, of("string", required=False), [("", "oneOf")]),
    ({"anyOf": [{"const": "a"}, {"enum": ["b", "a"]}]}, of("string", enum=("a", "b")), []),
    ({"oneOf": [{"const": "a"}, {"enum": ["b", "a"]}]}, of("string", enum=("b",)), []),
    ({"oneOf": [{"const": "a", "title": "A"}, {"type": "null"}]}, of("string", required=False, enum=("a",)), []),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, of("number"), []),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, of("number"), [("", "oneOf")]),
    ({"oneOf": [{**TEXT, "minLength": 3}, {**TEXT, "maxLength": 1}]}, of("string"), [("", "oneOf")]),
    ({"type": "object", "oneOf": [{"required": ["b"]}, {"required": ["c"]}]}, of("object"), [("", "oneOf")]),
    (
        {"allOf": [{**TEXT, "minLength": 1}, {"minLength": 2, "maxLength": 3}]},
        of("string", options={"minLength": 2, "maxLength": 3}),
        [],
    ),
    ({"allOf": [{**TEXT, "maxLength": 3}, {"maxLength": 2}]}, of("string", options={"maxLength": 2}), []),
    (
        {"anyOf": [{"type": "null"}, {**TEXT, "enum": ["a", "bc"], "minLength": 1}]},
        of("string", required=False, options={"minLength": 1}, enum=("a", "bc")),
        [],
    ),
    (
        {"allOf": [{"type": "object", "properties": {"b": {}}}, {"additionalProperties": TEXT}]},
        of("object", properties=(FieldDraft("b", "string"),)),
        [("", "additionalProperties")],
    ),
    (
        {"allOf": [{"type": "object", "properties": {"b": {"minLength": 1}}}, {"properties": {"b": TEXT}}]},
        of("object", properties=(FieldDraft("b", "string", options={"minLength": 1}),)),
        [],
    ),
    ({"type": "string", "if": {"minLength": 1}, "then": {}}, of("string"), [("", "if"), ("", "then")]),
    ({"type": "string", "not": {"const": "a"}}, of("string"), [("", "not")]),
    # what is said and judges nothing
    (
        {**TEXT, "title": "T", "description": " D ", "default": "x", "readOnly": True, "deprecated": False},
        of("string", description="D", comments=('default: "x"', "readOnly: true")),
        [],
    ),
    ({**TEXT, "nullable": True, "x-owner": "me"}, of("string"), [("", "nullable"), ("", "x-owner")]),
    # what its type leaves without meaning
    ({"type": "integer", "minLength": 1}, of("integer"), [("", "minLength")]),
    ({"properties": {"b": TEXT}}, of(None, required=False), [("", "properties")]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "wanted", "said"), CASES, ids=lambda value: str(value)[:60])
def test_what_a_keyword_becomes(schema: Any, wanted: FieldDraft, said: list[tuple[str, str]]) -> None:
    found, remarked = field(schema)
    assert found == wanted
    assert remarked == said


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": TEXT}}


def test_references_are_followed_and_recursion_is_left_open() -> None:
    schema = {"$ref": "#/$defs/node"}
    found, said = field(schema, **{"$defs": {"node": NODE}})
    assert found.properties == (FieldDraft("next", "object"), FieldDraft("value", "string"))
    assert said == [(".next", "$ref")]
    whole, _ = field({"$ref": "#"})
    assert whole.logical_type == "object"


@pytest.mark.parametrize(
    ("reference", "more"),
    [
        ("#/definitions/a%20b~1c", {"definitions": {"a b/c": TEXT}}),
        ("#name", {"$defs": {"x": {"$anchor": "name", **TEXT}}}),
        ("https://shop.example/order.json#/$defs/x", {"$id": "https://shop.example/order.json", "$defs": {"x": TEXT}}),
        ("text.json", {"$id": "https://shop.example/order.json", "$defs": {"x": {"$id": "text.json", **TEXT}}}),
        ("/text.json", {"$id": "https://shop.example/a/b.json", "$defs": {"x": {"$id": "/text.json", **TEXT}}}),
        ("#name", {"$schema": DRAFT_7, "definitions": {"x": {"$id": "#name", **TEXT}}}),
        ("#/x-components/x", {"x-components": {"x": TEXT}}),
        ("#/allOf/0", {"allOf": [TEXT | {"type": ["string", "object"]}]}),
    ],
)
def test_every_way_to_refer_inside_of_a_document(reference: str, more: dict[str, Any]) -> None:
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"a": {"$ref": reference}}, **more}
    assert imported({"type": "object", **root}).draft.fields[0].logical_type in ("string", None)
    assert all(keyword != "$ref" for _, keyword in remarks(imported({"type": "object", **root})))


def test_a_reference_counts_from_the_resource_that_it_stands_in() -> None:
    inner = {"$id": "https://shop.example/inner", "$defs": {"x": NUMBER}, "$ref": "#/$defs/x"}
    for schema in ({"$ref": "https://shop.example/inner"}, inner, {"allOf": [inner]}):
        found, _ = field(schema, **{"$defs": {"x": TEXT, "inner": inner if schema is not inner else {}}})
        assert found.logical_type == "number"


def test_beside_a_reference_old_drafts_ignore_everything() -> None:
    schema, more = {"$ref": "#/definitions/x", "maxLength": 2}, {"definitions": {"x": TEXT}}
    assert field(schema, **more) == (of("string", options={"maxLength": 2}), [])
    assert field(schema, **more, **{"$schema": DRAFT_7}) == (of("string"), [("", "maxLength")])


def test_what_draft_4_spells_otherwise() -> None:
    schema = {**NUMBER, "minimum": 1, "exclusiveMinimum": True, "maximum": 2, "exclusiveMaximum": False}
    wanted = of("number", options={"exclusiveMinimum": 1, "maximum": 2})
    assert field(schema) == (wanted, [])  # no other draft knows booleans there
    assert field(schema, **{"$schema": DRAFT_4}) == (wanted, [])
    assert field({**TEXT, "const": "a"}, **{"$schema": DRAFT_4}) == (of("string"), [("", "const")])
    closed = {"type": "object", "properties": {"b": TEXT}, "unevaluatedProperties": False}
    assert field(closed, **{"$schema": DRAFT_7})[1] == [("", "unevaluatedProperties")]


OPEN, CLOSED = {"type": "object", "properties": {"b": TEXT}}, {
    "type": "object",
    "properties": {"b": TEXT},
    "additionalProperties": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("root", "inner", "held", "said"),
    [
        (False, CLOSED, True, []),
        (False, {"type": "object"}, True, []),
        (False, {"type": "object", "additionalProperties": NUMBER}, True, []),
        (False, OPEN, False, [("$", "additionalProperties")]),
        (True, CLOSED, False, [("$.a", "additionalProperties")]),
        (True, OPEN, False, []),
        (False, {"$ref": "#/$defs/open", "unevaluatedProperties": False}, True, []),
        (False, {"allOf": [CLOSED, {"properties": {"c": TEXT}}]}, False,
         [("$.a", "additionalProperties"), ("$", "additionalProperties")]),
        (False, {"allOf": [OPEN], "if": {}, "unevaluatedProperties": False}, False,
         [("$.a", "unevaluatedProperties"), ("$.a", "if"), ("$", "additionalProperties")]),
    ],
)  # fmt: skip
def test_unknown_members_are_held_where_every_object_forbids_them(
    root: bool, inner: Any, held: bool, said: list[tuple[str, str]]
) -> None:
    schema = {"type": "object", "properties": {"a": inner}, "additionalProperties": root, "$defs": {"open": OPEN}}
    found = imported(schema)
    assert found.draft.unknown_fields_held is held
    assert remarks(found) == said


def test_what_is_asked_of_the_record_as_a_whole_becomes_rules() -> None:
    names = [f"n{number}" for number in range(21)] + ["na me", 'q"\n']
    found = imported({"type": "object", "required": names, "minProperties": 3, "maxProperties": 40})
    assert [rule.id for rule in found.draft.rules] == [
        "members_there", "members_there_2", "members_at_least", "members_at_most",
    ]  # fmt: skip
    assert found.draft.rules[1].expression == r'has(this.n20) && "na me" in this && "q\"\u000a" in this'
    assert found.draft.rules[2].expression == "size(this) >= 3"
    assert found.remarks == ()


def test_counts_that_nothing_has_are_no_rules() -> None:
    found = imported({"type": "object", "minProperties": 2**63, "maxProperties": 10**300})
    assert (found.draft.rules, remarks(found)) == ((), [("$", "minProperties")])
    assert compiled(found).rules == ()
    found = imported({"type": "object", "minProperties": 1, "maxProperties": 2**63 - 1})
    assert [rule.id for rule in compiled(found).rules] == ["members_at_least", "members_at_most"]


def test_a_record_is_one_object() -> None:
    assert [one.why for one in imported({}).remarks] == ["a record is one JSON object, and everything else is held"]
    assert imported({"type": ["object", "null"]}).remarks[0].kind is RemarkKind.OTHERWISE
    assert remarks(imported({"type": "object", "additionalProperties": TEXT})) == [("$", "additionalProperties")]


def test_the_document_says_where_it_comes_from_and_what_is_left_out() -> None:
    found = imported({"type": "object", "title": "Orders", "properties": {"a": TEXT, "b": {"const": "é\n# x"}}})
    head = found.text.split("apiVersion")[0].splitlines()
    assert head == [
        "# Imported from orders.schema.json, a JSON Schema. Read it, and make it say what must hold.",
        f"# left out: $.a, $.b type: {MAY_BE_NULL}",
    ]
    assert "physicalName: shop.orders\n" in found.text
    assert "  purpose: Orders\n" in found.text
    whole = imported({"type": "object", "properties": {"a": TEXT}, "required": ["a"]})
    assert whole.text.splitlines()[1] == "# Nothing is left out."


def test_many_places_of_one_remark_are_counted() -> None:
    many = [Remark(RemarkKind.LEFT_OUT, f"$.f{number}", "not", "w") for number in range(120)]
    (sentence,) = sentences(many)
    assert sentence.startswith("left out: $.f0, $.f1, ")
    assert sentence.endswith("$.f99 and 20 more not: w")


def nested(levels: int) -> Any:
    return {"type": "object", "properties": {"a": nested(levels - 1)}} if levels else TEXT


def test_what_a_contract_cannot_hold_is_left_open() -> None:
    found = imported(nested(40))
    assert [keyword for _, keyword in remarks(found)] == ["schema"]
    steps: dict[str, Any] = {"n0": TEXT}
    for number in range(1, 14):
        both = {"$ref": f"#/$defs/n{number - 1}"}
        steps[f"n{number}"] = {"type": "object", "properties": {"a": both, "b": both}}
    wide = imported({"type": "object", "properties": {"a": {"$ref": "#/$defs/n13"}}, "$defs": steps})
    assert ("schema" in {keyword for _, keyword in remarks(wide)}) is True


def problem(text: str | bytes) -> Problem:
    found = import_schema(text if isinstance(text, bytes) else text.encode(), "s", "s")
    assert isinstance(found, Problem)
    return found


DOUBLING = {"n0": TEXT}
for step in range(1, 30):
    before = {"$ref": f"#/$defs/n{step - 1}"}
    DOUBLING[f"n{step}"] = {"anyOf": [{"allOf": [before, before]}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "import.json"),
        ('{"type": "object", "type": "object"}', "import.json"),
        ('{"minimum": NaN}', "import.json"),
        ('{"minimum": 1e999}', "import.json"),
        ('{"title": "\\ud800"}', "import.json"),
        (b'{"title": "\xff"}', "import.json"),
        ("[" * 100_000, "import.depth"),
        ('{"not":' * 300 + "{}" + "}" * 300, "import.depth"),
        (" " * (8 * 1024 * 1024 + 1), "import.size"),
        ("true", "import.root"),
        ('{"type": "array"}', "import.root"),
        ('{"type": "text"}', "import.schema"),
        ('{"properties": {"a": {"minLength": -1}}}', "import.schema"),
        ('{"$ref": "#/x", "x": {"type": 3}}', "import.schema"),
        ('{"$schema": "http://json-schema.org/draft-03/schema#"}', "import.dialect"),
        ('{"$schema": "https://shop.example/own"}', "import.dialect"),
        ('{"$ref": "#/$defs/nowhere"}', "import.reference"),
        ('{"$ref": "#nowhere"}', "import.reference"),
        ('{"$ref": "#/title", "title": "a"}', "import.reference"),
        (json.dumps({"$ref": "#/allOf/1", "allOf": [{}]}), "import.reference"),
        (json.dumps({"$ref": "#/allOf/" + "9" * 5_000, "allOf": [{}]}), "import.reference"),
        ('{"$ref": "other.json"}', "import.remote_reference"),
        ('{"properties": {"a": {"$ref": "http://json-schema.org/draft-07/schema#"}}}', "import.remote_reference"),
        (json.dumps({"type": "object", "enum": [{}], "description": "x" * 950_000}), "import.size"),
        (json.dumps({"properties": {"a": {"enum": [f"v{n}" for n in range(60_000)]}}}), "import.size"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_imported(text: str | bytes, code: str) -> None:
    found = problem(text)
    assert found.code == code
    assert found.hint


def test_references_that_double_are_followed_once() -> None:
    found = imported({"type": "object", "properties": {"a": {"$ref": "#/$defs/n29"}}, "$defs": DOUBLING})
    assert found.draft.fields[0].logical_type == "string"
