"""What a person reads of a look: one line for each group and topic, the worst first, and one sentence at the top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watermaster.monitor.consumer import Condition
from watermaster.monitor.horizon import Bound, Cause, Doubt, Horizon
from watermaster.monitor.lag import Evidence
from watermaster.runtime.monitor import MonitorReport, PositionReport

NEVER_MS: Final = 2**62
"""Sorts behind every moment."""


@dataclass(frozen=True, slots=True)
class LagLine:
    """One group on one topic. Lags are sums and times maxima over its partitions; None is unknown.

    `records` is an upper bound, `records_min` a lower one. `evidence` is the weakest of the partitions.
    """

    group: str
    state: str
    members: int | None
    topic: str
    partitions: int
    records: int | None
    records_min: int | None
    time_ms: int | None
    time_error_ms: int
    evidence: Evidence | None
    held_back: int
    """Offsets behind transactions that are still open."""
    condition: Condition = Condition.UNKNOWN
    """The worst of the partitions."""
    caught_up_ms: int | None = None
    """When all is read if everything goes on like this; None: never, or it cannot be said (`forecast_known`)."""
    lost_ms: int | None = None
    """When something unread is lost if everything goes on like this; None: never, or it cannot be said."""
    forecast_known: bool = False


@dataclass(frozen=True, slots=True)
class HorizonLine:
    """One group on one topic: the partition that is nearest to a loss.

    `left_ms` is a lower bound of the time until something unread is lost; None: nothing threatens, or it cannot be
    said. If it is there and `known` is False, the position itself may expire sooner. `lost_max` bounds what is gone
    already, over all partitions.
    """

    group: str
    topic: str
    partition: int
    partitions: int
    known: bool
    cause: Cause | None
    at_ms: int | None
    left_ms: int | None
    forecast: bool
    lost_max: int
    because: str = ""
    """What leaves it unknown, of the partition that is looked at first."""

    @property
    def extensible(self) -> bool:
        """Whether keeping records longer helps."""
        return self.cause in (Cause.TIME, Cause.SIZE, Cause.LOST)

    @property
    def urgency(self) -> tuple[int, int]:
        """Sorts lines: what is lost, then what comes soonest, then what nobody can date, then the quiet ones."""
        if self.cause is Cause.LOST:
            return (0, 0)
        if self.at_ms is not None:
            return (1, self.at_ms)
        return (2, 0) if not self.known else (3, 0)


def lag_lines(report: MonitorReport) -> tuple[LagLine, ...]:
    """The groups of a look, the one with the largest lag first."""
    lines = [
        _lag_line(group.group_id, group.state, group.members, topic, positions)
        for group in report.groups
        for topic, positions in _by_topic(group.positions)
    ]
    return tuple(sorted(lines, key=lambda line: (line.records is not None, -(line.records or 0), line.group)))


def horizon_lines(report: MonitorReport) -> tuple[HorizonLine, ...]:
    """The groups of a look, the one nearest to a loss first."""
    lines = [
        _horizon_line(group.group_id, topic, positions, report.survey.taken_ms)
        for group in report.groups
        for topic, positions in _by_topic(group.positions)
    ]
    return tuple(sorted(lines, key=lambda line: (*line.urgency, line.group, line.topic)))


def _by_topic(positions: Sequence[PositionReport]) -> Iterable[tuple[str, list[PositionReport]]]:
    topics: dict[str, list[PositionReport]] = {}
    for position in positions:
        topics.setdefault(position.source.topic, []).append(position)
    return topics.items()


def _lag_line(group: str, state: str, members: int | None, topic: str, positions: Sequence[PositionReport]) -> LagLine:
    lags = [position.lag for position in positions if position.lag is not None]
    complete = len(lags) == len(positions)
    slowest = max(lags, key=lambda lag: lag.time_ms or 0, default=None)
    timed = complete and all(lag.time_ms is not None for lag in lags)
    order = list(Evidence)
    endings = [position.forecast for position in positions if position.forecast is not None]
    caught_up = [ending.caught_up_ms for ending in endings]
    complete_endings = len(endings) == len(positions)
    return LagLine(
        group=group,
        state=state,
        members=members,
        topic=topic,
        partitions=len(positions),
        records=sum(lag.records for lag in lags) if complete else None,
        records_min=sum(lag.records - lag.records_error for lag in lags) if complete else None,
        time_ms=slowest.time_ms if slowest and timed else None,
        time_error_ms=slowest.time_error_ms if slowest and timed else 0,
        evidence=max((lag.evidence for lag in lags), key=order.index, default=None) if complete else None,
        held_back=sum(position.log.held_back for position in positions if position.log is not None),
        condition=min((position.condition for position in positions), key=list(Condition).index),
        caught_up_ms=max(filter(None, caught_up), default=None) if complete_endings and None not in caught_up else None,
        lost_ms=min((e.lost_ms for e in endings if not e.safe and e.lost_ms is not None), default=None),
        forecast_known=complete_endings,
    )


def _horizon_line(group: str, topic: str, positions: Sequence[PositionReport], now_ms: int) -> HorizonLine:
    worst = min(positions, key=_urgency)
    doubtful = next((position.because for position in positions if position.because), "")
    nearest = _nearest(worst.horizon)
    at_ms = None if nearest is None else nearest.at_ms
    return HorizonLine(
        group=group,
        topic=topic,
        partition=worst.source.partition,
        partitions=len(positions),
        known=all(position.horizon.known for position in positions),
        cause=nearest.cause if nearest else None,
        at_ms=at_ms,
        left_ms=None if at_ms is None else max(0, at_ms - now_ms),
        forecast=nearest.forecast if nearest else False,
        lost_max=sum(position.horizon.lost_max for position in positions),
        because=doubtful,
    )


def _urgency(position: PositionReport) -> tuple[int, int]:
    horizon = position.horizon
    if horizon.lost_max:
        return (0, 0)
    nearest = _nearest(horizon)
    if not horizon.known and (nearest is None or nearest.at_ms is None):
        return (1, 0)
    return (2, NEVER_MS if nearest is None or nearest.at_ms is None else nearest.at_ms)


def _nearest(horizon: Horizon) -> Bound | None:
    """The nearest bound. When the position expires is often unknown just when deletion is near, for by then nothing
    that the group has read is left to date it by; that must not hide the deletion.
    """
    if horizon.doubts != (Doubt.EXPIRY,):
        return horizon.nearest
    dated = [bound for bound in horizon.bounds if bound.at_ms is not None]
    return replace(horizon, bounds=tuple(dated), doubts=()).nearest if dated else horizon.nearest
