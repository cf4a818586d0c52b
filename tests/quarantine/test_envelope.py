"""The headers of a held record: names, order, bytes, caps."""

import json

import pytest

from watermaster.gate.verdict import BrokenRule, Outcome, Severity, Verdict
from watermaster.quarantine.envelope import (
    MESSAGE_CHARS_MAX,
    OPERATIONAL,
    ORIGINAL_HEADERS,
    RULES,
    RULES_MAX,
    Envelope,
    reference_facts,
)
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import RESERVED_HEADER

BROKEN = BrokenRule("total-positive", "$.total", "range.minimum", "must be at least 0")
ENVELOPE = Envelope(gate="g", topic="orders", partition=3, contract="sha256:abc")


def headers(original: RawHeaders | None = None, *broken: BrokenRule, operational: bool = False) -> RawHeaders:
    return ENVELOPE.headers(original, Verdict(Outcome.HOLD, broken, operational), 42, b"1 c t 3 42 0 0 7")


def test_names_values_and_order() -> None:
    rules = (
        b'[{"rule":"total-positive","path":"$.total","code":"range.minimum","message":"must be at least 0",'
        b'"severity":"error"}]'
    )
    message = b"total-positive: must be at least 0"
    assert headers([("a", b"1")], BROKEN) == [
        ("a", b"1"),
        ("__dlq.errors.topic", b"orders"),
        ("__dlq.errors.partition", b"3"),
        ("__dlq.errors.offset", b"42"),
        ("__dlq.errors.group", b"g"),
        ("__dlq.errors.message", message),
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"42"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", b"watermaster.ContractViolation"),
        ("__connect.errors.exception.message", message),
        ("__watermaster.rules", rules),
        ("__watermaster.contract", b"sha256:abc"),
        ("__watermaster.original_headers", b"1"),
        ("__watermaster", b"1 c t 3 42 0 0 7"),
    ]


@pytest.mark.parametrize(
    ("original", "kept"),
    [
        (None, []),
        ([], []),
        (
            [("a", None), ("a", b""), ("b", b"\xff"), ("a", None)],
            [("a", None), ("a", b""), ("b", b"\xff"), ("a", None)],
        ),
        ([(RESERVED_HEADER, b"forged"), ("a", b"1"), (RESERVED_HEADER, None)], [("a", b"1")]),
        ([(ORIGINAL_HEADERS, b"9")], [(ORIGINAL_HEADERS, b"9")]),
    ],
)
def test_the_first_headers_are_the_original_ones(original: RawHeaders | None, kept: RawHeaders) -> None:
    before = list(original) if original is not None else None
    found = headers(original, BROKEN)
    assert found[: len(kept)] == kept
    assert [value for name, value in found if name == ORIGINAL_HEADERS][-1] == b"%d" % len(kept)
    assert [name for name, _ in found].count(RESERVED_HEADER) == 1
    assert found[-1][0] == RESERVED_HEADER
    assert original == before, "the batch's own headers are not changed"


def test_an_operational_verdict_says_so_before_the_coordinates() -> None:
    assert headers(None, BROKEN, operational=True)[-2:] == [
        (OPERATIONAL, b"true"),
        (RESERVED_HEADER, b"1 c t 3 42 0 0 7"),
    ]
    assert OPERATIONAL not in dict(headers(None, BROKEN))


def test_many_rules_are_a_list_and_a_count() -> None:
    broken = [BrokenRule(f"r{number}", "$", "c", "m") for number in range(RULES_MAX + 5)]
    listed = json.loads(dict(headers(None, *broken))[RULES] or b"")
    assert [rule.get("rule") for rule in listed[:-1]] == [f"r{number}" for number in range(RULES_MAX)]
    assert listed[-1] == {"more": "5"}


def test_messages_are_cut() -> None:
    found = dict(headers(None, BrokenRule("r", "$", "c", "ü" * 5000)))
    assert len((found["__dlq.errors.message"] or b"").decode()) == MESSAGE_CHARS_MAX


def test_no_rule_makes_the_envelope_larger_than_a_record_may_be() -> None:
    long = "x" * 1_000_000
    broken = [BrokenRule(f"r{number}" + long, "$." + long, "c" + long, long, Severity.ERROR) for number in range(30)]
    assert sum(len(name) + len(value or b"") for name, value in headers(None, *broken)) < 100_000


def test_text_that_is_no_text_is_no_fault() -> None:
    found = dict(headers(None, BrokenRule("r\ud800", "$.\udfff", "c", "m\ud800")))
    assert b"r?: m?" in (found["__dlq.errors.message"] or b"")
    json.loads(found[RULES] or b"")


def test_records_that_break_the_same_rules_share_their_text() -> None:
    one, two = headers(None, BROKEN), headers([("a", b"1")], BROKEN)
    assert dict(one)[RULES] is dict(two)[RULES]


def test_reference_facts_name_what_stands_there() -> None:
    facts = reference_facts(reason="too large", key_bytes=1, value_bytes=2, timestamp_ms=0, headers=3)
    assert json.loads(facts) == {
        "reason": "too large",
        "key_bytes": 1,
        "value_bytes": 2,
        "timestamp_ms": 0,
        "headers": 3,
    }
