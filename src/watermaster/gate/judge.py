"""A compiled contract that judges batches, each record in the cheapest lane that can be sure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from watermaster.contract.checks import Checks
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import BLOCK_MAX, BLOCK_MIN, FastLane
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.typed_record import NoFastLane
from watermaster.gate.verdict import PASSED, Judge, Verdict

_FUTILE_SHARE: Final = 0.5
"""Blocks with a larger share of unproven records are not worth the attempt."""
_PAUSE_MAX: Final = 32
"""Blocks that go straight to the exact lane before the fast one is tried again."""


class LaneJudge:
    """Implements `gate.verdict.Judge`. What it remembers of earlier blocks chooses the lane and never the verdict."""

    def __init__(self, checks: Checks, before_exact: Callable[[int], None] | None = None) -> None:
        self._exact = ExactLane(checks, decode_swiftly)
        self._fast = _fast_lane(checks)
        self._before_exact = before_exact
        self._block = BLOCK_MAX
        self._pause = 0
        self._paused = 0

    @property
    def has_fast_lane(self) -> bool:
        """False if the contract asks for what only the exact lane judges."""
        return self._fast is not None

    def judge(self, keys: list[bytes | None], values: list[bytes | None], now_ms: int) -> dict[int, Verdict]:
        """See `Judge.judge`."""
        found: dict[int, Verdict] = {}
        start = 0
        while start < len(values):
            stop = min(start + self._block, len(values))
            for index in self._unproven(keys, values, start, stop):
                if self._before_exact is not None:
                    self._before_exact(index)
                verdict = self._exact.judge(keys[index], values[index], now_ms)
                if verdict is not PASSED:
                    found[index] = verdict
            start = stop
        return found

    def _unproven(
        self, keys: list[bytes | None], values: list[bytes | None], start: int, stop: int
    ) -> list[int] | range:
        if self._fast is None or self._paused < self._pause:
            self._paused += 1
            return range(start, stop)
        failed = self._fast.unproven(keys, values, start, stop)
        futile = len(failed) > _FUTILE_SHARE * (stop - start)
        self._pause = min(_PAUSE_MAX, 2 * self._pause + 1) if futile else 0
        self._paused = 0
        self._block = BLOCK_MIN if failed else min(2 * self._block, BLOCK_MAX)
        return failed


def _fast_lane(checks: Checks) -> FastLane | None:
    try:
        return FastLane(checks)
    except NoFastLane:
        return None


def build_judge(checks: Checks, before_exact: Callable[[int], None] | None = None) -> Judge:
    """Compile a contract's checks once; the judge may be used for any number of batches.

    `before_exact` is called with the index of each record that the fast lane leaves to the exact one, before it is
    judged there: what dies in a decoder can then be named.
    """
    return LaneJudge(checks, before_exact)
