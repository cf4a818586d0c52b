"""Reading a fix: bytes of a YAML document -> a `Fix`, or the problems with line, path and nearest valid name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

from watermaster.contract.cel import CelExpression, CelProblem, compile_expression
from watermaster.contract.document import ReadResult, content_hash
from watermaster.contract.findings import Findings, Node, mapping, mappings, text
from watermaster.contract.problem import Problem, ProblemCode
from watermaster.contract.schema_problems import Judged, schema_problems
from watermaster.contract.temporal import TemporalKind, TemporalReason, default_form, parse_temporal
from watermaster.contract.yaml_text import Json, read_yaml
from watermaster.quarantine.fix.operation import Operation
from watermaster.quarantine.fix.step import read_step

FIX_BYTES_MAX: Final = 512 * 1024
"""Ten thousand mapped values take about half of it."""

_NS_OF_MS: Final = 1_000_000
_SCHEMA_FILE: Final = "fix.schema.json"


@dataclass(frozen=True, slots=True)
class FixSelection:
    """Which held records a fix is for. Times are of the source record, in milliseconds, half-open."""

    groups: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    where: CelExpression | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """A fix that can be applied, with the exact bytes that it was read from."""

    name: str
    version: int
    operations: tuple[Operation, ...]
    selection: FixSelection = field(default_factory=FixSelection)
    description: str = ""
    document: bytes = field(default=b"", repr=False)

    @property
    def label(self) -> str:
        """`name@version`, as it stands in coordinates and states."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class FixRead:
    """The fix, None if there is any problem."""

    fix: Fix | None
    problems: tuple[Problem, ...] = ()


def fix_schema_text() -> str:
    """The JSON schema of fix documents, for editors."""
    # The package's file, as constant as code.
    return resources.files(__package__ or "").joinpath(_SCHEMA_FILE).read_text("utf-8")


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(fix_schema_text())
    return schema


def read_fix(data: bytes, source: str) -> FixRead:
    """Read one document; `source` is what messages call it. Never raises for bad bytes."""
    if len(data) > FIX_BYTES_MAX:
        message = f"the fix is larger than {FIX_BYTES_MAX} bytes"
        return FixRead(None, (Problem(ProblemCode.YAML_SIZE, message, "Split it.", source),))
    read = read_yaml(data, source)
    if read.problems:
        return FixRead(None, read.problems)
    if not isinstance(read.data, dict):
        message = "the file is empty" if read.data is None else "the document is no mapping of keys to values"
        hint = "A fix starts with `fix: <name>` and `version: 1`."
        return FixRead(None, (Problem(ProblemCode.NOT_A_FIX, message, hint, source, 1, 1),))
    problems = schema_problems(Judged(_schema(), read.data, source, read.positions, "$", "the fix"))
    if problems:
        return FixRead(None, problems)
    findings = Findings(ReadResult(source, content_hash(data), read.data, read.positions))
    return _compile(read.data, data, findings)


def _compile(document: Node, data: bytes, findings: Findings) -> FixRead:
    selection = _selection(mapping(document.get("select")), findings)
    steps = [
        read_step(node, f"$.steps[{index}]", findings) for index, node in enumerate(mappings(document.get("steps")))
    ]
    version = document.get("version")
    if findings.problems:
        ordered = sorted(findings.problems, key=lambda problem: (problem.line or 0, problem.column or 0))
        return FixRead(None, tuple(ordered))
    fix = Fix(
        name=text(document.get("fix")) or "",
        version=int(version) if isinstance(version, int | float) else 0,
        operations=tuple(step for step in steps if step is not None),
        selection=selection,
        description=text(document.get("description")) or "",
        document=data,
    )
    return FixRead(fix)


def _selection(node: Node, findings: Findings) -> FixSelection:
    since, until = (_moment_ms(node, name, findings) for name in ("since", "until"))
    if since is not None and until is not None and since >= until:
        message = "`since` is not before `until`, so no record is ever meant"
        findings.problem(ProblemCode.CONTRADICTION, message, "Exchange them.", "$.select.until")
    where = text(node.get("where"))
    return FixSelection(
        groups=_texts(node.get("groups")),
        rules=_texts(node.get("rules")),
        partitions=tuple(int(item) for item in _items(node.get("partitions")) if isinstance(item, int | float)),
        since_ms=since,
        until_ms=until,
        where=None if where is None else _predicate(where, findings),
    )


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(item for item in _items(value) if isinstance(item, str))


def _moment_ms(node: Mapping[str, Json], name: str, findings: Findings) -> int | None:
    written = text(node.get(name))
    if written is None:
        return None
    moment = parse_temporal(written, default_form(TemporalKind.TIMESTAMP, offset=True))
    if isinstance(moment, TemporalReason):
        hint = "Write it like 2025-03-01T12:00:00Z."
        findings.problem(ProblemCode.FIX_FORMAT, f"`{name}` is no RFC 3339 timestamp", hint, f"$.select.{name}")
        return None
    return -(-moment // _NS_OF_MS)  # up: a record before the moment is not at it


def _predicate(expression: str, findings: Findings) -> CelExpression | None:
    try:
        return compile_expression(expression)
    except CelProblem as problem:
        message = f"the predicate is no CEL ({problem.message}), at line {problem.line}, column {problem.column}"
        hint = "It sees `this`, `key` and `headers`."
        findings.problem(ProblemCode.FIX_EXPRESSION, message, hint, "$.select.where")
        return None
