"""Simple rules as closures give what CEL gives, on values of every type; where they do not know, they say so."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermaster.contract.cel import CelProblem, bind, compile_rule
from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.gate.cel_view import compile_to_cel
from watermaster.gate.closure import Undecided
from watermaster.gate.document_access import DocumentAccess
from watermaster.gate.expression import parse_simple
from watermaster.gate.rule_check import simplify

DECLARED = FieldCheck(
    name="t",
    path="$",
    type=LogicalType.OBJECT,
    properties=(
        FieldCheck("n", "$.n", LogicalType.NUMBER),
        FieldCheck("i", "$.i", LogicalType.INTEGER),
        FieldCheck("s", "$.s", LogicalType.STRING),
        FieldCheck("b", "$.b", LogicalType.BOOLEAN),
        FieldCheck("o", "$.o", LogicalType.OBJECT, properties=(FieldCheck("n", "$.o.n", LogicalType.NUMBER),)),
    ),
)

SIMPLE = [
    "this.n >= 0.0",
    "this.n > 0",
    "this.i <= this.n",
    "this.s == 'a' || this.i != 3",
    "!(this.b) && has(this.s)",
    "this.s in ['a', 'b']",
    "this.i in [1, 2, -3]",
    "size(this.s) < 3",
    "this.s.startsWith('a')",
    'this.s.endsWith("b") ? this.n > 1.5e0 : true',
    "this.o.n > 1",
    "this['n'] == null",
    "this.i * 2 + 1 > 5",
    "(this.i / 100 * 60 + this.i % 100) % 1440 == 0",
    "this.n / 2.0 > 1.0",
    "has(this.o.n) && this.o.n > 0",
    "this.s.matches('^[a-z]+$')",
    "this.s.size() == 2",
    "this.n > 1 ? '' : 'too small'",
    "  this.n\n  > 1 ",
]
NOT_SIMPLE = [
    "this.l.all(x, x > 0)",
    "this.s == 'a\\n'",
    "this.s == r'a'",
    "this.s == '''a'''",
    "this.i == 1u",
    "this.i == 0x1F",
    "this.i == 1 // a comment",
    "this.i ~ 2 == 1",
    "key == 'a'",
    "now > timestamp('2024-01-01T00:00:00Z')",
    "this == null",
    "this.i == 9223372036854775808",
    "-this.i < 0",
    "this.s in this.l",
    "this.l[0] == 1",
    "string(this.i) == '1'",
    "b'a' == this.s",
    "this.n > 1. // comment",
    "(" * 60 + "true" + ")" * 60,
]


@pytest.mark.parametrize("expression", SIMPLE)
def test_simple_expressions_are_translated(expression: str) -> None:
    compile_rule(expression)
    assert simplify(expression, DocumentAccess(DECLARED)) is not None


@pytest.mark.parametrize("expression", NOT_SIMPLE)
def test_everything_else_is_left_to_cel(expression: str) -> None:
    assert parse_simple(expression) is None


NUMBERS = st.sampled_from(
    [0, 1, -1, 3, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**64), 10**350,
     Decimal("0.0"), Decimal("1.0"), Decimal("1.5"),
     Decimal("-0.0"), Decimal("9007199254740993.0"), Decimal("1e300"), Decimal("9223372036854775807.0")]
)  # fmt: skip
VALUES = st.one_of(
    NUMBERS, st.sampled_from(["", "a", "b", "ab", "é", "1"]), st.booleans(), st.none(), st.just([1]), st.just({})
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys("nisbx", VALUES),
        "o": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"n": VALUES})),
    },
)

FIELDS = st.sampled_from(["this.n", "this.i", "this.s", "this.b", "this.x", "this.o.n", "this['x']"])
LITERALS = st.sampled_from(
    ["0", "1", "-3", "1.0", "1.5", "2e3", "'a'", '"ab"', "''", "true", "false", "null", "9007199254740993", "-0.0"]
)
ATOMS = st.one_of(FIELDS, LITERALS, st.sampled_from(["has(this.n)", "has(this.o.n)", "size(this.s)", "this.x.size()"]))


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%"])
    tests = st.sampled_from(["startsWith", "endsWith", "contains"])
    return st.one_of(
        st.tuples(inner, signs, inner).map(" ".join),
        st.tuples(inner, signs, inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} ? {} : {})".format(*parts)),
        st.tuples(inner, st.lists(LITERALS, max_size=3)).map(lambda parts: f"{parts[0]} in [{', '.join(parts[1])}]"),
        st.tuples(inner, tests, inner).map(lambda parts: f"({parts[0]}).{parts[1]}({parts[2]})"),
        inner.map(lambda text: f"size({text})"),
        inner.map(lambda text: f"({text}).matches('^a')"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grow, max_leaves=6)


@settings(max_examples=1500, deadline=None)
@given(EXPRESSIONS, st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_a_closure_never_contradicts_cel(expression: str, documents: list[dict[str, object]]) -> None:
    try:
        program = compile_rule(expression)
    except CelProblem:
        return
    closure = simplify(expression, DocumentAccess(DECLARED))
    if closure is None:
        return
    for document in documents:
        try:
            value = closure.read(document)
        except Undecided:
            continue
        said = program.evaluate(bind(compile_to_cel(DECLARED)(document), None, 0))  # type: ignore[arg-type]
        if isinstance(value, bool | str):
            assert program.result(value) == said, (expression, document, value)
