"""What lint says: every error at its place, advice that follows from the contract alone, and notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.lint.finding import LintLevel
from watermaster.contract.lint.pattern_anchor import is_anchored
from watermaster.contract.lint.report import lint_contract
from watermaster.contract.lint.rule_advice import references
from watermaster.contract.problem import ProblemCode

HEAD = """apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
team: {name: checkout}
schema:
- name: orders
"""
DEMO = Path("src/watermaster/demo_data/flights.odcs.yaml")


def warnings(body: str, head: str = HEAD) -> list[tuple[str, int | None, str]]:
    report = lint_contract((head + body).encode(), "c.odcs.yaml")
    assert report.count(LintLevel.ERROR) == 0, report
    return [
        (finding.problem.code, finding.problem.line, finding.problem.path)
        for finding in report.findings
        if finding.level is LintLevel.WARNING
    ]


def field(kind: str, options: str = "", more: str = "") -> str:
    return f"  properties:\n  - name: a\n    logicalType: {kind}\n    logicalTypeOptions: {{{options}}}\n{more}"


OPTIONS = "$.schema[0].properties[0].logicalTypeOptions"

ADVICE = [
    # body, code, path
    (field("string"), ProblemCode.NO_RULE, "$.schema[0].properties[0]"),
    (field("integer"), ProblemCode.NO_RULE, "$.schema[0].properties[0]"),
    (field("array"), ProblemCode.NO_RULE, "$.schema[0].properties[0]"),
    ("  properties:\n  - name: a\n", ProblemCode.NO_RULE, "$.schema[0].properties[0]"),
    (field("string", "pattern: '[0-9]{4}'"), ProblemCode.UNANCHORED, f"{OPTIONS}.pattern"),
    (field("string", "pattern: '^a|b$'"), ProblemCode.UNANCHORED, f"{OPTIONS}.pattern"),
    (field("string", "minLength: 0"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.minLength"),
    (field("integer", "format: i8, maximum: 127"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.maximum"),
    (field("integer", "format: u16, minimum: 0"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.minimum"),
    (field("integer", "multipleOf: 1"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.multipleOf"),
    (field("number", "minimum: 1, exclusiveMinimum: 1"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.minimum"),
    (field("number", "maximum: 1, exclusiveMaximum: 2"), ProblemCode.NEVER_FIRES, f"{OPTIONS}.exclusiveMaximum"),
    (
        field("string", "maxLength: 3", "    enum: [{value: abc}, {value: de}]\n"),
        ProblemCode.NEVER_FIRES,
        f"{OPTIONS}.maxLength",
    ),
    (
        field("string", "maxLength: 3", "    enum: [{value: abcd}, {value: de}]\n"),
        ProblemCode.NEVER_PASSES,
        "$.schema[0].properties[0].enum",
    ),
    (
        field("integer", "minimum: 5", "    enum: [{value: 3}, {value: 7}]\n"),
        ProblemCode.NEVER_PASSES,
        "$.schema[0].properties[0].enum",
    ),
]


@pytest.mark.parametrize(("body", "code", "path"), ADVICE)
def test_advice_on_a_field(body: str, code: ProblemCode, path: str) -> None:
    assert [(found, place) for found, _, place in warnings(body)] == [(code, path)]


QUIET = [
    field("string", "", "    required: true\n"),
    field("string", "", "    unique: true\n"),
    field("boolean"),
    field("date"),
    field("timestamp"),
    field("string", "pattern: '^(?:a|b)$'"),
    field("string", "pattern: '.*error.*'"),
    field("integer", "format: i8, maximum: 126"),
    field("string") + "  quality: [{id: r, type: custom, engine: cel, implementation: this.a != ''}]\n",
    field("array") + "  quality: [{id: r, type: custom, engine: cel, implementation: 'size(this.a) > 0'}]\n",
]


@pytest.mark.parametrize("body", QUIET)
def test_what_asks_something_is_left_alone(body: str) -> None:
    assert warnings(body) == []


def rule(expression: str, more: str = "") -> str:
    return (
        field("string", "", "    required: true\n")
        + f"  quality: [{{id: r, type: custom, engine: cel, implementation: {expression!r}}}]\n"
        + more
    )


def test_a_rule_that_looks_at_nothing_can_never_fire() -> None:
    assert [code for code, _, _ in warnings(rule("1 < 2"))] == [ProblemCode.NEVER_FIRES]
    assert warnings(rule("this.a != key")) == []


def test_a_rule_that_names_an_unknown_field_hears_the_nearest_one() -> None:
    report = lint_contract((HEAD + rule("this.totl == 'this.b'").replace("name: a\n", "name: total\n")).encode(), "c")
    (finding,) = report.findings
    assert finding.problem.code == ProblemCode.UNKNOWN_FIELD
    assert "names $.totl" in finding.problem.message
    assert "Did you mean 'total'?" in finding.problem.hint


def test_an_owner_who_is_missing() -> None:
    head = HEAD.replace("team: {name: checkout}\n", "")
    assert warnings(field("date"), head) == [(ProblemCode.NO_OWNER, 1, "$")]


def test_all_errors_are_said_and_no_advice_with_them() -> None:
    body = field("string", "minLength: 3, maxLength: 2") + "  - {name: b, logicalType: string}\n"
    body += "  - {name: c, logicalType: string, logicalTypeOptions: {pattern: '(?=a)'}}\n"
    report = lint_contract((HEAD + body).encode(), "c.odcs.yaml")
    assert [(f.level, f.problem.code, f.problem.line) for f in report.findings] == [
        (LintLevel.ERROR, ProblemCode.RANGE, 12),
        (LintLevel.ERROR, ProblemCode.PATTERN, 14),
    ]


def test_the_record_key_gets_advice_with_its_line() -> None:
    body = field("date") + "  customProperties:\n  - property: key\n    vendor: watermaster\n"
    body += "    value: {logicalTypeOptions: {pattern: 'a-[0-9]+'}}\n"
    assert warnings(body) == [
        (ProblemCode.UNANCHORED, 16, "$.schema[0].customProperties[0].value.logicalTypeOptions.pattern")
    ]


def test_the_contract_of_the_demonstration_has_no_warning() -> None:
    report = lint_contract(DEMO.read_bytes(), "flights")
    assert [finding for finding in report.findings if finding.level is not LintLevel.NOTE] == []
    assert report.count(LintLevel.NOTE) == 7


@pytest.mark.parametrize(
    ("pattern", "anchored"),
    [
        ("^a$", True),
        ("^a", False),
        ("a$", False),
        ("^a\\$", False),
        ("^a\\\\$", True),
        ("^(a|b)$", True),
        ("(^a$|^b$)", True),
        ("(^a$|b$)", False),
        ("(^a)|(b$)", False),
        ("^[|]$", True),
        ("^[)]$|^x$", True),
        ("^a\\|b$", True),
        (".*a.+", True),
        ("", False),
        ("(?i)^a$", True),
    ],
)
def test_anchors(pattern: str, anchored: bool) -> None:
    assert is_anchored(pattern) is anchored


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("this.a.b > 1 && this.c != 'this.d'", [("a", "b"), ("c",)]),
        ('this["a b"].c == key', [("a b", "c")]),
        ("this.a.startsWith('x') // this.b", [("a",)]),
        ("has(this.a) ? x.this.b : size(this.c)", [("a",), ("c",)]),
        ("size(this) > 0", [()]),
        ("thisness.a", []),
    ],
)
def test_the_fields_that_an_expression_names(expression: str, found: list[tuple[str, ...]]) -> None:
    assert references(expression) == found


@given(st.text(alphabet="^$|()[]\\a.*", max_size=12))
def test_no_pattern_makes_the_anchor_reader_raise(pattern: str) -> None:
    is_anchored(pattern)


@given(st.text(max_size=40))
def test_no_expression_makes_the_scanner_raise(expression: str) -> None:
    references(expression)
