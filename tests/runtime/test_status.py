"""`status` without a cluster: lag, held share, age; and everything that can be unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.runtime.observers import FixedObserver, sample, topic

from watermaster.gate.ledger import LedgerEntry, encode_entry
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.observed import ObservedGroup, ObservedPosition, ObservedTopic, TopicSample, Unseen
from watermaster.runtime.status import ClusterStatus, StreamStatus, take_status
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

NOW_MS = 1_000_000
CLUSTER = ClusterConfiguration("primary", "localhost:1")
GATE = GateConfiguration("flights", "primary", (StreamConfiguration("landing", "flights", "f.odcs.yaml"),))
CONFIGURATION = Configuration(
    Path("/w/watermaster.yaml"), {"primary": CLUSTER}, Path("/w/contracts"), Path("/w/.watermaster"), {"flights": GATE}
)
OURS = '{"a":3,"t":"id"}'


def entry(*, read: int, held: int, now_ms: int, of: str = "landing", activation: int = 3) -> bytes:
    return encode_entry(
        LedgerEntry(
            gate="flights", cluster="c", topic=of, topic_id="id", partition=0, from_=0, to=read, activation=activation,
            contract="sha256:x", now_ms=now_ms, read=read, passed=read - held, held=held, dropped=0,
        )
    )  # fmt: skip


def group(*positions: ObservedPosition | None) -> ObservedGroup:
    placed = {
        TopicPartition("landing", number): position for number, position in enumerate(positions) if position is not None
    }
    return ObservedGroup("watermaster.flights", "STABLE", 2, placed)


def status(observer: FixedObserver) -> ClusterStatus:
    report = take_status(CONFIGURATION, ["primary"], lambda _: observer, lambda: NOW_MS)
    return report.clusters[0]


def stream(landing: ObservedTopic, observed: ObservedGroup, *ledger: bytes | None) -> StreamStatus:
    topics = [landing, topic("watermaster.ledger.flights", (0, len(ledger)))]
    seen = status(FixedObserver(topics, [observed], [sample("watermaster.ledger.flights", *ledger)]))
    return seen.gates[0].streams[0]


@pytest.mark.parametrize(
    ("spans", "positions", "lag", "uncommitted"),
    [
        ([(0, 10)], [ObservedPosition(4, OURS)], 6, 0),
        ([(0, 10), (0, 5)], [ObservedPosition(10, OURS), ObservedPosition(5, OURS)], 0, 0),
        ([(3, 10)], [None], 7, 1),
        ([(0, 10), (2, 5)], [ObservedPosition(4, OURS), None], 9, 1),
        ([(0, 10)], [ObservedPosition(12, OURS)], 0, 0),
        ([(0, 10), (0, None)], [ObservedPosition(4, OURS), None], None, 1),
        ([], [], None, 0),
    ],
)
def test_lag(
    spans: list[tuple[int, int]], positions: list[ObservedPosition | None], lag: int | None, uncommitted: int
) -> None:
    seen = stream(topic("landing", *spans), group(*positions))
    assert (seen.lag, seen.uncommitted_partitions) == (lag, uncommitted)


def test_positions_that_could_not_be_seen_are_not_taken_for_none() -> None:
    hidden = replace(
        group(), positions=None, unseen=(Unseen("the committed offsets of watermaster.flights", "no", "X"),)
    )
    seen = stream(topic("landing", (0, 10)), hidden)
    assert (seen.lag, seen.uncommitted_partitions, seen.recreated) == (None, None, False)


def test_newest_ledger_entries() -> None:
    seen = stream(
        topic("landing", (0, 10)),
        group(),
        entry(read=90, held=1, now_ms=NOW_MS - 5000, activation=2),
        entry(read=10, held=4, now_ms=NOW_MS - 2000),
        entry(read=1000, held=1000, now_ms=NOW_MS, of="other"),
        b"not an entry",
        None,
    )
    assert (seen.judged_recently, seen.held_share, seen.last_commit_age_ms, seen.activation) == (100, 0.05, 2000, 3)


def test_never_committed() -> None:
    seen = stream(topic("landing", (0, 10)), group())
    assert (seen.held_share, seen.last_commit_age_ms, seen.activation) == (None, None, None)


@pytest.mark.parametrize(
    ("metadata", "recreated"),
    [(OURS, False), ('{"a":3,"t":"another"}', True), ("", False), ("[1]", False), ('{"t":5}', False)],
)
def test_recreated_topic_is_noticed(metadata: str, recreated: bool) -> None:
    assert stream(topic("landing", (0, 10)), group(ObservedPosition(1, metadata))).recreated is recreated


def test_what_cannot_be_seen_is_named_and_the_rest_shown() -> None:
    denied = Unseen("the consumer group", "denied.", "WM-KAFKA-DENIED-GROUP")
    late = Unseen("records of topic ledger", "they did not come in time.", "WM-KAFKA-SAMPLE-TIMEOUT")
    observer = FixedObserver(
        [topic("landing", (0, 10)), topic("watermaster.ledger.flights", (0, 1))],
        [ObservedGroup("watermaster.flights", "UNKNOWN", 0, unseen=(denied,))],
        [TopicSample("watermaster.ledger.flights", unseen=late)],
    )
    seen = status(observer)
    assert seen.gates[0].streams[0].lag == 10
    assert {denied, late} <= set(seen.unseen)
    assert {unseen.what for unseen in seen.unseen} >= {
        "topic flights",
        "topic dlq.landing",
        "topic watermaster.control",
    }


def test_a_cluster_that_does_not_answer() -> None:
    def fail(cluster: ClusterConfiguration) -> FixedObserver:
        raise WorldFault("WM-KAFKA-UNREACHABLE", "nothing listens", hint="x")

    report = take_status(CONFIGURATION, ["primary"], fail, lambda: NOW_MS)
    assert not report.complete
    assert report.clusters[0].cluster is None
    assert report.clusters[0].unseen == (Unseen("cluster primary", "nothing listens", "WM-KAFKA-UNREACHABLE"),)
