"""CEL rules behind a port of our own: the runtime's interface is young, and only this file knows it.

A rule sees `this` (the value), `key` (the decoded key) and `now` (a timestamp, one for the whole transaction). True
or an empty string passes, false or any other string breaks the rule; everything else, and every evaluation error, is
an error of the rule, which holds the record (deny on doubt).

The runtime counts comprehension steps itself and gives up at ten thousand in one evaluation (`RULE_STEPS_MAX`): a
budget in steps and not in seconds, so that a verdict is the same on every machine.

A fix computes values with expressions of the same language, which see `headers` in place of `now` (`CelExpression`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, NewType, TypeAlias

from cel_expr_python import cel

EXPRESSION_LENGTH_MAX: Final = 8192
"""Characters. Far beyond what a person can read; bounds the parser."""
RULE_STEPS_MAX: Final = 9_999
"""Comprehension steps (`all`, `exists`, `map`, `filter`; nested ones multiply) of one evaluation."""

CelInput: TypeAlias = bool | int | float | str | bytes | list["CelInput"] | dict[str, "CelInput"] | None
CelVariables = NewType("CelVariables", object)
"""`this`, `key` and `now` of one record, made by `bind`, read by every rule of that record."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENVIRONMENT: Final = cel.NewEnv(
    variables={"this": cel.Type.DYN, "key": cel.Type.DYN, "now": cel.Type.TIMESTAMP},
)
_RECORD_ENVIRONMENT: Final = cel.NewEnv(
    variables={"this": cel.Type.DYN, "key": cel.Type.DYN, "headers": cel.Type.DYN},
)
_JSON_TYPES: Final = (bool, int, float, str, list, dict)
_RESULT_TYPES: Final = frozenset({"BOOL", "STRING", "DYN"})
_BUDGET_WORDS: Final = "Iteration budget"
_POSITION: Final = re.compile(r"<input>:(\d+):(\d+): (.*)")
_LITERAL: Final = re.compile(
    r"(?P<raw>[rR]?)(?:'''(?P<a>.*?)'''|\"\"\"(?P<b>.*?)\"\"\"|'(?P<c>(?:\\.|[^'\\\n])*)'|\"(?P<d>(?:\\.|[^\"\\\n])*)\")",
    re.DOTALL,
)


