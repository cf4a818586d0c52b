"""`logicalTypeOptions` of each logical type, and what they must not contradict."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from watermaster.contract.checks import JUDGED_STRING_FORMATS, Bound, FieldCheck, LogicalType, Range
from watermaster.contract.findings import Findings, Node, text
from watermaster.contract.pattern import PatternProblem, compile_pattern
from watermaster.contract.problem import ProblemCode, quoted, suggest
from watermaster.contract.scalars import number
from watermaster.contract.time_options import compile_time_options
from watermaster.contract.yaml_text import Json

ADVISORY_STRING_FORMATS = frozenset({"password", "binary"})
"""Formats that ODCS names and that say nothing about the characters of a text."""


def compile_options(check: FieldCheck, options: Node, path: str, findings: Findings) -> FieldCheck:
    """The check with the options of its type; `path` is that of the options in the document."""
    match check.type:
        case LogicalType.STRING:
            judged = _string(check, options, path, findings)
        case LogicalType.NUMBER | LogicalType.INTEGER:
            judged = _number(check, options)
        case LogicalType.DATE | LogicalType.TIMESTAMP | LogicalType.TIME:
            judged = compile_time_options(check, options, path, findings)
        case LogicalType.ARRAY:
            unique = options.get("uniqueItems") is True
            judged = replace(
                check, min_items=_count(options, "minItems"), max_items=_count(options, "maxItems"), unique_items=unique
            )
        case LogicalType.OBJECT:
            judged = _object(check, options)
        case LogicalType.BOOLEAN | LogicalType.MAP | LogicalType.ANY:
            judged = _no_options(check, options, path, findings)
        case _:
            assert_never(check.type)
    _refuse_empty(judged, path, findings)
    return judged


def _count(options: Node, name: str) -> int | None:
    """A length or count; the schema takes 3.0 for a whole number, so do we."""
    value = options.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _string(check: FieldCheck, options: Node, path: str, findings: Findings) -> FieldCheck:
    pattern = text(options.get("pattern"))
    if pattern is not None:
        try:
            compile_pattern(pattern)
        except PatternProblem as problem:
            findings.problem(ProblemCode.PATTERN, str(problem), _pattern_hint(str(problem)), f"{path}.pattern")
            pattern = None
    return replace(
        check,
        min_length=_count(options, "minLength"),
        max_length=_count(options, "maxLength"),
        pattern=pattern,
        format=_string_format(check, options.get("format"), path, findings),
    )


def _pattern_hint(message: str) -> str:
    return "" if "CEL" in message else "Patterns are those that RE2 matches in linear time; or use a CEL rule."


def _string_format(check: FieldCheck, value: Json, path: str, findings: Findings) -> str | None:
    name = text(value)
    if name is None or name in JUDGED_STRING_FORMATS:
        return name
    if name in ADVISORY_STRING_FORMATS:
        findings.say(f"{check.path}: the format {quoted(name)} says nothing that a text could be judged by.")
        return None
    hint = suggest(name, JUDGED_STRING_FORMATS | ADVISORY_STRING_FORMATS)
    findings.problem(ProblemCode.FORMAT, f"there is no string format {quoted(name)}", hint, f"{path}.format")
    return None


def _number(check: FieldCheck, options: Node) -> FieldCheck:
    bounds = [number(options.get(n)) for n in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")]
    # The schema's `default: i32` is a note for readers: ODCS does not bound an integer whose format is not given.
    return replace(
        check,
        range=Range(*bounds) if any(bound is not None for bound in bounds) else None,
        multiple_of=number(options.get("multipleOf")),
        format=text(options.get("format")),
    )


def _object(check: FieldCheck, options: Node) -> FieldCheck:
    required = options.get("required")
    names = tuple(name for name in required if isinstance(name, str)) if isinstance(required, list) else ()
    return replace(
        check,
        min_properties=_count(options, "minProperties"),
        max_properties=_count(options, "maxProperties"),
        required_names=names,
    )


def _no_options(check: FieldCheck, options: Node, path: str, findings: Findings) -> FieldCheck:
    if options:
        kind = "a property without `logicalType`" if check.type is LogicalType.ANY else f"the type {check.type.value}"
        hint = "Give it a `logicalType`." if check.type is LogicalType.ANY else "Remove it."
        message = f"{kind} has no option {quoted(next(iter(options)))}"
        findings.problem(ProblemCode.OPTION_MISFIT, message, hint, path)
    return check


def _refuse_empty(check: FieldCheck, path: str, findings: Findings) -> None:
    """Bounds that no value can meet."""
    pairs = (
        ("minLength", check.min_length, "maxLength", check.max_length),
        ("minItems", check.min_items, "maxItems", check.max_items),
        ("minProperties", check.min_properties, "maxProperties", check.max_properties),
    )
    for low_name, low, high_name, high in pairs:
        if low is not None and high is not None and low > high:
            _refuse(low_name, high_name, "is greater than", path, findings)
    if check.range is not None:
        _refuse_empty_range(check.range, path, findings)


def _refuse_empty_range(bounds: Range, path: str, findings: Findings) -> None:
    lows: tuple[tuple[str, Bound | None], ...] = (
        ("minimum", bounds.minimum),
        ("exclusiveMinimum", bounds.exclusive_minimum),
    )
    highs: tuple[tuple[str, Bound | None], ...] = (
        ("maximum", bounds.maximum),
        ("exclusiveMaximum", bounds.exclusive_maximum),
    )
    for low_name, low in lows:
        for high_name, high in highs:
            exclusive = low_name != "minimum" or high_name != "maximum"
            if low is None or high is None or low < high or (low == high and not exclusive):
                continue
            _refuse(low_name, high_name, "leaves no value below" if low == high else "is greater than", path, findings)


def _refuse(low: str, high: str, relation: str, path: str, findings: Findings) -> None:
    message = f"`{low}` {relation} `{high}`, so no value can pass"
    findings.problem(ProblemCode.RANGE, message, "Exchange or widen them.", f"{path}.{low}")
