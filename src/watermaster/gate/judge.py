"""A compiled contract that judges batches."""

from __future__ import annotations

from collections.abc import Callable

from watermaster.contract.checks import Checks
from watermaster.gate.exact import ExactLane
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.verdict import PASSED, Judge, Verdict


class LaneJudge:
    """Implements `gate.verdict.Judge`."""

    def __init__(self, checks: Checks, before_exact: Callable[[int], None] | None = None) -> None:
        self._exact = ExactLane(checks, decode_swiftly)
        self._before_exact = before_exact

    def judge(self, keys: list[bytes | None], values: list[bytes | None], now_ms: int) -> dict[int, Verdict]:
        """See `Judge.judge`."""
        found: dict[int, Verdict] = {}
        for index, value in enumerate(values):
            if self._before_exact is not None:
                self._before_exact(index)
            verdict = self._exact.judge(keys[index], value, now_ms)
            if verdict is not PASSED:
                found[index] = verdict
        return found


def build_judge(checks: Checks, before_exact: Callable[[int], None] | None = None) -> Judge:
    """Compile a contract's checks once; the judge may be used for any number of batches.

    `before_exact` is called with the index of each record that the fast lane leaves to the exact one, before it is
    judged there: what dies in a decoder can then be named.
    """
    return LaneJudge(checks, before_exact)
