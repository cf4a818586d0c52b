"""Dead letters in the words of those who write them: header names and encodings byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import gate_letter

from watermaster.quarantine.dialect import HEADERS_MAX, detect_dialect, read_letter
from watermaster.quarantine.letter import Dialect, Letter, Origin, PlainMapping, UnreadLetter
from watermaster.stream.batch import RawHeaders

OWN: RawHeaders = [("trace-id", b"abc"), ("nothing", None)]
AT = Origin("orders", 3, 4711)
TRACE = b"org.acme.Boom: no\n\tat org.acme.App.run(App.java:1)\n"

LETTERS: dict[Dialect, RawHeaders] = {
    # org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter
    Dialect.CONNECT: [
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"4711"),
        ("__connect.errors.connector.name", b"sink"),
        ("__connect.errors.task.id", b"0"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.class.name", b"org.acme.Converter"),
        ("__connect.errors.exception.class.name", b"org.acme.Boom"),
        ("__connect.errors.exception.message", b"no"),
        ("__connect.errors.exception.stacktrace", TRACE),
    ],
    # KIP-1034
    Dialect.STREAMS: [
        ("__streams.errors.exception", b"org.acme.Boom"),
        ("__streams.errors.message", b"no"),
        ("__streams.errors.stacktrace", TRACE),
        ("__streams.errors.topic", b"orders"),
        ("__streams.errors.partition", b"3"),
        ("__streams.errors.offset", b"4711"),
    ],
    # org.springframework.kafka.support.KafkaHeaders; numbers are binary
    Dialect.SPRING: [
        ("kafka_dlt-original-topic", b"orders"),
        ("kafka_dlt-original-partition", (3).to_bytes(4, "big")),
        ("kafka_dlt-original-offset", (4711).to_bytes(8, "big")),
        ("kafka_dlt-original-timestamp", (1_700_000_000_000).to_bytes(8, "big")),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-fqcn", b"org.acme.Boom"),
        ("kafka_dlt-exception-message", b"no"),
        ("kafka_dlt-exception-stacktrace", TRACE),
        ("retry_topic-attempts", (4).to_bytes(4, "big")),
    ],
    # KIP-1191
    Dialect.SHARE_GROUP: [
        ("__dlq.errors.topic", b"orders"),
        ("__dlq.errors.partition", b"3"),
        ("__dlq.errors.offset", b"4711"),
        ("__dlq.errors.group", b"billing"),
        ("__dlq.errors.delivery.count", b"5"),
        ("__dlq.errors.message", b"rejected"),
    ],
}


@pytest.mark.parametrize("dialect", LETTERS)
def test_each_convention_is_recognised_and_the_records_own_headers_are_told_apart(dialect: Dialect) -> None:
    headers = OWN + LETTERS[dialect]
    letter = read_letter(headers)
    assert isinstance(letter, Letter)
    assert (letter.dialect, letter.origin, letter.original_headers) == (dialect, AT, OWN)


def test_what_each_convention_says_beyond_that() -> None:
    spring, share = read_letter(LETTERS[Dialect.SPRING]), read_letter(LETTERS[Dialect.SHARE_GROUP])
    assert isinstance(spring, Letter)
    assert isinstance(share, Letter)
    assert (spring.holder, spring.attempts, spring.timestamp_ms) == ("billing", 4, 1_700_000_000_000)
    assert (share.holder, share.attempts, share.payload_may_be_absent) == ("billing", 5, True)


def test_a_rule_of_a_serializer_names_no_coordinates() -> None:
    letter = read_letter([*OWN, ("__rule.name", b"checkPrice"), ("__rule.mode", b"WRITE"), ("__rule.subject", b"s")])
    assert isinstance(letter, Letter)
    assert (letter.dialect, letter.rule, letter.origin, letter.original_headers) == (
        Dialect.RULE,
        "checkPrice",
        None,
        OWN,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"org.acme.Boom", "org.acme.Boom"),
        (b"org.acme.Outer$Inner: 4111", "org.acme.Outer$Inner"),
        (b"ValueError: no", "ValueError"),
        (b"4111-2222 is no masked card", ""),
        (b"card 4111: refused", ""),
        (b"", ""),
    ],
)
def test_a_message_is_never_taken_for_a_class(text: bytes, expected: str) -> None:
    """Messages may repeat values, and classes are shown as the title of a group."""
    letter = read_letter([("__rule.name", b"r"), ("__rule.topic", b"orders"), ("__rule.exception", text)])
    assert isinstance(letter, Letter)
    assert (letter.exception, letter.topic) == (expected, "orders")


def test_the_last_writer_wins() -> None:
    twice = LETTERS[Dialect.CONNECT] + LETTERS[Dialect.SPRING]
    assert detect_dialect(twice) is Dialect.SPRING
    assert detect_dialect(LETTERS[Dialect.SPRING] + gate_letter().headers) is Dialect.GATE
    forged = gate_letter().headers[:-1]  # our facts without our last word
    assert detect_dialect(forged) is not Dialect.GATE


def test_a_plain_topic_is_read_by_its_mapping() -> None:
    mapping = PlainMapping(topic="src", partition="p", offset="o", exception="why", names={"retries": "ours"})
    headers: RawHeaders = [*OWN, ("src", b"orders"), ("p", b"3"), ("o", b"4711"), ("why", b"Boom"), ("retries", b"2")]
    letter = read_letter(headers, Dialect.PLAIN, mapping)
    assert isinstance(letter, Letter)
    assert (letter.origin, letter.exception, letter.original_headers) == (AT, "Boom", OWN)


@pytest.mark.parametrize("dialect", [Dialect.STREAMS, Dialect.SPRING, Dialect.SHARE_GROUP])
@pytest.mark.parametrize("value", [None, b"", b"-1", b"1e3", b"\xff\xff\xff\xff", b"9" * 30])
def test_coordinates_that_are_none_are_said_so(dialect: Dialect, value: bytes | None) -> None:
    headers = [(name, value if name.endswith("offset") else old) for name, old in LETTERS[dialect]]
    letter = read_letter(headers)
    assert isinstance(letter, UnreadLetter)
    assert letter.code == "letter.coordinates"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted({name for headers in LETTERS.values() for name, _ in headers}))
            | st.text(max_size=9),
            st.none() | st.binary(max_size=12),
        ),
        max_size=20,
    ),
    st.none() | st.sampled_from(Dialect),
)
def test_no_headers_raise(headers: RawHeaders, dialect: Dialect | None) -> None:
    letter = read_letter(headers, dialect)
    if isinstance(letter, Letter):
        kept = list(letter.original_headers)
        assert all(header in headers for header in kept), "nothing is invented"


def test_more_headers_than_any_broker_lets_through_are_not_read() -> None:
    assert isinstance(read_letter([("a", b"")] * (HEADERS_MAX + 1)), UnreadLetter)
