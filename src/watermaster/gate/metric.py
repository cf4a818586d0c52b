"""The library metrics of ODCS, counted over decoded records: one count for a batch, to be added up.

A property that is absent, null, or inside of something that is no object has no value: it is null. Values are equal as
JSON values are: numbers by what they say (`1`, `1.0` and `1e0` are one value), texts by their characters, objects
whatever the order of their members; `true` is not `1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

from watermaster.contract.assertion import LibraryMetric, Metric
from watermaster.contract.checks import FieldCheck, LogicalType, UnknownFields
from watermaster.contract.number import as_integer
from watermaster.contract.pattern import compile_pattern
from watermaster.gate.breach import Breaches
from watermaster.gate.strict_json import Document
from watermaster.gate.value_check import compile_value

Counter: TypeAlias = Callable[[Iterable[Document]], int]
"""How many of these records count."""
_Read: TypeAlias = Callable[[Document], Document]
_Test: TypeAlias = Callable[[Document], bool]


def compile_counter(measure: LibraryMetric, record: FieldCheck, unknown: UnknownFields) -> Counter | None:
    """A counter of one metric; None for duplicateValues, which needs all records together (`repeatable`)."""
    match measure.metric:
        case Metric.ROW_COUNT:
            return lambda documents: sum(1 for _ in documents)
        case Metric.NULL_VALUES:
            return _counting(measure, lambda _: lambda value: value is None)
        case Metric.MISSING_VALUES:
            return _counting(measure, lambda _: _missing(measure.missing))
        case Metric.INVALID_VALUES:
            return _counting(measure, lambda steps: _invalid(measure, _find(record, steps), unknown))
        case Metric.DUPLICATE_VALUES:
            return None
        case _:
            assert_never(measure.metric)


def repeatable(measure: LibraryMetric) -> Callable[[Iterable[Document]], list[bytes]]:
    """What must not repeat, of each record as a text that is the same for equal values and for no others.

    As for a unique key in SQL, a record of which a part is null repeats nothing and is left out.
    """
    reads = [_reader(steps) for steps in measure.columns]

    def texts(documents: Iterable[Document]) -> list[bytes]:
        found = []
        for document in documents:
            values = [read(document) for read in reads]
            if None not in values:
                found.append(canonical(values[0] if len(values) == 1 else values))
        return found

    return texts


def canonical(value: Document) -> bytes:
    """One text for equal values, and different ones for different values: each part tells its kind and length."""
    match value:
        case None:
            return b"z"
        case bool():
            return b"t" if value else b"f"
        case str():
            return b"s" + value.encode()
        case int() | Decimal():
            return b"n" + _number(value)
        case list():
            return b"l" + b"".join(map(_framed, value))
        case dict():
            return b"o" + b"".join(_framed(name) + _framed(value[name]) for name in sorted(value))
        case _:
            assert_never(value)


def _framed(value: Document) -> bytes:
    text = canonical(value)
    return b"%d:%b" % (len(text), text)


def _number(value: int | Decimal) -> bytes:
    whole = value if isinstance(value, int) else as_integer(value)
    if whole is not None:
        return b"%d" % whole
    # Trailing zeros are no part of the value; `normalize` would round to the context's digits.
    sign, digits, exponent = Decimal(value).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    return f"{'-' * sign}{shown}e{int(exponent) + len(digits) - len(shown)}".encode()


def _counting(measure: LibraryMetric, test_of: Callable[[Sequence[str]], _Test]) -> Counter:
    """Of several columns, a record counts once if any of them does."""
    pairs = [(_reader(steps), test_of(steps)) for steps in measure.columns]
    if len(pairs) == 1:
        read, test = pairs[0]
        return lambda documents: sum(test(read(document)) for document in documents)
    return lambda documents: sum(any(test(read(document)) for read, test in pairs) for document in documents)


def _reader(steps: Sequence[str]) -> _Read:
    def read(document: Document) -> Document:
        for name in steps:
            if type(document) is not dict:
                return None
            document = document.get(name)
        return document

    return read


def _among(values: Iterable[object]) -> _Test:
    known = {canonical(value) for value in values}  # type: ignore[arg-type]
    return lambda value: canonical(value) in known


def _missing(values: Iterable[object]) -> _Test:
    """Null is missing whatever else is."""
    named = _among(values)
    return lambda value: value is None or named(value)


def _invalid(measure: LibraryMetric, check: FieldCheck, unknown: UnknownFields) -> _Test:
    """Breaks any of what is asked. Null is missing and not invalid."""
    tests: list[_Test] = []
    if measure.valid is not None:
        valid = _among(measure.valid)
        tests.append(lambda value: not valid(value))
    if measure.pattern is not None:
        pattern = compile_pattern(measure.pattern)
        tests.append(lambda value: not (type(value) is str and pattern.search(value)))
    several = tuple(tests) or (_breaks(check, unknown),)
    return lambda value: value is not None and any(test(value) for test in several)


def _breaks(check: FieldCheck, unknown: UnknownFields) -> _Test:
    judge = compile_value(check, unknown)

    def test(value: Document) -> bool:
        broken: Breaches = []
        judge(value, broken)
        return bool(broken)

    return test


_ANYTHING: Final = FieldCheck("", "$", LogicalType.ANY)


def _find(record: FieldCheck, steps: Sequence[str]) -> FieldCheck:
    """The check at the end of the names; of what the contract does not describe, one that anything meets."""
    for name in steps:
        record = next((child for child in record.properties if child.name == name), _ANYTHING)
    return record
