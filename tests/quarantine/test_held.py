"""Facts and originals of held records, ours and others'; hostile headers change nothing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from letters import ADOPTION, CLUSTER, LANDING, PRICE, QUARANTINE, TOPIC_ID, foreign_letter, gate_letter, held

from watermaster.gate.verdict import Outcome, Verdict
from watermaster.quarantine.envelope import ORIGINAL_HEADERS, REFERENCE, Envelope, reference_facts
from watermaster.quarantine.held import NotHeld, OriginalRecord, Payload, QuarantineRecord, read_held, read_whole
from watermaster.quarantine.hold_key import HoldKey
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import RESERVED_HEADER

HEADERS = st.lists(
    st.tuples(
        st.sampled_from([RESERVED_HEADER, ORIGINAL_HEADERS, "__dlq.errors.topic", "__watermaster.rules", "a", "ä"])
        | st.text(max_size=12),
        st.none() | st.binary(max_size=12) | st.sampled_from([b"0", b"3", b"1 c t 0 1 0 0 1"]),
    ),
    max_size=12,
)


def original(record: QuarantineRecord) -> OriginalRecord | None:
    found = read_whole(record, ADOPTION)
    assert not isinstance(found, NotHeld)
    return found[1]


def test_the_facts_of_a_record_that_a_gate_holds() -> None:
    facts = held(gate_letter(original=[("client.id", b"shop-7"), ("host", b"h1"), ("schema.id", b"12")]))
    assert facts.key == HoldKey(CLUSTER, TOPIC_ID, 2, 42, 0, "orders")
    assert (facts.place, facts.place_offset, facts.stream) == (QUARANTINE, 1042, LANDING)
    assert (facts.contract, facts.activation, facts.broken) == ("sha256:abc", 7, (PRICE,))
    assert (facts.payload, facts.key_bytes, facts.value_bytes, facts.header_count) == (Payload.WHOLE, 3, 7, 3)
    assert (facts.facets.producer, facts.facets.host, facts.facets.schema_id) == ("shop-7", "h1", "12")


@given(HEADERS, st.none() | st.binary(max_size=20))
def test_the_original_comes_back_byte_for_byte(headers: RawHeaders, value: bytes | None) -> None:
    record = gate_letter(original=headers, value=value)
    own = [header for header in headers if header[0] != RESERVED_HEADER]
    assert original(record) == OriginalRecord(b"key", value, own, record.timestamp_ms)


@given(HEADERS)
def test_any_headers_are_held_facts_or_a_reason(headers: RawHeaders) -> None:
    found = read_held(foreign_letter(headers), ADOPTION)
    assert isinstance(found, NotHeld) or found.key.offset >= 0


def test_a_record_that_is_held_by_reference_has_no_original() -> None:
    facts = reference_facts(reason="timestamp", key_bytes=4, value_bytes=500, timestamp_ms=0, headers=2)
    verdict = Verdict(Outcome.HOLD, (PRICE,), operational=True)
    headers = Envelope(gate="g", topic=LANDING, partition=2, contract="c").headers(
        None, verdict, 5, f"1 {CLUSTER} {TOPIC_ID} 2 5 0 0 1".encode()
    )
    headers.insert(-1, (REFERENCE, facts))
    record = QuarantineRecord(QUARANTINE, 1, 77, None, None, headers)
    found = held(record)
    assert (found.payload, found.value_bytes, found.header_count, found.landed_ms) == (Payload.REFERENCE, 500, 2, 0)
    assert original(record) is None


def test_a_share_group_copies_no_payload_unless_it_is_told_to() -> None:
    headers: RawHeaders = [
        ("__dlq.errors.topic", LANDING.encode()),
        ("__dlq.errors.partition", b"2"),
        ("__dlq.errors.offset", b"42"),
        ("__dlq.errors.group", b"billing"),
    ]
    absent, whole = foreign_letter(headers, None, None), foreign_letter(headers)
    assert (held(absent).payload, original(absent)) == (Payload.ABSENT, None)
    assert (held(whole).payload, original(whole)) == (
        Payload.WHOLE,
        OriginalRecord(b"key", b"value", [], whole.timestamp_ms),
    )
    assert held(absent).key == held(whole).key == HoldKey(CLUSTER, TOPIC_ID, 2, 42, 0, "billing"), "one hold"


def test_a_letter_without_coordinates_is_named_by_where_it_lies() -> None:
    found = held(foreign_letter([("a", b"1")]))
    assert found.origin is None
    assert found.key == HoldKey(CLUSTER, f"name:{QUARANTINE.topic}", 2, 9, 0, "")


def test_a_framed_value_names_its_schema() -> None:
    framed = msgspec.structs.replace(gate_letter(), value=b"\x00\x00\x00\x01\x02rest")
    assert held(framed).facets.schema_id == "258"


def test_replays_are_counted_through_whatever_failed_between_them() -> None:
    """A replayed record fails in another application: its letter bears the stamp, and so the number of its replays."""
    stamp = f"1 {CLUSTER} name:orders 1 7 3 0 0".encode()
    letter: RawHeaders = [("__streams.errors.topic", b"retry"), ("__streams.errors.partition", b"1")]
    letter += [("__streams.errors.offset", b"9"), ("__streams.errors.exception", b"Boom")]
    assert held(foreign_letter([(RESERVED_HEADER, stamp), *letter])).attempt == 3
    assert held(foreign_letter([(RESERVED_HEADER, b"forged"), *letter])).attempt == 0
    assert original(foreign_letter([(RESERVED_HEADER, stamp), *letter])) == OriginalRecord(
        b"key", b"value", [], 1_700_000_000_000
    )
