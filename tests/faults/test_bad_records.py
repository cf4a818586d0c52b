"""Entries 65 to 75 of the list of bad inputs: what only a record of Kafka can carry, on real Kafka, with its outcome.

One gate reads them all. What a broker refuses never reaches a gate; the case then gives the broker's own code.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from confluent_kafka import Message, Producer
from tests.faults.raw_produce import RawHeader, produce_raw
from tests.faults.rig import GateRig

from watermaster.stream.coordinates import RESERVED_HEADER, decode_coordinates
from watermaster.stream.fault import WorldFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PASSED, HELD, REFERENCE = "passed", "held", "held by reference"
CORRUPT_MESSAGE, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION, INVALID_RECORD = 2, 32, 76, 87
GOOD = b'{"id":1,"customer":"c-1","price":1}'
MIB = 1024 * 1024


@dataclass(frozen=True)
class Case:
    """One record by hand. `outcome` is the gate's, or the broker's error codes if it takes none such."""

    entry: str
    outcome: str | set[int]
    value: bytes = GOOD
    headers: tuple[RawHeader, ...] = ()
    timestamp_ms: int | None = None
    raw: dict[str, int] = field(default_factory=dict)


CASES = [
    Case("65 just under the topic's limit", PASSED, GOOD[:-1] + b',"pad":"' + b"x" * (MIB - 8000) + b'"}'),
    # No codec makes it smaller, and what does not fit with our headers is held without its bytes.
    Case("65 so near the limit that our headers are too much", REFERENCE, Random(65).randbytes(MIB - 120)),
    Case("67 a zstd batch that nobody can inflate", {CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION, INVALID_RECORD, -1},
         raw={"attributes": 4}),
    Case("68 a value that is a packed bomb is no JSON", HELD, gzip.compress(bytes(10 * MIB))),
    Case("69 a checksum that is wrong", {CORRUPT_MESSAGE}, raw={"corrupt": True}),
    Case("70 a codec that does not exist", {CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION, INVALID_RECORD, -1},
         raw={"attributes": 7}),
    Case("71 ten thousand headers", PASSED, headers=tuple((b"h", b"%d" % number) for number in range(10_000))),
    Case("71 a header of half a megabyte", PASSED, headers=((b"h", bytes(MIB // 2)),)),
    Case("71 an empty header key", PASSED, headers=((b"", b"x"),)),
    Case("71 a null header value", PASSED, headers=((b"h", None),)),
    Case("71 the same header twice, in order", PASSED, headers=((b"h", b"2"), (b"h", b"1"))),
    Case("71 a header key that is not UTF-8", REFERENCE, headers=((b"\xff\xfe", b"x"),)),
    Case("71 a header value that is not UTF-8", PASSED, headers=((b"h", b"\xff"),)),
    Case("72 forged coordinates", PASSED, headers=((b"__watermaster", b"1 x x 0 9 0 0 1"), (b"a", b"b"))),
    Case("72 forged reasons", PASSED, headers=((b"__watermaster.rules", b"[]"),)),
    Case("73 the timestamp 0", REFERENCE, timestamp_ms=0),
    Case("73 the greatest timestamp", {INVALID_TIMESTAMP}, timestamp_ms=2**63 - 1),
    Case("73 a negative timestamp", PASSED, timestamp_ms=-5),
    Case("74 a key that a hash would put elsewhere", PASSED),
]  # fmt: skip
OTHERS = {"66 a gzip batch bomb", "75 names of topics"}


@pytest.fixture
def rig(kafka: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    rig = GateRig(kafka, tmp_path, request.node.name.removeprefix("test_"), partitions=2)
    # A record of 1970 must not be deleted before it is read.
    kafka.set_topic_configs(rig.landing, {"retention.ms": -1, "max.message.bytes": MIB})
    for topic in (rig.trusted, rig.quarantine):
        kafka.set_topic_configs(topic, {"retention.ms": -1, "max.message.bytes": MIB})
    rig.activate()
    yield rig
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


def test_every_record_has_the_outcome_of_its_entry(rig: GateRig) -> None:
    taken: list[Case] = []
    for case in CASES:
        at = rig.began_ms if case.timestamp_ms is None else case.timestamp_ms
        code = produce_raw(rig.cluster, rig.landing, case.value, headers=case.headers, timestamp_ms=at, **case.raw)
        if isinstance(case.outcome, set):
            assert code in case.outcome, (case.entry, code)
        else:
            assert code == 0, (case.entry, code)
            taken.append(case)
    _bomb(rig)
    taken.append(Case("66 a gzip batch bomb", HELD))
    rig.produced = len(taken)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    outcomes = _outcomes(rig)
    assert {case.entry: outcomes.get(offset) for offset, case in enumerate(taken)} == {
        case.entry: case.outcome for case in taken
    }
    rig.assert_proved()


def test_no_broker_takes_names_that_are_paths(rig: GateRig) -> None:
    for name in (".", "..", "x" * 250):
        with pytest.raises(WorldFault):
            rig.cluster.create_topic(name, 1)
    with pytest.raises(WorldFault):
        rig.cluster.create_topic(rig.landing.replace(".", "_"), 1)


def test_every_entry_is_named() -> None:
    assert {int(entry.split()[0]) for entry in (*(case.entry for case in CASES), *OTHERS)} == set(range(65, 76))


def _bomb(rig: GateRig) -> None:
    """20 MB that travel as 20 kB; a broker weighs the packed batch."""
    settings = {"compression.type": "gzip", "message.max.bytes": 40 * MIB}
    producer = Producer(rig.cluster.client_config(**settings))
    producer.produce(rig.landing, GOOD[:-1] + b" " * (20 * MIB) + b"}", partition=0, timestamp=rig.began_ms)
    assert producer.flush(60) == 0


def _outcomes(rig: GateRig) -> dict[int, str]:
    """By source offset."""
    settings = rig.cluster.client_config(**{"fetch.message.max.bytes": 40 * MIB})
    passed = {_offset(message): PASSED for message in read_topic(settings, rig.trusted)}
    held = {_offset(message): _how(message) for message in read_topic(settings, rig.quarantine)}
    assert not passed.keys() & held.keys()
    return {**passed, **held}


def _how(message: Message) -> str:
    return REFERENCE if "__watermaster.reference" in dict(message.headers() or []) else HELD


def _offset(message: Message) -> int:
    (ours,) = [content for key, content in message.headers() or [] if key == RESERVED_HEADER]
    coordinates = decode_coordinates(ours or b"")
    assert coordinates is not None
    return coordinates.offset
