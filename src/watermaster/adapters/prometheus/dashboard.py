"""The page of Grafana: the loss horizon first, then readers, objectives, gates, clusters and whoever watches them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from watermaster.adapters.prometheus.loss_rules import LEFT, UNREAD, WAITING
from watermaster.adapters.prometheus.panel import SOURCE, Look, Panel, Query, Row, panels_json
from watermaster.adapters.prometheus.slo_rules import BAD, BUDGET, BUDGET_LEFT
from watermaster.adapters.prometheus.watched import Watched
from watermaster.monitor.objective import BURN_WINDOWS

SCHEMA_VERSION: Final = 39
"""Grafana 10 and newer read it, and bring it up to their own."""

_CHOSEN: Final = 'cluster_name=~"$cluster"'
_READER: Final = f'{_CHOSEN},group=~"$group",topic=~"$topic"'
_NAME: Final = "{{group}} {{topic}}"
_NUMBERS: Final = 6
_DAY_S: Final = 86_400


def dashboard_json(watched: Watched) -> str:
    """The text to import; rows without anything to show are left out."""
    document = {
        "uid": "watermaster",
        "title": "Watermaster",
        "description": "Written by `watermaster metrics dashboard`; the rules of `watermaster metrics rules` feed it.",
        "tags": ["kafka", "watermaster"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": _variables()},
        "panels": panels_json(rows(watched)),
    }
    return json.dumps(document, indent=2) + "\n"


def rows(watched: Watched) -> Sequence[Row]:
    """Every row with its panels."""
    objectives = (_OBJECTIVES,) if watched.objectives else ()
    gates = (_GATES,) if any(gate.scraped for gate in watched.gates) else ()
    return (_TOP, _READERS, *objectives, *gates, _CLUSTERS, _WATCH)


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    labels = (
        ("cluster", "watermaster_cluster_up", "cluster_name"),
        ("group", f"kafka_consumergroup_group_topic_sum_lag{{{_CHOSEN}}}", "group"),
        ("topic", f"kafka_topic_partitions{{{_CHOSEN}}}", "topic"),
    )
    return [source, *(_variable(name, f"label_values({series}, {label})") for name, series, label in labels)]


def _variable(name: str, query: str) -> dict[str, Any]:
    every = {"selected": True, "text": "All", "value": "$__all"}
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": every,
    }


def _number(title: str, expression: str, what: str, **more: Any) -> Panel:  # noqa: ANN401 -- fields of a panel
    return Panel(title, (Query(expression),), Look.NUMBER, width=_NUMBERS, what=what, **more)


def _by(value: str, labels: str = "cluster_name, group, topic") -> str:
    return f"max by ({labels}) ({value})"


def _share_left() -> str:
    by = "cluster_name, broker, path"
    usable, total = (_by(f"watermaster_log_directory_{what}_bytes{{{_CHOSEN}}}", by) for what in ("usable", "total"))
    return f"{usable} / {total}"


_TOP: Final = Row(
    "What is about to be lost",
    (
        _number(
            "Loss horizon",
            f"min({LEFT}{{{_READER}}})",
            "Until then nothing unread is lost, under unchanged settings.",
            unit="s",
            red_below=_DAY_S,
        ),
        _number(
            "Records lost unread, at most",
            f"sum({_by(f'watermaster_lost_records_max{{{_READER}}}', 'cluster_name, group, topic, partition')})",
            "Markers and holes are counted in.",
            red_above=1,
        ),
        _number(
            "Clusters that answer",
            f"sum({_by(f'watermaster_cluster_up{{{_CHOSEN}}}', 'cluster_name')})",
            "A cluster that does not answer is unknown, and not well.",
            red_below=1,
        ),
        _number(
            "Oldest look",
            "max(watermaster_look_age_seconds)",
            "What is shown is as old as this.",
            unit="s",
            red_above=300,
        ),
        Panel(
            "Loss horizon, the nearest ones",
            (Query(f"bottomk(10, {LEFT}{{{_READER}}})", _NAME),),
            unit="s",
            what="A line that falls at 45° counts down; where it reaches zero, unread records are deleted.",
        ),
        Panel(
            "Caught up in",
            (Query(f"{_by(f'watermaster_catch_up_timestamp_seconds{{{_READER}}}')} - time()", _NAME),),
            unit="s",
            what="At the pace of the last looks.",
        ),
    ),
)
_READERS: Final = Row(
    "Readers",
    (
        Panel("Unread records, at most", (Query(f"topk(10, {UNREAD}{{{_READER}}})", _NAME),)),
        Panel("Age of the first unread record", (Query(f"topk(10, {WAITING}{{{_READER}}})", _NAME),), unit="s"),
        Panel(
            "What readers do",
            (Query(f"count by (condition) (watermaster_consumer_condition{{{_READER}}})", "{{condition}}"),),
            what="Partitions of groups, by condition: gone, stuck, slow, catching up, keeping up, idle.",
        ),
        Panel(
            "Members",
            (
                Query(
                    _by(
                        f'kafka_consumergroup_members{{{_CHOSEN},consumergroup=~"$group"}}',
                        "cluster_name, consumergroup",
                    ),
                    "{{consumergroup}}",
                ),
            ),
        ),
        Panel(
            "Written records per second",
            (
                Query(
                    "topk(10, sum by (cluster_name, topic) (max by (cluster_name, topic, partition) "
                    f'(rate(kafka_topic_partition_current_offset{{{_CHOSEN},topic=~"$topic"}}[5m]))))',
                    "{{topic}}",
                ),
            ),
            unit="cps",
        ),
        Panel(
            "Age of the newest timestamp",
            (
                Query(
                    "topk(10, time() - "
                    + _by(
                        f'watermaster_topic_newest_timestamp_seconds{{{_CHOSEN},topic=~"$topic"}}',
                        "cluster_name, topic",
                    )
                    + ")",
                    "{{topic}}",
                ),
            ),
            unit="s",
            what="Of all partitions, also where records come out of order; below zero it lies ahead of the clock.",
        ),
        Panel(
            "Held back by open transactions",
            (
                Query(
                    f"topk(10, {_by(f'watermaster_held_back_offsets{{{_CHOSEN}}}', 'cluster_name, topic')})",
                    "{{topic}}",
                ),
            ),
        ),
    ),
)
_OBJECTIVES: Final = Row(
    "Objectives of the contracts",
    (
        Panel(
            "Budget left of 30 days",
            (Query(f"{BUDGET_LEFT}{{{_CHOSEN}}}", "{{topic}} {{slo}}"),),
            unit="percentunit",
            red_below=0.1,
        ),
        Panel(
            "How fast it burns",
            tuple(
                Query(f"{BAD}{window.long}{{{_CHOSEN}}} / {BUDGET}", f"{{{{topic}}}} {{{{slo}}}} {window.long}")
                for window in BURN_WINDOWS
            ),
            what="1 uses the budget up in just its 30 days; pages come at 14.4 over an hour and 6 over six.",
        ),
    ),
)
_GATES: Final = Row(
    "Gates",
    (
        Panel(
            "Records per second",
            (
                Query(
                    "sum by (gate, topic, outcome) (rate(watermaster_gate_records_total[5m]))",
                    "{{gate}} {{topic}} {{outcome}}",
                ),
            ),
            unit="cps",
        ),
        Panel(
            "Held share",
            (
                Query(
                    'sum by (gate, topic) (rate(watermaster_gate_records_total{outcome="held"}[5m]))'
                    " / sum by (gate, topic) (rate(watermaster_gate_records_total[5m]))",
                    "{{gate}} {{topic}}",
                ),
            ),
            unit="percentunit",
        ),
        Panel(
            "Broken rules per second",
            (
                Query(
                    "topk(10, sum by (topic, rule) (rate(watermaster_gate_broken_rules_total[5m])))",
                    "{{topic}} {{rule}}",
                ),
            ),
            unit="cps",
        ),
        Panel(
            "From landing to trusted",
            (
                Query(
                    _by(f"watermaster_latency_seconds{{{_CHOSEN}}}", "cluster_name, topic, quantile"),
                    "{{cluster_name}} {{topic}} {{quantile}}",
                ),
            ),
            unit="s",
            what="Of the records that waited longest in their transactions, the last ten minutes; needs `monitor`.",
        ),
        Panel("Since the newest commit", (Query(_by("watermaster_gate_commit_age_seconds", "gate"), "{{gate}}"),)),
        Panel(
            "Needs a person",
            (Query(_by("watermaster_gate_condition", "gate, name, code") + " == 1"),),
            Look.TABLE,
            what="Empty is good as long as the gate is scraped.",
        ),
        Panel(
            "Transactions and aborts per second",
            (
                Query("sum by (gate) (rate(watermaster_gate_transactions_total[5m]))", "{{gate}} committed"),
                Query("sum by (gate, code) (rate(watermaster_gate_aborts_total[5m]))", "{{gate}} {{code}}"),
            ),
            unit="cps",
        ),
    ),
)
_CLUSTERS: Final = Row(
    "Clusters",
    (
        Panel(
            "What is wrong",
            (
                Query(
                    _by(f"watermaster_cluster_problem{{{_CHOSEN}}}", "cluster_name, signal, subject") + " == 1",
                ),
            ),
            Look.TABLE,
        ),
        Panel(
            "Brokers, and partitions with a copy missing",
            (
                Query(_by(f"kafka_brokers{{{_CHOSEN}}}", "cluster_name"), "{{cluster_name}} brokers"),
                Query(
                    "sum by (cluster_name) (max by (cluster_name, topic, partition) "
                    f"(kafka_topic_partition_under_replicated_partition{{{_CHOSEN}}}))",
                    "{{cluster_name}} copies missing",
                ),
            ),
        ),
        Panel(
            "A record there and back",
            (
                Query(
                    _by(f"watermaster_probe_latency_seconds{{{_CHOSEN}}}", "cluster_name, quantile"),
                    "{{cluster_name}} {{quantile}}",
                ),
            ),
            unit="s",
            what="Through the probe topic, where the configuration names one.",
        ),
        Panel(
            "Left on the disks of brokers",
            (
                Query(
                    f"bottomk(10, {_share_left()})",
                    "{{cluster_name}} {{broker}} {{path}}",
                ),
            ),
            unit="percentunit",
            red_below=0.05,
        ),
    ),
)
_WATCH: Final = Row(
    "Whoever watches",
    (
        Panel(
            "Open incidents by alarms",
            (Query("max by (alarms) (watermaster_incidents_open)", "{{alarms}} alarms"),),
            width=8,
        ),
        Panel("Pages that have not arrived", (Query("max(watermaster_pages_waiting)", "waiting"),), width=8),
        Panel(
            "Things that cannot be seen",
            (Query(_by(f"watermaster_cluster_unseen{{{_CHOSEN}}}", "cluster_name"), "{{cluster_name}}"),),
            width=8,
        ),
    ),
)
