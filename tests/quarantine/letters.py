"""Quarantine records for tests: as our gate writes them, and as others write theirs."""

from __future__ import annotations

from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.quarantine.envelope import Envelope
from watermaster.quarantine.held import Adoption, HeldRecord, NotHeld, QuarantineRecord, read_held
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import Coordinates, TopicPartition

CLUSTER, LANDING, TOPIC_ID, GATE = "cluster-1", "orders.landing", "topic-id-1", "orders"
QUARANTINE = TopicPartition("dlq.orders.landing", 2)
ADOPTION = Adoption(CLUSTER, {LANDING: TOPIC_ID})
PRICE = BrokenRule("price-positive", "$.items[3].price", "range.minimum", "must be at least 0")
COLOUR = BrokenRule("colour-known", "$.colour", "enum", "must be one of the known colours")


def gate_letter(
    *broken: BrokenRule,
    offset: int = 42,
    original: RawHeaders | None = None,
    value: bytes | None = b'{"a":1}',
    operational: bool = False,
    at_ms: int = 1_700_000_000_000,
    attempt: int = 0,
) -> QuarantineRecord:
    """A record that our gate holds."""
    stamp = Coordinates(CLUSTER, TOPIC_ID, QUARANTINE.partition, offset, attempt, 0, 7).encode()
    verdict = Verdict(Outcome.HOLD, broken or (PRICE,), operational)
    envelope = Envelope(gate=GATE, topic=LANDING, partition=QUARANTINE.partition, contract="sha256:abc")
    headers = envelope.headers(original, verdict, offset, stamp)
    return QuarantineRecord(QUARANTINE, offset + 1000, at_ms, b"key", value, headers)


def foreign_letter(headers: RawHeaders, value: bytes | None = b"value", key: bytes | None = b"key") -> QuarantineRecord:
    """A record that somebody else holds."""
    return QuarantineRecord(QUARANTINE, 9, 1_700_000_000_000, key, value, headers)


def held(record: QuarantineRecord) -> HeldRecord:
    """Its facts; the test fails if it has none."""
    found = read_held(record, ADOPTION)
    assert not isinstance(found, NotHeld), found
    return found
