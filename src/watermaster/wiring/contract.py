"""Contracts from bytes to checks, with problems turned into one fault."""

from __future__ import annotations

from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.problem import Problem
from watermaster.stream.fault import UsageFault


def compile_checks(document: bytes, source: str, stream: str | None) -> Checks:
    """The checks for `stream` (a schema object or topic; None means the only one). Raises UsageFault."""
    streams = compile_streams(document, source, stream)
    if len(streams) > 1:
        raise UsageFault(
            "WM-CONTRACT-STREAM",
            f"{source} describes {len(streams)} streams: {', '.join(checks.stream for checks in streams)}",
            hint="Name one: --stream, or schema_object in watermaster.yaml.",
        )
    return streams[0]


def compile_streams(document: bytes, source: str, stream: str | None = None) -> tuple[Checks, ...]:
    """The checks for every stream of a contract, at least one, or for the named one. Raises UsageFault."""
    read = read_contract(document, source)
    _raise_if_any(read.problems)
    compiled = compile_contract(read, stream)
    _raise_if_any(compiled.problems)
    return compiled.checks


def _raise_if_any(problems: tuple[Problem, ...]) -> None:
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UsageFault(
            f"WM-CONTRACT-{first.code.upper().replace('.', '-').replace('_', '-')}",
            f"{':'.join(str(part) for part in (first.source, first.line) if part is not None)}: {first.message}{more}",
            hint=first.hint or "`watermaster contract lint` lists every problem.",
        )
