"""Listed values beside other options: a value that another option refuses, an option that no listed value breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from operator import ge, gt, le, lt
from typing import TypeAlias

from watermaster.contract.checks import FieldCheck, Range, Scalar
from watermaster.contract.fields import Element
from watermaster.contract.findings import Findings
from watermaster.contract.number import is_multiple
from watermaster.contract.pattern import compile_pattern
from watermaster.contract.problem import ProblemCode, quoted
from watermaster.contract.string_format import compile_format

_Test: TypeAlias = Callable[[Scalar], bool]


def advise_enum(element: Element, check: FieldCheck, findings: Findings) -> None:
    """Compare the listed values of a field with what else it asks. Dates and times are left alone."""
    if check.enum is None or check.temporal is not None:
        return
    tests = dict(_tests(check))
    for value in check.enum:
        for name, test in tests.items():
            if not test(value):
                message = f"the listed value {quoted(value)} of {check.path} can never pass: `{name}` refuses it"
                findings.problem(ProblemCode.NEVER_PASSES, message, "Remove one of the two.", f"{element.place}.enum")
    for name, test in tests.items():
        if all(test(value) for value in check.enum):
            message = f"`{name}` of {check.path} can never be broken: every listed value keeps it"
            place = f"{element.place}.logicalTypeOptions.{name}"
            findings.problem(ProblemCode.NEVER_FIRES, message, "The list alone says it all.", place)


def _tests(check: FieldCheck) -> Iterator[tuple[str, _Test]]:
    if check.pattern is not None:
        yield "pattern", _on_text(compile_pattern(check.pattern).search)
    if check.min_length is not None:
        yield "minLength", _on_length(partial(le, check.min_length))
    if check.max_length is not None:
        yield "maxLength", _on_length(partial(ge, check.max_length))
    if check.format is not None and check.type.value == "string":
        yield "format", _on_text(compile_format(check.format))
    if check.multiple_of is not None:
        yield "multipleOf", _on_number(partial(is_multiple, unit=check.multiple_of))
    if check.range is not None:
        yield from _range_tests(check.range)


def _range_tests(bounds: Range) -> Iterator[tuple[str, _Test]]:
    """Of a bound, the test is written from the bound's side: it is `le` what may stand above it."""
    sides = (
        ("minimum", bounds.minimum, le),
        ("maximum", bounds.maximum, ge),
        ("exclusiveMinimum", bounds.exclusive_minimum, lt),
        ("exclusiveMaximum", bounds.exclusive_maximum, gt),
    )
    for name, bound, relation in sides:
        if bound is not None:
            yield name, _on_number(partial(relation, bound))


def _on_text(test: Callable[[str], bool]) -> _Test:
    return lambda value: not isinstance(value, str) or test(value)


def _on_length(test: Callable[[int], bool]) -> _Test:
    return lambda value: not isinstance(value, str) or test(len(value))


def _on_number(test: Callable[[int | Decimal], bool]) -> _Test:
    return lambda value: isinstance(value, bool) or not isinstance(value, int | Decimal) or test(value)
