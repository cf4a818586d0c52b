"""Advice on single fields: what they do not ask, and what they ask in vain."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from watermaster.contract.checks import FieldCheck, LogicalType, Range
from watermaster.contract.fields import Element, item_element, map_elements, member_elements
from watermaster.contract.findings import Findings
from watermaster.contract.lint.enum_advice import advise_enum
from watermaster.contract.lint.pattern_anchor import is_anchored
from watermaster.contract.number import integer_limits
from watermaster.contract.problem import ProblemCode, quoted

_OPEN_TYPES = {
    LogicalType.ANY: "anything at all",
    LogicalType.STRING: "any text, an empty one too",
    LogicalType.NUMBER: "any number",
    LogicalType.INTEGER: "any whole number",
    LogicalType.OBJECT: "any object",
    LogicalType.ARRAY: "any list",
    LogicalType.MAP: "any map",
}
"""Types that alone ask next to nothing; the others (dates, booleans) ask for a form."""
_SHAPE = ("name", "path", "type", "classification", "rule", "temporal", "temporal_format", "timezone")
"""What a check has that is no rule of its own."""


def described(element: Element, check: FieldCheck) -> Iterator[tuple[Element, FieldCheck]]:
    """A part of the document with its check, and all below it that the document has a place for."""
    yield element, check
    checks = {child.name: child for child in check.properties}
    for child in member_elements(element):
        if child.name in checks:
            yield from described(child, checks[child.name])
    item, pair = item_element(element), map_elements(element)
    if item is not None and check.items is not None:
        yield from described(item, check.items)
    if pair is not None and check.map_key is not None and check.map_value is not None:
        yield from described(pair[0], check.map_key)
        yield from described(pair[1], check.map_value)


def advise_field(element: Element, check: FieldCheck, named: Collection[str], findings: Findings) -> None:
    """Say what looks wrong with one field; `named` are the paths that rules across fields name."""
    if _has_no_rule(element, check, named):
        message = f"{check.path} may be {_OPEN_TYPES[check.type]}, or missing: no rule asks anything of it"
        hint = "Give it a type, bounds, a pattern or `required: true`, or take it out of the contract."
        findings.problem(ProblemCode.NO_RULE, message, hint, element.place)
    options = f"{element.place}.logicalTypeOptions"
    if check.pattern is not None and not is_anchored(check.pattern):
        message = f"the pattern {quoted(check.pattern)} is found anywhere in a text, whatever stands around it"
        hint = "Write ^(?:…)$ if the whole text must match, and .* where anything may stand."
        findings.problem(ProblemCode.UNANCHORED, message, hint, f"{options}.pattern")
    for name, reason in _futile(check):
        message = f"`{name}` of {check.path} can never be broken: {reason}"
        findings.problem(ProblemCode.NEVER_FIRES, message, "Remove it, or write what is meant.", f"{options}.{name}")
    advise_enum(element, check, findings)


def _has_no_rule(element: Element, check: FieldCheck, named: Collection[str]) -> bool:
    if check.type not in _OPEN_TYPES or not element.name or element.path == "$":
        return False
    bare = FieldCheck(check.name, check.path, check.type)
    asks = any(getattr(check, name) != getattr(bare, name) for name in FieldCheck.__slots__ if name not in _SHAPE)
    beside = any(element.node.get(name) for name in ("unique", "quality", "relationships"))
    return not (asks or beside or any(_covers(path, check.path) for path in named))


def _covers(path: str, inner: str) -> bool:
    """Whether a rule that names `path` may look at `inner`: at it, or at what is below it."""
    return inner == path or inner.startswith((f"{path}.", f"{path}["))


def _futile(check: FieldCheck) -> Iterator[tuple[str, str]]:
    """Options that nothing can break, with the reason."""
    for name, low in (
        ("minLength", check.min_length),
        ("minItems", check.min_items),
        ("minProperties", check.min_properties),
    ):
        if low == 0:
            yield name, "nothing is shorter than nothing"
    if check.unique_items and check.max_items is not None and check.max_items <= 1:
        yield "uniqueItems", "there is at most one item"
    if check.type is LogicalType.INTEGER and check.multiple_of is not None and Decimal(1) % check.multiple_of == 0:
        yield "multipleOf", "every whole number is a multiple"
    if check.required_names:
        yield from _required_twice(check)
    if check.range is not None:
        yield from _beside(check.range)
        if check.type is LogicalType.INTEGER:
            yield from _beyond_format(check.range, check.format)


def _required_twice(check: FieldCheck) -> Iterator[tuple[str, str]]:
    asked = {child.name for child in check.properties if child.required}
    if asked.issuperset(check.required_names):
        yield "required", "each of these fields says `required: true` itself"


def _beside(bounds: Range) -> Iterator[tuple[str, str]]:
    """Of two bounds on one side, the wider one is idle."""
    low, low_open = bounds.minimum, bounds.exclusive_minimum
    if low is not None and low_open is not None:
        yield (
            ("minimum", "`exclusiveMinimum` is stricter")
            if low_open >= low
            else (
                "exclusiveMinimum",
                "`minimum` is stricter",
            )
        )
    high, high_open = bounds.maximum, bounds.exclusive_maximum
    if high is not None and high_open is not None:
        yield (
            ("maximum", "`exclusiveMaximum` is stricter")
            if high_open <= high
            else (
                "exclusiveMaximum",
                "`maximum` is stricter",
            )
        )


def _beyond_format(bounds: Range, name: str | None) -> Iterator[tuple[str, str]]:
    limits = integer_limits(name)
    if limits is None:
        return
    low, high = limits
    reason = f"the format {name} is stricter"
    if bounds.minimum is not None and bounds.minimum <= low:
        yield "minimum", reason
    if bounds.exclusive_minimum is not None and bounds.exclusive_minimum < low:
        yield "exclusiveMinimum", reason
    if bounds.maximum is not None and bounds.maximum >= high:
        yield "maximum", reason
    if bounds.exclusive_maximum is not None and bounds.exclusive_maximum > high:
        yield "exclusiveMaximum", reason
