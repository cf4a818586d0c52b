"""Named places where a real process can be made to die, so that the promises are tested by real kills.

`WATERMASTER_CRASH_POINT=after_produce:3` kills the process with SIGKILL the third time that it gets there. Without
the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from enum import Enum

from watermaster.gate.verdict import Judge, Verdict
from watermaster.stream.batch import RawHeaders


class CrashPoint(Enum):
    """Every step of a transaction after which a dead process leaves the world in another state."""

    AFTER_POLL = "after_poll"
    AFTER_PRODUCE = "after_produce"
    AFTER_SEND_OFFSETS = "after_send_offsets"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    IN_REVOKE = "in_revoke"
    IN_ASSIGN = "in_assign"


VARIABLE = "WATERMASTER_CRASH_POINT"


def _read_variable() -> tuple[str, int] | None:
    name, _, nth = os.environ.get(VARIABLE, "").partition(":")
    return (name, int(nth or "1")) if name else None


_wanted = _read_variable()
_reached = 0


def reach(point: CrashPoint) -> None:
    """Die here if the environment asks for it."""
    global _reached  # noqa: PLW0603 - one counter for one process, which it ends
    if _wanted is None or _wanted[0] != point.value:
        return
    _reached += 1
    if _reached >= _wanted[1]:
        os.kill(os.getpid(), signal.SIGKILL)


VALUE_VARIABLE = "WATERMASTER_CRASH_ON_VALUE"
HANG_VARIABLE = "WATERMASTER_HANG_ON_VALUE"


class CrashingJudge:
    """A judge that meets its end on any value that holds the `marker`."""

    def __init__(self, judge: Judge, marker: bytes, end: Callable[[], None]) -> None:
        self._judge = judge
        self._marker = marker
        self._end = end

    def judge(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        now_ms: int,
        headers: Sequence[RawHeaders | None] | None = None,
    ) -> dict[int, Verdict]:
        """As the judge behind it, as long as it lives."""
        if any(value is not None and self._marker in value for value in values):
            self._end()
        return self._judge.judge(keys, values, now_ms, headers)


def perhaps_crashing(judge: Judge) -> Judge:
    """The judge itself unless the environment asks for a crash or an endless rule; each child process looks anew."""
    for variable, end in ((VALUE_VARIABLE, _crash), (HANG_VARIABLE, _hang)):
        marker = os.environ.get(variable, "")
        if marker:
            return CrashingJudge(judge, marker.encode(), end)
    return judge


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    while True:
        time.sleep(1)
