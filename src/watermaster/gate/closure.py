"""Simple CEL as closures over a record: no source text is ever evaluated.

A closure gives exactly what CEL gives, or raises `Undecided` and leaves the record to CEL: whatever CEL would call an
error, and whatever we are not sure of. How a field is read is the caller's (`Access`), so one translation serves
decoded documents and the fast lane's typed records.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, assert_never

from watermaster.contract.pattern import PatternProblem, compile_pattern
from watermaster.gate.expression import Binary, Call, Choice, Constant, Field, Has, Literal, Node, Not, Within

Read: TypeAlias = Callable[[Any], Any]
"""From a record to a CEL value: str, int, float, bool, None, or a container, which only `size` looks at."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_ORDERED: Final = frozenset({str, int, float})
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
_DOUBLE_INT_MAX: Final = 2**53
"""CEL compares int with double as doubles: beyond this, they are no longer the same."""


class Undecided(Exception):
    """Not for us to say: ask CEL."""


class Untranslatable(Exception):
    """The tree reads something that this kind of record does not offer."""


@dataclass(frozen=True, slots=True)
class Closure:
    """`kind` is the type that every value surely has; None if that is not known before."""

    read: Read
    kind: type | None = None
    constant: bool = False


class Access(Protocol):
    """How fields of `this` are read from one kind of record. Both raise `Untranslatable`."""

    def field(self, path: tuple[str, ...]) -> Closure:
        """Reads the field; raises `Undecided` where it is absent."""
        ...

    def has(self, path: tuple[str, ...]) -> Read:
        """Whether the field is there; raises `Undecided` where its parent is not."""
        ...


def translate(node: Node, access: Access) -> Closure:  # noqa: PLR0911 - one branch for each kind of node
    """The closure of a tree."""
    match node:
        case Literal(value):
            return Closure(lambda _record: value, type(value), constant=True)
        case Field(path):
            return access.field(path)
        case Has(path):
            return Closure(access.has(path), bool)
        case Not(operand):
            return _negation(translate(operand, access))
        case Choice(condition, yes, no):
            return _choice(translate(condition, access), translate(yes, access), translate(no, access))
        case Within(operand, constants):
            return _within(translate(operand, access), constants)
        case Call(name, operand, argument):
            return _call(name, translate(operand, access), None if argument is None else translate(argument, access))
        case Binary(sign, left, right):
            return _binary(sign, translate(left, access), translate(right, access))
        case _:
            assert_never(node)


def _truth(closure: Closure) -> Read:
    """Reads a bool, or is undecided."""
    read = closure.read
    if closure.kind is bool:
        return read

    def checked(record: Any) -> bool:  # noqa: ANN401 - a record of the access' own kind
        value = read(record)
        if type(value) is not bool:
            raise Undecided
        return value

    return checked


def _negation(operand: Closure) -> Closure:
    read = _truth(operand)
    return Closure(lambda record: not read(record), bool)


def _choice(condition: Closure, yes: Closure, no: Closure) -> Closure:
    test, first, second = _truth(condition), yes.read, no.read
    kind = yes.kind if yes.kind is no.kind else None
    return Closure(lambda record: first(record) if test(record) else second(record), kind)


def _binary(sign: str, left: Closure, right: Closure) -> Closure:
    match sign:
        case "&&":
            first, second = _truth(left), _truth(right)
            return Closure(lambda record: first(record) and second(record), bool)
        case "||":
            first, second = _truth(left), _truth(right)
            return Closure(lambda record: first(record) or second(record), bool)
        case "+" | "-" | "*" | "/" | "%":
            return _arithmetic(sign, left.read, right.read)
        case _:
            return Closure(_comparison(sign, left, right), bool)


_PLAIN: Final[dict[str, Callable[[Read, Read], Read]]] = {
    "==": lambda a, b: lambda record: a(record) == b(record),
    "!=": lambda a, b: lambda record: a(record) != b(record),
    "<": lambda a, b: lambda record: a(record) < b(record),
    "<=": lambda a, b: lambda record: a(record) <= b(record),
    ">": lambda a, b: lambda record: a(record) > b(record),
    ">=": lambda a, b: lambda record: a(record) >= b(record),
}
_WITH_CONSTANT: Final[dict[str, Callable[[Read, Any], Read]]] = {
    "==": lambda a, b: lambda record: a(record) == b,
    "!=": lambda a, b: lambda record: a(record) != b,
    "<": lambda a, b: lambda record: a(record) < b,
    "<=": lambda a, b: lambda record: a(record) <= b,
    ">": lambda a, b: lambda record: a(record) > b,
    ">=": lambda a, b: lambda record: a(record) >= b,
}
COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
"""Python's operators, where `compares_plainly`."""


def _comparison(sign: str, left: Closure, right: Closure) -> Read:
    if _surely_comparable(sign, left, right):
        if right.constant:
            return _WITH_CONSTANT[sign](left.read, right.read(None))
        return _PLAIN[sign](left.read, right.read)
    first, second = left.read, right.read
    if sign == "==":
        return lambda record: _equal(first(record), second(record))
    if sign == "!=":
        return lambda record: not _equal(first(record), second(record))
    compare = COMPARISONS[sign]
    return lambda record: _ordered(compare, first(record), second(record))


