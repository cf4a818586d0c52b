"""The loss horizon and the readers: how long until unread records are gone, and whether they are read before."""

from __future__ import annotations

from typing import Final

from watermaster.adapters.prometheus.rule import POSITION, Alert, Recording, RuleGroup, Urgency
from watermaster.adapters.prometheus.watched import Watched
from watermaster.incident.signal import SignalKind

LEFT: Final = "watermaster:loss_left_seconds:min"
WAITING: Final = "watermaster:waiting_seconds:max"
UNREAD: Final = "watermaster:unread_records:max"
_WHO: Final = "{{ $labels.group }} on {{ $labels.topic }} ({{ $labels.cluster_name }})"
_HORIZON: Final = "watermaster status --horizon --cluster {{ $labels.cluster_name }}"
_LAG: Final = "watermaster status --lag --cluster {{ $labels.cluster_name }}"
URGENT_S: Final = 3600


def loss_rules(watched: Watched) -> RuleGroup:
    """One group. A loss is near by the same two bounds as an incident's (`monitor.loss_near_ms`, `kept_share_min`)."""
    return RuleGroup("watermaster-loss", (*_RECORDED, *_near(watched), *_ALWAYS))


def _near(watched: Watched) -> tuple[Alert, ...]:
    # Time that is kept is what has passed and what is left; where the first is not known, the second alone counts.
    early = f"{WAITING} / ({WAITING} + {LEFT}) < {watched.kept_share_min:g}"
    read = f"unless on ({POSITION}) ({UNREAD} == 0)"
    unspent = f"unless on ({POSITION}) ({early})"
    summary = f"Unread records for {_WHO} are lost in {{{{ $value | humanizeDuration }}}} at the earliest"
    near_s = watched.loss_near_ms / 1000
    return (
        Alert(
            "WatermasterLossNear",
            f"{LEFT} < {near_s:g} {unspent} {read}",
            Urgency.TICKET,
            summary,
            f"{_HORIZON}; watermaster extend --help",
            signal=SignalKind.LOSS_NEAR,
        ),
        Alert(
            "WatermasterLossImminent",
            f"{LEFT} < {min(URGENT_S, near_s):g} {unspent} {read}",
            Urgency.PAGE,
            summary,
            f"{_HORIZON}; watermaster extend --help",
            signal=SignalKind.LOSS_NEAR,
        ),
    )


_RECORDED: Final = (
    # Against the clock and not as of the look, so that it runs down between two looks.
    Recording(LEFT, f"min by ({POSITION}) (watermaster_loss_horizon_timestamp_seconds) - time()"),
    Recording(WAITING, f"max by ({POSITION}) (kafka_consumergroup_group_lag_seconds)"),
    Recording(UNREAD, f"max by ({POSITION}) (kafka_consumergroup_group_topic_sum_lag)"),
)
_ALWAYS: Final = (
    Alert(
        "WatermasterDataLost",
        f"sum by ({POSITION}) (max by ({POSITION}, partition) (delta(watermaster_lost_records_max[10m]))) > 0",
        Urgency.PAGE,
        f"Records are gone that {_WHO} has not read",
        _HORIZON,
        signal=SignalKind.DATA_LOST,
    ),
    Alert(
        "WatermasterLossUnknown",
        f"min by ({POSITION}) (watermaster_loss_horizon_known) == 0",
        Urgency.INFO,
        f"The loss horizon of {_WHO} is not known",
        _HORIZON,
        "30m",
    ),
    Alert(
        "WatermasterCatchUpTooLate",
        f"min by ({POSITION}) (watermaster_catch_up_safe) == 0",
        Urgency.PAGE,
        f"At this pace {_WHO} loses records before it reads them",
        _HORIZON,
        "5m",
        signal=SignalKind.LOSS_NEAR,
    ),
    Alert(
        "WatermasterConsumerStands",
        f'max by ({POSITION}, condition) (watermaster_consumer_condition{{condition=~"gone|stuck"}}) == 1',
        Urgency.TICKET,
        f"Records wait, and the readers of {_WHO} are {{{{ $labels.condition }}}}",
        _LAG,
        "5m",
        signal=SignalKind.CONSUMER_STOPPED,
    ),
)
