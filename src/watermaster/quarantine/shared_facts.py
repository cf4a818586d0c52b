"""The facts of a held record taken apart: what many records share, and the numbers that each has for itself.

A million records that fail alike share their reasons, their contract and where they come from; an index that keeps
those once stays small. `take_apart` and `put_together` are inverses. Nothing here is of the record's payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.envelope_facts import ReferenceFacts
from watermaster.quarantine.held import Facets, Failure, HeldRecord, Payload
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.letter import Dialect, Origin
from watermaster.stream.coordinates import TopicPartition

FORM: Final = 1
"""Of what is kept of a held record; an index that was made under another one is made anew."""
NUMBER_MAX: Final = 2**63 - 1
"""Databases have no larger integers; headers that others write may name any."""


class HeldNumbers(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What differs from record to record. Sizes in bytes, `landed_ms` as in `HeldRecord`."""

    partition: int
    offset: int
    """Both of the hold's key: of the source record, or of the place where that is not known."""
    ordinal: int
    attempt: int
    key_bytes: int
    value_bytes: int
    header_count: int
    landed_ms: int


class SharedFacts(msgspec.Struct, frozen=True, gc=False):
    """What many held records have in common; the names are those of `HeldRecord` and its parts.

    `origin_topic` and `reference` (the reason) are None where the record has none. `exact` is there only for a record
    whose numbers fit into no database.
    """

    stream: str
    dialect: Dialect
    cluster_id: str
    topic_id: str
    holder: str
    origin_topic: str | None
    contract: str | None
    activation: int | None
    broken: tuple[BrokenRule, ...]
    broken_more: int
    failure: Failure | None
    operational: bool
    payload: Payload
    reference: str | None
    facets: Facets
    source: str
    exact: HeldNumbers | None = None

    @property
    def may_stand_twice(self) -> bool:
        """Whether who writes such letters may write one of them again."""
        return self.dialect is not Dialect.GATE and self.origin_topic is not None


def take_apart(held: HeldRecord) -> tuple[SharedFacts, HeldNumbers]:
    """The shared facts and the numbers, which fit into signed 64 bits; the place is left to the caller."""
    key, origin, reference = held.key, held.origin, held.reference
    numbers = HeldNumbers(
        key.partition,
        key.offset,
        key.ordinal,
        held.attempt,
        held.key_bytes,
        held.value_bytes,
        held.header_count,
        held.landed_ms,
    )
    fits = _fits(numbers)
    shared = SharedFacts(
        stream=held.stream,
        dialect=held.dialect,
        cluster_id=key.cluster_id,
        topic_id=key.topic_id,
        holder=key.holder,
        origin_topic=None if origin is None else origin.topic,
        contract=held.contract,
        activation=held.activation,
        broken=held.broken,
        broken_more=held.broken_more,
        failure=held.failure,
        operational=held.operational,
        payload=held.payload,
        reference=None if reference is None else reference.reason,
        facets=held.facets,
        source=held.source,
        exact=None if fits else numbers,
    )
    return shared, numbers if fits else HeldNumbers(*map(within, msgspec.structs.astuple(numbers)))


def _fits(numbers: HeldNumbers) -> bool:
    values: Sequence[int] = msgspec.structs.astuple(numbers)
    return max(values) <= NUMBER_MAX and min(values) >= -NUMBER_MAX


def within(number: int) -> int:
    """The number, or the nearest one that a database can keep."""
    return max(-NUMBER_MAX, min(NUMBER_MAX, number))


def put_together(shared: SharedFacts, numbers: HeldNumbers, place: TopicPartition, place_offset: int) -> HeldRecord:
    """The record's facts as they were before they were taken apart."""
    n = shared.exact or numbers
    origin, reason = shared.origin_topic, shared.reference
    return HeldRecord(
        key=HoldKey(shared.cluster_id, shared.topic_id, n.partition, n.offset, n.ordinal, shared.holder),
        place=place,
        place_offset=place_offset,
        dialect=shared.dialect,
        origin=None if origin is None else Origin(origin, n.partition, n.offset),
        attempt=n.attempt,
        contract=shared.contract,
        activation=shared.activation,
        broken=shared.broken,
        broken_more=shared.broken_more,
        failure=shared.failure,
        operational=shared.operational,
        payload=shared.payload,
        reference=None
        if reason is None
        else ReferenceFacts(reason, n.key_bytes, n.value_bytes, n.landed_ms, n.header_count),
        key_bytes=n.key_bytes,
        value_bytes=n.value_bytes,
        header_count=n.header_count,
        landed_ms=n.landed_ms,
        facets=shared.facets,
        source=shared.source,
    )


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(SharedFacts).decode


def encode_shared(shared: SharedFacts) -> bytes:
    """As JSON in ASCII and UTF-8: equal facts are equal bytes."""
    return _encode(shared)


def decode_shared(text: str | bytes) -> SharedFacts:
    """The inverse of `encode_shared`."""
    return _decode(text)


def short_hash(data: bytes) -> int:
    """A signed 64-bit number for bytes: of ten million, two collide by a chance of one in 370,000."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)
