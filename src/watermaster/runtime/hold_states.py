"""What became of held records: the holds topic of a gate, read partition by partition.

A writer of states first takes the transactional id of its quarantine partition, which ends whatever an earlier writer
left open, and only then reads: up to the *high watermark* and not to the last stable offset. Another quarantine
partition may share the holds partition and keep a transaction open there, and what stands behind that would be unseen.

Invariant: nobody writes a state without having read all states of that quarantine partition since it took the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.hold_record import Account, decode_hold
from watermaster.quarantine.lifecycle import NEW_HOLD, Hold
from watermaster.runtime.audit import LogBounds, Scanned, TopicState
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

STABLE_PATIENCE_S: Final = 120.0
"""How long another's open transaction is waited for: longer than the broker lets it stay open."""

STABLE_PAUSE_S: Final = 0.05


class HoldReader(Protocol):
    """Reads a cluster without joining a group or writing anything; read_committed throughout."""

    def cluster_id(self) -> str:
        """The id of the cluster."""
        ...

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        """The topics that exist among `names`."""
        ...

    def bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, LogBounds]:
        """Log starts and last stable offsets."""
        ...

    def high_watermarks(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where the logs end, open transactions included."""
        ...

    def scan(self, partition: TopicPartition, start: int, end: int) -> Iterator[Scanned]:
        """Read `[start, end)` in order; ends early where an open transaction or the log's end is."""
        ...

    def close(self) -> None:
        """Release the connections."""
        ...


class HoldStates:
    """The states of one holds partition, by key. Kept as the bytes that were read: most are never looked at."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._values)

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Fold one record of the topic in; a tombstone makes the hold new again."""
        if key is None:
            return
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def find(self, key: HoldKey) -> Hold:
        """The state of a hold; a new one if nothing is written of it."""
        return self.find_written(key.encode())

    def find_written(self, key: bytes) -> Hold:
        """The same by the key as it is written."""
        return read_hold(self._values.get(key))

    def values(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is written of each hold, None for nothing; to be read by `read_hold`."""
        return list(map(self._values.get, keys))

    def take_alike(self, keys: Sequence[bytes], value: bytes) -> None:
        """Fold in one record for each key, all with the same value."""
        self._values.update(dict.fromkeys(keys, value))

    def written(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Records whose keys begin so: requests stand in the same topic."""
        return ((key, value) for key, value in self._values.items() if key.startswith(prefix))

    def items(self) -> Iterator[tuple[bytes, Hold, Account]]:
        """Every hold of which something is written, with its account."""
        for key, value in self._values.items():
            read = decode_hold(value)
            if read is not None:
                yield key, *read


def read_hold(value: bytes | None) -> Hold:
    """The state that is written so; a new one if nothing is, or nothing that this version reads."""
    read = decode_hold(value) if value is not None else None
    return NEW_HOLD if read is None else read[0]


def read_states(
    reader: HoldReader, where: TopicPartition, sleep: Callable[[float], object], into: HoldStates | None = None
) -> HoldStates:
    """Everything up to the high watermark as it is now.

    Raises WorldFault WM-HOLDS-UNSTABLE if a transaction stays open there for longer than a broker allows.
    """
    states = into if into is not None else HoldStates()
    end = reader.high_watermarks([where])[where]
    at, waited_s = 0, 0.0
    while at < end:
        before = at
        for step in reader.scan(where, at, end):
            for key, value in zip(step.batch.keys, step.batch.values, strict=True):
                states.take(key, value)
            at = step.next
        if at >= end:
            break
        if at == before and waited_s > STABLE_PATIENCE_S:
            raise unstable_states(where, at, waited_s)
        sleep(STABLE_PAUSE_S)
        waited_s = 0.0 if at > before else waited_s + STABLE_PAUSE_S
    return states


def unstable_states(where: TopicPartition, at: int, waited_s: float) -> WorldFault:
    """A transaction stays open longer than a broker allows."""
    return WorldFault(
        "WM-HOLDS-UNSTABLE",
        f"{where}: an open transaction has hidden what stands behind offset {at} for {waited_s:.0f} s",
        hint="Look for a hanging transaction: `kafka-transactions.sh find-hanging`.",
        retriable=True,
    )
