"""Clusters, the looks at them, and whoever looks: that nothing is heard is never taken for good news."""

from __future__ import annotations

from typing import Final

from watermaster.adapters.prometheus.rule import Alert, Rule, RuleGroup, Urgency, selector
from watermaster.adapters.prometheus.watched import Watched
from watermaster.incident.signal import SignalKind

LOOK_AGE_S_MAX: Final = 300
"""A look every 15 s is twenty times as often; a first look at a large cluster takes less."""

_HEALTH: Final = "watermaster status --health --cluster {{ $labels.cluster_name }}"
_PAGED: Final = (
    "broker missing|partition offline|log directory offline|disk nearly full|too few copies to write|no controller"
)
"""Signals of `monitor/health.py` by which writers or readers stand still."""


def cluster_rules(watched: Watched) -> RuleGroup:
    """One group."""
    named: list[Rule] = [_absent(cluster) for cluster in watched.clusters]
    silence = [_MONITOR_SILENT, _PAGES_WAIT] if watched.pages else []
    return RuleGroup("watermaster-clusters", (_DEAD_MANS_SWITCH, *named, *_ALWAYS, *silence))


def _absent(cluster: str) -> Alert:
    return Alert(
        "WatermasterClusterUnknown",
        f"absent({selector('watermaster_cluster_up', cluster_name=cluster)})",
        Urgency.PAGE,
        f"Nothing is known of the cluster {cluster}: nobody serves its metrics, or they are not scraped",
        f"watermaster metrics --cluster {cluster}",
        "5m",
        signal=SignalKind.CLUSTER_UNREACHABLE,
    )


_DEAD_MANS_SWITCH: Final = Alert(
    "WatermasterDeadMansSwitch",
    "vector(1)",
    Urgency.NONE,
    "Fires for ever: route it to something that raises the alarm when it stops",
    "watermaster incident alerts test",
)
_MONITOR_SILENT: Final = Alert(
    "WatermasterMonitorSilent",
    "absent(watermaster_monitor_leads == 1)",
    Urgency.PAGE,
    "No monitor judges and sends pages",
    "watermaster monitor",
    "5m",
)
_PAGES_WAIT: Final = Alert(
    "WatermasterPagesWait",
    "max(watermaster_pages_waiting) > 0",
    Urgency.PAGE,
    "{{ $value }} pages have not arrived",
    "watermaster incident alerts test",
    "10m",
)
_ALWAYS: Final = (
    Alert(
        "WatermasterClusterDown",
        "max by (cluster_name) (watermaster_cluster_up) == 0",
        Urgency.PAGE,
        "The cluster {{ $labels.cluster_name }} does not answer, and nothing is known of what is in it",
        _HEALTH,
        "2m",
        signal=SignalKind.CLUSTER_UNREACHABLE,
    ),
    Alert(
        "WatermasterLookOld",
        f"min(watermaster_look_age_seconds) > {LOOK_AGE_S_MAX}",
        Urgency.PAGE,
        "The newest look is {{ $value | humanizeDuration }} old",
        "watermaster status",
        "5m",
    ),
    Alert(
        "WatermasterClusterProblem",
        f'max by (cluster_name, signal, subject) (watermaster_cluster_problem{{signal=~"{_PAGED}"}}) == 1',
        Urgency.PAGE,
        "{{ $labels.cluster_name }}: {{ $labels.signal }}, {{ $labels.subject }}",
        _HEALTH,
        "2m",
    ),
    Alert(
        "WatermasterClusterDegraded",
        f'max by (cluster_name, signal, subject) (watermaster_cluster_problem{{signal!~"{_PAGED}"}}) == 1',
        Urgency.TICKET,
        "{{ $labels.cluster_name }}: {{ $labels.signal }}, {{ $labels.subject }}",
        _HEALTH,
        "15m",
    ),
    Alert(
        "WatermasterProbeLost",
        "min by (cluster_name, topic) (watermaster_probe_back) == 0",
        Urgency.PAGE,
        "A record written to {{ $labels.topic }} on {{ $labels.cluster_name }} did not come back",
        _HEALTH,
        "2m",
        signal=SignalKind.PROBE_LOST,
    ),
    Alert(
        "WatermasterUnseen",
        "min by (cluster_name) (watermaster_cluster_unseen) > 0",
        Urgency.INFO,
        "{{ $value }} things of {{ $labels.cluster_name }} cannot be seen",
        "watermaster status --cluster {{ $labels.cluster_name }}",
        "30m",
    ),
)
