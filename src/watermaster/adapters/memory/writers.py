"""The writing ports in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.faults import abort_required
from watermaster.adapters.memory.group import Generation
from watermaster.adapters.memory.log import StoredRecord
from watermaster.runtime.ports import AbortRequired, CommittedPosition, Output, Stamp
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition


class MemoryDownstream:
    """Implements `runtime.ports.Downstream`.

    A record that the broker refuses is found out about at once if `tells_at_once`, else when the transaction ends, as
    deliveries are reported late.
    """

    def __init__(self, cluster: MemoryCluster, transactional_id: str, *, tells_at_once: bool = False) -> None:
        self._cluster = cluster
        self._id = transactional_id
        self._epoch = 0
        self._tells_at_once = tells_at_once
        self._failed: AbortRequired | None = None
        self._closed = False

    def open(self) -> None:
        """Take the transactional id."""
        with self._cluster.faults.call("downstream.open"):
            self._epoch = self._cluster.take_id(self._id)

    def begin(self) -> None:
        """Start a transaction."""
        with self._call("begin"):
            self._failed = None
            self._cluster.begin(self._id, self._epoch)

    def forward(self, target: str, batch: RecordBatch, withheld: Collection[int], stamp: Stamp) -> None:
        """Byte for byte, same partition, the reserved header replaced."""
        with self._call("forward"):
            for index, offset in enumerate(batch.offsets):
                if index in withheld:
                    continue
                headers = [header for header in batch.headers[index] or [] if header[0] != RESERVED_HEADER]
                headers.append((RESERVED_HEADER, b"%b%d%b" % (stamp.head, offset, stamp.tail)))
                key, value, at_ms = batch.keys[index], batch.values[index], batch.timestamps_ms[index]
                self._write(Output(target, batch.source.partition, key, value, at_ms, headers))

    def write(self, outputs: Sequence[Output]) -> None:
        """Write single records."""
        with self._call("write"):
            for output in outputs:
                self._write(output)

    def write_alike(self, target: TopicPartition, keys: Sequence[bytes], value: bytes) -> None:
        """Write a record for each key."""
        with self._call("write_alike"):
            for key in keys:
                self._write(Output(target.topic, target.partition, key, value, None, []))

    def commit(self, positions: Mapping[TopicPartition, CommittedPosition], generation: object) -> None:
        """Outputs and offsets become visible together."""
        assert generation is None or isinstance(generation, Generation)  # noqa: S101 - it comes from MemoryUpstream
        with self._call("commit"):
            if self._failed is not None:
                raise self._failed
            self._cluster.commit(self._id, self._epoch, positions, generation)

    def abort(self) -> None:
        """Undo the open transaction."""
        with self._call("abort"):
            self._cluster.abort(self._id, self._epoch)

    def close(self) -> None:
        """Let go; what is open stays open until the next owner comes."""
        self._closed = True

    def _call(self, name: str) -> AbstractContextManager[None]:
        assert not self._closed, "used after close()"  # noqa: S101 - the real one has no client any more
        return self._cluster.faults.call(f"downstream.{name}")

    def _write(self, output: Output) -> None:
        if self._failed is not None:
            return
        # Like the client: no timestamp and timestamp 0 both become the current time.
        at_ms = output.timestamp_ms or self._cluster.clock.now_ms()
        record = StoredRecord(output.key, output.value, at_ms, list(output.headers))
        try:
            self._cluster.write(self._id, self._epoch, TopicPartition(output.topic, output.partition), record)
        except AbortRequired as fault:
            if self._tells_at_once:
                raise
            self._failed = abort_required(record_at_fault=fault.record_at_fault)


class MemoryNoteWriter:
    """Implements `runtime.ports.NoteWriter`."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster

    def write(self, notes: Sequence[Output]) -> None:
        """Write all."""
        with self._cluster.faults.call("notes.write"):
            for note in notes:
                self._cluster.produce(note.topic, note.partition, key=note.key, value=note.value)
