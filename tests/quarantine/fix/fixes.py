"""Fixes and records made in few words."""

from __future__ import annotations

from watermaster.quarantine.fix.apply import FixOutcome, apply_fix
from watermaster.quarantine.fix.document import Fix, read_fix
from watermaster.quarantine.held import OriginalRecord


def fix(steps: str, select: str = "") -> Fix:
    """Steps as flow mappings, one a line."""
    lines = "\n".join(f"  - {line.strip()}" for line in steps.strip().splitlines())
    read = read_fix(f"fix: test\nversion: 1\n{select}\nsteps:\n{lines}\n".encode(), "test.yaml")
    assert read.fix is not None, read.problems
    return read.fix


def record(
    value: bytes | None = b"{}", key: bytes | None = b"k", headers: list[tuple[str, bytes | None]] | None = None
) -> OriginalRecord:
    return OriginalRecord(key, value, headers or [], 7)


def outcome(steps: str, value: bytes | None) -> FixOutcome:
    return apply_fix(fix(steps), record(value))
