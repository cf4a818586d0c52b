"""What a fault leaves broken in a transfer, and how that is mended.

Invariant: after an abort every position goes back to where the transaction began, before the next read. A commit whose
answer was lost may be in or not: the committed offsets tell, once a successor of the producer has ended it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from watermaster.gate.ledger import LedgerEntry
from watermaster.runtime.ports import AbortRequired, ConnectionLost, Downstream, Fenced, Upstream
from watermaster.runtime.progress import Progress
from watermaster.runtime.stage import TransferObserver
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import InternalFault, WorldFault


class Damage(IntEnum):
    """What a fault left broken; whoever mends it goes down from step to step."""

    NONE = 0
    POSITIONS = 1
    """The upstream may stand elsewhere than the positions of the transfer."""
    TRANSACTION = 2
    """And the transaction is open."""
    PRODUCER = 3
    """And the producer is of no use."""


class _InDoubt(NamedTuple):
    """A commit that was asked for, while there is no answer."""

    entries: list[LedgerEntry]
    ends: dict[TopicPartition, int]


class Mending:
    """Keeps the producer of a transfer, and makes good what faults did to it and to the positions."""

    def __init__(
        self,
        upstream: Upstream,
        open_downstream: Callable[[], Downstream],
        observer: TransferObserver,
        progress: Progress,
    ) -> None:
        self._upstream = upstream
        self._open_downstream = open_downstream
        self._observer = observer
        self._progress = progress
        self._downstream: Downstream | None = None
        self._in_doubt: _InDoubt | None = None
        self.damage = Damage.NONE

    @property
    def downstream(self) -> Downstream:
        """The producer in use."""
        if self._downstream is None:
            raise InternalFault("WM-TRANSFER-CLOSED", "the transfer is not open", hint="Call run().")
        return self._downstream

    def open(self) -> None:
        """Take the transactional id. Raises every fault."""
        self._downstream = self._open_downstream()

    def close(self) -> None:
        """Release the producer."""
        if self._downstream is not None:
            self._downstream.close()

    def doubt(self, entries: list[LedgerEntry], ends: dict[TopicPartition, int]) -> None:
        """From now on a commit may be in."""
        self._in_doubt = _InDoubt(entries, ends)

    def trust(self) -> None:
        """The answer to the commit has come."""
        self._in_doubt = None

    def suffer(self, fault: WorldFault, *, in_transaction: bool) -> None:
        """Note what a fault broke."""
        damage = Damage.TRANSACTION if in_transaction else Damage.POSITIONS
        if isinstance(fault, ConnectionLost):
            damage = Damage.PRODUCER
        self.damage = max(self.damage, damage)

    def mend(self) -> None:
        """End the transaction, replace the producer, go back: what is left of it. Raises what keeps it from that."""
        if self.damage is Damage.TRANSACTION:
            try:
                self.downstream.abort()
                self.damage = Damage.POSITIONS
            except Fenced:
                raise
            except WorldFault:
                self.damage = Damage.PRODUCER
        if self.damage is Damage.PRODUCER:
            if self._downstream is not None:
                broken, self._downstream = self._downstream, None
                broken.close()
            self._downstream = self._open_downstream()
            self.damage = Damage.POSITIONS
        if self.damage is Damage.POSITIONS:
            self._settle()
            self._rewind()
            self.damage = Damage.NONE

    def _settle(self) -> None:
        """Learn whether the commit without an answer is in. Whoever was its successor has ended it by now."""
        if self._in_doubt is None:
            return
        entries, ends = self._in_doubt
        committed = self._upstream.committed(list(ends))
        found = {source: position.offset for source, position in committed.items() if position is not None}
        held = self._progress.positions
        done = {source: end for source, end in ends.items() if found.get(source) == end and source in held}
        self._progress.move_on(done)
        self._in_doubt = None
        if done:
            self._observer.committed([entry for entry in entries if source_of(entry) in done], 0.0)

    def _rewind(self) -> None:
        """Every partition and not only those in the transaction: a batch in hand may be of yet another one."""
        progress = self._progress
        if progress.positions:
            self._upstream.seek(progress.read_positions())
            self._upstream.resume([source for source in progress.positions if source.topic not in progress.halted])


def can_heal(fault: WorldFault) -> bool:
    """Whether trying again may help; a person must decide about all else."""
    if isinstance(fault, Fenced):
        return False
    return fault.retriable or isinstance(fault, AbortRequired | ConnectionLost)


def source_of(entry: LedgerEntry) -> TopicPartition:
    """The source partition that an entry is about."""
    return TopicPartition(entry.topic, entry.partition)
