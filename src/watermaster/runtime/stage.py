"""The deciding half of a transfer, and the values that pass between it and the loop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watermaster.gate.ledger import Gap, LedgerEntry, PartitionTally
from watermaster.runtime.ports import CommittedPosition, Output, Stamp
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault


@dataclass(slots=True)
class Decisions:
    """What a stage wants done with one batch. Indices are into the batch; all not `withheld` go to `target`."""

    target: str
    stamp: Stamp
    withheld: set[int] = field(default_factory=set)
    outputs: list[Output] = field(default_factory=list)
    held: int = 0
    dropped: list[int] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    halt: Fault | None = None
    """The batch must not be committed and its topic must be paused (the breaker)."""


class Stage(Protocol):
    """The deciding half of a transfer. `decide` is a function of the batch, the activation and `now_ms`."""

    @property
    def topics(self) -> Sequence[str]:
        """The source topics."""
        ...

    def begin_positions(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, StartPosition]:
        """Where to begin each newly assigned partition; raises a fault rather than skip or repeat a record."""
        ...

    def decide(self, batch: RecordBatch, now_ms: int) -> Decisions:
        """Judge one batch."""
        ...

    def entry(self, tally: PartitionTally, now_ms: int) -> LedgerEntry:
        """The ledger entry of one source partition in this transaction."""
        ...

    def ledger_output(self, entry: LedgerEntry) -> tuple[str, int]:
        """Ledger topic and partition of an entry."""
        ...

    def position(self, source: TopicPartition, offset: int, leader_epoch: int) -> CommittedPosition:
        """An offset with the metadata to commit beside it; the epoch is that of the record before it."""
        ...

    def refresh(self) -> Collection[str]:
        """Between transactions: look for what changed. Returns paused topics that may go on."""
        ...

    def rolled_back(self) -> None:
        """The transaction was aborted: forget what its batches taught."""
        ...

    def refuse(self, source: TopicPartition, offset: int, fault: Fault) -> None:
        """This record alone cannot be written as it is: hold it by reference the next time."""
        ...


@dataclass(frozen=True, slots=True)
class StartPosition:
    """Where to begin a partition, with the gap that lies before it, if any."""

    offset: int
    gap: Gap | None = None
    is_first: bool = False
    """Nothing is committed here yet: the position is, even if no record comes, so that nobody finds another one."""


class TransferObserver(Protocol):
    """Told what happens, for metrics and logs. Must return at once and never raise."""

    def committed(self, entries: Sequence[LedgerEntry], seconds: float) -> None:
        """A transaction is in."""
        ...

    def aborted(self, fault: Fault) -> None:
        """A transaction was aborted; its records will be read again."""
        ...

    def condition(self, name: str, fault: Fault | None) -> None:
        """A lasting condition begins (with its fault) or ends (None). `name` is a stable word for metrics."""
        ...

    def gap(self, source: TopicPartition, gap: Gap) -> None:
        """Offsets were passed over that nobody can read any more."""
        ...

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions that we hold now."""
        ...

    def behind(self, records: Mapping[TopicPartition, int]) -> None:
        """Records not yet moved, by source partition."""
        ...


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """Bounds of one transaction: it is committed at the first that is reached."""

    commit_interval_s: float = 0.1
    records_max: int = 10_000
    bytes_max: int = 32 * 1024 * 1024
    timeout_s: float = 15.0
    """The broker's bound; what runs longer is aborted there."""


_MOVE_ON = (
    "Compare with `gate verify`, then move the group's offset with `kafka-consumer-groups --reset-offsets` and start "
    "with `--accept-position`."
)


def truncated(source: TopicPartition, position: int, end: int) -> WorldFault:
    """The log ends before our position: an unclean election or a restored disk cut records off."""
    return WorldFault(
        "WM-READ-TRUNCATED",
        f"{source}: records before our position {position} were cut off; the log ends at {end} now",
        hint="Offsets will be used a second time for other records. " + _MOVE_ON,
    )


def rewritten(source: TopicPartition, position: int) -> WorldFault:
    """The log ended before our position for a time, and has grown past it again."""
    return WorldFault(
        "WM-READ-TRUNCATED",
        f"{source}: records before our position {position} were cut off, and others have their offsets now",
        hint="What stands before the position has not all been read. " + _MOVE_ON,
    )