class CelProblem(Exception):
    """The expression is not a usable rule. `line` and `column` count from 1 within the expression."""

    def __init__(self, message: str, column: int = 1, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.line = line


class CelOutcome(Enum):
    """What a rule says of one record."""

    OK = "ok"
    BROKEN = "broken"
    ERROR = "error"
    """The rule could not be evaluated on this record: a field is missing, of another type, or out of range."""
    BUDGET = "budget"
    """More comprehension steps than `RULE_STEPS_MAX`."""


@dataclass(frozen=True, slots=True)
class CelResult:
    """An outcome as a value; `text` is the rule's own message, only ever a literal of the rule itself."""

    outcome: CelOutcome
    text: str = ""


OK: Final = CelResult(CelOutcome.OK)
BROKEN: Final = CelResult(CelOutcome.BROKEN)
ERROR: Final = CelResult(CelOutcome.ERROR)
BUDGET: Final = CelResult(CelOutcome.BUDGET)


@dataclass(frozen=True, slots=True)
class CelRuleProgram:
    """A checked and compiled expression."""

    expression: str
    _program: cel.Expression
    _literals: frozenset[str]

    def evaluate(self, variables: CelVariables) -> CelResult:
        """The outcome for one record. Never raises for bad data."""
        try:
            result = self._program.eval(variables)
        except RuntimeError as problem:  # the runtime's only exception: budget, or a text that it cannot carry
            return BUDGET if _BUDGET_WORDS in str(problem) else ERROR
        value = result.value()
        if value is True or value is False:
            return OK if value else BROKEN
        # An error is a value too, and its text (which may repeat the record) looks like any other string.
        return self.result(value) if result.type() == cel.Type.STRING else ERROR

    def result(self, value: bool | str) -> CelResult:
        """The outcome of a value that the expression gave."""
        if value is True or value == "":
            return OK
        # A text put together from the record's values must not reach a log or a header: only literals are repeated.
        return CelResult(CelOutcome.BROKEN, value) if isinstance(value, str) and value in self._literals else BROKEN


def bind(this: CelInput, key: CelInput, now_ms: int) -> CelVariables:
    """The variables of one record. Numbers must be int or float: the runtime knows no Decimal."""
    now = _EPOCH + timedelta(milliseconds=now_ms)
    data: Mapping[str, object] = {"this": this, "key": key, "now": now}
    return CelVariables(_ENVIRONMENT.Activation(data))


class CelFailure(Enum):
    """Why an expression gives no value for a record; the sentences repeat nothing of it."""

    ERROR = "the expression cannot be evaluated on this record"
    BUDGET = "the expression takes more steps than are allowed"
    NO_JSON = "the expression gives what JSON does not have (write string(…) around a time or a duration)"


@dataclass(frozen=True, slots=True)
class CelExpression:
    """A compiled expression for a value. It sees `this`, `key` and `headers`, and no clock: its value is a function
    of the record alone."""

    expression: str
    _program: cel.Expression = field(compare=False)

    def evaluate(self, this: CelInput, key: CelInput, headers: Mapping[str, str | None]) -> CelInput | CelFailure:
        """The value for one record. Never raises for bad data."""
        data: Mapping[str, object] = {"this": this, "key": key, "headers": headers}
        try:
            result = self._program.eval(_RECORD_ENVIRONMENT.Activation(data))
        except RuntimeError as problem:
            return CelFailure.BUDGET if _BUDGET_WORDS in str(problem) else CelFailure.ERROR
        if result.type() == cel.Type.ERROR:
            return CelFailure.ERROR
        value: CelInput = result.value()
        return value if isinstance(value, _JSON_TYPES) or value is None else CelFailure.NO_JSON


def compile_expression(expression: str) -> CelExpression:
    """Compile an expression over `this`, `key` and `headers`; `CelProblem` with its place if it is none."""
    if len(expression) > EXPRESSION_LENGTH_MAX:
        raise CelProblem(f"the expression is longer than {EXPRESSION_LENGTH_MAX} characters")
    try:
        return CelExpression(expression, _RECORD_ENVIRONMENT.compile(expression))
    except (RuntimeError, TypeError) as problem:  # TypeError: the text holds half of a surrogate pair
        raise _located(str(problem)) from None


def compile_rule(expression: str) -> CelRuleProgram:
    """Compile a rule; `CelProblem` with its place if it is not a rule."""
    if len(expression) > EXPRESSION_LENGTH_MAX:
        raise CelProblem(f"the expression is longer than {EXPRESSION_LENGTH_MAX} characters")
    try:
        program = _ENVIRONMENT.compile(expression)
    except (RuntimeError, TypeError) as problem:  # TypeError: the text holds half of a surrogate pair
        raise _located(str(problem)) from None
    result = program.return_type().name()
    if result not in _RESULT_TYPES:
        raise CelProblem(f"the expression gives {result.lower()}; a rule gives bool, or a string that is the message")
    return CelRuleProgram(expression, program, _literals(expression))


def _located(text: str) -> CelProblem:
    """The first of the runtime's messages with its place."""
    place = _POSITION.search(text)
    if place is None:
        return CelProblem("the expression cannot be read")
    line, column, message = place.groups()
    return CelProblem(message.strip(), int(column), int(line))


def _literals(expression: str) -> frozenset[str]:
    """String literals as their text; those with escapes are left out rather than read a second way."""
    found = set()
    for match in _LITERAL.finditer(expression):
        text = next(group for group in match.group("a", "b", "c", "d") if group is not None)
        if match["raw"] or "\\" not in text:
            found.add(text)
    return frozenset(found)
