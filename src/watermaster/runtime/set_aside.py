"""Partitions whose next records nobody can read just now: each is asked again after a while, and the others go on.

A client reads on behind a batch that it cannot decode, and says so once. Whoever followed it would skip records without
a word, so such a partition is paused at its position.
"""

from __future__ import annotations

from collections.abc import Sequence

from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault

RETRY_S = 10.0
"""Another replica may have become the leader, or the log may begin behind the damage by now."""


class SetAside:
    """The partitions that wait, with the time to ask again, and those of which something bad was last said."""

    def __init__(self) -> None:
        self._due_s: dict[TopicPartition, float] = {}
        self._told: set[TopicPartition] = set()

    def __contains__(self, source: object) -> bool:
        return source in self._due_s

    def add(self, source: TopicPartition, now_s: float) -> None:
        """Let it wait."""
        self._due_s[source] = now_s + RETRY_S
        self._told.add(source)

    def take_due(self, now_s: float) -> list[TopicPartition]:
        """Those to be asked again; they wait no longer."""
        due = [source for source, due_s in self._due_s.items() if now_s >= due_s]
        for source in due:
            del self._due_s[source]
        return due

    def reads_again(self, source: TopicPartition) -> bool:
        """A record came: whether that is news."""
        if source not in self._told:
            return False
        self._told.discard(source)
        return True

    def forget(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        """They are no longer ours; returns those of which something bad was last said."""
        for source in partitions:
            self._due_s.pop(source, None)
        return [source for source in partitions if self.reads_again(source)]


def unreadable(source: TopicPartition, position: int, cause: Fault) -> WorldFault:
    """What stands at our position in the log is damaged."""
    return WorldFault(
        "WM-READ-UNREADABLE",
        f"{source}: a batch at or behind offset {position} cannot be read: {cause.message}",
        hint="Nothing is passed over. Let a replica that is whole lead the partition (`kafka-leader-election`); if "
        "there is none, delete that batch with `kafka-delete-records`: the ledger will name the gap.",
        retriable=True,
    )
