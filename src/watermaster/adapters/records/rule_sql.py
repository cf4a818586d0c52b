"""Simple rules of CEL as SQL over columns; what is not known to mean the same in both has none (`Unknown`).

The truth is true or false exactly where CEL's answer is, on rows that keep what the rule relies on, and null on all
others: an operand that is null is an error to CEL, or an answer, and either is for the judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.gate.closure import compares_plainly
from watermaster.gate.expression import Binary, Field, Has, Node, Not, Within, parse_simple
from watermaster.gate.expression import Literal as Constant
from watermaster.gate.typed_record import INT_MAX, INT_MIN, scalar_type

INTEGERS: Final = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"})
"""Types of DuckDB whose values are integers of 64 bits."""
_COMPARISONS: Final = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERATORS: Final = {"+": "+", "-": "-", "*": "*", "/": "//", "%": "%"}
_WORDS: Final = {"&&": "AND", "||": "OR"}


class Unknown(Exception):
    """Something that is not known to mean the same here and there."""


@dataclass(frozen=True, slots=True)
class RuleSql:
    """A rule as SQL. `computed`: the fields whose bounds keep its arithmetic within 64 bits."""

    truth: str
    computed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Value:
    """SQL of a value, and its type as CEL sees it."""

    sql: str
    kind: type
    constant: Any = None
    bounds: tuple[int, int] | None = None
    """Of an integer of a row that keeps the checks of its fields."""


def compile_rule(expression: str, declared: Mapping[str, FieldCheck], columns: Mapping[str, str]) -> RuleSql:
    """The rule over columns (DuckDB's names of their types), of which all are declared. Raises Unknown."""
    tree = parse_simple(expression)
    if tree is None:
        raise Unknown
    return RuleSql(_truth(tree, declared, columns), frozenset(_computed(tree)))


def _computed(node: Node, *, inside: bool = False) -> Iterator[str]:
    match node:
        case Field((name,)) if inside:
            yield name
        case Binary(sign, left, right):
            for side in (left, right):
                yield from _computed(side, inside=inside or sign in _OPERATORS)
        case Not(operand) | Within(operand, _):
            yield from _computed(operand, inside=inside)


def _truth(node: Node, declared: Mapping[str, FieldCheck], columns: Mapping[str, str]) -> str:
    match node:
        case Binary(sign, left, right) if sign in _WORDS:
            return f"({_truth(left, declared, columns)} {_WORDS[sign]} {_truth(right, declared, columns)})"
        case Not(operand):
            return f"(NOT {_truth(operand, declared, columns)})"
        case Has((name,)) if name in columns:
            return "true"
        case Within(operand, constants) if constants and all(type(each) is str for each in constants):
            value = _value(operand, declared, columns)
            if value.kind is not str:
                raise Unknown
            return f"({value.sql} IN ({', '.join(text(str(each)) for each in constants)}))"
        case Binary(sign, Field((name,)), Constant(None)) if sign in ("==", "!=") and name in columns:
            return f"({quoted(name)} IS {'' if sign == '==' else 'NOT '}NULL)"
        case Binary(sign, left, right) if sign in _COMPARISONS:
            first, second = _value(left, declared, columns), _value(right, declared, columns)
            if not compares_plainly(sign, first.kind, second.kind, second.constant):
                raise Unknown
            return f"({first.sql} {_COMPARISONS[sign]} {second.sql})"
        case _:
            raise Unknown


def _value(node: Node, declared: Mapping[str, FieldCheck], columns: Mapping[str, str]) -> _Value:
    match node:
        case Constant(constant) if type(constant) is str:
            return _Value(text(constant), str, constant)
        case Constant(constant) if type(constant) in (int, float):
            bounds = (constant, constant) if isinstance(constant, int) else None
            return _Value(number(constant), type(constant), constant, bounds)  # type: ignore[arg-type]
        case Field((name,)) if name in columns:
            return _field(quoted(name), columns[name], declared[name])
        case Binary(sign, left, right) if sign in _OPERATORS:
            first, second = _value(left, declared, columns), _value(right, declared, columns)
            return _Value(
                f"({first.sql} {_OPERATORS[sign]} {second.sql})",
                int,
                bounds=_bounded(sign, first.bounds, second.bounds),
            )
        case _:
            raise Unknown


def _field(column: str, kind: str, child: FieldCheck) -> _Value:
    """A column as CEL sees the field: a whole number of the type `number` is a double."""
    match child.type:
        case LogicalType.INTEGER if kind in INTEGERS:
            (meta,) = scalar_type(child)[0].__metadata__
            return _Value(f"{column}::BIGINT", int, bounds=(meta.ge, meta.le))
        case LogicalType.NUMBER if kind in INTEGERS or kind == "double":
            return _Value(f"{column}::DOUBLE", float)
        case LogicalType.STRING if kind == "varchar":
            return _Value(column, str)
        case _:
            raise Unknown


def _bounded(sign: str, first: tuple[int, int] | None, second: tuple[int, int] | None) -> tuple[int, int]:
    """Bounds of the result of two integers."""
    if first is None or second is None or (sign in "/%" and second[0] <= 0):
        raise Unknown
    match sign:
        case "+":
            found = first[0] + second[0], first[1] + second[1]
        case "-":
            found = first[0] - second[1], first[1] - second[0]
        case "*":
            corners = [one * other for one in first for other in second]
            found = min(corners), max(corners)
        case "/":  # towards zero
            found = min(first[0], 0), max(first[1], 0)
        case _:  # with the sign of the dividend
            found = (0 if first[0] >= 0 else 1 - second[1]), second[1] - 1
    if found[0] < INT_MIN or found[1] > INT_MAX:
        raise Unknown
    return found


def number(value: float) -> str:
    """A constant."""
    # Between quotes, for a minus before the smallest integer would come too late.
    return f"'{value}'::{'BIGINT' if isinstance(value, int) else 'DOUBLE'}"


def text(value: str) -> str:
    """A constant; raises Unknown where SQL has none."""
    if "\0" in value:
        raise Unknown
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name of a column."""
    return '"' + name.replace('"', '""') + '"'
