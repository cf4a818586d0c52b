"""Move the committed positions of a group that stands still, with a backup that undoes it.

The backup is on the disk before Kafka is asked. A gate's group is never moved: its positions belong to its ledger, and
its own commands move them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from watermaster.runtime.configuration import GROUP_PREFIX
from watermaster.runtime.observed import ObservedPosition
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, UsageFault


class Anchor(Enum):
    """Where positions may go beside a moment or an offset."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Moment:
    """The first record that is not older, in milliseconds since the epoch."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Offset:
    """The same number on each partition."""

    offset: int


Target = Anchor | Moment | Offset


@dataclass(frozen=True, slots=True)
class Move:
    """One position; `before` is None where the group had none."""

    source: TopicPartition
    before: ObservedPosition | None
    after: ObservedPosition

    @property
    def skipped(self) -> int:
        """Records that the group will not read, at most; 0 where it had no position, for nobody knows its start."""
        return 0 if self.before is None else max(0, self.after.offset - self.before.offset)

    @property
    def again(self) -> int:
        """Records that it will read a second time, at most."""
        return 0 if self.before is None else max(0, self.before.offset - self.after.offset)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a reset changed, to undo it."""

    cluster_id: str
    group_id: str
    moves: tuple[Move, ...]
    taken_ms: int


@dataclass(frozen=True, slots=True)
class GroupPositions:
    """How many members a group has, and its committed positions."""

    members: int
    positions: Mapping[TopicPartition, ObservedPosition]


class PositionAdmin(Protocol):
    """Looks at and moves the positions of groups. Everything raises a fault if Kafka refuses."""

    def group(self, group_id: str) -> GroupPositions:
        """The group now; one that nobody has used has no positions."""
        ...

    def offsets(self, topics: Sequence[str], target: Target) -> Mapping[TopicPartition, int]:
        """Where `target` lies on each partition of the topics, within the log."""
        ...

    def move(self, group_id: str, moves: Sequence[Move]) -> Fault | None:
        """Commit the new positions in the group's name."""
        ...


def plan_reset(admin: PositionAdmin, group_id: str, topics: Sequence[str], target: Target) -> tuple[Move, ...]:
    """The positions that change; for no topic named, on all topics that the group has a position on.

    Raises UsageFault WM-RESET-GATE, WM-RESET-ACTIVE or WM-RESET-NOTHING.
    """
    group = _standing_still(admin, group_id)
    wanted = sorted(set(topics) or {source.topic for source in group.positions})
    if not wanted:
        raise UsageFault(
            "WM-RESET-NOTHING", f"The group {group_id} has no position.", hint="Name topics to give it one: --topic."
        )
    moves = [
        Move(source, group.positions.get(source), ObservedPosition(offset))
        for source, offset in sorted(admin.offsets(wanted, target).items())
    ]
    return tuple(move for move in moves if move.before is None or move.before.offset != move.after.offset)


def plan_undo(admin: PositionAdmin, backup: Backup, cluster_id: str) -> tuple[Move, ...]:
    """The moves that lead back. Where the group had no position before, it keeps the one that it has now.

    Raises UsageFault WM-RESET-CLUSTER for a backup of another cluster, WM-RESET-MOVED if the group has moved on since.
    """
    if backup.cluster_id != cluster_id:
        raise UsageFault(
            "WM-RESET-CLUSTER", "The backup was taken on another cluster.", hint="Choose its cluster with --cluster."
        )
    now = _standing_still(admin, backup.group_id).positions
    moves = []
    for move in backup.moves:
        current = now.get(move.source)
        if current is None or move.before is None or current.offset == move.before.offset:
            continue
        if current.offset != move.after.offset:
            raise UsageFault(
                "WM-RESET-MOVED",
                f"The group {backup.group_id} has moved on {move.source} since the reset.",
                hint="Move it with a new reset, to an offset or a moment of your choice.",
            )
        moves.append(Move(move.source, current, move.before))
    return tuple(moves)


def reset(
    admin: PositionAdmin,
    group_id: str,
    moves: Sequence[Move],
    cluster_id: str,
    keep: Callable[[Backup], None],
    now_ms: int,
) -> Fault | None:
    """Keep the backup, then move; a crash between leaves a backup of a move that was not made, and undoes nothing."""
    keep(Backup(cluster_id, group_id, tuple(moves), now_ms))
    return admin.move(group_id, moves)


def _standing_still(admin: PositionAdmin, group_id: str) -> GroupPositions:
    if group_id.startswith(GROUP_PREFIX):
        raise UsageFault(
            "WM-RESET-GATE",
            f"{group_id} is the group of a gate, whose positions belong to its ledger.",
            hint="`watermaster gate resume` moves a gate.",
        )
    group = admin.group(group_id)
    if group.members:
        raise UsageFault(
            "WM-RESET-ACTIVE",
            f"The group {group_id} has {group.members} members, which would go on from where they are.",
            hint="Stop its consumers first.",
        )
    return group
