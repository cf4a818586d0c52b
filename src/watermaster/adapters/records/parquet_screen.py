"""Which rows of a Parquet file a contract surely passes, as SQL over its columns: those need not become text.

A row stands for the JSON text that `row_text` makes of it. The condition here is true only where the judge would find
nothing to say of that text; null and false mean nothing, such rows are written and judged as all others are. So it may
be too narrow and never too wide: what is not known to mean the same in SQL has no condition at all (None).

Of CEL only what both compute alike is taken: an operand that is null makes SQL's result null, where CEL has an error or
an answer, and either is for the judge. Arithmetic is taken where the contract's own bounds keep it within 64 bits, for
a database may turn `a + 1 < 5` into `a < 4`; rows beyond those bounds do not pass anyway, and `TRY` keeps their
overflow from ending the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.contract.number import INTEGER_DIGITS_MAX
from watermaster.gate.closure import compares_plainly
from watermaster.gate.expression import Binary, Field, Has, Node, Not, Within, parse_simple
from watermaster.gate.expression import Literal as Constant
from watermaster.gate.text_pattern import text_patterns, without_text_patterns
from watermaster.gate.typed_record import INT_MAX, INT_MIN, NoFastLane, is_open, scalar_type

_INTEGERS: Final = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger"})
_SAFE_INTEGER: Final = 10**15
"""Of a number: integers of so many digits are doubles, too, and compare with bounds as they do."""
_TEXT_TIMES: Final = 6
"""Bytes of JSON text for one byte of a string, at most: a control character is six."""
_SCALAR_BYTES: Final = 40
"""Bytes of JSON text of a number, a truth value or a moment, at most."""
_MOMENTS: Final = {"timestamp": (False, "TIMESTAMP"), "timestamp with time zone": (True, "TIMESTAMPTZ")}
_COMPARISONS: Final = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERATORS: Final = {"+": "+", "-": "-", "*": "*", "/": "//", "%": "%"}
_WORDS: Final = {"&&": "AND", "||": "OR"}
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_PLAIN_PATTERN: Final = re.compile(r"(?:(?!\[\^|\[\[)[ -\-/-\[\]-~])*")
"""Patterns that match no control character: nothing but printable characters, no `.`, escape, or negated class."""


class _Unknown(Exception):
    """Something that is not known to mean the same here and there."""


@dataclass(frozen=True, slots=True)
class _Value:
    """SQL of a value, and its type as CEL sees it."""

    sql: str
    kind: type
    constant: Any = None
    bounds: tuple[int, int] | None = None
    """Of an integer of a row that keeps the checks of its fields."""


def surely_passes(checks: Checks, columns: Mapping[str, str]) -> str | None:
    """A condition over `columns` (DuckDB's names of their types); None if none is known for this contract and file."""
    try:
        return _condition(checks, columns)
    except (_Unknown, NoFastLane):
        return None


def _condition(checks: Checks, columns: Mapping[str, str]) -> str:
    value, limits = checks.value, checks.limits
    declared = {child.name: child for child in value.properties}
    if value.type is not LogicalType.OBJECT or not declared.keys() >= columns.keys() or not columns:
        raise _Unknown
    if value.min_properties is not None or value.max_properties is not None or limits.depth_max < 1:
        raise _Unknown
    if limits.integer_digits_max != INTEGER_DIGITS_MAX or not columns.keys() >= set(value.required_names):
        raise _Unknown
    if any(child.required and name not in columns for name, child in declared.items()):
        raise _Unknown
    conditions = [_size(columns, min(limits.value_bytes_max, limits.elements_max))]
    for name, kind in columns.items():
        child = declared[name]
        conditions += [f"{_quoted(name)} IS NOT NULL"] if child.required else []
        conditions += [
            test if child.required else f"({_quoted(name)} IS NULL OR {test})"
            for test in _tests(_quoted(name), kind, child)
        ]
    conditions += [_rule(rule.expression, declared, columns) for rule in checks.rules]
    return f"TRY({' AND '.join(f'({each})' for each in conditions)})"


def _size(columns: Mapping[str, str], bytes_max: int) -> str:
    """Whether the text is surely within the limit."""
    fixed = 2 + sum(_TEXT_TIMES * len(name.encode()) + 4 for name in columns)
    fixed += sum(_SCALAR_BYTES for kind in columns.values() if kind != "varchar")
    texts = [f"coalesce(strlen({_quoted(name)}), 2)" for name, kind in columns.items() if kind == "varchar"]
    quotes = 2 * len(texts)
    return f"{_TEXT_TIMES} * ({' + '.join(texts) or '0'}) <= {bytes_max - fixed - quotes:d}"


def _tests(column: str, kind: str, child: FieldCheck) -> list[str]:
    """What a value that is there must satisfy."""
    match child.type:
        case LogicalType.INTEGER if kind in _INTEGERS:
            expression, rest = scalar_type(child)
            _require_closed(rest)
            return _bounds(column, expression)
        case LogicalType.NUMBER if kind in _INTEGERS or kind == "double":
            expression, rest = scalar_type(child)
            _require_closed(rest)
            # Beyond these a literal has an exponent, or more digits than are compared as doubles.
            safe = f"abs({column}) < {_SAFE_INTEGER}"
            finite = [f"isfinite({column})"] if kind == "double" else []
            return [*finite, safe, *_bounds(f"{column}::DOUBLE", expression)]
        case LogicalType.BOOLEAN if kind == "boolean":
            _require_closed(child)
            return []
        case LogicalType.STRING if kind == "varchar":
            return _text_tests(column, child)
        case LogicalType.TIMESTAMP if kind in _MOMENTS:
            return [_moment_test(column, kind, child)]
        case _:
            raise _Unknown


def _require_closed(rest: FieldCheck) -> None:
    if is_open(rest):
        raise _Unknown


def _bounds(column: str, expression: Any) -> list[str]:  # noqa: ANN401 - a type expression for msgspec
    signs = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
    return [
        f"{column} {sign} {_number(bound)}"
        for meta in getattr(expression, "__metadata__", ())
        for name, sign in signs
        if (bound := getattr(meta, name)) is not None
    ]


def _text_tests(column: str, child: FieldCheck) -> list[str]:
    expression, rest = scalar_type(child)
    patterns = text_patterns(rest)
    _require_closed(without_text_patterns(rest))
    if get_origin(expression) is Literal:
        listed = ", ".join(_text(each) for each in get_args(expression))
        tests = [f"{column} IN ({listed})"]
    elif patterns and _PLAIN_PATTERN.fullmatch(patterns[0]):
        tests = []
    else:
        # JSON refuses NUL, and whether `.` matches a line end is a setting that the two engines do not share.
        tests = [f"NOT regexp_matches({column}, {_text(_CONTROL)})"]
    for meta in getattr(expression, "__metadata__", ()):
        tests += [f"length({column}) >= {meta.min_length:d}"] if meta.min_length is not None else []
        tests += [f"length({column}) <= {meta.max_length:d}"] if meta.max_length is not None else []
    return tests + [f"regexp_full_match({column}, {_text(pattern)})" for pattern in patterns]


def _moment_test(column: str, kind: str, child: FieldCheck) -> str:
    """A moment is written with four digits of the year, and with the zone that its type has."""
    zoned, word = _MOMENTS[kind]
    form = child.temporal
    _require_closed(without_text_patterns(child))
    if form is None or not text_patterns(child) or form.offset not in (zoned, None):
        raise _Unknown
    zone = "+00" if zoned else ""
    return f"{column} BETWEEN {word} '1000-01-01 00:00:00{zone}' AND {word} '9999-12-31 00:00:00{zone}'"


def _rule(expression: str, declared: Mapping[str, FieldCheck], columns: Mapping[str, str]) -> str:
    tree = parse_simple(expression)
    if tree is None:
        raise _Unknown
    return _truth(tree, declared, columns)


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
                raise _Unknown
            return f"({value.sql} IN ({', '.join(_text(str(each)) for each in constants)}))"
        case Binary(sign, Field((name,)), Constant(None)) if sign in ("==", "!=") and name in columns:
            return f"({_quoted(name)} IS {'' if sign == '==' else 'NOT '}NULL)"
        case Binary(sign, left, right) if sign in _COMPARISONS:
            first, second = _value(left, declared, columns), _value(right, declared, columns)
            if not compares_plainly(sign, first.kind, second.kind, second.constant):
                raise _Unknown
            return f"({first.sql} {_COMPARISONS[sign]} {second.sql})"
        case _:
            raise _Unknown


def _value(node: Node, declared: Mapping[str, FieldCheck], columns: Mapping[str, str]) -> _Value:
    match node:
        case Constant(constant) if type(constant) is str:
            return _Value(_text(constant), str, constant)
        case Constant(constant) if type(constant) in (int, float):
            bounds = (constant, constant) if isinstance(constant, int) else None
            return _Value(_number(constant), type(constant), constant, bounds)  # type: ignore[arg-type]
        case Field((name,)) if name in columns:
            return _field(_quoted(name), columns[name], declared[name])
        case Binary(sign, left, right) if sign in _OPERATORS:
            first, second = _value(left, declared, columns), _value(right, declared, columns)
            return _Value(
                f"({first.sql} {_OPERATORS[sign]} {second.sql})",
                int,
                bounds=_bounded(sign, first.bounds, second.bounds),
            )
        case _:
            raise _Unknown


def _field(column: str, kind: str, child: FieldCheck) -> _Value:
    """A column as CEL sees the field: a whole number of the type `number` is a double."""
    match child.type:
        case LogicalType.INTEGER if kind in _INTEGERS:
            (meta,) = scalar_type(child)[0].__metadata__
            return _Value(f"{column}::BIGINT", int, bounds=(meta.ge, meta.le))
        case LogicalType.NUMBER if kind in _INTEGERS or kind == "double":
            return _Value(f"{column}::DOUBLE", float)
        case LogicalType.STRING if kind == "varchar":
            return _Value(column, str)
        case _:
            raise _Unknown


def _bounded(sign: str, first: tuple[int, int] | None, second: tuple[int, int] | None) -> tuple[int, int]:
    """Bounds of the result of two integers."""
    if first is None or second is None or (sign in "/%" and second[0] <= 0):
        raise _Unknown
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
        raise _Unknown
    return found


def _number(value: float) -> str:
    # Between quotes, for a minus before the smallest integer would come too late.
    return f"'{value}'::{'BIGINT' if isinstance(value, int) else 'DOUBLE'}"


def _text(value: str) -> str:
    if "\0" in value:
        raise _Unknown
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
