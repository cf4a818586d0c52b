"""Looks at clusters as Prometheus metrics, under the names that dashboards and alerts of others use already, and ours.

Two styles are spoken side by side: kafka_exporter's (`consumergroup`, `topic`, `partition`; with `cluster_name` added,
for one process watches many clusters) and kafka-lag-exporter's (`cluster_name`, `group`, …). What is unknown has no
sample: a zero would be a claim. Sources of the names: github.com/danielqsj/kafka_exporter and
github.com/seglo/kafka-lag-exporter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watermaster.adapters.metrics.families import Families
from watermaster.monitor.kafka_release import unmended_since
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import HELD_RECORDS, GroupReport, MonitorReport, PositionReport

_PART = ("cluster_name", "topic", "partition")
_EXPORTER = ("cluster_name", "consumergroup", "topic", "partition")
_LAG_EXPORTER = ("cluster_name", "group", "topic", "partition", "member_host", "consumer_id", "client_id")
_GROUP = ("cluster_name", "group", "is_simple_consumer")
_OURS = ("cluster_name", "group", "topic", "partition")


class FleetCollector(Collector):
    """Reads the newest looks at each scrape. `age_ms` is how old they are, None before the first.

    It is silent unless `looking`: a monitor that stands by knows nothing, also not that a cluster is down.
    """

    def __init__(
        self,
        looks: Callable[[], Sequence[ClusterLook]],
        names: Sequence[str],
        age_ms: Callable[[], int | None],
        looking: Callable[[], bool] = lambda: True,
    ) -> None:
        self._looks = looks
        self._names = names
        self._age_ms = age_ms
        self._looking = looking

    def collect(self) -> Iterator[Metric]:
        """All families of all clusters."""
        if not self._looking():
            return
        looks = self._looks()
        families = Families()
        answered = {look.name for look in looks if look.report is not None}
        for name in self._names:
            families.add(
                "watermaster_cluster_up", "1 if it has answered lately.", {"cluster_name": name}, name in answered
            )
        for look in looks:
            labels = {"cluster_name": look.name}
            families.add("watermaster_cluster_unseen", "Things that could not be seen.", labels, len(look.unseen))
            if look.report is not None:
                _topics(families, look.name, look.report)
                _groups(families, look.name, look.report)
                _problems(families, look.name, look.report)
                _directories(families, look.name, look.report)
                _versions(families, look.name, look.report)
        yield from families.all()
        age_ms = self._age_ms()
        if age_ms is not None:
            yield GaugeMetricFamily("watermaster_look_age_seconds", "Since the newest look.", value=age_ms / 1000)


def _topics(families: Families, cluster: str, report: MonitorReport) -> None:
    survey = report.survey
    families.add("kafka_brokers", "Brokers.", {"cluster_name": cluster}, len(survey.cluster.brokers))
    counts: dict[str, int] = {}
    for source, placed in survey.placements.items():
        counts[source.topic] = counts.get(source.topic, 0) + 1
        labels = dict(zip(_PART, (cluster, source.topic, str(source.partition)), strict=True))
        behind, leader = len(placed.in_sync) < len(placed.replicas), -1 if placed.leader is None else placed.leader
        stem = "kafka_topic_partition"
        families.add(f"{stem}_replicas", "Copies.", labels, len(placed.replicas))
        families.add(f"{stem}_in_sync_replica", "Copies in sync.", labels, len(placed.in_sync))
        families.add(f"{stem}_under_replicated_partition", "1 if a copy is missing.", labels, behind)
        families.add(f"{stem}_leader", "Broker id of the leader, -1 without one.", labels, leader)
        families.add(f"{stem}_leader_is_preferred", "1 if so.", labels, leader in placed.replicas[:1])
        log = survey.logs.get(source)
        if log is not None:
            families.add(f"{stem}_current_offset", "End.", labels, log.end)
            families.add(f"{stem}_oldest_offset", "Start.", labels, log.start)
            families.add("kafka_partition_latest_offset", "End.", labels, log.end)
            families.add("kafka_partition_earliest_offset", "Start.", labels, log.start)
            families.add("watermaster_held_back_offsets", "Behind open transactions.", labels, log.held_back)
    for topic, count in counts.items():
        labels = {"cluster_name": cluster, "topic": topic}
        families.add("kafka_topic_partitions", "Partitions.", labels, count)
    for topic, fresh in survey.freshness().items():
        if fresh.newest_ms is not None and fresh.whole:
            labels = {"cluster_name": cluster, "topic": topic}
            what = "Wherever in its partitions the record lies."
            families.add("watermaster_topic_newest_timestamp_seconds", what, labels, fresh.newest_ms / 1000)


def _groups(families: Families, cluster: str, report: MonitorReport) -> None:
    simple = {group.group_id: group.simple for group in report.survey.groups}
    for group in report.groups:
        for position in group.positions:
            _ours(families, cluster, group, position, report.survey.taken_ms)
            if group.group_id != HELD_RECORDS:
                _position(families, cluster, group, position)
        if group.group_id != HELD_RECORDS:
            _sums(families, cluster, group, is_simple=simple.get(group.group_id, False))


def _position(families: Families, cluster: str, group: GroupReport, position: PositionReport) -> None:
    place = (position.source.topic, str(position.source.partition))
    labels = dict(zip(_EXPORTER, (cluster, group.group_id, *place), strict=True))
    owner = ("", "", "") if position.owner is None else (position.owner.host, *position.owner[:2])
    member = dict(zip(_LAG_EXPORTER, (cluster, group.group_id, *place, *owner), strict=True))
    families.add("kafka_consumergroup_current_offset", "Committed.", labels, position.position)
    families.add("kafka_consumergroup_group_offset", "Committed.", member, position.position)
    if position.lag is not None:
        families.add("kafka_consumergroup_lag", "Unread, at most.", labels, position.lag.records)
        families.add("kafka_consumergroup_group_lag", "Unread, at most.", member, position.lag.records)
        if position.lag.time_ms is not None:
            seconds = position.lag.time_ms / 1000
            families.add("kafka_consumergroup_group_lag_seconds", "Age of the first unread.", member, seconds)


def _sums(families: Families, cluster: str, group: GroupReport, *, is_simple: bool) -> None:
    """Sums and maxima, of groups and topics of which every partition is known."""
    labels = dict(zip(_GROUP, (cluster, group.group_id, str(is_simple).lower()), strict=True))
    lags = [position.lag for position in group.positions if position.lag is not None]
    if len(lags) == len(group.positions):
        families.add("kafka_consumergroup_group_max_lag", "Largest.", labels, max(lag.records for lag in lags))
        families.add("kafka_consumergroup_group_sum_lag", "Of all topics.", labels, sum(lag.records for lag in lags))
        times = [lag.time_ms for lag in lags if lag.time_ms is not None]
        if len(times) == len(lags):
            families.add("kafka_consumergroup_group_max_lag_seconds", "Oldest.", labels, max(times) / 1000)
    if group.members is not None:
        whose = {"cluster_name": cluster, "consumergroup": group.group_id}
        families.add("kafka_consumergroup_members", "Members.", whose, group.members)
    for topic in {position.source.topic for position in group.positions}:
        _topic_sums(families, cluster, group, topic)


def _topic_sums(families: Families, cluster: str, group: GroupReport, topic: str) -> None:
    positions = [position for position in group.positions if position.source.topic == topic]
    labels = {"cluster_name": cluster, "consumergroup": group.group_id, "topic": topic}
    total = sum(position.position for position in positions)
    families.add("kafka_consumergroup_current_offset_sum", "Committed.", labels, total)
    lags = [position.lag.records for position in positions if position.lag is not None]
    if len(lags) == len(positions):
        families.add("kafka_consumergroup_lag_sum", "Unread, at most.", labels, sum(lags))
        other = {"cluster_name": cluster, "group": group.group_id, "topic": topic}
        families.add("kafka_consumergroup_group_topic_sum_lag", "Unread, at most.", other, sum(lags))


def _ours(families: Families, cluster: str, group: GroupReport, position: PositionReport, taken_ms: int) -> None:
    horizon = position.horizon
    values = (cluster, group.group_id, position.source.topic, str(position.source.partition))
    labels = dict(zip(_OURS, values, strict=True))
    families.add("watermaster_loss_horizon_known", "1 if all could be seen that it needs.", labels, horizon.known)
    families.add("watermaster_lost_records_max", "Gone unread, at most.", labels, horizon.lost_max)
    for bound in horizon.bounds:
        if bound.at_ms is not None:
            families.add(
                "watermaster_loss_horizon_seconds",
                "Time that was left at the look, at least.",
                {**labels, "cause": bound.cause.value},
                max(0, bound.at_ms - taken_ms) / 1000,
            )
            families.add(
                "watermaster_loss_horizon_timestamp_seconds",
                "When something unread is lost by this cause, at the earliest.",
                {**labels, "cause": bound.cause.value},
                bound.at_ms / 1000,
            )
    families.add(
        "watermaster_consumer_condition",
        "1 for what its readers do.",
        {**labels, "condition": position.condition.value},
        1,
    )
    ending = position.forecast
    if ending is not None:
        families.add("watermaster_catch_up_safe", "1 if all is read before it is lost.", labels, ending.safe)
        if ending.caught_up_ms is not None:
            moment = ending.caught_up_ms / 1000
            families.add("watermaster_catch_up_timestamp_seconds", "When all is read.", labels, moment)


def _problems(families: Families, cluster: str, report: MonitorReport) -> None:
    for problem in report.problems:
        labels = {"cluster_name": cluster, "signal": problem.signal.value, "subject": problem.subject}
        families.add("watermaster_cluster_problem", "1 while it is wrong.", labels, 1)


def _versions(families: Families, cluster: str, report: MonitorReport) -> None:
    for each in report.survey.versions:
        labels = {"cluster_name": cluster, "broker": str(each.broker), "version": each.text}
        mended = not each.exact or unmended_since(each.minor) is None
        families.add("watermaster_broker_mended", "1 while the project mends its minor release.", labels, mended)


def _directories(families: Families, cluster: str, report: MonitorReport) -> None:
    stem = "watermaster_log_directory"
    for each in report.survey.directories:
        labels = {"cluster_name": cluster, "broker": str(each.broker), "path": each.path}
        families.add(f"{stem}_online", "0 if its broker cannot use it.", labels, not each.offline)
        sizes = {"stored": each.stored, "usable": each.usable, "total": each.total}
        for name, size in sizes.items():
            if size is not None:
                families.add(f"{stem}_{name}_bytes", f"Bytes {name}, of partitions or of the disk.", labels, size)
