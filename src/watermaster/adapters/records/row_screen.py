"""Which rows a contract surely passes, and which it surely judges alike, as SQL over columns: few need become text.

A row stands for the JSON text that `row_text` makes of it. `Screen.passes` is true only where the judge would find
nothing to say of that text; null and false mean nothing. So it may be too narrow and never too wide: what is not known
to mean the same in SQL has no screen at all (None).

`Screen.kinds` say what is known of a row that does not pass: which checks of its fields and which rules it keeps, or
null. What a judge says follows from that and holds no values, so rows of which the same is known, and of which nothing
is null, get one verdict; the judge is asked what that is for some of them.

Of CEL only what both compute alike is taken: an operand that is null makes SQL's result null, where CEL has an error or
an answer, and either is for the judge. Arithmetic is taken where the contract's own bounds keep it within 64 bits, for
a database may turn `a + 1 < 5` into `a < 4`; rows beyond those bounds do not pass and nothing is known of them, and
`TRY` keeps their overflow from ending the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, get_args, get_origin

from watermaster.adapters.records.rule_sql import INTEGERS, Unknown, compile_rule, number, quoted, text
from watermaster.contract.checks import Checks, FieldCheck, LogicalType, Range
from watermaster.contract.number import INTEGER_DIGITS_MAX, integer_limits
from watermaster.contract.pattern import compile_pattern, compile_whole
from watermaster.gate.text_pattern import text_patterns, without_text_patterns
from watermaster.gate.typed_record import INT_MAX, INT_MIN, NoFastLane, is_open, scalar_type

_SAFE_INTEGER: Final = 10**15
"""Of a number: integers of so many digits are doubles, too, and compare with bounds as they do."""
_TEXT_TIMES: Final = 6
"""Bytes of JSON text for one byte of a string, at most: a control character is six."""
_QUOTES_BYTES: Final = 4
"""Those around a string, or `null`."""
_SCALAR_BYTES: Final = 40
"""Bytes of JSON text of a number, a truth value or a moment, at most."""
_MOMENTS: Final = {"timestamp": (False, "TIMESTAMP"), "timestamp with time zone": (True, "TIMESTAMPTZ")}
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_TOGETHER: Final = 5
"""Columns and rules in one number: at most five times eight bits."""
_FEW: Final = 8
"""Texts that are compared faster one by one than looked up."""
_PLAIN_PATTERN: Final = re.compile(r"(?:(?!\[\^|\[\[)[ -\-/-\[\]-~])*")
"""Patterns that match no control character: nothing but printable characters, no `.`, escape, or negated class."""


@dataclass(frozen=True, slots=True)
class Screen:
    """SQL over the columns of a row; see the module."""

    passes: str
    """True or not: null and false mean the same."""
    kinds: tuple[str, ...]
    """Numbers, zero for most rows."""


def _not_known(_bit: int) -> str:
    return "NULL"


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is asked of a column, or a rule."""

    kept: str
    """True if it is kept."""
    broken: Callable[[int], str] = _not_known
    """Of rows that may not keep it: a number made of the bits of what they break, or null where that is not known.

    It is given the number of the first of its `bits`.
    """
    bits: int = 0


@dataclass(slots=True)
class _Tests:
    """What is tested of the values of one column that are there."""

    kept: list[str] = field(default_factory=list)
    """All that is surely broken where it is not true, in as few tests as can be."""
    single: list[str] = field(default_factory=list)
    """The same as one test for each reason that a judge may give."""
    sure: list[str] = field(default_factory=list)
    """Where it is not true nothing is known of the row."""
    plain: list[str] = field(default_factory=list)
    """As `sure`, and implied where everything else is kept."""


def compile_screen(checks: Checks, columns: Mapping[str, str]) -> Screen | None:
    """The screen over `columns` (DuckDB's names of their types); None if none is known for this contract and file."""
    try:
        return _screen(checks, columns)
    except (Unknown, NoFastLane):
        return None


