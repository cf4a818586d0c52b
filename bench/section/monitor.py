"""What watching costs: a look at a large cluster against bare calls; and how near the loss horizon is to the loss."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient

from bench.figure import Goal, Ratio, Section, Table, brief, measured
from bench.observed import observe
from bench.process_cpu import require_proc
from bench.run import Run
from watermaster.monitor.horizon import Cause, Horizon
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until
from watermaster.wiring.monitoring import surveyor_of

HEAP_MB = 1024
PARTITIONS_PER_TOPIC = 250
POSITIONS_PER_GROUP = 10
ANSWER_TIMEOUT_S = 120.0
LOOK_S_MAX = 30.0
LOOKS = 12
"""The first reads settings and records, the later ones what may have changed."""

RETENTION_MS = 6_000
SEGMENTS_MS = (500, 2_000, 5_000)
WRITE_EVERY_S = 0.1
LOSS_TIMEOUT_S = 60.0
CHECK_MS: Final = 500
"""How often the broker looks for what has expired; by default every five minutes."""


def run(run: Run) -> Section:
    """Two brokers of its own, one after another."""
    require_proc()
    polled, rows = _poll(run)
    horizon, losses = _horizon(run)
    about = (
        f"A look of the monitor at {run.scale.watched_partitions:,} partitions and {run.scale.watched_groups:,} groups "
        f"of {POSITIONS_PER_GROUP} positions, all with something unread, on one broker of real Kafka; the monitor on "
        "one core, the broker on what is left. The bare calls are the same requests of the admin client, with nothing "
        "made of the answers. A look also reads records that it has not met, at most 2,000; the first one settings, "
        f"too. Horizon: topics with retention of {RETENTION_MS / 1000:g} s and segments of some length, written all "
        "the time, and a group that stands behind the first record; the last moment that the monitor named before "
        "which its next record would not be lost, against when it saw the log begin behind it (the broker looks every "
        f"{CHECK_MS} ms)."
    )
    columns = ("look", "seconds", "CPU seconds", "horizons known")
    tables = (
        Table("Looks, in their order", columns, rows),
        Table("Loss by retention", ("segment, s", "predicted to real loss, s"), losses),
    )
    return Section("monitor: looking, and how near the horizon is", about, (*polled, horizon), tables)


def _poll(run: Run) -> tuple[tuple[Ratio, ...], tuple[tuple[str, ...], ...]]:
    scale = run.scale
    with KafkaCluster(1, java_options=(), heap_mb=HEAP_MB, overrides={"log.retention.ms": "-1"}) as cluster:
        run.say(f"  making {scale.watched_partitions:,} partitions and {scale.watched_groups:,} groups")
        _fill(cluster, scale.watched_partitions, scale.watched_groups)
        sides: dict[str, list[dict[str, Any]]] = {
            side: _rounds(side, cluster.bootstrap) for side in ("bare", "look", "bare")
        }
    looks, bare = sides["look"], sides["bare"]
    seen = looks[-1]["seen"]
    if (seen["partitions"], seen["groups"], seen["unseen"]) != (scale.watched_partitions, scale.watched_groups, 0):
        raise RuntimeError(f"a look saw {seen}")
    cpu = measured("bare calls", "CPU s", [each["cpu_s"] for each in bare])
    later = measured("a later look", "CPU s", [each["cpu_s"] for each in looks[1:]])
    clock = measured("bare calls", "s", [each["seconds"] for each in bare])
    goal = Goal(at_most=LOOK_S_MAX, absolute=True)
    ratios = (
        Ratio("first look / bare calls, CPU", measured("first look", "CPU s", [looks[0]["cpu_s"]]), cpu),
        Ratio("later look / bare calls, CPU", later, cpu),
        Ratio("first look / bare calls, time", measured("first look", "s", [looks[0]["seconds"]]), clock, goal),
        Ratio(
            "later look / bare calls, time",
            measured("later", "s", [each["seconds"] for each in looks[1:]]),
            clock,
            goal,
        ),
    )
    rows = tuple(
        (str(number), brief(each["seconds"]), brief(each["cpu_s"]), f"{each['seen']['horizons']:,}")
        for number, each in enumerate(looks, 1)
    )
    return ratios, rows


def _rounds(side: str, bootstrap: str) -> list[dict[str, Any]]:
    told = observe([sys.executable, "-m", "bench.poll", side, bootstrap, str(LOOKS)], 600)
    found: list[dict[str, Any]] = json.loads(told.output.strip().splitlines()[-1])
    return found


def _fill(cluster: KafkaCluster, partitions: int, groups: int) -> None:
    """Topics, two records in each partition, and groups that have read one."""
    admin: AdminClient = cluster.admin()
    size = min(PARTITIONS_PER_TOPIC, partitions)
    topics = [f"watched-{number:03}" for number in range(partitions // size)]
    for topic in topics:  # one by one: a broker makes a few hundred logs at a time
        cluster.create_topic(topic, size)
    producer = Producer(cluster.client_config())
    places = [(topic, number) for topic in topics for number in range(size)]
    for topic, number in places:
        for _ in range(2):
            producer.produce(topic, b"{}", b"k", number)
    if producer.flush(ANSWER_TIMEOUT_S):
        raise TimeoutError("the watched topics could not be filled")
    for number in range(groups):
        start = number * POSITIONS_PER_GROUP
        chosen = dict.fromkeys(places[(start + at) % len(places)] for at in range(POSITIONS_PER_GROUP))
        _commit(admin, f"reader-{number:04}", [KafkaTopicPartition(*place, 1) for place in chosen])


def _commit(admin: AdminClient, group: str, positions: list[KafkaTopicPartition]) -> None:
    """Until the coordinator has taken them all."""

    def is_taken() -> bool:
        (answer,) = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, positions)]).values()
        return all(each.error is None for each in answer.result(ANSWER_TIMEOUT_S).topic_partitions)

    wait_until(is_taken, f"the positions of {group} are committed", ANSWER_TIMEOUT_S)


def _horizon(run: Run) -> tuple[Ratio, tuple[tuple[str, ...], ...]]:
    """Predicted against real, for segments of several lengths at once."""
    overrides = {"log.retention.check.interval.ms": str(CHECK_MS), "log.initial.task.delay.ms": "500"}
    with KafkaCluster(1, overrides=overrides) as cluster:
        topics = {
            f"short-{segment_ms}-{turn}": segment_ms
            for segment_ms in SEGMENTS_MS
            for turn in range(run.scale.horizon_turns)
        }
        for topic, segment_ms in topics.items():
            configs = {"retention.ms": RETENTION_MS, "segment.ms": segment_ms}
            cluster.create_topic(topic, 1, configs=configs)
        _commit(cluster.admin(), "reader", [KafkaTopicPartition(topic, 0, 1) for topic in topics])
        early_s = _losses(cluster, topics)
    run.say(f"  {len(early_s)} losses, predicted {min(early_s.values()):.2f} to {max(early_s.values()):.2f} s before")
    real = measured("retention", "s", [RETENTION_MS / 1000])
    least = measured("least", "s", [min(early_s.values())])
    rows = tuple(
        (brief(segment_ms / 1000), ", ".join(brief(early_s[topic]) for topic in topics if topics[topic] == segment_ms))
        for segment_ms in SEGMENTS_MS
    )
    worst = Ratio("the least that the horizon was before the loss / retention", least, real, Goal(at_least=0))
    return worst, rows


def _losses(cluster: KafkaCluster, topics: dict[str, int]) -> dict[str, float]:
    """Seconds from the moment that was predicted to the one at which the log began behind it."""
    producer = Producer({**cluster.client_config(), "linger.ms": 0})
    monitor = Monitor(surveyor_of(ClusterConfiguration("bench", cluster.bootstrap)))
    predicted_ms: dict[str, int] = {}
    early_s: dict[str, float] = {}
    until_s = time.monotonic() + LOSS_TIMEOUT_S
    while len(early_s) < len(topics):
        if time.monotonic() > until_s:
            raise TimeoutError(f"only {len(early_s)} of {len(topics)} records were lost")
        for topic in topics:
            producer.produce(topic, b"{}")
        producer.flush(ANSWER_TIMEOUT_S)
        report = monitor.look()
        for _, position in report.positions():
            topic = position.source.topic
            log = report.survey.logs.get(TopicPartition(topic, 0))
            if log is None or topic in early_s:
                continue
            if log.start > position.position:
                early_s[topic] = (report.survey.taken_ms - predicted_ms[topic]) / 1000
            elif (at_ms := _by_time_ms(position.horizon)) is not None:
                predicted_ms[topic] = max(at_ms, predicted_ms.get(topic, 0))
        time.sleep(WRITE_EVERY_S)
    return early_s


def _by_time_ms(horizon: Horizon) -> int | None:
    return next((bound.at_ms for bound in horizon.bounds if bound.cause is Cause.TIME), None)
