"""`quality` items of the types `library` and `sql`, `unique` and `primaryKey`, compiled into assertions.

What cannot be judged even over many records (values inside of lists and maps, units that we do not know, metrics of a
record where they need a property) gives no assertion, so that its sentence stays among what is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from watermaster.contract.assertion import (
    Assertion,
    Expectation,
    LibraryMetric,
    Measured,
    Metric,
    Operator,
    SqlQuery,
    Unit,
)
from watermaster.contract.checks import RuleSeverity, Scalar
from watermaster.contract.fields import Element, member_elements, repeat_sentence
from watermaster.contract.findings import Findings, Node, mapping, text
from watermaster.contract.pattern import PatternProblem, compile_pattern
from watermaster.contract.problem import ProblemCode, quoted, suggest
from watermaster.contract.rules import assertion_sentence, derived_id, entries
from watermaster.contract.scalars import exact
from watermaster.contract.yaml_text import Json

_UNITS: Final = {None: Unit.ROWS, "rows": Unit.ROWS, "row": Unit.ROWS, "percent": Unit.PERCENT, "%": Unit.PERCENT}
_TABLE: Final = re.compile(r"\$?\{(?:table|object|model|schema)\}")
_COLUMN: Final = re.compile(r"\$?\{(?:column|property|field)\}")
_NEVER: Final = Expectation(Operator.BE, (Decimal(0),))
QUOTE: Final = "'"
RECORDS_TABLE: Final = "records"
"""The name that `${table}` stands for."""


def compile_assertions(root: Element, findings: Findings) -> tuple[Assertion, ...]:
    """Those of an object and of all properties below it that are reached by names alone."""
    found: dict[str, Assertion] = {}
    for element, steps in _reached(root, ()):
        own = (_compile(node, element, steps, place, root, findings) for node, place in entries(element))
        for assertion in (*_repeats(element, steps), *(one for one in own if one is not None)):
            if found.setdefault(assertion.id, assertion) is not assertion:
                message = f"two assertions are called {quoted(assertion.id)}"
                findings.problem(ProblemCode.NAME_CLASH, message, "Give one another `id`.", element.place)
    return tuple(found.values())


def _reached(element: Element, steps: tuple[str, ...]) -> Iterator[tuple[Element, tuple[str, ...]]]:
    yield element, steps
    for child in member_elements(element):
        yield from _reached(child, (*steps, child.name))


def _repeats(element: Element, steps: tuple[str, ...]) -> Iterator[Assertion]:
    """A primary key of several properties never repeats as a whole; each unique property by itself."""
    children = list(member_elements(element))
    keys = [child for child in children if child.node.get("primaryKey") is True]
    if keys:
        yield _never_repeats(f"{element.path}:primaryKey", element.path, keys, steps)
    for child in children:
        if child.node.get("unique") is True and keys != [child]:
            yield _never_repeats(f"{child.path}:unique", child.path, [child], steps)


def _never_repeats(name: str, path: str, children: list[Element], steps: tuple[str, ...]) -> Assertion:
    columns = tuple((*steps, child.name) for child in children)
    said = tuple(repeat_sentence(child) for child in children)
    return Assertion(name, path, LibraryMetric(Metric.DUPLICATE_VALUES, columns), _NEVER, said)


def _compile(
    node: Node, element: Element, steps: tuple[str, ...], place: str, root: Element, findings: Findings
) -> Assertion | None:
    kind = text(node.get("type")) or "library"
    measure: LibraryMetric | SqlQuery | None = None
    if kind == "library":
        measure = _library(node, element, steps, place, findings)
    elif kind == "sql":
        measure = _sql(text(node.get("query")) or "", steps, root)
    expectation = _expectation(node)
    if measure is None or expectation is None:
        return None
    position = findings.read.positions.get(place)
    return Assertion(
        id=text(node.get("id")) or text(node.get("name")) or derived_id(element, place),
        path=element.path,
        measure=measure,
        expectation=expectation,
        said=(assertion_sentence(node, kind, element),),
        severity=_severity(node),
        message=text(node.get("description")) or text(node.get("name")) or "",
        line=position.line if position else None,
    )


def _severity(node: Node) -> RuleSeverity:
    """ODCS leaves the word free; what is none of ours is taken for the gravest."""
    name = text(node.get("severity"))
    return RuleSeverity(name) if name in tuple(severity.value for severity in RuleSeverity) else RuleSeverity.ERROR


def _expectation(node: Node) -> Expectation | None:
    for operator in Operator:
        if operator.value in node:
            value = node[operator.value]
            return Expectation(operator, tuple(map(_operand, value if isinstance(value, list) else [value])))
    return None


def _operand(value: Json) -> Measured:
    if isinstance(value, bool | str) or value is None:
        return value
    return exact(value) if isinstance(value, int | float) else str(value)


def _library(
    node: Node, element: Element, steps: tuple[str, ...], place: str, findings: Findings
) -> LibraryMetric | None:
    if text(node.get("metric")) is None:
        return None
    metric, unit = Metric(text(node.get("metric"))), text(node.get("unit"))
    arguments = mapping(node.get("arguments"))
    columns = _columns(arguments, element, steps, f"{place}.arguments.properties", findings)
    # Nothing but rows and repetitions can be counted of whole records.
    if unit not in _UNITS or (columns == ((),) and metric not in (Metric.ROW_COUNT, Metric.DUPLICATE_VALUES)):
        return None
    return LibraryMetric(
        metric,
        columns,
        _UNITS[unit],
        _scalars(arguments.get("missingValues")) or (None,),
        _scalars(arguments.get("validValues")),
        _pattern(arguments, f"{place}.arguments.pattern", findings),
    )


def _columns(
    arguments: Node, element: Element, steps: tuple[str, ...], place: str, findings: Findings
) -> tuple[tuple[str, ...], ...]:
    named = arguments.get("properties")
    if not isinstance(named, list) or not named:
        return (steps,)
    known = {text(child.node.get("name")) or child.name: child.name for child in member_elements(element)}
    known |= {name: name for name in known.values()}
    for name in named:
        if str(name) not in known:
            message = f"`properties` names {quoted(name)}, which is no property here"
            findings.problem(ProblemCode.UNKNOWN_PROPERTY, message, suggest(str(name), known), place)
    return tuple((*steps, known.get(str(name), str(name))) for name in named)


def _scalars(values: Json) -> tuple[Scalar, ...] | None:
    if not isinstance(values, list):
        return None
    return tuple(_scalar(value) for value in values if not isinstance(value, list | dict))


def _scalar(value: Json) -> Scalar:
    if isinstance(value, bool | str) or value is None:
        return value
    return exact(value) if isinstance(value, int | float) else str(value)


def _pattern(arguments: Node, place: str, findings: Findings) -> str | None:
    pattern = text(arguments.get("pattern"))
    if pattern is not None:
        try:
            compile_pattern(pattern)
        except PatternProblem as problem:
            findings.problem(ProblemCode.PATTERN, str(problem), "Patterns are read as RE2 does.", place)
    return pattern


def _sql(query: str, steps: tuple[str, ...], root: Element) -> SqlQuery | None:
    """With placeholders replaced; None if the query asks for a column and stands on no property."""
    if not steps and _COLUMN.search(query):
        return None
    named = _COLUMN.sub(lambda _: _column(steps), _TABLE.sub(f'"{RECORDS_TABLE}"', query))
    tables = (RECORDS_TABLE, root.name, text(root.node.get("name")) or root.name)
    return SqlQuery(named, tuple(dict.fromkeys(tables)))


def _column(steps: tuple[str, ...]) -> str:
    """A nested property is read out of the JSON of its column, as a text."""
    first = '"' + steps[0].replace('"', '""') + '"'
    if len(steps) == 1:
        return first
    pointer = "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in steps[1:])
    return f"({first} ->> '{pointer.replace(QUOTE, QUOTE * 2)}')"
