"""What a look at a cluster found, as signals of incidents; and of which problems it could not see enough to judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from watermaster.incident.answer import span
from watermaster.incident.problem import key_of
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.monitor.consumer import Condition
from watermaster.monitor.horizon import Cause
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.lag_summary import HorizonLine, LagLine, horizon_lines, lag_lines
from watermaster.runtime.monitor import HELD_RECORDS, MonitorReport

APART: Final = frozenset({HELD_RECORDS})
"""Stands for many readers, so each of its topics is a problem of its own."""

_CAUSES: Final = {
    Cause.LOST: "deletion that has happened",
    Cause.TIME: "age (retention.ms)",
    Cause.SIZE: "size (retention.bytes)",
    Cause.EXPIRY: "the end of the empty group's position",
}
_ORDER: Final = tuple(SignalKind)


class SignalReader:
    """Reads looks one after the other. It remembers who was seen alive, and what was lost before the first look."""

    def __init__(self, configuration: Configuration) -> None:
        self._settings = configuration.monitor
        self._gates = {(gate.cluster, gate.group_id): gate for gate in configuration.gates.values()}
        self._lost_before: dict[tuple[str, str, str], int] = {}
        self._alive: set[tuple[str, str]] = set()

    def read(self, look: ClusterLook, now_ms: int) -> tuple[Signal, ...]:
        """Everything that is wrong in one cluster; of each group the loudest cause first."""
        if look.report is None:
            reason = look.unseen[0].reason if look.unseen else "it does not answer."
            evidence = (f"The cluster {look.name} cannot be looked at: {reason}", "Nothing is known of what is in it.")
            return (Signal(SignalKind.CLUSTER_UNREACHABLE, Subject(look.name), now_ms, evidence),)
        self._alive |= {(look.name, group.group_id) for group in look.report.groups if group.members}
        lags = {(line.group, line.topic): line for line in lag_lines(look.report)}
        found: list[Signal] = []
        for horizon in horizon_lines(look.report):
            lag = lags[horizon.group, horizon.topic]
            gate = self._gates.get((look.name, horizon.group))
            kinds = tuple(self._kinds(look.name, horizon, lag, gate))
            if not kinds:
                continue  # the facts of a gate go over all positions of the cluster
            seen = facts_of(look, look.report, horizon, lag, gate)
            found += [replace(seen, kind=kind, evidence=(sentence, *seen.evidence)) for kind, sentence in kinds]
        return tuple(sorted(found, key=lambda signal: _ORDER.index(signal.kind)))

    def _kinds(
        self, cluster: str, horizon: HorizonLine, lag: LagLine, gate: GateConfiguration | None
    ) -> Iterator[tuple[SignalKind, str]]:
        """What is wrong with one group on one topic, each with its sentence."""
        yield from self._losses(cluster, horizon)
        group, topic = lag.group, lag.topic
        if group != HELD_RECORDS and lag.condition is Condition.GONE and lag.records != 0:
            kind = SignalKind.GATE_STOPPED if gate else SignalKind.CONSUMER_STOPPED
            what = f"The gate {gate.name}" if gate else f"The group {group}"
            yield kind, f"{what} has no member, and records of {topic} wait for it."
        if group != HELD_RECORDS and lag.condition is Condition.STUCK:
            yield SignalKind.CONSUMER_STUCK, f"{group} has members and does not move on {topic}, though records wait."
        if self._is_near(horizon, lag):
            left = span(horizon.left_ms or 0)
            what = f"Open holds in {topic}" if group == HELD_RECORDS else f"Unread records of {topic} for {group}"
            yield SignalKind.LOSS_NEAR, f"{what} are lost in {left} at the earliest."

    def _losses(self, cluster: str, horizon: HorizonLine) -> Iterator[tuple[SignalKind, str]]:
        place = (cluster, horizon.group, horizon.topic)
        before = self._lost_before.setdefault(place, horizon.lost_max)
        if not horizon.lost_max:
            self._lost_before[place] = 0
            return
        living = horizon.lost_max > before or (cluster, horizon.group) in self._alive
        kind = SignalKind.DATA_LOST if living else SignalKind.GROUP_ABANDONED
        if horizon.group == HELD_RECORDS:
            yield kind, f"Up to {horizon.lost_max} open holds in {horizon.topic} are gone."
        else:
            yield (
                kind,
                f"Up to {horizon.lost_max} records of {horizon.topic} are gone that {horizon.group} has not read.",
            )

    def _is_near(self, horizon: HorizonLine, lag: LagLine) -> bool:
        left_ms = horizon.left_ms
        if left_ms is None or left_ms > self._settings.loss_near_ms or horizon.lost_max or lag.records == 0:
            return False
        if lag.time_ms is None or horizon.cause is not Cause.TIME:
            return True
        kept_ms = lag.time_ms + left_ms
        return kept_ms == 0 or lag.time_ms / kept_ms >= self._settings.kept_share_min


def blind_of(look: ClusterLook) -> frozenset[str]:
    """The cluster if it did not answer, else the problems of groups of which not everything could be seen."""
    if look.report is None:
        return frozenset({look.name})
    dark = {
        (group.group_id, position.source.topic)
        for group, position in look.report.positions()
        if position.lag is None or not position.horizon.known
    }
    told = " ".join(unseen.what for unseen in look.unseen)
    dark |= {(group.group_id, "") for group in look.report.groups if group.members is None or group.group_id in told}
    if look.unseen and not look.report.groups:
        return frozenset({look.name})
    return frozenset(
        str(key_of(Subject(look.name, group, topic or None), by_topic=group in APART)) for group, topic in dark
    )


def facts_of(
    look: ClusterLook, report: MonitorReport, horizon: HorizonLine, lag: LagLine, gate: GateConfiguration | None
) -> Signal:
    """The facts of one group on one topic, still without what is wrong with it."""
    lost = horizon.cause is Cause.LOST
    return Signal(
        kind=SignalKind.LOSS_NEAR,
        subject=Subject(look.name, horizon.group, horizon.topic, horizon.partition),
        seen_ms=report.survey.taken_ms,
        evidence=tuple(_facts_told(horizon, lag)),
        left_ms=None if lost else horizon.left_ms,
        loss_ms=None if lost else horizon.at_ms,
        loss_cause=_CAUSES[horizon.cause] if horizon.cause else None,
        forecast=horizon.forecast,
        waiting_ms=lag.time_ms,
        unread_max=lag.records,
        lost_max=horizon.lost_max,
        blast=_blast(report, gate),
        real_time=True if gate else None,
    )


def _facts_told(horizon: HorizonLine, lag: LagLine) -> Iterator[str]:
    waiting = "for an unknown time" if lag.time_ms is None else f"the oldest for {span(lag.time_ms)}"
    if lag.records is None:
        yield f"How many records of {lag.topic} wait could not be seen."
    elif lag.records:
        yield f"Up to {lag.records} records of {lag.topic} wait, {waiting}; the group is {lag.state.lower()}."
    if not horizon.known:
        yield f"Its loss horizon is unknown: {horizon.because or 'not everything could be seen'}"


def _blast(report: MonitorReport, gate: GateConfiguration | None) -> int:
    """The groups that read what a gate writes."""
    if gate is None:
        return 0
    trusted = {stream.trusted for stream in gate.streams}
    fed = {group.group_id for group, position in report.positions() if position.source.topic in trusted}
    return len(fed - {gate.group_id})
