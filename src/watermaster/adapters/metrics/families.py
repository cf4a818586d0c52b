"""Families of metrics: gauges that are added to sample by sample, and what several collectors tell as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Families:
    """All samples of a name must have the same labels."""

    def __init__(self) -> None:
        self._families: dict[str, GaugeMetricFamily] = {}

    def add(self, name: str, what: str, labels: Mapping[str, str], value: float) -> None:
        """One sample; `what` describes the family in a sentence."""
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = GaugeMetricFamily(name, what, labels=list(labels))
        family.add_metric(list(labels.values()), float(value))

    def all(self) -> Iterable[Metric]:
        """Every family."""
        return self._families.values()


class JoinedCollector(Collector):
    """One endpoint for several collectors, which share no name."""

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        """The families of all of them."""
        for collector in self._collectors:
            yield from collector.collect()
