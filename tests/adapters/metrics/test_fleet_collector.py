"""Looks as metrics: the names of others with their labels, and that what is unknown has no sample."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.runtime.surveyors import HOUR_MS, NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.adapters.metrics.fleet_collector import FleetCollector
from watermaster.monitor.log import FirstUnread, PartitionLog
from watermaster.monitor.log_directory import LogDirectory
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.fleet_watch import FleetWatch
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Owner, Place, Placement
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.waiting import wait_until

GROUP = replace(readers(40), state="STABLE", owners={ORDERS: Owner("member-1", "client-1", "10.0.0.1")})
SURVEY = replace(survey_of(GROUP), placements={ORDERS: Placement(1, (1, 7), (1,))})
DOWN = ClusterLook("standby", "production", None, (Unseen("cluster standby", "nothing listens.", "X"),))


def samples(
    looks: Sequence[ClusterLook], age_ms: int | None = 0
) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FleetCollector(lambda: looks, ["primary", "standby"], lambda: age_ms))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def labels(**more: str) -> frozenset[tuple[str, str]]:
    return frozenset({"cluster_name": "primary", **more}.items())


def test_the_names_and_labels_of_both_exporters_and_ours() -> None:
    probes = {Place(ORDERS, 40): FirstUnread(40, NOW - 90_000)}
    report = Monitor(FixedSurveyor(SURVEY, probes=probes)).look()
    found = samples([ClusterLook("primary", "production", report, ()), DOWN])
    part = {"topic": "orders", "partition": "0"}
    theirs = {"consumergroup": "readers"}
    member = {"group": "readers", **part, "member_host": "10.0.0.1", "consumer_id": "member-1", "client_id": "client-1"}
    whole = {"group": "readers", "is_simple_consumer": "false"}
    ours = {"group": "readers", **part}
    assert found == {
        ("watermaster_cluster_up", labels()): 1,
        ("watermaster_cluster_up", labels(cluster_name="standby")): 0,
        ("watermaster_cluster_unseen", labels()): 0,
        ("watermaster_cluster_unseen", labels(cluster_name="standby")): 1,
        ("watermaster_look_age_seconds", frozenset()): 0,
        ("kafka_brokers", labels()): 1,
        ("kafka_topic_partitions", labels(topic="orders")): 1,
        ("kafka_topic_partition_replicas", labels(**part)): 2,
        ("kafka_topic_partition_in_sync_replica", labels(**part)): 1,
        ("kafka_topic_partition_under_replicated_partition", labels(**part)): 1,
        ("kafka_topic_partition_leader", labels(**part)): 1,
        ("kafka_topic_partition_leader_is_preferred", labels(**part)): 1,
        ("kafka_topic_partition_current_offset", labels(**part)): 100,
        ("kafka_topic_partition_oldest_offset", labels(**part)): 0,
        ("kafka_partition_latest_offset", labels(**part)): 100,
        ("kafka_partition_earliest_offset", labels(**part)): 0,
        ("kafka_consumergroup_current_offset", labels(**theirs, **part)): 40,
        ("kafka_consumergroup_lag", labels(**theirs, **part)): 60,
        ("kafka_consumergroup_current_offset_sum", labels(**theirs, topic="orders")): 40,
        ("kafka_consumergroup_lag_sum", labels(**theirs, topic="orders")): 60,
        ("kafka_consumergroup_members", labels(**theirs)): 1,
        ("kafka_consumergroup_group_offset", labels(**member)): 40,
        ("kafka_consumergroup_group_lag", labels(**member)): 60,
        ("kafka_consumergroup_group_lag_seconds", labels(**member)): 90,
        ("kafka_consumergroup_group_max_lag", labels(**whole)): 60,
        ("kafka_consumergroup_group_max_lag_seconds", labels(**whole)): 90,
        ("kafka_consumergroup_group_sum_lag", labels(**whole)): 60,
        ("kafka_consumergroup_group_topic_sum_lag", labels(group="readers", topic="orders")): 60,
        ("watermaster_held_back_offsets", labels(**part)): 0,
        ("watermaster_loss_horizon_known", labels(**ours)): 1,
        ("watermaster_loss_horizon_seconds", labels(**ours, cause="time")): (HOUR_MS - 90_000) / 1000,
        ("watermaster_loss_horizon_timestamp_seconds", labels(**ours, cause="time")): (NOW + HOUR_MS - 90_000) / 1000,
        ("watermaster_lost_records_max", labels(**ours)): 0,
        ("watermaster_consumer_condition", labels(**ours, condition="unknown")): 1,
        ("watermaster_cluster_problem", labels(signal="broker missing", subject="broker 7")): 1,
        ("watermaster_cluster_problem", labels(signal="copy missing", subject="orders[0]")): 1,
    }


def test_log_directories_and_what_their_disks_have_left() -> None:
    directories = (LogDirectory(1, "/data", 10, 1_000, 400), LogDirectory(1, "/gone", None, None, None))
    report = Monitor(FixedSurveyor(replace(SURVEY, directories=directories))).look()
    found = samples([ClusterLook("primary", "production", report, ())])
    data, gone = labels(broker="1", path="/data"), labels(broker="1", path="/gone")
    stem = "watermaster_log_directory"
    assert {key: value for key, value in found.items() if key[0].startswith(stem)} == {
        (f"{stem}_online", data): 1,
        (f"{stem}_online", gone): 0,
        (f"{stem}_stored_bytes", data): 10,
        (f"{stem}_total_bytes", data): 1_000,
        (f"{stem}_usable_bytes", data): 400,
    }


def test_the_newest_timestamp_of_a_topic_is_told_if_every_partition_told_of_its_own() -> None:
    other = TopicPartition("orders", 1)
    logs = {ORDERS: PartitionLog(0, 100, 100), other: PartitionLog(0, 7, 7)}
    name = ("watermaster_topic_newest_timestamp_seconds", labels(topic="orders"))

    def told(newest: dict[TopicPartition, int]) -> float | None:
        report = Monitor(FixedSurveyor(replace(SURVEY, logs=logs, newest=newest))).look()
        return samples([ClusterLook("primary", "production", report, ())]).get(name)

    assert told({ORDERS: NOW, other: NOW - 1}) == NOW / 1000
    assert told({ORDERS: NOW}) is None


def test_what_is_unknown_has_no_sample() -> None:
    report = Monitor(FixedSurveyor(replace(survey_of(replace(GROUP, members=None)), logs={}))).look()
    found = {name for name, _ in samples([ClusterLook("primary", "production", report, ())])}
    assert not {name for name in found if "lag" in name or "members" in name or "horizon_seconds" in name}
    assert "watermaster_loss_horizon_known" in found
    assert {name for name, _ in samples([], None)} == {"watermaster_cluster_up"}


class Slow:
    """A fleet whose second look hangs."""

    def __init__(self) -> None:
        self.hang = threading.Event()
        self.looks_begun = 0

    def look(self) -> Sequence[ClusterLook]:
        self.looks_begun += 1
        if self.looks_begun > 1:
            self.hang.wait(60)
        return [DOWN, ClusterLook("primary", "production", Monitor(FixedSurveyor(SURVEY)).look(), ())]


def test_a_look_that_is_too_old_says_nothing_of_now() -> None:
    fleet, now = Slow(), [0]
    watch = FleetWatch(fleet, 0.01, lambda: now[0])
    assert (watch.looks(), watch.age_ms, watch.health()[0]) == ((), None, 503)
    with watch:
        wait_until(lambda: fleet.looks_begun > 1, "the second look hangs", 30)
        assert len(watch.looks()) == 2
        status, body = watch.health()
        assert (status, body["clusters"]) == (503, {"standby": "unknown: nothing listens.", "primary": "ok"})
        now[0] = 31_000
        assert (watch.looks(), watch.age_ms) == ((), 31_000)
        fleet.hang.set()
