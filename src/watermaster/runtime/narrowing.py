"""Finding the record because of which a transaction is refused: the client says that there is one, and not which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watermaster.runtime.stage import Stage
from watermaster.runtime.transaction import Transaction
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

NARROW_BY = 4
"""A refused transaction is retried with this part of its records, so that one bad record among 10,000 takes seven."""


class Narrowing:
    """Ever smaller transactions, until the record that cannot be written stands alone and is held by reference."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.records = 0
        """Not 0: the most records that a transaction may have until all those of the refused one are in."""
        self._until: dict[TopicPartition, int] = {}
        self._refused: set[tuple[TopicPartition, int]] = set()

    def narrow(self, refused: Transaction, fault: Fault) -> bool:
        """Read again in smaller transactions.

        False if that is done already: holding the record by reference was refused too.
        """
        if refused.records > 1:
            self.records = max(1, refused.records // NARROW_BY)
            for source, tally in refused.tallies.items():
                self._until[source] = max(tally.next, self._until.get(source, 0))
            return True
        alone = {(source, tally.next - 1) for source, tally in refused.tallies.items() if tally.read}
        is_new = bool(alone - self._refused)
        self._refused = alone
        for source, offset in alone:
            self._stage.refuse(source, offset, fault)
        return is_new

    def healed(self, positions: Mapping[TopicPartition, int]) -> None:
        """A transaction is in: read as ever once all records of the refused one are."""
        for source in [s for s, until in self._until.items() if positions.get(s, until) >= until]:
            del self._until[source]
        if not self._until:
            self.records = 0

    def forget(self, partitions: Sequence[TopicPartition]) -> None:
        """They are no longer ours."""
        for source in partitions:
            self._until.pop(source, None)
