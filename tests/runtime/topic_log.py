"""A topic in memory that can have holes, move its start, grow, and refuse; implements `ports.TopicReader`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watermaster.runtime.ports import ReadResult, Trouble, TroubleKind
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

BATCH = 3


class TopicLog:
    """Partitions as {offset: value}; `ends` may lie beyond the last record (transaction markers)."""

    def __init__(self, topic: str, *partitions: Mapping[int, bytes | None], ends: Sequence[int] = ()) -> None:
        self.logs = {TopicPartition(topic, number): dict(records) for number, records in enumerate(partitions)}
        self.ends = dict(zip(self.logs, ends, strict=False))
        self.starts: dict[TopicPartition, int] = {}
        self.troubles: list[Trouble] = []
        self.silent: set[TopicPartition] = set()
        self.timestamps: dict[int, int] = {}
        self.begun: list[dict[TopicPartition, int]] = []
        self._positions: dict[TopicPartition, int] = {}
        self._told: set[TopicPartition] = set()

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        return [source for source in self.logs if source.topic == topic]

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        end = self.ends.get(source, max(self.logs[source], default=-1) + 1)
        return self.starts.get(source, 0), end

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        self._positions = dict(positions)
        self._told.clear()
        self.begun.append(dict(positions))

    def read(self, timeout_s: float) -> ReadResult:
        if self.troubles:
            return ReadResult([], [self.troubles.pop(0)])
        for source in self._positions:
            result = None if source in self.silent else self._read_one(source)
            if result is not None:
                return result
        return ReadResult([])

    def _read_one(self, source: TopicPartition) -> ReadResult | None:
        position, (low, high) = self._positions[source], self.bounds(source)
        if position < low:
            return ReadResult([], [trouble(TroubleKind.OUT_OF_RANGE, source)])
        offsets = sorted(offset for offset in self.logs[source] if offset >= position)[:BATCH]
        if not offsets:
            if source in self._told:
                return None
            self._told.add(source)
            return ReadResult([], (), {source: high})
        self._positions[source] = offsets[-1] + 1
        batch = RecordBatch(source)
        for offset in offsets:
            batch.offsets.append(offset)
            batch.timestamps_ms.append(self.timestamps.get(offset, 1_700_000_000_000))
            batch.keys.append(None)
            batch.values.append(self.logs[source][offset])
            batch.headers.append(None)
            batch.bytes += len(self.logs[source][offset] or b"")
        return ReadResult([batch])

    def close(self) -> None:
        return


def trouble(kind: TroubleKind, source: TopicPartition | None) -> Trouble:
    return Trouble(kind, source, WorldFault(f"WM-TEST-{kind.name}", f"it is {kind.value}", hint="None."))


class StepClock:
    """A clock that moves by `step_s` each time it is asked."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.time_s = 0.0
        self._step_s = step_s

    def now_ms(self) -> int:
        return 1_700_000_000_000

    def monotonic_s(self) -> float:
        self.time_s += self._step_s
        return self.time_s
