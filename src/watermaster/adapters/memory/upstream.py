"""A group member in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.columns import as_batch
from watermaster.adapters.memory.group import Generation, Member
from watermaster.runtime.ports import AssignmentListener, CommittedPosition, ReadResult, Trouble, TroubleKind
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


class MemoryUpstream:
    """Implements `runtime.ports.Upstream`. `lose()` takes its membership away, as a long silence does."""

    def __init__(self, cluster: MemoryCluster, group: str) -> None:
        self._cluster = cluster
        self._group = cluster.group(group)
        self._topics: tuple[str, ...] = ()
        self._listener: AssignmentListener | None = None
        self._member: Member | None = None
        self._generation = Generation(group, 0, 0)
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._stuck: set[TopicPartition] = set()
        """Out of range: told once, then nothing is read before the next seek."""
        self._at_end: set[TopicPartition] = set()
        self._turn = 0

    def subscribe(self, topics: Sequence[str], listener: AssignmentListener) -> None:
        """Join the group."""
        self._topics, self._listener = tuple(topics), listener
        self._member = self._group.join(topics)

    def lose(self) -> None:
        """The group throws this member out; it finds out at its next read."""
        if self._member is not None:
            self._group.leave(self._member)

    def read(self, records_max: int, timeout_s: float) -> ReadResult:
        """Take part in the group, then read; waits (on the cluster's clock) if there is nothing."""
        with self._cluster.faults.call("upstream.read"):
            self._take_part()
            result = self._fetch(records_max)
            if not result.batches and not result.troubles:
                self._cluster.clock.sleep(timeout_s)
            return result

    def generation(self) -> object:
        """That of the assignment in hand, even if the group has moved on."""
        return self._generation

    def committed(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, CommittedPosition | None]:
        """Committed positions."""
        with self._cluster.faults.call("upstream.committed"):
            return {source: self._group.offsets.get(source) for source in partitions}

    def epochs_before(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Those of the logs: an epoch begins with each truncation."""
        with self._cluster.faults.call("upstream.epochs_before"):
            return {source: self._cluster.log(source).epoch_at(offset - 1) for source, offset in positions.items()}

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and last stable offset."""
        with self._cluster.faults.call("upstream.bounds"):
            log = self._cluster.log(source)
            return log.start, log.stable_end

    def behind(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Offsets up to the end; 0 where the end was reached."""
        known = {source: offset for source, offset in positions.items() if source.topic in self._cluster.topics}
        return {
            source: 0 if source in self._at_end else max(0, self._cluster.log(source).end - offset)
            for source, offset in known.items()
        }

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read next from here."""
        with self._cluster.faults.call("upstream.seek"):
            for source, offset in positions.items():
                assert source in self._positions, f"{source} is not assigned"  # noqa: S101 - the client refuses it too
                self._positions[source] = offset
                self._stuck.discard(source)
                self._at_end.discard(source)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch no more from these."""
        with self._cluster.faults.call("upstream.pause"):
            self._paused.update(partitions)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these again."""
        with self._cluster.faults.call("upstream.resume"):
            self._paused.difference_update(partitions)

    def close(self) -> None:
        """Leave the group."""
        if self._member is not None and self._listener is not None:
            if self._positions:
                self._listener.on_revoke(list(self._positions))
            self._group.leave(self._member)
            self._forget()
            self._member = None

    # --- the group ----------------------------------------------------------------------------------------------

    def _take_part(self) -> None:
        member, listener = self._member, self._listener
        if member is None or listener is None:
            return
        if member.number not in self._group.members:
            lost = list(self._positions)
            self._forget()
            self._member = self._group.join(self._topics)
            listener.on_lost(lost)
        elif self._group.is_rebalancing:
            if not member.waiting:
                held = list(self._positions)
                try:
                    listener.on_revoke(held)
                finally:
                    self._forget()
                    self._group.give_back(member)
            else:
                self._group.give_back(member)
        if not self._group.is_rebalancing and member.joined != self._group.generation:
            self._take_assignment(member, listener)

    def _take_assignment(self, member: Member, listener: AssignmentListener) -> None:
        """If the listener raises, nothing is read and it is asked again by the next read."""
        member.waiting = False
        self._generation = Generation(self._group.name, member.number, self._group.generation)
        starts = listener.on_assign(self._group.assignment(member))
        self._positions = dict(starts)
        member.joined = self._group.generation

    def _forget(self) -> None:
        self._positions.clear()
        self._paused.clear()
        self._stuck.clear()
        self._at_end.clear()

    # --- fetching -----------------------------------------------------------------------------------------------

    def _fetch(self, records_max: int) -> ReadResult:
        sources = sorted(self._positions)
        self._turn += 1
        batches: list[RecordBatch] = []
        troubles: list[Trouble] = []
        ends: dict[TopicPartition, int] = {}
        room = records_max
        for source in sources[self._turn % len(sources) :] + sources[: self._turn % len(sources)] if sources else []:
            if source in self._paused or source in self._stuck or room <= 0:
                continue
            kind = self._trouble(source)
            if kind is not None:
                self._stuck.add(source)
                fault = WorldFault("WM-MEMORY-READ", f"{source}: {kind.value}", hint="-", retriable=True)
                troubles.append(Trouble(kind, source, fault))
                continue
            log = self._cluster.log(source)
            found = list(islice(log.committed(self._positions[source]), room))
            if found:
                batches.append(as_batch(source, found))
                self._positions[source] = found[-1][0] + 1
                self._at_end.discard(source)
                room -= len(found)
            elif source not in self._at_end:
                self._at_end.add(source)
                self._positions[source] = ends[source] = log.stable_end
        return ReadResult(batches, troubles, ends)

    def _trouble(self, source: TopicPartition) -> TroubleKind | None:
        topic = self._cluster.topics.get(source.topic)
        if topic is None:
            return TroubleKind.UNKNOWN
        log = topic.partitions[source.partition]
        in_range = log.start <= self._positions[source] <= log.end
        return None if in_range else TroubleKind.OUT_OF_RANGE
