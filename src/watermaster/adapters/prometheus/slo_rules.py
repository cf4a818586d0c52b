"""Objectives of contracts as rules: what share was bad, what is left of the budget, and how fast it burns.

For each objective and window a share of bad time (or, for an error rate, of bad records) is recorded under the same
labels as its budget, so that one alert for a pair of windows serves all objectives. An objective of which nothing is
known has no share; that is an alert of its own and never a good one.
"""

from __future__ import annotations

from typing import Final, assert_never

from watermaster.adapters.prometheus.rule import Alert, Recording, RuleGroup, Urgency, selector
from watermaster.adapters.prometheus.watched import Watched, WatchedObjective
from watermaster.incident.signal import SignalKind
from watermaster.monitor.objective import BURN_WINDOWS, EVENTS_MIN, BurnWindow, Indicator

BUDGET: Final = "watermaster:slo_budget:ratio"
BUDGET_LEFT: Final = "watermaster:slo_budget_left:ratio"
BAD: Final = "watermaster:slo_bad:ratio"
"""1 while the objective's bound is passed, else 0; followed by a window, the share over that."""

BUDGET_WINDOW: Final = "30d"
_FAST: Final = ("5m", "30m", "1h", "6h")
_SLOW: Final = ("3d", BUDGET_WINDOW)
"""Expensive to read, and slow to change."""

FREQUENCY_S_MIN: Final = 60
"""An offset is seen a few times in a minute at best."""


def slo_rules(watched: Watched) -> tuple[RuleGroup, ...]:
    """Two groups, or none without an objective."""
    if not watched.objectives:
        return ()
    fast = [rule for target in watched.objectives for rule in (_budget(target), *_bad(target))]
    fast += [rule for window in _FAST for rule in _shares(watched, window)]
    slow = [rule for window in _SLOW for rule in _shares(watched, window)]
    left = Recording(BUDGET_LEFT, f"1 - {BAD}{BUDGET_WINDOW} / {BUDGET}")
    return (
        RuleGroup("watermaster-slo", (*fast, *(_burning(window) for window in BURN_WINDOWS), _UNKNOWN)),
        RuleGroup("watermaster-slo-slow", (*slow, left), interval="2m"),
    )


def _labels(target: WatchedObjective) -> dict[str, str]:
    owner = {} if target.owner is None else {"owner": target.owner}
    place = {"cluster_name": target.cluster, "gate": target.gate, "topic": target.topic}
    return {**place, "slo": target.objective.indicator.value, **owner}


def _budget(target: WatchedObjective) -> Recording:
    return Recording(BUDGET, f"vector({target.objective.budget:g})", _labels(target))


def _bad(target: WatchedObjective) -> tuple[Recording, ...]:
    expression = _is_bad(target)
    return () if expression is None else (Recording(BAD, expression, _labels(target)),)


def _is_bad(target: WatchedObjective) -> str | None:
    """1 or 0 now, and no sample where it is not known; None for what is counted in records."""
    bound_s = (target.objective.bound_ms or 0) / 1000
    of_group = {"cluster_name": target.cluster, "group": target.group, "topic": target.topic}
    match target.objective.indicator:
        case Indicator.LATENCY:
            return f"max({selector('kafka_consumergroup_group_lag_seconds', **of_group)}) > bool {bound_s:.15g}"
        case Indicator.FREQUENCY:
            end = selector("kafka_partition_latest_offset", cluster_name=target.cluster, topic=target.topic)
            return f"max(delta({end}[{max(FREQUENCY_S_MIN, round(bound_s))}s])) <= bool 0"
        case Indicator.AVAILABILITY:
            return _is_away(target)
        case Indicator.ERROR_RATE:
            return None
        case _ as never:
            assert_never(never)


def _is_away(target: WatchedObjective) -> str:
    """Nobody is in the gate's group, or its breaker is open, or the cluster is away, so that neither is known."""
    members = selector("kafka_consumergroup_members", cluster_name=target.cluster, consumergroup=target.group)
    breaker = selector("watermaster_gate_breaker_open", gate=target.gate, topic=target.topic)
    up = selector("watermaster_cluster_up", cluster_name=target.cluster)
    return f"max(({members} == bool 0) or {breaker}) or (max({up}) == 0) + 1"


def _shares(watched: Watched, window: str) -> list[Recording]:
    counted = [target for target in watched.objectives if _is_bad(target) is None]
    timed = len(counted) < len(watched.objectives)
    shares = [Recording(BAD + window, f"avg_over_time({BAD}[{window}])")] if timed else []
    return [*shares, *(_held_share(target, window) for target in counted)]


def _held_share(target: WatchedObjective, window: str) -> Recording:
    of_stream = {"gate": target.gate, "topic": target.topic}
    held = selector("watermaster_gate_records_total", **of_stream, outcome="held")
    read = selector("watermaster_gate_records_total", **of_stream)
    # Short windows only confirm that it goes on, so they need no number of their own.
    enough = 0 if window in ("5m", "30m") else EVENTS_MIN - 1
    expression = f"sum(increase({held}[{window}])) / (sum(increase({read}[{window}])) > {enough})"
    return Recording(BAD + window, expression, _labels(target))


def _burning(window: BurnWindow) -> Alert:
    bound = f"{window.factor:g} * {BUDGET}"
    name = "WatermasterBudgetBurns" if window.pages else "WatermasterBudgetBurnsSlowly"
    summary = (
        "{{ $labels.topic }} of {{ $labels.gate }}: {{ $value | humanizePercentage }} of "
        f"{window.long} broke the promised {{{{ $labels.slo }}}}, {window.factor:g} times what its budget bears"
    )
    return Alert(
        name,
        f"{BAD}{window.long} > {bound} and {BAD}{window.short} > {bound}",
        Urgency.PAGE if window.pages else Urgency.TICKET,
        summary,
        "watermaster status --lag --cluster {{ $labels.cluster_name }}; watermaster incident list",
        labels={"window": window.long},
        signal=SignalKind.BUDGET_BURN,
    )


_UNKNOWN: Final = Alert(
    "WatermasterSloUnknown",
    f'{BUDGET}{{slo!="{Indicator.ERROR_RATE.value}"}} unless {BAD}5m',
    Urgency.TICKET,
    "Whether {{ $labels.topic }} keeps its promised {{ $labels.slo }} is not known",
    "watermaster status --lag --cluster {{ $labels.cluster_name }}",
    "15m",
)
