"""Measures how long the streams of gates take: reads the newest ledger records, and the first record of each range."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from watermaster.gate.ledger import LedgerEntry, decode_entry
from watermaster.monitor.carriage import Carried, bucket_of
from watermaster.monitor.freshness import is_appended
from watermaster.monitor.log import FirstUnread, Probe
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.observed import ObservedPartition, ObservedTopic, TopicSample, Unseen
from watermaster.runtime.survey import Place
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

PER_PARTITION_MAX: Final = 5
"""Transactions of one partition in one sample: each costs a read of its own."""

LATELY_MS: Final = 600_000
"""What is told as it is now: ten samples."""

Sample: TypeAlias = Callable[[str, Sequence[ObservedTopic]], Mapping[str, TopicSample]]
"""Newest records of topics of a cluster. Raises a fault if nobody answers."""
ProbeAt: TypeAlias = Callable[[str, Sequence[Place]], Mapping[Place, Probe | Unseen]]
"""The first record at or behind places of a cluster. Raises a fault if no client can be made."""


@dataclass(slots=True)
class _Stream:
    gate: str
    appended: bool | None = None
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    """When it was measured, and how long it took."""
    worst_ms: int | None = None
    """Since somebody asked."""


class Carriage:
    """One for all clusters. Raises nothing: what could not be measured is in `unseen`, by cluster and gate."""

    def __init__(self, configuration: Configuration, sample: Sample, probe: ProbeAt) -> None:
        self._sample, self._probe = sample, probe
        self._gates: dict[str, list[GateConfiguration]] = {}
        for gate in configuration.gates.values():
            self._gates.setdefault(gate.cluster, []).append(gate)
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._read_to: dict[tuple[str, TopicPartition], int] = {}
        self.unseen: dict[str, str] = {}

    def measure(self, look: ClusterLook, now_ms: int) -> Mapping[str, Sequence[int]]:
        """Waits in milliseconds by landing topic, of transactions since the call before; none at the first one."""
        if look.report is None:
            return {}
        found: dict[str, list[int]] = {}
        for gate in self._gates.get(look.name, ()):
            key = f"{look.name}/{gate.name}"
            try:
                for topic, wait_ms in self._gate(look, gate, now_ms):
                    found.setdefault(topic, []).append(wait_ms)
                self.unseen.pop(key, None)
            except Fault as fault:
                self.unseen[key] = f"the latency of {gate.name}: {fault.message}"
        return found

    def lately(self, now_ms: int) -> tuple[Carried, ...]:
        """Every stream of which something was measured in the last minutes; of one that cannot be seen, nothing is."""
        for stream in self._streams.values():
            while stream.recent and now_ms - stream.recent[0][0] > LATELY_MS:
                stream.recent.popleft()
        return tuple(
            Carried(cluster, stream.gate, topic, stream.appended, _counted(wait_ms for _, wait_ms in stream.recent))
            for (cluster, topic), stream in self._streams.items()
            if stream.recent
        )

    def take_worst(self, cluster: str, topic: str) -> int | None:
        """The longest wait since the call before, where the broker's clock says both; None: nothing was measured."""
        stream = self._streams.get((cluster, topic))
        if stream is None:
            return None
        worst_ms, stream.worst_ms = stream.worst_ms, None
        return worst_ms if stream.appended else None

    def _gate(self, look: ClusterLook, gate: GateConfiguration, now_ms: int) -> Iterator[tuple[str, int]]:
        ledger = self._new_ledger(look, gate)
        samples = self._sample(look.name, [ledger]) if ledger.records else {}
        sample = samples.get(gate.ledger, TopicSample(gate.ledger))
        begins = {part.partition: part.start or 0 for part in ledger.partitions}
        committed = {
            Place(TopicPartition(entry.topic, entry.partition), entry.from_): (record.timestamp_ms, entry)
            for record in sample.records
            if record.offset >= begins[record.partition]
            and (entry := decode_entry(record.value or b"")) is not None
            and entry.gate == gate.name
            and entry.topic in gate.landings
            and entry.read
        }
        seen = self._probe(look.name, places) if (places := _spread(committed)) else {}
        survey = look.report.survey if look.report else None
        for topic in gate.landings:
            stream = self._streams.setdefault((look.name, topic), _Stream(gate.name))
            stream.appended = is_appended(survey.settings.get(topic)) if survey else None
        for place, probe in seen.items():
            wait_ms = _wait_ms(committed[place], probe)
            if wait_ms is not None:
                stream = self._streams[look.name, place.source.topic]
                stream.recent.append((now_ms, wait_ms))
                stream.worst_ms = max(wait_ms, stream.worst_ms or 0)
                yield place.source.topic, wait_ms

    def _new_ledger(self, look: ClusterLook, gate: GateConfiguration) -> ObservedTopic:
        """What has come to the ledger since the last time; nothing at the first one, for it may be of any day."""
        logs = look.report.survey.logs if look.report else {}
        parts = []
        for source, log in sorted(logs.items()):
            if source.topic == gate.ledger:
                key = (look.name, source)
                # A ledger that was created anew ends below what was read of the old one.
                start = max(log.start, min(self._read_to.get(key, log.stable), log.stable))
                parts.append(ObservedPartition(source.partition, 0, 1, 1, start=start, end=log.stable))
                self._read_to[key] = log.stable
        return ObservedTopic(gate.ledger, partitions=tuple(parts))


def _spread(committed: Mapping[Place, object]) -> list[Place]:
    """The newest ranges of each partition."""
    found: dict[TopicPartition, list[Place]] = {}
    for place in sorted(committed, key=lambda place: -place.offset):
        chosen = found.setdefault(place.source, [])
        if len(chosen) < PER_PARTITION_MAX:
            chosen.append(place)
    return [place for chosen in found.values() for place in chosen]


def _wait_ms(committed: tuple[int, LedgerEntry], seen: Probe | Unseen) -> int | None:
    """None where the first record of the range is gone, or has no time."""
    committed_ms, entry = committed
    match seen:
        case FirstUnread(offset, timestamp_ms) if offset < entry.to and timestamp_ms >= 0 and committed_ms >= 0:
            return max(0, committed_ms - timestamp_ms)
        case _:
            return None


def _counted(waits: Iterator[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for wait_ms in waits:
        found[bucket_of(wait_ms)] = found.get(bucket_of(wait_ms), 0) + 1
    return found
