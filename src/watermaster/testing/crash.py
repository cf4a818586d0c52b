"""Run a command that is made to die by SIGKILL at a named point, and run it again until it ends by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from watermaster.runtime.crash_points import VARIABLE, CrashPoint
from watermaster.stream.fault import WorldFault
from watermaster.testing.process import Child, last_lines
from watermaster.testing.waiting import PATIENCE_S

LINES_SHOWN = 40


@dataclass(frozen=True, slots=True)
class CrashRuns:
    """How often the command died at its crash point, how it ended at last, and what that last run wrote."""

    crashes: int
    exit_code: int
    output: str


def crash_variable(point: CrashPoint | str, nth: int = 1) -> dict[str, str]:
    """The environment variable that kills a process the `nth` time it reaches a point."""
    return {VARIABLE: f"{CrashPoint(point).value}:{nth}"}


def run_with_crashes(
    command: Sequence[str],
    point: CrashPoint | str,
    log: Path,
    *,
    nth: int = 1,
    crashes: int = 1,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = PATIENCE_S,
) -> CrashRuns:
    """Run a command that ends by itself; kill it at its crash point in the first `crashes` runs.

    Runs after that are left alone, for a process that dies at every first poll would never get anywhere. A run that
    does not reach the point ends the series. All output goes to `log`; `environment` is added to this process's own.
    Raises WorldFault `WM-TESTKIT-CRASH` if a run takes longer than `timeout_s`.
    """
    died = 0
    while True:
        asked = crash_variable(point, nth) if died < crashes else {}
        ended = run_to_end(command, log, {**(environment or {}), **asked}, timeout_s)
        if ended.exit_code != -signal.SIGKILL or not asked:
            return CrashRuns(died, ended.exit_code, ended.output)
        died += 1


def run_to_end(
    command: Sequence[str], log: Path, environment: Mapping[str, str], timeout_s: float = PATIENCE_S
) -> CrashRuns:
    """One run of a command, with `environment` added to this process's own."""
    child = Child(command, log, {**os.environ, **environment})
    if not child.wait(timeout_s):
        child.kill()
        raise WorldFault(
            "WM-TESTKIT-CRASH",
            f"{command[0]} did not end within {timeout_s:g} s. Its last lines:\n"
            + last_lines(child.output(), LINES_SHOWN),
            hint=f"See {log} for more.",
        )
    exit_code = child.exit_code
    assert exit_code is not None  # noqa: S101 - it has ended: `wait` said so
    return CrashRuns(0, exit_code, child.output())
