"""Columns: the values of one field over a block of records, and which of them need a closer look.

Unlike the typed records of the fast lane, a column takes whatever stands in the field: a record that breaks its
contract in one field is still looked at together with its neighbours in all others. A column only says which rows are
*suspect*; all others surely keep the field's checks. What a suspect breaks is for the exact lane's own checker.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

import msgspec
import re2
from msgspec import UNSET, Meta, UnsetType

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.number import read_fraction
from watermaster.contract.pattern import SURE_PROGRAM_SIZE, quiet_options
from watermaster.gate.block import has_long_number
from watermaster.gate.cel_view import compile_to_cel
from watermaster.gate.text_pattern import text_patterns, without_text_patterns
from watermaster.gate.typed_record import SCALAR_KINDS, NoFastLane, is_open, scalar_type

Suspects: TypeAlias = Callable[[Sequence[Any]], list[int]]
"""Positions among values of the field's own type that may break its checks."""

read_document: Final = msgspec.json.Decoder(float_hook=read_fraction).decode
"""One literal as the exact lane reads it; raises `ValueError`."""
_read_list: Final = msgspec.json.Decoder(list[Any]).decode

_BOUNDS: Final[tuple[tuple[str, Callable[[Any, Any], bool]], ...]] = (
    ("ge", operator.ge), ("gt", operator.gt), ("le", operator.le), ("lt", operator.lt),
)  # fmt: skip


_MOSTLY_BAD: Final = 8
"""Where so many texts, and more than half of all so far, are bad, all others are suspect: each is looked at anyway."""


class SuspectFinder:
    """Finds the suspect rows of one declared field."""

    def __init__(self, child: FieldCheck, *, due: bool) -> None:
        self._kind = SCALAR_KINDS.get(child.type)
        tests = None if self._kind is None else _compile_tests(child)
        self._tests = tests or []
        empty: set[type] = set() if due else {UnsetType}
        if not child.required:
            empty.add(type(None))
        self._fine: frozenset[type] = frozenset(empty if tests is None or self._kind is None else {*empty, self._kind})

    def suspects(self, column: Sequence[Any], kinds: list[type]) -> list[int]:
        """Rows that may break the field's checks, in order; `kinds` are the types of the values."""
        different = set(kinds)
        rows = [] if different <= self._fine else [row for row, kind in enumerate(kinds) if kind not in self._fine]
        if not self._tests or self._kind not in different:
            return rows
        if len(different) == 1:
            for test in self._tests:
                rows += test(column)
        else:
            typed = [row for row, kind in enumerate(kinds) if kind is self._kind]
            values = [column[row] for row in typed]
            for test in self._tests:
                rows += [typed[at] for at in test(values)]
        return sorted(set(rows))


def _compile_tests(child: FieldCheck) -> list[Suspects] | None:
    """Tests that find everything that a value of the right type can break; None if there are none for the field."""
    try:
        expression, rest = scalar_type(child)
    except NoFastLane:
        return None
    if is_open(without_text_patterns(rest)):
        return None
    tests = _type_tests(expression)
    for pattern in text_patterns(rest):
        joined = re2.compile(rf"(?:(?:{pattern})\x{{00}})*", quiet_options())
        if joined.programsize > SURE_PROGRAM_SIZE:
            return None
        tests.append(_text_test(joined))
    return tests


def _type_tests(expression: Any) -> list[Suspects]:  # noqa: ANN401 - a type expression for msgspec
    """What a type of the fast lane says beyond the JSON type."""
    if get_origin(expression) is Literal:
        listed = frozenset(get_args(expression))
        return [lambda values: [] if listed.issuperset(values) else _failing(listed.__contains__, values)]
    tests: list[Suspects] = []
    for meta in getattr(expression, "__metadata__", ()):
        tests += _meta_tests(meta)
    return tests


def _failing(test: Callable[[Any], bool], values: Sequence[Any]) -> list[int]:
    return [at for at, value in enumerate(values) if not test(value)]


def _meta_tests(meta: Meta) -> list[Suspects]:
    tests = [_bound_test(compare, bound) for name, compare in _BOUNDS if (bound := getattr(meta, name)) is not None]
    low, high = meta.min_length, meta.max_length
    if low is not None or high is not None:
        tests.append(_length_test(low or 0, high))
    return tests


def _bound_test(compare: Callable[[Any, Any], bool], bound: float) -> Suspects:
    return lambda values: [at for at, good in enumerate(map(compare, values, repeat(bound))) if not good]


def _length_test(low: int, high: int | None) -> Suspects:
    def test(values: Sequence[str]) -> list[int]:
        return [at for at, size in enumerate(map(len, values)) if size < low or (high is not None and size > high)]

    return test


def _text_test(pattern: re2._Regexp) -> Suspects:
    """Texts, a NUL after each, matched together as far as they are good; from behind the next one on, again.

    No text holds NUL and no pattern matches it, so none can stray into its neighbour.
    """
    match = pattern.match

    def test(texts: Sequence[str]) -> list[int]:
        joined = ("\0".join(texts) + "\0").encode()
        size = len(joined)
        start = row = 0
        found: list[int] = []
        while start < size:
            end: int = match(joined, start).end()
            row += joined.count(b"\0", start, end)
            if end == size:
                break
            found.append(row)
            row += 1
            if len(found) > _MOSTLY_BAD and 2 * len(found) > row:
                return found + list(range(row, len(texts)))
            start = joined.index(b"\0", end) + 1
        return found

    return test


class NumberReader:
    """Reads the literals of one number field as CEL sees them: doubles, read together where no digit can be lost."""

    def __init__(self, child: FieldCheck) -> None:
        if child.type is not LogicalType.NUMBER:
            raise NoFastLane
        self._to_cel = compile_to_cel(child)

    def read(self, literals: Sequence[Any]) -> tuple[list[Any], bool]:
        """The values, and whether they say all that the literals say; raises `ValueError`."""
        present = [literal for literal in literals if literal is not UNSET]
        text = b",".join(present)
        if has_long_number(text) or b"e" in text or b"E" in text:
            return [UNSET if raw is UNSET else self._to_cel(read_document(raw)) for raw in literals], False
        values = _read_list(b"[" + text + b"]")
        if int in set(map(type, values)):
            values = [float(value) if type(value) is int else value for value in values]
        if len(present) < len(literals):
            found = iter(values)
            values = [UNSET if raw is UNSET else next(found) for raw in literals]
        return values, True
