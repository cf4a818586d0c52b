"""Simple rules over a block of records at once: each operation of the rule is one pass over columns.

A column rule gives exactly what the rule's closure gives on every row, or raises `Unsure` for all of them; then the
closures judge the rows one by one. It never meets an error of CEL: what a guard such as `this.x == null ||` keeps away
from an operation is not in the rows on which that operation is computed.

Integers are bounded before they are computed with (`Bounds`): where no operation can leave 64 bits, none has to be
looked at afterwards.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Any, Final, Protocol, TypeAlias

from msgspec import UNSET, UnsetType

from watermaster.gate.closure import COMPARISONS, compares_plainly
from watermaster.gate.expression import Binary, Constant, Field, Has, Literal, Node, Not, Within
from watermaster.gate.typed_record import INT_MAX, INT_MIN, Unsure

Bounds: TypeAlias = tuple[int, int]
Truths: TypeAlias = Callable[["Selection"], list[bool]]
"""For every row whether the rule holds; raises `Unsure`."""

_NULL: Final = type(None)


class Source(Protocol):
    """Where columns come from."""

    def column(self, attribute: str) -> Sequence[Any]:
        """Values as CEL sees them; absent ones are `UNSET`."""
        ...

    def bounds(self, attribute: str, values: Sequence[int]) -> Bounds:
        """Bounds of some values of a column of integers."""
        ...


@dataclass(slots=True)
class Selection:
    """Some of the rows of a source. Columns and their types are read once."""

    source: Source
    size: int
    _above: Selection | None = None
    _chosen: list[bool] | None = None
    _columns: dict[str, Sequence[Any]] = field(default_factory=dict)
    _kinds: dict[str, set[type]] = field(default_factory=dict)
    _nulls: dict[str, list[bool]] = field(default_factory=dict)
    _parts: dict[tuple[int, bool], tuple[list[bool], Selection]] = field(default_factory=dict)
    """By the list of truths that chose them, which is kept so that no other takes its identity."""

    def column(self, attribute: str) -> Sequence[Any]:
        """The values of one attribute."""
        found = self._columns.get(attribute)
        if found is None:
            if self._above is None or self._chosen is None:
                found = self.source.column(attribute)
            else:
                found = list(compress(self._above.column(attribute), self._chosen))
            self._columns[attribute] = found
        return found

    def kinds(self, attribute: str) -> set[type]:
        """The types of those values."""
        found = self._kinds.get(attribute)
        if found is None:
            found = self._kinds[attribute] = set(map(type, self.column(attribute)))
        return found

    def nulls(self, attribute: str) -> list[bool]:
        """Which values are null: several rules have the same guard."""
        found = self._nulls.get(attribute)
        if found is None:
            found = self._nulls[attribute] = [value is None for value in self.column(attribute)]
        return found

    def choose(self, truths: list[bool], *, wanted: bool, size: int) -> Selection:
        """The rows, `size` of them, whose truth is as wanted."""
        known = self._parts.get((id(truths), wanted))
        if known is None:
            chosen = truths if wanted else list(map(operator.not_, truths))
            known = self._parts[id(truths), wanted] = (truths, Selection(self.source, size, self, chosen))
        return known[1]


@dataclass(frozen=True, slots=True)
class _Values:
    """What a node comes to: one value for each row, of one type (`nulls`: or null)."""

    values: Any
    kind: type
    bounds: Bounds | None = None
    nulls: bool = False
    constant: Constant = None
    is_constant: bool = False


_Compute: TypeAlias = Callable[[Selection], _Values]


class _NotColumnar(Exception):
    """The tree holds a node that is not computed in columns."""


def compile_rule_column(tree: Node, attributes: Callable[[tuple[str, ...]], str | None]) -> Truths | None:
    """The rule over columns; None if it is not one of those. `attributes` names the column of a path."""
    try:
        return _truths(tree, attributes)
    except _NotColumnar:
        return None


_Names: TypeAlias = Callable[[tuple[str, ...]], "str | None"]


def _truths(node: Node, names: _Names) -> Truths:
    match node:
        case Binary("||", left, right):
            return _either(_truths(left, names), _truths(right, names))
        case Binary("&&", left, right):
            return _both(_truths(left, names), _truths(right, names))
        case Binary(sign, left, right) if sign in COMPARISONS:
            return _comparison(sign, left, right, names)
        case Not(operand):
            truths = _truths(operand, names)
            return lambda rows: list(map(operator.not_, truths(rows)))
        case Has(path):
            attribute = _named(path, names)
            return lambda rows: [value is not UNSET for value in rows.column(attribute)]
        case Within(Field(path), constants) if constants and all(type(each) is str for each in constants):
            return _within(_named(path, names), frozenset(constants))
        case _:
            raise _NotColumnar


def _named(path: tuple[str, ...], names: _Names) -> str:
    attribute = names(path)
    if attribute is None:
        raise _NotColumnar
    return attribute


def _either(left: Truths, right: Truths) -> Truths:
    def truths(rows: Selection) -> list[bool]:
        first = left(rows)
        undecided = first.count(False)
        if undecided == 0:
            return first
        if undecided == len(first):
            return right(rows)
        second = iter(right(rows.choose(first, wanted=False, size=undecided)))
        return [one or next(second) for one in first]

    return truths


def _both(left: Truths, right: Truths) -> Truths:
    def truths(rows: Selection) -> list[bool]:
        first = left(rows)
        undecided = first.count(True)
        if undecided == 0:
            return first
        if undecided == len(first):
            return right(rows)
        second = iter(right(rows.choose(first, wanted=True, size=undecided)))
        return [one and next(second) for one in first]

    return truths


def _within(attribute: str, listed: frozenset[Constant]) -> Truths:
    def truths(rows: Selection) -> list[bool]:
        if not rows.kinds(attribute) <= {str, _NULL}:
            raise Unsure
        return list(map(listed.__contains__, rows.column(attribute)))

    return truths


def _comparison(sign: str, left: Node, right: Node, names: _Names) -> Truths:
    if isinstance(right, Literal) and right.value is None and isinstance(left, Field) and sign in ("==", "!="):
        return _null_test(sign, _named(left.path, names))
    # Whether a remainder is nothing does not depend on its sign, which is where Python and CEL differ.
    any_sign = sign in ("==", "!=") and isinstance(right, Literal) and type(right.value) is int and right.value == 0
    first_of, second_of = _values(left, names, any_sign=any_sign), _values(right, names)
    compare = COMPARISONS[sign]

    def truths(rows: Selection) -> list[bool]:
        first, second = first_of(rows), second_of(rows)
        if first.is_constant and second.is_constant:
            raise Unsure  # two constants repeat for ever
        if (first.nulls or second.nulls) and sign not in ("==", "!="):
            raise Unsure
        if not compares_plainly(sign, first.kind, second.kind, second.constant):
            raise Unsure
        return list(map(compare, first.values, second.values))

    return truths


def _null_test(sign: str, attribute: str) -> Truths:
    def truths(rows: Selection) -> list[bool]:
        if UnsetType in rows.kinds(attribute):
            raise Unsure
        nulls = rows.nulls(attribute)
        return nulls if sign == "==" else list(map(operator.not_, nulls))

    return truths


def _values(node: Node, names: _Names, *, any_sign: bool = False) -> _Compute:
    match node:
        case Literal(constant) if type(constant) in (str, int, float):
            bounds = (constant, constant) if type(constant) is int else None
            found = _Values(repeat(constant), type(constant), bounds, constant=constant, is_constant=True)
            return lambda _rows: found
        case Field(path):
            return _field(_named(path, names))
        case Binary(sign, left, right) if sign in _BOUNDED:
            return _integers(sign, _values(left, names), _values(right, names), any_sign=any_sign and sign == "%")
        case _:
            raise _NotColumnar


def _field(attribute: str) -> _Compute:
    def values(rows: Selection) -> _Values:
        kinds = rows.kinds(attribute)
        kind = next(iter(kinds - {_NULL}), None)
        if kind is None or kind not in (str, int, float) or len(kinds) > 1 + (_NULL in kinds):
            raise Unsure
        nulls = _NULL in kinds
        column = rows.column(attribute)
        bounds = rows.source.bounds(attribute, column) if kind is int and not nulls else None
        return _Values(column, kind, bounds, nulls)

    return values


def _integers(sign: str, left: _Compute, right: _Compute, *, any_sign: bool) -> _Compute:
    compute, bounded = _OPERATORS[sign], _BOUNDED[sign]

    def values(rows: Selection) -> _Values:
        first, second = left(rows), right(rows)
        if first.bounds is None or second.bounds is None or (first.is_constant and second.is_constant):
            raise Unsure
        if sign in ("/", "%") and (second.bounds[0] <= 0 or (first.bounds[0] < 0 and not any_sign)):
            raise Unsure  # Python divides towards the smaller number
        bounds = bounded(first.bounds, second.bounds)
        if bounds[0] < INT_MIN or bounds[1] > INT_MAX:
            raise Unsure
        return _Values(list(map(compute, first.values, second.values)), int, bounds)

    return values


def _product(first: Bounds, second: Bounds) -> Bounds:
    corners = [one * other for one in first for other in second]
    return min(corners), max(corners)


_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv, "%": operator.mod,
}  # fmt: skip
_BOUNDED: Final[dict[str, Callable[[Bounds, Bounds], Bounds]]] = {
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": _product,
    "/": lambda a, b: (a[0] // b[1], a[1] // b[0]),
    "%": lambda _, b: (0, b[1] - 1),
}
"""Of a dividend that is not negative and a divisor that is positive."""
