"""Rules over columns give what their closures give, row by row, or leave the block to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from watermaster.gate.closure import Closure, Undecided, translate
from watermaster.gate.expression import parse_simple
from watermaster.gate.row_rule import ColumnSource
from watermaster.gate.rule_column import Selection, compile_rule_column
from watermaster.gate.typed_record import Unsure

NAMES = "abc"


class RowAccess:
    """Rows as dicts of CEL values."""

    def field(self, path: tuple[str, ...]) -> Closure:
        def read(row: Any) -> Any:
            if row[path[0]] is UNSET:
                raise Undecided
            return row[path[0]]

        return Closure(read)

    def has(self, path: tuple[str, ...]) -> Any:
        return lambda row: row[path[0]] is not UNSET


def over_columns(expression: str, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Raises Unsure."""
    tree = parse_simple(expression)
    assert tree is not None
    truths = compile_rule_column(tree, lambda path: path[0] if path[0] in NAMES else None)
    assert truths is not None
    columns = {name: [row[name] for row in rows] for name in NAMES}
    return truths(Selection(ColumnSource(columns), len(rows)))


INTEGERS = st.one_of(st.integers(-5, 5), st.sampled_from([2**62, -(2**63), 2**63 - 1, 1440]))
COLUMNS = st.sampled_from([
    INTEGERS, st.integers(0, 3000), st.one_of(st.none(), st.integers(0, 9)), st.sampled_from(["", "a", "b"]),
    st.one_of(st.none(), st.sampled_from(["a", "b"])), st.floats(-4, 4), st.one_of(st.just(UNSET), INTEGERS),
    st.one_of(INTEGERS, st.sampled_from(["a", None, True, 1.5])),
])  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = {name: draw(COLUMNS) for name in NAMES}
    return [{name: draw(kind) for name, kind in kinds.items()} for _ in range(draw(st.integers(1, 7)))]


NUMBERS = st.recursive(
    st.sampled_from(["this.a", "this.b", "this.c", "2", "-3", "60", "1.5"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda parts: "({} {} {})".format(*parts)),
    max_leaves=4,
)
TESTS = st.recursive(
    st.one_of(
        st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), NUMBERS).map(" ".join),
        st.tuples(NUMBERS, st.sampled_from(["% 4 == 0", "% 3 != 0", "/ 2 == 0", "== 0"])).map(" ".join),
        st.sampled_from(["this.a == null", "this.b != null", "has(this.c)", "this.a in ['a', 'b']", "this.b == 'a'"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
        inner.map(lambda text: f"!({text})"),
    ),
    max_leaves=4,
)


@settings(max_examples=1500, deadline=None)
@given(TESTS, tables())
def test_columns_never_contradict_the_closure(expression: str, rows: list[dict[str, Any]]) -> None:
    tree = parse_simple(expression)
    assert tree is not None
    try:
        known = over_columns(expression, rows)
    except Unsure:
        return
    read = translate(tree, RowAccess()).read
    assert known == [read(row) for row in rows]


def test_a_guard_keeps_nulls_and_absent_values_away_from_what_it_guards() -> None:
    rows = [{"a": None, "b": 1, "c": 2}, {"a": 5, "b": 7, "c": 2}, {"a": 5, "b": 3, "c": UNSET}]
    assert over_columns("this.a == null || (this.a - this.b) % 2 == 0", rows) == [True, True, True]
    assert over_columns("!has(this.c) || this.c * this.b < 5", rows) == [True, False, True]
    assert over_columns("this.a != null && this.a < this.b", rows) == [False, True, False]


@pytest.mark.parametrize(
    ("expression", "row"),
    [
        ("this.a / 2 == 0", {"a": -1}),
        ("this.a % 3 == 1", {"a": -2}),
        ("1 % this.a == 0", {"a": 0}),
        ("this.a + 1 > 0", {"a": 2**63 - 1}),
        ("this.a * this.a > 0", {"a": 2**32}),
        ("this.a < 3", {"a": None}),
        ("this.a == null", {"a": UNSET}),
        ("this.a > 1.5", {"a": 2}),
        ("1 == 1", {"a": 1}),
    ],
)
def test_what_python_computes_otherwise_is_left(expression: str, row: dict[str, Any]) -> None:
    with pytest.raises(Unsure):
        over_columns(expression, [{"b": 1, "c": 1, **row}])


@pytest.mark.parametrize("expression", ["this.a", "this.a.startsWith('x')", "this.x == 1", "this.a == 1 ? '' : 'no'"])
def test_what_is_not_computed_in_columns_is_said_before(expression: str) -> None:
    tree = parse_simple(expression)
    assert tree is not None
    assert compile_rule_column(tree, lambda path: path[0] if path[0] in NAMES else None) is None
