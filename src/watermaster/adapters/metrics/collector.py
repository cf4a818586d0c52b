"""A gate's statistics as Prometheus metrics. Names and labels are stable; labels never hold record content."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watermaster.runtime.gate_statistics import RULES_MAX, GateStatistics
from watermaster.runtime.ports import Clock


class GateCollector(Collector):
    """Reads the newest statistics at each scrape."""

    def __init__(self, statistics: Callable[[], GateStatistics], clock: Clock) -> None:
        self._statistics = statistics
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """All families."""
        statistics = self._statistics()
        yield from self._streams(statistics)
        yield from self._transactions(statistics)
        yield self._conditions(statistics)
        yield self._breaker(statistics)

    def _streams(self, statistics: GateStatistics) -> Iterator[Metric]:
        gate = statistics.gate
        records = CounterMetricFamily(
            "watermaster_gate_records", "Records judged, by what became of them.", labels=["gate", "topic", "outcome"]
        )
        rules = CounterMetricFamily(
            "watermaster_gate_broken_rules",
            "Broken rules, several to a record.",
            labels=["gate", "topic", "rule"],
        )
        lost = CounterMetricFamily(
            "watermaster_gate_lost_records_max",
            "Bound of records gone unread.",
            labels=["gate", "topic"],
        )
        share = GaugeMetricFamily(
            "watermaster_gate_held_ratio", "Held records over read ones since the start.", labels=["gate", "topic"]
        )
        activation = GaugeMetricFamily(
            "watermaster_gate_activation", "Number of the contract activation in force.", labels=["gate", "topic"]
        )
        for topic, counts in statistics.streams().items():
            for outcome in ("passed", "held", "dropped"):
                records.add_metric([gate, topic, outcome], getattr(counts, outcome))
            for rule, count in sorted(counts.rules.items(), key=lambda item: -item[1])[:RULES_MAX]:
                rules.add_metric([gate, topic, rule], count)
            lost.add_metric([gate, topic], counts.lost_max)
            share.add_metric([gate, topic], counts.held / counts.read if counts.read else 0.0)
            activation.add_metric([gate, topic], counts.activation)
        yield from (records, rules, lost, share, activation)
        lag = GaugeMetricFamily("watermaster_gate_lag_records", "Records not yet judged.", labels=["gate", "topic"])
        for topic, behind in statistics.lags().items():
            lag.add_metric([gate, topic], behind)
        yield lag

    def _transactions(self, statistics: GateStatistics) -> Iterator[Metric]:
        gate = statistics.gate
        committed = CounterMetricFamily("watermaster_gate_transactions", "Committed transactions.", labels=["gate"])
        committed.add_metric([gate], sum(worker.transactions for worker in statistics.everyone()))
        yield committed
        aborts = CounterMetricFamily("watermaster_gate_aborts", "Aborted transactions.", labels=["gate", "code"])
        by_code: dict[str, int] = {}
        for worker in statistics.everyone():
            for code, count in worker.aborts.items():
                by_code[code] = by_code.get(code, 0) + count
        for code, count in by_code.items():
            aborts.add_metric([gate, code], count)
        yield aborts
        fences = CounterMetricFamily("watermaster_gate_fences", "Workers fenced by another process.", labels=["gate"])
        fences.add_metric([gate], statistics.fences)
        yield fences
        restarts = CounterMetricFamily("watermaster_gate_worker_restarts", "Workers that died.", labels=["gate"])
        restarts.add_metric([gate], statistics.restarts)
        yield restarts
        age = GaugeMetricFamily("watermaster_gate_commit_age_seconds", "Since the newest commit.", labels=["gate"])
        since_ms = statistics.last_commit_ms() or statistics.started_ms
        age.add_metric([gate], max(0.0, (self._clock.now_ms() - since_ms) / 1000))
        yield age

    def _conditions(self, statistics: GateStatistics) -> Metric:
        family = GaugeMetricFamily(
            "watermaster_gate_condition", "1 while something needs a person.", labels=["gate", "name", "code"]
        )
        for condition in statistics.conditions():
            family.add_metric([statistics.gate, condition.name, condition.code], 1)
        return family

    def _breaker(self, statistics: GateStatistics) -> Metric:
        family = GaugeMetricFamily(
            "watermaster_gate_breaker_open", "1 while a stream is paused.", labels=["gate", "topic"]
        )
        paused = {c.name.removeprefix("halted:") for c in statistics.conditions() if c.name.startswith("halted:")}
        for topic in statistics.streams().keys() | paused:
            family.add_metric([statistics.gate, topic], 1 if topic in paused else 0)
        return family
