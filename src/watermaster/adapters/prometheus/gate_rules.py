"""What gates tell of themselves, and that they tell nothing."""

from __future__ import annotations

from typing import Final

from watermaster.adapters.prometheus.rule import Alert, RuleGroup, Urgency, selector
from watermaster.adapters.prometheus.watched import Watched
from watermaster.incident.signal import SignalKind

RESTARTS_MAX: Final = 3
"""In a quarter of an hour; a worker that dies more often is not mended by being started again."""

_GATE: Final = "{{ $labels.gate }}"
_HELD: Final = "watermaster quarantine groups"


def gate_rules(watched: Watched) -> RuleGroup:
    """One group; gates that serve no metrics are left out, for their silence is wanted."""
    absent = tuple(_absent(gate.name) for gate in watched.gates if gate.scraped)
    return RuleGroup("watermaster-gates", (*absent, *(_ALWAYS if absent else ())))


def _absent(gate: str) -> Alert:
    return Alert(
        "WatermasterGateUnknown",
        f"absent({selector('watermaster_gate_commit_age_seconds', gate=gate)})",
        Urgency.PAGE,
        f"The gate {gate} serves no metrics, or they are not scraped",
        f"watermaster gate --gate {gate}",
        "5m",
        signal=SignalKind.GATE_STOPPED,
    )


_ALWAYS: Final = (
    Alert(
        "WatermasterBreakerOpen",
        "max by (gate, topic) (watermaster_gate_breaker_open) == 1",
        Urgency.PAGE,
        f"The gate {_GATE} has paused {{{{ $labels.topic }}}}: most of what it reads breaks the contract",
        f"{_HELD}; watermaster contract activate --help",
        signal=SignalKind.HELD_SHARE,
    ),
    Alert(
        "WatermasterGateCondition",
        'max by (gate, name, code) (watermaster_gate_condition{name!~"(halted|gap):.*"}) == 1',
        Urgency.PAGE,
        f"The gate {_GATE} needs a person: {{{{ $labels.name }}}} [{{{{ $labels.code }}}}]",
        "watermaster status",
        "2m",
    ),
    Alert(
        "WatermasterGateLostRecords",
        "sum by (gate, topic) (increase(watermaster_gate_lost_records_max_total[10m])) > 0",
        Urgency.PAGE,
        f"Records of {{{{ $labels.topic }}}} are gone that the gate {_GATE} has not read",
        "watermaster gate verify",
        signal=SignalKind.DATA_LOST,
    ),
    Alert(
        "WatermasterGateRestarts",
        f"sum by (gate) (increase(watermaster_gate_worker_restarts_total[15m])) > {RESTARTS_MAX}",
        Urgency.TICKET,
        f"Workers of the gate {_GATE} die again and again",
        "watermaster status",
    ),
    Alert(
        "WatermasterGateFenced",
        "sum by (gate) (increase(watermaster_gate_fences_total[15m])) > 0",
        Urgency.TICKET,
        f"Another process has taken the identity of the gate {_GATE}",
        "watermaster status",
    ),
)
