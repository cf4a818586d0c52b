"""What the watch tells of itself and of incidents, as Prometheus metrics and as health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from watermaster.monitor.carriage import Carried, quantile_ms
from watermaster.runtime.budgets import BudgetReport
from watermaster.runtime.data_watch import Returned
from watermaster.runtime.incident_watch import WatchState
from watermaster.runtime.ports import Clock

SILENCE_POLLS_MAX: Final = 6
"""A leader that has not finished a look for so many polls (and a minute) is not healthy, whatever else it says."""
SILENCE_MS_MIN: Final = 60_000
QUANTILES: Final = (0.5, 0.99, 1.0)


class WatchCollector(Collector):
    """Reads the newest state at each scrape. What is not known is left out; it is never a zero."""

    def __init__(self, state: Callable[[], WatchState], clock: Clock) -> None:
        self._state, self._clock = state, clock

    def collect(self) -> Iterator[Metric]:
        """All families."""
        state = self._state()
        leads = GaugeMetricFamily("watermaster_monitor_leads", "1 for the monitor that judges and sends.")
        leads.add_metric([], int(state.leads))
        yield leads
        age = GaugeMetricFamily("watermaster_monitor_look_age_seconds", "Since the newest look that was judged.")
        if state.looked_ms is not None:
            age.add_metric([], max(0, self._clock.now_ms() - state.looked_ms) / 1000)
        yield age
        incidents = GaugeMetricFamily("watermaster_incidents_open", "Incidents that are open.", labels=["alarms"])
        for alarms, count in (state.open_incidents or {}).items():
            incidents.add_metric([str(alarms)], count)
        yield incidents
        waiting = GaugeMetricFamily("watermaster_pages_waiting", "Pages that have not arrived.")
        if state.pages_waiting is not None:
            waiting.add_metric([], state.pages_waiting)
        yield waiting
        yield from _budgets(state.budgets)
        yield _carried(state.carried)
        yield from _returned(state.returned)


def _returned(probes: Sequence[Returned]) -> Iterator[Metric]:
    names = ("cluster_name", "topic")
    what = "From writing to what read_committed readers see, through a probe topic; ten minutes."
    family = GaugeMetricFamily("watermaster_probe_latency_seconds", what, labels=(*names, "quantile"))
    back = GaugeMetricFamily("watermaster_probe_back", "1 if the newest record came back.", labels=names)
    for probe in probes:
        back.add_metric([probe.cluster, probe.topic], int(probe.back))
        for share in QUANTILES:
            wait_ms = quantile_ms(probe.waits, share)
            if wait_ms is not None:
                family.add_metric([probe.cluster, probe.topic, str(share)], wait_ms / 1000)
    yield from (family, back)


def _carried(streams: Sequence[Carried]) -> Metric:
    names = ("cluster_name", "gate", "topic", "since", "quantile")
    what = "From landing to the gate's ledger, of the records that waited longest in their transactions; ten minutes."
    family = GaugeMetricFamily("watermaster_latency_seconds", what, labels=names)
    for stream in streams:
        since = {True: "append", False: "create", None: "unknown"}[stream.appended]
        for share in QUANTILES:
            wait_ms = quantile_ms(stream.waits, share)
            if wait_ms is not None:
                family.add_metric([stream.cluster, stream.gate, stream.topic, since, str(share)], wait_ms / 1000)
    return family


def _budgets(reports: Sequence[BudgetReport]) -> Iterator[Metric]:
    names = ("cluster_name", "gate", "topic", "slo")
    bad = GaugeMetricFamily("watermaster_slo_bad", "1 while a promised objective is missed.", labels=names)
    left = GaugeMetricFamily(
        "watermaster_slo_budget_left_ratio", "Of the error budget of 30 days, at the best.", labels=names
    )
    burn = GaugeMetricFamily(
        "watermaster_slo_burn_rate", "Multiple of the pace that just uses the budget up.", labels=(*names, "window")
    )
    for report in reports:
        labels = [report.cluster, report.gate, report.topic, report.objective.indicator.value]
        if report.bad is not None:
            bad.add_metric(labels, int(report.bad))
        if report.budget.left is not None:
            left.add_metric(labels, report.budget.left)
        for rate in report.budget.burns:
            if rate.long is not None:
                burn.add_metric([*labels, rate.window.long], rate.long)
            if rate.short is not None and rate.window.short not in {other.window.long for other in report.budget.burns}:
                burn.add_metric([*labels, rate.window.short], rate.short)
    yield from (bad, left, burn)


def watch_health(state: WatchState, now_ms: int, poll_ms: int) -> tuple[int, dict[str, object]]:
    """HTTP status and body: 200 while looks are judged and pages arrive, or while another monitor leads."""
    newest_ms = state.started_ms if state.looked_ms is None else state.looked_ms
    silent = state.leads and now_ms - newest_ms > max(SILENCE_MS_MIN, SILENCE_POLLS_MAX * poll_ms)
    failing = bool(silent or state.fault or state.refused)
    body: dict[str, object] = {
        "status": "failing" if failing else "ok" if state.looked_ms or not state.leads else "unknown",
        "leads": state.leads,
        "looked_ms": state.looked_ms,
        "fault": state.fault,
        "open_incidents": dict(state.open_incidents) if state.open_incidents is not None else None,
        "pages_waiting": state.pages_waiting,
        "refused": dict(state.refused or {}),
    }
    return (503 if failing else 200), body