def _screen(checks: Checks, columns: Mapping[str, str]) -> Screen:
    value, limits = checks.value, checks.limits
    declared = {child.name: child for child in value.properties}
    if value.type is not LogicalType.OBJECT or not declared.keys() >= columns.keys() or not columns:
        raise Unknown
    if value.min_properties is not None or value.max_properties is not None or limits.depth_max < 1:
        raise Unknown
    if limits.integer_digits_max != INTEGER_DIGITS_MAX or not columns.keys() >= set(value.required_names):
        raise Unknown
    if any(child.required and name not in columns for name, child in declared.items()):
        raise Unknown
    rules = [compile_rule(rule.expression, declared, columns) for rule in checks.rules]
    computed = frozenset[str]().union(*(rule.computed for rule in rules))
    entries = [_Entry(_size(columns, declared, min(limits.value_bytes_max, limits.elements_max)))]
    for name, kind in columns.items():
        entry = _column(quoted(name), kind, declared[name])
        # A rule is known for what it is only where its arithmetic is.
        entries.append(_Entry(entry.kept) if name in computed else entry)
    entries += [_Entry(rule.truth, partial(_broken_rule, rule.truth), 1) for rule in rules]
    return Screen(f"TRY({_all(entry.kept for entry in entries)})", tuple(_kinds(entries)))


def _column(column: str, kind: str, child: FieldCheck) -> _Entry:
    tests = _tests(column, kind, child)
    null, there = f"{column} IS NULL", f"{column} IS NOT NULL"
    asked = (*tests.kept, *tests.sure)
    if child.required:
        return _Entry(_all([there, *asked]), partial(_broken_column, null, tests, required=True), 1 + len(tests.single))
    kept = f"({null} OR {_all(asked)})" if asked else "true"
    return _Entry(kept, partial(_broken_column, null, tests, required=False), len(tests.single))


def _broken_column(null: str, tests: _Tests, bit: int, *, required: bool) -> str:
    bits = [f"CASE WHEN {test} THEN 0 ELSE {bit * 2**at} END" for at, test in enumerate(tests.single, int(required))]
    of_null = bit if required else 0
    sure = _all((*tests.sure, *tests.plain))
    return f"CASE WHEN {null} THEN {of_null} WHEN {sure} THEN {' + '.join(bits) or '0'} END"


def _broken_rule(truth: str, bit: int) -> str:
    return f"CASE {truth} WHEN true THEN 0 WHEN false THEN {bit} END"


def _kinds(entries: list[_Entry]) -> Iterator[str]:
    """Some entries together in one number: most rows keep them all, and then none is looked at by itself."""
    bare = [entry.kept for entry in entries if not entry.bits]
    if bare:
        yield f"TRY(CASE WHEN {_all(bare)} THEN 0 END)"
    asked = [entry for entry in entries if entry.bits]
    for start in range(0, len(asked), _TOGETHER):
        some, bit, broken = asked[start : start + _TOGETHER], 1, []
        for entry in some:
            broken.append(entry.broken(bit))
            bit *= 2**entry.bits
        yield f"TRY(CASE WHEN {_all(entry.kept for entry in some)} THEN 0 ELSE {' + '.join(broken)} END)"


def _all(conditions: Iterable[str]) -> str:
    kept = dict.fromkeys(each for each in conditions if each != "true")
    return f"({' AND '.join(f'({each})' for each in kept) or 'true'})"


def _size(columns: Mapping[str, str], declared: Mapping[str, FieldCheck], bytes_max: int) -> str:
    """Whether the text is surely within the limit."""
    fixed = 2 + sum(_TEXT_TIMES * len(name.encode()) + 4 for name in columns)
    fixed += sum(_SCALAR_BYTES if kind != "varchar" else _QUOTES_BYTES for kind in columns.values())
    texts = [
        f"strlen({quoted(name)})" if declared[name].required else f"coalesce(strlen({quoted(name)}), 0)"
        for name, kind in columns.items()
        if kind == "varchar"
    ]
    return f"{' + '.join(texts) or '0'} <= {(bytes_max - fixed) // _TEXT_TIMES:d}"


