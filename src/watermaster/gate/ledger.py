"""The ledger: what was decided, one entry per source partition in each transaction.

An entry stands in the same transaction as the outputs and the source offsets that it speaks of, so it is true or it
is not there. Entries of one source partition tile its offsets: each `to` is the next `from`.

Wire form: JSON, key `<landing topic>/<partition>`, written to the ledger partition of the source partition's number
modulo the ledger's partitions. A record whose key starts with `suspect/` is no entry but a note of the supervisor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from watermaster.stream.coordinates import TopicPartition

LEDGER_VERSION = 1


class Gap(msgspec.Struct, frozen=True):
    """Offsets `[from_, to)` that nobody read, and why. `lost_max` bounds the records lost (markers leave holes)."""

    from_: int = msgspec.field(name="from")
    to: int
    cause: str
    lost_max: int


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction did with `[from_, to)` of one source partition.

    `read == passed + held + dropped`; what `to - from_` exceeds `read` and the gaps by are transaction markers and
    compacted offsets. `now_ms` is the `now` that rules saw. `dropped_offsets` are inclusive ranges.
    """

    gate: str
    cluster: str
    topic: str
    topic_id: str
    partition: int
    from_: int = msgspec.field(name="from")
    to: int
    activation: int
    contract: str
    now_ms: int
    read: int = msgspec.field(name="in")
    passed: int
    held: int
    dropped: int
    dropped_offsets: list[tuple[int, int]] = []
    gaps: list[Gap] = []
    rules: dict[str, int] = {}
    warnings: dict[str, int] = {}
    v: int = LEDGER_VERSION


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LedgerEntry)


def ledger_key(source: TopicPartition) -> bytes:
    """The key of a source partition's entries."""
    return f"{source.topic}/{source.partition}".encode()


def encode_entry(entry: LedgerEntry) -> bytes:
    """The value of a ledger record."""
    return _encoder.encode(entry)


def decode_entry(value: bytes) -> LedgerEntry | None:
    """Read a ledger record's value; None if it is of another kind or version."""
    try:
        entry = _decoder.decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
    return entry if entry.v == LEDGER_VERSION else None


def as_ranges(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """Increasing offsets as inclusive ranges: `[3, 4, 5, 9]` -> `[(3, 5), (9, 9)]`."""
    ranges: list[tuple[int, int]] = []
    for offset in offsets:
        if ranges and ranges[-1][1] == offset - 1:
            ranges[-1] = (ranges[-1][0], offset)
        else:
            ranges.append((offset, offset))
    return ranges


def add_counts(totals: dict[str, int], more: Mapping[str, int]) -> None:
    """Add `more` to `totals`, in place."""
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count


@dataclass(slots=True)
class PartitionTally:
    """The growing entry of one source partition in the open transaction."""

    source: TopicPartition
    start: int
    """The position before the transaction; never the first record's offset, so that holes are inside a range."""
    next: int
    leader_epoch: int = -1
    """Of the last record; not in the entry, it goes with the committed offset."""
    read: int = 0
    held: int = 0
    dropped: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)

    def entry(
        self, *, gate: str, cluster: str, topic_id: str, activation: int, contract: str, now_ms: int
    ) -> LedgerEntry:
        """The finished entry."""
        dropped = len(self.dropped)
        return LedgerEntry(
            gate=gate,
            cluster=cluster,
            topic=self.source.topic,
            topic_id=topic_id,
            partition=self.source.partition,
            from_=self.start,
            to=self.next,
            activation=activation,
            contract=contract,
            now_ms=now_ms,
            read=self.read,
            passed=self.read - self.held - dropped,
            held=self.held,
            dropped=dropped,
            dropped_offsets=as_ranges(self.dropped),
            gaps=self.gaps,
            rules=self.rules,
            warnings=self.warnings,
        )
