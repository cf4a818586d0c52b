"""A compiled contract that judges batches, each record in the cheapest lane that can be sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from watermaster.contract.checks import Checks
from watermaster.gate.column_lane import ColumnLane
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import BLOCK_MAX, BLOCK_MIN, FastLane
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.typed_record import NoFastLane
from watermaster.gate.verdict import PASSED, Judge, Verdict

Lane = TypeVar("Lane")

COLUMN_RECORDS_MIN: Final = 4
"""Fewer records are judged one by one: passes over columns cost more than they share."""
_FUTILE_SHARE: Final = 0.5
"""A lane that leaves a larger share of a block undecided is not worth the attempt."""
_PAUSE_MAX: Final = 32
"""Blocks that pass a lane by before it is tried again."""


class _Worth:
    """Whether a lane is worth the next attempt; learnt from how much the last ones left undecided."""

    def __init__(self) -> None:
        self._pause = 0
        self._paused = 0

    def ask(self) -> bool:
        """Whether to try the lane on the next block."""
        if self._paused < self._pause:
            self._paused += 1
            return False
        return True

    def learn(self, undecided: int, records: int) -> None:
        """What came of an attempt."""
        futile = undecided > _FUTILE_SHARE * records
        self._pause = min(_PAUSE_MAX, 2 * self._pause + 1) if futile else 0
        self._paused = 0


class LaneJudge:
    """Implements `gate.verdict.Judge`. What it remembers of earlier blocks chooses the lane and never the verdict."""

    def __init__(self, checks: Checks, before_exact: Callable[[int], None] | None = None) -> None:
        self._exact = ExactLane(checks, decode_swiftly)
        self._fast = _if_possible(lambda: FastLane(checks))
        self._columns = _if_possible(lambda: ColumnLane(checks, self._exact.verdict))
        self._before_exact = before_exact
        self._block = BLOCK_MAX
        self._fast_worth = _Worth()
        self._columns_worth = _Worth()

    @property
    def has_fast_lane(self) -> bool:
        """False if the contract asks for what only the exact lane judges."""
        return self._fast is not None

    def judge(self, keys: list[bytes | None], values: list[bytes | None], now_ms: int) -> dict[int, Verdict]:
        """See `Judge.judge`."""
        found: dict[int, Verdict] = {}
        start = 0
        while start < len(values):
            tries_fast = self._fast is not None and self._fast_worth.ask()
            stop = min(start + (self._block if tries_fast else BLOCK_MAX), len(values))
            doubtful = self._unproven(keys, values, start, stop) if tries_fast else range(start, stop)
            for index in self._unnamed(keys, values, doubtful, found):
                if self._before_exact is not None:
                    self._before_exact(index)
                verdict = self._exact.judge(keys[index], values[index], now_ms)
                if verdict is not PASSED:
                    found[index] = verdict
            start = stop
        return found

    def _unproven(self, keys: list[bytes | None], values: list[bytes | None], start: int, stop: int) -> list[int]:
        assert self._fast is not None  # noqa: S101 - for the type checker
        failed = self._fast.unproven(keys, values, start, stop)
        self._fast_worth.learn(len(failed), stop - start)
        self._block = BLOCK_MIN if failed else min(2 * self._block, BLOCK_MAX)
        return failed

    def _unnamed(
        self, keys: list[bytes | None], values: list[bytes | None], indexes: Sequence[int], found: dict[int, Verdict]
    ) -> Sequence[int]:
        """Adds what the column lane finds; the rest is for the exact lane."""
        if self._columns is None or len(indexes) < COLUMN_RECORDS_MIN or not self._columns_worth.ask():
            return indexes
        named, left = self._columns.judge(keys, values, indexes)
        found |= named
        self._columns_worth.learn(len(left), len(indexes))
        return left


def _if_possible(build: Callable[[], Lane]) -> Lane | None:
    try:
        return build()
    except NoFastLane:
        return None


def build_judge(checks: Checks, before_exact: Callable[[int], None] | None = None) -> Judge:
    """Compile a contract's checks once; the judge may be used for any number of batches.

    `before_exact` is called with the index of each record that the fast lane leaves to the exact one, before it is
    judged there: what dies in a decoder can then be named.
    """
    return LaneJudge(checks, before_exact)
