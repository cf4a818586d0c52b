"""Checks of single values: strings, numbers, booleans, dates. Compiled once from a `FieldCheck`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Final, TypeAlias

from watermaster.contract.checks import Bound, FieldCheck, LogicalType, Range
from watermaster.contract.number import as_integer, integer_limits, is_multiple, loses_precision, surely_double
from watermaster.contract.pattern import compile_pattern, compile_whole
from watermaster.contract.string_format import compile_format
from watermaster.contract.temporal import TemporalReason, temporal_parser
from watermaster.gate.breach import Breaches, Checker, breach, mismatches
from watermaster.gate.moment import plain_moment
from watermaster.gate.reasons import REASONS
from watermaster.gate.strict_json import Document
from watermaster.gate.verdict import BrokenRule

Number: TypeAlias = int | Decimal
StringTest: TypeAlias = tuple[Callable[[str], bool], BrokenRule]
NumberTest: TypeAlias = tuple[Callable[[Number], bool], BrokenRule]

DOUBLE_MAX: Final = 2**1024 - 2**970
"""The largest 64-bit float, exactly."""
FLOAT_END: Final = 2**128 - 2**103
"""From here on no number rounds to a 32-bit float. The shortest digits of the largest one are a little above it."""


def compile_string(check: FieldCheck) -> Checker:
    """Lengths in code points, pattern, format, enum."""
    tests = _string_tests(check)
    wrong = mismatches(check, "a string")

    def judge_type(value: Document, broken: Breaches) -> None:
        if type(value) is not str:
            broken.append(wrong[type(value)])

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not str:
            broken.append(wrong[type(value)])
            return
        for test, reason in tests:
            if not test(value):
                broken.append(reason)

    return judge if tests else judge_type


def _string_tests(check: FieldCheck) -> tuple[StringTest, ...]:
    tests: list[StringTest] = []
    low, high = check.min_length, check.max_length
    if low is not None:
        reason = breach(check, "minLength", "string.min_length", f"must have at least {low} characters")
        tests.append((lambda text, low=low: len(text) >= low, reason))  # type: ignore[misc]
    if high is not None:
        reason = breach(check, "maxLength", "string.max_length", f"must have at most {high} characters")
        tests.append((lambda text, high=high: len(text) <= high, reason))  # type: ignore[misc]
    if check.pattern is not None:
        reason = breach(check, "pattern", "string.pattern", "must match the contract's pattern")
        tests.append((compile_pattern(check.pattern).search, reason))
    if check.format is not None:
        reason = breach(check, "format", "string.format", f"must be a text of the format {check.format}")
        tests.append((compile_format(check.format), reason))
    if check.enum is not None:
        listed = frozenset(value for value in check.enum if isinstance(value, str))
        tests.append((listed.__contains__, _not_listed(check)))
    return tuple(tests)


def _not_listed(check: FieldCheck) -> BrokenRule:
    return breach(check, "enum", "value.enum", f"must be one of the {len(check.enum or ())} listed values")


def compile_number(check: FieldCheck) -> Checker:
    """A number that 64-bit floating point can keep; bounds and multiples are compared exactly, as decimals."""
    tests = _number_tests(check)
    wrong = mismatches(check, "a number")
    beyond = breach(check, "type", "json.number_range", REASONS["json.number_range"])
    imprecise = breach(check, "type", "json.number_precision", REASONS["json.number_precision"])

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not int and type(value) is not Decimal:
            broken.append(wrong[type(value)])
            return
        if not surely_double(value):
            if not -DOUBLE_MAX <= value <= DOUBLE_MAX:
                broken.append(beyond)
            elif loses_precision(value):
                broken.append(imprecise)
        for test, reason in tests:
            if not test(value):
                broken.append(reason)

    return judge


def compile_integer(check: FieldCheck) -> Checker:
    """An integer of any size, also written `1.0` or `1e2`."""
    tests = _number_tests(check)
    wrong = mismatches(check, "an integer")

    def judge(value: Document, broken: Breaches) -> None:
        number = as_integer(value) if type(value) is Decimal else value
        if type(number) is not int:
            broken.append(wrong[type(value)])
            return
        for test, reason in tests:
            if not test(number):
                broken.append(reason)

    return judge


def _number_tests(check: FieldCheck) -> tuple[NumberTest, ...]:
    tests: list[NumberTest] = [*_range_tests(check, "number")]
    unit = check.multiple_of
    if unit is not None:
        reason = breach(check, "multipleOf", "number.multiple_of", f"must be a multiple of {unit}")
        tests.append((lambda value, unit=unit: is_multiple(value, unit), reason))  # type: ignore[misc]
    bounds = integer_limits(check.format)
    reason = breach(check, "format", "number.format", f"must fit the format {check.format}")
    if bounds is not None:
        tests.append((lambda value, low=bounds[0], high=bounds[1]: low <= value <= high, reason))  # type: ignore[misc]
    if check.format == "f32":
        tests.append((lambda value: -FLOAT_END < value < FLOAT_END, reason))
    if check.enum is not None:
        listed = frozenset(value for value in check.enum if type(value) in (int, Decimal))
        tests.append((lambda value: value in listed, _not_listed(check)))
    return tuple(tests)


def _range_tests(check: FieldCheck, family: str) -> list[tuple[Callable[[Bound], bool], BrokenRule]]:
    """Bounds of numbers, and of moments as `parse_temporal` gives them."""
    limits = check.range or Range()
    rows: tuple[tuple[str, Bound | None, Callable[[Bound, Bound], bool], str], ...] = (
        ("minimum", limits.minimum, ge, "minimum"),
        ("maximum", limits.maximum, le, "maximum"),
        ("exclusiveMinimum", limits.exclusive_minimum, gt, "minimum"),
        ("exclusiveMaximum", limits.exclusive_maximum, lt, "maximum"),
    )
    tests: list[tuple[Callable[[Bound], bool], BrokenRule]] = []
    for keyword, bound, compare, code in rows:
        if bound is not None:
            text = f"must satisfy {keyword} {bound}" if family == "number" else f"must satisfy the contract's {keyword}"
            reason = breach(check, keyword, f"{family}.{code}", text)
            tests.append((lambda value, bound=bound, compare=compare: compare(value, bound), reason))  # type: ignore[misc]
    return tests


def compile_temporal(check: FieldCheck) -> Checker:
    """A date, timestamp or time as text, in the contract's form."""
    wrong = mismatches(check, f"a {check.type.value} as a string")
    listed = None if check.enum is None else frozenset(value for value in check.enum if isinstance(value, str))
    not_listed = _not_listed(check)
    moment = _compile_moment(check)

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not str:
            broken.append(wrong[type(value)])
            return
        moment(value, broken)
        if listed is not None and value not in listed:
            broken.append(not_listed)

    return judge


