"""A compiled contract that judges batches, each record in the cheapest lane that can be sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from watermaster.contract.checks import Checks
from watermaster.gate.column_lane import ColumnLane
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import BLOCK_MAX, FastLane
from watermaster.gate.framed import FramedJudge, FramedReader, is_framed
from watermaster.gate.schema import Lookup
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.typed_record import NoFastLane
from watermaster.gate.verdict import PASSED, Judge, Verdict
from watermaster.gate.worth import Worth
from watermaster.stream.batch import RawHeaders

Lane = TypeVar("Lane")

COLUMN_RECORDS_MIN: Final = 4
"""Fewer records are judged one by one: passes over columns cost more than they share."""
_FUTILE_SHARE: Final = 0.5
"""A lane that leaves a larger share of a block undecided is not worth the attempt."""


class LaneJudge:
    """Implements `gate.verdict.Judge`. What it remembers of earlier blocks chooses the lane and never the verdict."""

    def __init__(self, checks: Checks, before_exact: Callable[[int], None] | None = None) -> None:
        self._exact = ExactLane(checks, decode_swiftly)
        self._fast = _if_possible(lambda: FastLane(checks))
        self._columns = _if_possible(lambda: ColumnLane(checks, self._exact.verdict))
        self._before_exact = before_exact
        self._fast_worth = Worth()
        self._columns_worth = Worth()

    @property
    def has_fast_lane(self) -> bool:
        """False if the contract asks for what only the exact lane judges."""
        return self._fast is not None

    def judge(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        now_ms: int,
        headers: Sequence[RawHeaders | None] | None = None,  # noqa: ARG002 - for those who read frames
    ) -> dict[int, Verdict]:
        """See `Judge.judge`."""
        found: dict[int, Verdict] = {}
        doubtful: list[int] = []
        start = 0
        while start < len(values):
            fast = self._fast if self._fast_worth.ask() else None
            stop = min(start + BLOCK_MAX, len(values))
            doubtful += range(start, stop) if fast is None else self._unproven(fast, keys, values, start, stop)
            start = stop
            if len(doubtful) >= BLOCK_MAX or start == len(values):
                self._judge_doubtful(keys, values, doubtful, now_ms, found)
                doubtful = []
        return found

    def _judge_doubtful(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        indexes: list[int],
        now_ms: int,
        found: dict[int, Verdict],
    ) -> None:
        for index in self._unnamed(keys, values, indexes, found):
            if self._before_exact is not None:
                self._before_exact(index)
            verdict = self._exact.judge(keys[index], values[index], now_ms)
            if verdict is not PASSED:
                found[index] = verdict

    def _unproven(
        self, fast: FastLane, keys: list[bytes | None], values: list[bytes | None], start: int, stop: int
    ) -> Sequence[int]:
        failed = fast.unproven(keys, values, start, stop)
        self._fast_worth.learn(futile=len(failed) > _FUTILE_SHARE * (stop - start))
        return failed

    def _unnamed(
        self, keys: list[bytes | None], values: list[bytes | None], indexes: list[int], found: dict[int, Verdict]
    ) -> list[int]:
        """Adds what the column lane finds; the rest is for the exact lane."""
        if self._columns is None or len(indexes) < COLUMN_RECORDS_MIN or not self._columns_worth.ask():
            return indexes
        named, left = self._columns.judge(keys, values, indexes)
        found |= named
        self._columns_worth.learn(futile=len(left) > _FUTILE_SHARE * len(indexes))
        return left


def _if_possible(build: Callable[[], Lane]) -> Lane | None:
    try:
        return build()
    except NoFastLane:
        return None


def build_judge(checks: Checks, before_exact: Callable[[int], None] | None = None) -> Judge:
    """Compile a contract's checks once, for JSON text; the judge may be used for any number of batches.

    `before_exact` is called with the index of each record that the other lanes leave to the exact one, before it is
    judged there: what dies in a decoder can then be named.
    """
    return LaneJudge(checks, before_exact)


def build_stream_judge(checks: Checks, lookup: Lookup) -> Judge:
    """As `build_judge`, for records as they stand on the stream: with a frame where the contract says so.

    Raises UsageFault where a library is missing that their encoding needs.
    """
    judge = LaneJudge(checks)
    return FramedJudge(FramedReader(checks, lookup), judge) if is_framed(checks) else judge
