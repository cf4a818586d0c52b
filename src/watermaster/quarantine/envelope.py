"""The headers of a held record. Field names and encodings: KIP-1191 and Kafka Connect's DeadLetterQueueReporter."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from watermaster.gate.verdict import BrokenRule, Verdict
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import HELD_FACTS_PREFIX, RESERVED_HEADER

RULES_MAX = 20
"""So many broken rules are written out; the rest is a count. A record that breaks more tells nothing more."""

MESSAGE_CHARS_MAX = 500
"""The text of all rules in the standard message headers; long enough to read, short enough for a list."""

RULE_CHARS_MAX = 200
"""Of each text of one rule in the full list. A rule may make its message from the record, and a held record whose
reasons do not fit into the quarantine topic could not be held at all."""

ORIGINAL_HEADERS = HELD_FACTS_PREFIX + "original_headers"
REFERENCE = HELD_FACTS_PREFIX + "reference"
"""Present where the original bytes could not be carried: JSON facts of what stands at the coordinates."""
RULES = HELD_FACTS_PREFIX + "rules"
CONTRACT = HELD_FACTS_PREFIX + "contract"
OPERATIONAL = HELD_FACTS_PREFIX + "operational"

_EXCEPTION_CLASS = b"watermaster.ContractViolation"
_STAGE = b"VALUE_CONVERTER"
"""Connect's stage name for a value that could not be taken; its tools know no better one."""

_encode_json = msgspec.json.Encoder().encode
_REASONS_CACHE_MAX = 4096
"""Distinct sets of broken rules kept as text; paths with array indices could otherwise grow without bound."""


_NO_ORIGINALS: Final = (ORIGINAL_HEADERS, b"0")
_OPERATIONAL: Final = ((OPERATIONAL, b"true"),)

_Constant: TypeAlias = tuple[RawHeaders, RawHeaders]
"""What is the same for all records with the same reasons: the headers up to Connect's offset, and those behind it."""


class Envelope:
    """Builds the appended headers for one source partition and one activation; what is constant is made once.

    Rules that break, break alike: the headers of a verdict are built once and used for all records that share it.
    """

    def __init__(self, *, gate: str, topic: str, partition: int, contract: str) -> None:
        place = topic.encode(), b"%d" % partition
        self._dlq: RawHeaders = [("__dlq.errors.topic", place[0]), ("__dlq.errors.partition", place[1])]
        self._connect: RawHeaders = [("__connect.errors.topic", place[0]), ("__connect.errors.partition", place[1])]
        self._gate = gate.encode()
        self._contract = contract.encode()
        self._by_reasons: dict[tuple[BrokenRule, ...], _Constant] = {}
        self._by_verdict: dict[int, tuple[Verdict, _Constant]] = {}
        """By identity, which costs no hash of texts; the verdict is kept, so that no other can take its identity."""

    def headers(self, original: RawHeaders | None, verdict: Verdict, offset: int, coordinates: bytes) -> RawHeaders:
        """All headers of the held record: the originals without foreign reserved ones, then ours."""
        known = self._by_verdict.get(id(verdict))
        before, after = self._learn(verdict) if known is None else known[1]
        number = b"%d" % offset
        kept: RawHeaders = [h for h in original if h[0] != RESERVED_HEADER] if original else []
        return [  # one display: at 100 % held, appending them one after the other costs twice as much
            *kept,
            *self._dlq,
            ("__dlq.errors.offset", number),
            *before,
            ("__connect.errors.offset", number),
            *after,
            (ORIGINAL_HEADERS, b"%d" % len(kept)) if kept else _NO_ORIGINALS,
            *(_OPERATIONAL if verdict.operational else ()),
            (RESERVED_HEADER, coordinates),
        ]

    def _learn(self, verdict: Verdict) -> _Constant:
        constant = self._by_reasons.get(verdict.broken)
        if constant is None:
            if len(self._by_reasons) >= _REASONS_CACHE_MAX:
                self._by_reasons.clear()
            constant = self._by_reasons[verdict.broken] = self._constant(verdict.broken)
        if not verdict.operational:  # those are made anew for each record
            if len(self._by_verdict) >= _REASONS_CACHE_MAX:
                self._by_verdict.clear()
            self._by_verdict[id(verdict)] = verdict, constant
        return constant

    def _constant(self, broken: tuple[BrokenRule, ...]) -> _Constant:
        message = _message(broken)
        before: RawHeaders = [("__dlq.errors.group", self._gate), ("__dlq.errors.message", message), *self._connect]
        after: RawHeaders = [
            ("__connect.errors.stage", _STAGE),
            ("__connect.errors.exception.class.name", _EXCEPTION_CLASS),
            ("__connect.errors.exception.message", message),
            (RULES, _rules(broken)),
            (CONTRACT, self._contract),
        ]
        return before, after


def _message(broken: tuple[BrokenRule, ...]) -> bytes:
    text = "; ".join(f"{rule.rule}: {rule.message}" for rule in broken[:RULES_MAX])
    return text[:MESSAGE_CHARS_MAX].encode(errors="replace")


def _rules(broken: tuple[BrokenRule, ...]) -> bytes:
    listed = [
        {
            "rule": _cut(r.rule),
            "path": _cut(r.path),
            "code": _cut(r.code),
            "message": _cut(r.message),
            "severity": r.severity.value,
        }
        for r in broken[:RULES_MAX]
    ]
    if len(broken) > RULES_MAX:
        listed.append({"more": str(len(broken) - RULES_MAX)})
    return _encode_json(listed)


def _cut(text: str) -> str:
    """Short enough, and without lone surrogates, which no encoder takes."""
    return text[:RULE_CHARS_MAX].encode(errors="replace").decode()


def reference_facts(*, reason: str, key_bytes: int, value_bytes: int, timestamp_ms: int, headers: int) -> bytes:
    """The value of `REFERENCE`: what stands at the coordinates, for a record that cannot be carried."""
    return _encode_json(
        {
            "reason": reason,
            "key_bytes": key_bytes,
            "value_bytes": value_bytes,
            "timestamp_ms": timestamp_ms,
            "headers": headers,
        }
    )