def _compile_moment(check: FieldCheck) -> Callable[[str, Breaches], None]:
    form = check.temporal
    if form is None:  # the contract's format is beyond what can be judged
        return lambda _text, _broken: None
    parse = temporal_parser(form)
    tests = _range_tests(check, "temporal")
    plain = None if tests else plain_moment(form)
    surely = None if plain is None else compile_whole(plain).Match
    reasons = {
        reason: breach(check, "format", reason.value, f"must be written as {form.text}: {REASONS[reason.value]}")
        for reason in TemporalReason
    }

    def judge(text: str, broken: Breaches) -> None:
        if surely is not None and surely(text):
            return
        moment = parse(text)
        if isinstance(moment, TemporalReason):
            broken.append(reasons[moment])
            return
        for test, reason in tests:
            if not test(moment):
                broken.append(reason)

    return judge


def compile_boolean(check: FieldCheck) -> Checker:
    """True or false, and nothing that is only like it."""
    wrong = mismatches(check, "a boolean")
    listed = None if check.enum is None else [value for value in check.enum if isinstance(value, bool)]
    not_listed = _not_listed(check)

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not bool:
            broken.append(wrong[type(value)])
        elif listed is not None and value not in listed:
            broken.append(not_listed)

    return judge


def compile_any(check: FieldCheck) -> Checker:
    """Every JSON value, or one of the listed ones; `true` is not 1, and 1.0 is."""
    if check.enum is None:
        return lambda _value, _broken: None
    listed = frozenset((type(value) is bool, value) for value in check.enum)
    not_listed = _not_listed(check)

    def judge(value: Document, broken: Breaches) -> None:
        if isinstance(value, list | dict) or (type(value) is bool, value) not in listed:
            broken.append(not_listed)

    return judge


SCALAR_COMPILERS: Final[dict[LogicalType, Callable[[FieldCheck], Checker]]] = {
    LogicalType.STRING: compile_string,
    LogicalType.NUMBER: compile_number,
    LogicalType.INTEGER: compile_integer,
    LogicalType.BOOLEAN: compile_boolean,
    LogicalType.DATE: compile_temporal,
    LogicalType.TIMESTAMP: compile_temporal,
    LogicalType.TIME: compile_temporal,
    LogicalType.ANY: compile_any,
}
