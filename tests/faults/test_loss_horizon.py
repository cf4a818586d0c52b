"""B9 on real Kafka with retention of seconds: what the horizon says, and when the broker really deletes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.monitor.horizon import Cause, Horizon
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor, MonitorReport
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

RETENTION_MS = 24_000
SEGMENT_MS = 2_000
CHECK_MS = 1_000
"""How often the brokers of the kit look (`log.retention.check.interval.ms`)."""
STEP_MS = 200
RECORDS = 60
AGE_MS = 12_000
"""How old the first record is when it is written, so that the test need not wait for it to age."""
POSITION = 8
LATE_MS = 20_000
"""How much later than due a broker on a loaded machine may do its work, and we may see it."""


def produce(cluster: KafkaCluster, topic: str, timestamps: list[int]) -> None:
    """One batch for each record, so that segments are cut where their timestamps say."""
    producer = Producer(cluster.client_config(**{"linger.ms": 0}))
    for timestamp in timestamps:
        producer.produce(topic, b"record", partition=0, timestamp=timestamp)
        assert producer.flush(30) == 0


def commit(cluster: KafkaCluster, group: str, topic: str, offset: int) -> None:
    consumer = Consumer(cluster.client_config(**{"group.id": group, "enable.auto.commit": False}))
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def monitor_of(cluster: KafkaCluster, quarantines: tuple[str, ...] = ()) -> Monitor:
    return Monitor(KafkaSurveyor(connect(ClusterConfiguration("test", cluster.bootstrap))), quarantines)


def horizon_of(report: MonitorReport, group: str, topic: str) -> Horizon:
    (found,) = [p.horizon for g, p in report.positions() if g.group_id == group and p.source.topic == topic]
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_the_predicted_moment_is_never_later_than_the_deletion(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    settings = {"retention_ms": RETENTION_MS, "segment_ms": SEGMENT_MS}
    plain, future, past = (fresh_topic(kafka, **settings) for _ in range(3))
    group = fresh_name("group")
    began = now_ms() - AGE_MS
    timestamps = [began + number * STEP_MS for number in range(RECORDS)]
    tomorrow = now_ms() + 1_800_000
    produce(kafka, plain, timestamps)
    # Its first unread record comes from the future and keeps its segment, whatever is behind it.
    produce(kafka, future, [*timestamps[:POSITION], tomorrow, *timestamps[POSITION + 1 :]])
    # A day old already: it may go at any look of the broker.
    produce(kafka, past, [now_ms() - 86_400_000, *timestamps])
    for topic, offset in ((plain, POSITION), (future, POSITION), (past, 0)):
        commit(kafka, group, topic, offset)

    monitor = monitor_of(kafka, quarantines=(plain,))
    report = monitor.look([group])
    predicted = horizon_of(report, group, plain)
    assert predicted.known
    assert predicted.nearest is not None
    assert predicted.nearest.cause is Cause.TIME
    assert predicted.at_ms == timestamps[POSITION] + RETENTION_MS
    # Without a group, as the records of a quarantine wait: the first one counts.
    assert horizon_of(report, "(held records)", plain).at_ms == timestamps[0] + RETENTION_MS
    assert horizon_of(report, group, future).at_ms == tomorrow + RETENTION_MS
    # Gone already, or going; nothing that this group has read is left to date its position by.
    oldest = horizon_of(report, group, past).bounds[0]
    assert oldest.cause in (Cause.TIME, Cause.LOST)
    assert oldest.at_ms == report.survey.taken_ms

    def start_beyond_position() -> int | None:
        start = kafka.log_ends(plain, 0)[0]
        return start if start > POSITION else None

    start = wait_until(start_beyond_position, "the broker has deleted unread records", 120)
    gone_ms = now_ms()
    assert predicted.at_ms <= gone_ms
    assert gone_ms <= predicted.at_ms + SEGMENT_MS + CHECK_MS + LATE_MS
    # What the bound is early by is the rest of the segment: the newest record that went with it says so exactly.
    assert timestamps[start - 1] - timestamps[POSITION] <= SEGMENT_MS + STEP_MS or start - 1 - POSITION > RECORDS // 2
    after = monitor.look([group])
    lost = horizon_of(after, group, plain)
    assert lost.nearest is not None
    assert lost.nearest.cause is Cause.LOST
    assert lost.lost_max == kafka.log_ends(plain, 0)[0] - POSITION
    assert kafka.log_ends(future, 0)[0] <= POSITION, "a segment with a record of tomorrow is kept"
    # The group is empty since its commit, which came after what it has read was written.
    assert [bound.cause for bound in horizon_of(after, group, future).bounds] == [Cause.TIME, Cause.EXPIRY]
