"""The port to CEL: outcomes as values, problems with a place, a budget in steps, no values in texts."""

from __future__ import annotations

import pytest

from watermaster.contract.cel import RULE_STEPS_MAX, CelOutcome, CelProblem, CelResult, bind, compile_rule

NOW_MS = 1_700_000_000_000
THIS = {"a": 1, "b": 2.5, "s": "xé", "n": None, "l": [1, 2, 3], "o": {"p": True}, "big": 2**63 - 1}

OUTCOMES = [
    ("this.a > 0", CelOutcome.OK),
    ("this.a < this.b", CelOutcome.OK),
    ("this.a > 1", CelOutcome.BROKEN),
    ("this.zz > 1", CelOutcome.ERROR),
    ("has(this.zz)", CelOutcome.BROKEN),
    ("this.s > 1", CelOutcome.ERROR),
    ("this.n == null", CelOutcome.OK),
    ("this.big + 1 > 0", CelOutcome.ERROR),
    ("this.zz > 1 || true", CelOutcome.OK),
    ("size(this.s) == 2", CelOutcome.OK),
    ("this.l.all(i, i > 0)", CelOutcome.OK),
    ("this.a", CelOutcome.ERROR),
    ("this.o.p", CelOutcome.OK),
    ("key == 'k'", CelOutcome.OK),
    ("now == timestamp('2023-11-14T22:13:20Z')", CelOutcome.OK),
    ("''", CelOutcome.OK),
]


@pytest.mark.parametrize(("expression", "outcome"), OUTCOMES)
def test_outcome(expression: str, outcome: CelOutcome) -> None:
    assert compile_rule(expression).evaluate(bind(THIS, "k", NOW_MS)).outcome is outcome


def test_a_literal_text_is_the_message() -> None:
    rule = compile_rule("this.a > 5 ? '' : 'a must exceed five'")
    assert rule.evaluate(bind(THIS, None, NOW_MS)) == CelResult(CelOutcome.BROKEN, "a must exceed five")


def test_a_text_made_of_values_is_not_repeated() -> None:
    rule = compile_rule("'found ' + this.s")
    assert rule.evaluate(bind(THIS, None, NOW_MS)) == CelResult(CelOutcome.BROKEN, "")


def test_steps_are_counted_and_not_seconds() -> None:
    rule = compile_rule("this.l.all(i, i >= 0)")
    at_limit = bind({"l": list(range(RULE_STEPS_MAX))}, None, NOW_MS)
    beyond = bind({"l": list(range(RULE_STEPS_MAX + 1))}, None, NOW_MS)
    assert rule.evaluate(at_limit).outcome is CelOutcome.OK
    assert rule.evaluate(beyond).outcome is CelOutcome.BUDGET


@pytest.mark.parametrize("this", ["a\ud800", {"\ud800": 1}, {"a": 2**80}, [1], None, 1.5])
def test_odd_values_never_raise(this: object) -> None:
    assert compile_rule("this.a == 1").evaluate(bind(this, None, NOW_MS)).outcome is CelOutcome.ERROR  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "word", "line", "column"),
    [
        ('"x" + ', "Syntax error", 1, 7),
        ("foo.bar > 1", "undeclared reference", 1, 4),
        ("1 > 2.5", "no matching overload", 1, 3),
        ("this.a > 1 &&\n  foo", "undeclared reference", 2, 3),
        ("1 + 1", "gives int", 1, 1),
        ("", "Syntax error", 1, 1),
        ("this.a" + " " * 9000, "longer", 1, 1),
        ("'\ud800'", "cannot be read", 1, 1),
    ],
)
def test_problem_has_a_place(expression: str, word: str, line: int, column: int) -> None:
    with pytest.raises(CelProblem, match=word) as caught:
        compile_rule(expression)
    assert (caught.value.line, caught.value.column) == (line, column)
