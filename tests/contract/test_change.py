"""What a new contract asks in addition, and what no longer; and when a document is refused as a rewrite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watermaster.contract.change import Change, ChangeKind, Rewrite, compare, rewrite
from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract

HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: '{version}'\nschema:\n- name: orders\n"
STRICTER, LOOSER, OTHER = ChangeKind.STRICTER, ChangeKind.LOOSER, ChangeKind.OTHER


def compiled(body: str, version: str = "1") -> Checks:
    result = compile_contract(read_contract((HEAD.format(version=version) + body).encode(), "c"))
    assert result.problems == ()
    return result.checks[0]


def field(options: str) -> str:
    return f"  properties: [{{name: a, {options}}}]\n" if options else "  properties: []\n"


def rule(options: str) -> str:
    return f"  quality: [{{id: r, type: custom, engine: cel, {options}}}]\n"


def extra(name: str, value: str) -> str:
    return f"  customProperties: [{{property: {name}, vendor: watermaster, value: {value}}}]\n"


# old, new, path, kind from old to new, kind from new to old
PAIRS = [
    (field(""), field("logicalType: string"), "$.a", STRICTER, LOOSER),
    (field("required: false"), field("required: true"), "$.a", STRICTER, LOOSER),
    (field("description: any"), field("logicalType: string"), "$.a", STRICTER, LOOSER),
    (field("logicalType: number"), field("logicalType: integer"), "$.a", STRICTER, LOOSER),
    (field("logicalType: string"), field("logicalType: integer"), "$.a", OTHER, OTHER),
    *(
        (
            field(f"logicalType: {kind}, logicalTypeOptions: {{{old}}}"),
            field(f"logicalType: {kind}, logicalTypeOptions: {{{new}}}"),
            "$.a",
            first,
            second,
        )
        for kind, old, new, first, second in [
            ("string", "minLength: 1", "minLength: 2", STRICTER, LOOSER),
            ("string", "maxLength: 2", "maxLength: 1", STRICTER, LOOSER),
            ("string", "", "maxLength: 1", STRICTER, LOOSER),
            ("string", "", "pattern: a", STRICTER, LOOSER),
            ("string", "pattern: b", "pattern: a", OTHER, OTHER),
            ("string", "", "format: uuid", STRICTER, LOOSER),
            ("number", "minimum: 1", "minimum: 1.5", STRICTER, LOOSER),
            ("number", "exclusiveMaximum: 2", "exclusiveMaximum: 1.5", STRICTER, LOOSER),
            ("number", "", "multipleOf: 0.01", STRICTER, LOOSER),
            ("date", "minimum: 2024-01-01", "minimum: 2024-01-02", STRICTER, LOOSER),
            ("date", "", "format: dd.MM.yyyy", OTHER, OTHER),
            ("timestamp", "", "timezone: true", OTHER, OTHER),
            ("array", "maxItems: 3", "maxItems: 2", STRICTER, LOOSER),
            ("array", "", "uniqueItems: true", STRICTER, LOOSER),
            ("object", "", "required: [x]", STRICTER, LOOSER),
        ]
    ),
    (
        field("logicalType: string"),
        field("logicalType: string, enum: [{value: A}]"),
        "$.a",
        STRICTER,
        LOOSER,
    ),
    (
        field("logicalType: string, enum: [{value: A}, {value: B}]"),
        field("logicalType: string, enum: [{value: A}]"),
        "$.a",
        STRICTER,
        LOOSER,
    ),
    (
        field("logicalType: array"),
        field("logicalType: array, items: {logicalType: string}"),
        "$.a[]",
        STRICTER,
        LOOSER,
    ),
    ("", rule("implementation: 'true'"), "$", STRICTER, LOOSER),
    ("", rule("severity: info, implementation: 'true'"), "$", OTHER, OTHER),
    (rule("implementation: 'true'"), rule("implementation: '1 < 2'"), "$", OTHER, OTHER),
    (
        rule("severity: warning, implementation: 'true'"),
        rule("severity: error, implementation: 'true'"),
        "$",
        STRICTER,
        LOOSER,
    ),
    (
        rule("implementation: 'true'"),
        rule("implementation: 'true', customProperties: [{property: onFailure, vendor: watermaster, value: drop}]"),
        "$",
        OTHER,
        OTHER,
    ),
    ("", extra("unknownFields", "hold"), "$", STRICTER, LOOSER),
    ("", extra("tombstones", "hold"), "$", STRICTER, LOOSER),
    ("", extra("holdBudget", "{share: 0.5}"), "$", OTHER, OTHER),
    ("", extra("limits", "{depthMax: 3}"), "$", STRICTER, LOOSER),
    ("", extra("key", "{required: true}"), "key", STRICTER, LOOSER),
]


@pytest.mark.parametrize(("old", "new", "path", "forth", "back"), PAIRS)
def test_changes(old: str, new: str, path: str, forth: ChangeKind, back: ChangeKind) -> None:
    before, after = compiled(old), compiled(new)
    assert {(change.path, change.kind) for change in compare(before, after)} >= {(path, forth)}
    assert {(change.path, change.kind) for change in compare(after, before)} >= {(path, back)}
    assert compare(before, before) == compare(after, after) == ()


def test_a_new_field_is_no_mere_tightening_where_unknown_fields_are_held() -> None:
    hold = extra("unknownFields", "hold")
    changes = compare(compiled(hold), compiled(hold + field("logicalType: string")))
    assert changes == (Change("$.a", OTHER, "described newly: optional, type string"),)


def test_sentences_name_both_values() -> None:
    old = compiled(field("logicalType: date, logicalTypeOptions: {minimum: 2024-01-01}"))
    new = compiled(field("logicalType: date, logicalTypeOptions: {minimum: 2024-02-01}"))
    assert compare(old, new)[0].sentence == "minimum 2024-02-01 in place of 2024-01-01"


def test_a_comment_more_in_the_same_version_is_refused() -> None:
    one = compiled("")
    assert rewrite(one, compiled("")) is Rewrite.SAME_BYTES
    assert rewrite(one, compiled("# a comment\n")) is Rewrite.SAME_VERSION_OTHER_BYTES
    assert rewrite(one, compiled("", version="2")) is Rewrite.NEW_VERSION
    assert rewrite(one, replace(compiled("# a comment\n"), contract_id="y")) is Rewrite.ANOTHER_CONTRACT
