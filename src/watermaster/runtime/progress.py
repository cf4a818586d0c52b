"""Where the partitions of a transfer stand, between transactions.

Invariant: a position moves only by a commit, or by a gap that the ledger names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watermaster.gate.ledger import Gap
from watermaster.runtime.stage import StartPosition
from watermaster.stream.coordinates import TopicPartition


class Progress:
    """The committed positions of the partitions that we hold, and what must be committed beside the next records."""

    def __init__(self) -> None:
        self.positions: dict[TopicPartition, int] = {}
        self.gaps: dict[TopicPartition, Gap] = {}
        """Not committed yet; reading goes on behind them."""
        self.anchors: set[TopicPartition] = set()
        """Partitions whose first position is not committed yet."""
        self.halted: set[str] = set()
        """Topics whose records stay where they are."""

    def begin(self, starts: Mapping[TopicPartition, StartPosition]) -> None:
        """Take over partitions."""
        for source, start in starts.items():
            self.positions[source] = start.offset if start.gap is None else start.gap.from_
            if start.gap is not None:
                self.gaps[source] = start.gap
            if start.is_first:
                self.anchors.add(source)

    def move_on(self, ends: Mapping[TopicPartition, int]) -> None:
        """These positions are committed."""
        for source, end in ends.items():
            self.positions[source] = end
            self.gaps.pop(source, None)
            self.anchors.discard(source)

    def forget(self, partitions: Sequence[TopicPartition]) -> None:
        """They are no longer ours."""
        for source in partitions:
            self.positions.pop(source, None)
            self.gaps.pop(source, None)
            self.anchors.discard(source)

    def read_positions(self) -> dict[TopicPartition, int]:
        """Where to read on: behind the gaps."""
        return {**self.positions, **{source: gap.to for source, gap in self.gaps.items()}}