def _surely_comparable(sign: str, left: Closure, right: Closure) -> bool:
    constant = right.read(None) if right.constant else None
    return left.kind is not None and right.kind is not None and compares_plainly(sign, left.kind, right.kind, constant)


def compares_plainly(sign: str, left: type, right: type, right_constant: Constant) -> bool:
    """Whether Python's operator is CEL's for all values of two types, the right one perhaps a known constant."""
    if left is right:
        return left in _ORDERED or (left is bool and sign in ("==", "!="))
    small = type(right_constant) is int and abs(right_constant) <= _DOUBLE_INT_MAX
    return left is float and small


def _comparable(left: object, right: object) -> bool:
    """Whether an int and a double compare in Python as they do in CEL."""
    if type(left) is int and type(right) is float:
        return abs(left) <= _DOUBLE_INT_MAX
    return type(left) is float and type(right) is int and abs(right) <= _DOUBLE_INT_MAX


def _equal(left: object, right: object) -> bool:
    kinds = type(left), type(right)
    if kinds[0] not in _SCALARS or kinds[1] not in _SCALARS:
        raise Undecided
    if kinds[0] is kinds[1] or _comparable(left, right):
        return left == right
    if kinds in ((int, float), (float, int)):
        raise Undecided
    return False


def _ordered(compare: Callable[[Any, Any], bool], left: object, right: object) -> bool:
    if (type(left) is type(right) and type(left) in _ORDERED) or _comparable(left, right):
        return compare(left, right)
    raise Undecided


def _within(operand: Closure, constants: tuple[Constant, ...]) -> Closure:
    read = operand.read
    if all(type(constant) is str for constant in constants):
        listed = frozenset(constants)
        if operand.kind is str:
            return Closure(lambda record: read(record) in listed, bool)
    return Closure(lambda record: _is_listed(read(record), constants), bool)


def _is_listed(value: object, constants: tuple[Constant, ...]) -> bool:
    if type(value) not in _SCALARS:
        raise Undecided
    return any(_equal(value, constant) for constant in constants)


def _quotient(first: int, second: int) -> int:
    """CEL divides towards zero, Python towards the smaller number."""
    if second == 0:
        raise Undecided
    return first // second if (first >= 0) is (second > 0) else -(-first // second)


def _remainder(first: int, second: int) -> int:
    """CEL's remainder has the sign of the first number."""
    if second in (0, -1):  # by -1 the smallest integer overflows
        raise Undecided
    return first % abs(second) if first >= 0 else -(-first % abs(second))


def _ratio(first: float, second: float) -> float:
    if second == 0.0:
        raise Undecided
    return first / second


_OF_INTEGERS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _quotient, "%": _remainder,
}  # fmt: skip
_OF_DOUBLES: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _ratio,
}  # fmt: skip


def _arithmetic(sign: str, left: Read, right: Read) -> Closure:
    compute, compute_doubles = _OF_INTEGERS[sign], _OF_DOUBLES.get(sign)

    def read(record: Any) -> Any:  # noqa: ANN401 - a record of the access' own kind
        first, second = left(record), right(record)
        if type(first) is int and type(second) is int:
            result = compute(first, second)
            # Beyond int64 CEL reports an overflow; an operand beyond it is unsigned, which does not mix with int.
            if all(_INT_MIN <= number <= _INT_MAX for number in (first, second, result)):
                return result
        elif type(first) is float and type(second) is float and compute_doubles is not None:
            return compute_doubles(first, second)
        raise Undecided

    return Closure(read)


def _call(name: str, operand: Closure, argument: Closure | None) -> Closure:
    if name == "size":
        return Closure(_size(operand), int)
    if argument is None:
        raise Untranslatable
    if name == "matches":
        return _matches(operand, argument)
    test = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[name]
    first, second = operand.read, argument.read

    def read(record: Any) -> bool:  # noqa: ANN401 - a record of the access' own kind
        text, part = first(record), second(record)
        if type(text) is not str or type(part) is not str:
            raise Undecided
        return bool(test(text, part))

    return Closure(read, bool)


def _size(operand: Closure) -> Read:
    read = operand.read
    if operand.kind is str:
        return lambda record: len(read(record))

    def measured(record: Any) -> int:  # noqa: ANN401 - a record of the access' own kind
        value = read(record)
        if type(value) not in (str, list, dict):
            raise Undecided
        return len(value)

    return measured


def _matches(operand: Closure, argument: Closure) -> Closure:
    pattern_text = argument.read(None) if argument.constant else None
    if not isinstance(pattern_text, str):
        raise Untranslatable
    try:
        pattern = compile_pattern(pattern_text)
    except PatternProblem:
        raise Untranslatable from None
    if pattern.source != pattern_text:  # CEL reads RE2 and knows nothing of ECMA-262
        raise Untranslatable
    read, search = operand.read, pattern.search

    def found(record: Any) -> bool:  # noqa: ANN401 - a record of the access' own kind
        text = read(record)
        if type(text) is not str:
            raise Undecided
        return search(text)

    return Closure(found, bool)