def _tests(column: str, kind: str, child: FieldCheck) -> _Tests:
    match child.type:
        case LogicalType.INTEGER if kind in INTEGERS:
            expression, rest = scalar_type(child)
            _require_closed(rest)
            return _Tests(_bounds(column, expression), _integer_tests(column, child))
        case LogicalType.NUMBER if kind in INTEGERS or kind == "double":
            expression, rest = scalar_type(child)
            _require_closed(rest)
            # Beyond these a literal has an exponent, or more digits than are compared as doubles.
            safe = f"abs({column}) < {_SAFE_INTEGER}"
            finite = [f"isfinite({column})"] if kind == "double" else []
            bounds = _bounds(f"{column}::DOUBLE", expression)
            return _Tests(bounds, bounds, [*finite, safe])
        case LogicalType.BOOLEAN if kind == "boolean":
            _require_closed(child)
            return _Tests()
        case LogicalType.STRING if kind == "varchar":
            return _text_tests(column, child)
        case LogicalType.TIMESTAMP if kind in _MOMENTS:
            return _Tests(sure=[_moment_test(column, kind, child)])
        case _:
            raise Unknown


def _require_closed(rest: FieldCheck) -> None:
    if is_open(rest):
        raise Unknown


def _bounds(column: str, expression: Any) -> list[str]:  # noqa: ANN401 - a type expression for msgspec
    signs = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
    return [
        f"{column} {sign} {number(bound)}"
        for meta in getattr(expression, "__metadata__", ())
        for name, sign in signs
        if (bound := getattr(meta, name)) is not None
    ]


def _integer_tests(column: str, child: FieldCheck) -> list[str]:
    """Each bound by itself: a value that breaks one need not break the others."""
    limits = child.range or Range()
    low, high = integer_limits(child.format) or (None, None)
    bounds = (
        (">=", low), ("<=", high), (">=", limits.minimum), ("<=", limits.maximum),
        (">", limits.exclusive_minimum), ("<", limits.exclusive_maximum),
    )  # fmt: skip
    found = []
    for sign, bound in bounds:
        if bound is not None and INT_MIN <= bound <= INT_MAX:
            found.append(f"{column} {sign} {number(int(bound))}")
        elif bound is not None and (bound > 0) is (sign in (">=", ">")):
            raise Unknown  # no column of these types has a value that keeps it
    return found


def _text_tests(column: str, child: FieldCheck) -> _Tests:
    expression, rest = scalar_type(child)
    pattern = None if rest.pattern is None else compile_pattern(rest.pattern).whole
    patterns = text_patterns(rest)
    _require_closed(without_text_patterns(rest))
    # JSON refuses NUL, and whether `.` matches a line end is a setting that the two engines do not share.
    tests = _Tests(plain=[f"regexp_replace({column}, {text(_CONTROL)}, '') = {column}"])
    tests.kept = tests.single
    if get_origin(expression) is Literal:
        tests.kept.append(_listed(column, get_args(expression)))
    elif not (patterns and _PLAIN_PATTERN.fullmatch(patterns[0])):
        tests.sure, tests.plain = tests.plain, []
    for meta in getattr(expression, "__metadata__", ()):
        tests.kept += [f"length({column}) >= {meta.min_length:d}"] if meta.min_length is not None else []
        tests.kept += [f"length({column}) <= {meta.max_length:d}"] if meta.max_length is not None else []
    for each in patterns:
        # Of formats it is only known what surely keeps them.
        (tests.kept if each == pattern else tests.sure).append(_matches(column, each))
    return tests


def _listed(column: str, values: tuple[str, ...]) -> str:
    if len(values) > _FEW:
        return f"{column} IN ({', '.join(map(text, values))})"
    return f"({' OR '.join(f'{column} = {text(each)}' for each in values)})"


def _matches(column: str, pattern: str) -> str:
    """Whether all of a text matches. Unlike its functions that say yes or no, DuckDB computes what cannot fail only
    once for each entry of a column's dictionary; what does not match gives the empty text."""
    anchored = text(rf"\A(?:{pattern})\z")
    found = f"regexp_extract({column}, {anchored})"
    return f"{found} = {column}" if compile_whole(pattern).Match("") else f"{found} <> ''"


def _moment_test(column: str, kind: str, child: FieldCheck) -> str:
    """A moment is written with four digits of the year, and with the zone that its type has."""
    zoned, word = _MOMENTS[kind]
    form = child.temporal
    _require_closed(without_text_patterns(child))
    if form is None or not text_patterns(child) or form.offset not in (zoned, None):
        raise Unknown
    zone = "+00" if zoned else ""
    return f"{column} BETWEEN {word} '1000-01-01 00:00:00{zone}' AND {word} '9999-12-31 00:00:00{zone}'"
