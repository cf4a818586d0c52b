"""The monitor: survey, probe, and the rules of `monitor/` for each group and partition.

It remembers between looks: the ends of logs (to interpolate time), what probes have seen (a record does not change),
and when groups were last seen alive. A single look works too; it then knows less and says so.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watermaster.monitor.consumer import Condition, Forecast, Progress, Readers, forecast, judge_consumer, measure_pace
from watermaster.monitor.health import Problem
from watermaster.monitor.horizon import Bound, Horizon, bound_expiry, measure_horizon
from watermaster.monitor.lag import EndSample, Lag, measure_lag
from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe
from watermaster.monitor.retention import read_retention
from watermaster.monitor.transaction import Holder
from watermaster.monitor.volume import Volume, estimate_volume
from watermaster.runtime.doubt import explain_doubt
from watermaster.runtime.health import HealthRecord
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Owner, Place, Survey, SurveyedGroup, Surveyor
from watermaster.stream.coordinates import TopicPartition

PATIENCE_MS: Final = 60_000
"""How long a reader may stand still with something unread: several commit intervals, and a rebalance."""

LOOKS_KEPT: Final = 60
"""Of the ends of each log: at a look every ten seconds this interpolates lags of ten minutes."""

PROBES_MAX: Final = 2_000
"""New records read in one look, so that a first look at a large cluster stays short; the next ones read the rest."""

EVIDENCE_STEP: Final = 4
"""How far before a position the newest record that was read is looked for: one record, a marker, and some room."""

EVIDENCE_PARTITIONS: Final = 3
"""Partitions of an empty group that are asked when it was alive; any one of them proves it."""

HELD_RECORDS: Final = "(held records)"
"""Stands for the group of a quarantine topic, whose records wait for a person from the log start on."""


@dataclass(frozen=True, slots=True)
class PositionReport:
    """One group on one partition. `lag` is None if the log could not be seen; `because` says what leaves the horizon
    unknown, and is empty if it is known.
    """

    source: TopicPartition
    position: int
    log: PartitionLog | None
    lag: Lag | None
    horizon: Horizon
    owner: Owner | None = None
    because: str = ""
    volume: Volume | None = None
    """How much is unread in bytes and how fast it grows; None: unknown, or nothing is unread."""
    condition: Condition = Condition.UNKNOWN
    forecast: Forecast | None = None
    """None: it cannot be said, for instance after one look."""


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One group with everything that it has committed."""

    group_id: str
    state: str
    members: int | None
    positions: tuple[PositionReport, ...]


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """One look, judged."""

    survey: Survey
    groups: tuple[GroupReport, ...]
    unread: tuple[Unseen, ...] = ()
    """Records that a judgement needs and that could not be read, and who could not be asked about."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the cluster itself, the worst first."""

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """Everything that could not be seen."""
        return (*self.survey.unseen, *self.unread)

    def positions(self) -> Iterable[tuple[GroupReport, PositionReport]]:
        """Every group on every partition."""
        return ((group, position) for group in self.groups for position in group.positions)


class Monitor:
    """Looks at one cluster again and again. `quarantines` are topics whose records wait without a group.

    A reader that does not move for `patience_ms` with something unread is called stuck.
    """

    def __init__(
        self, surveyor: Surveyor, quarantines: Collection[str] = (), *, patience_ms: int = PATIENCE_MS
    ) -> None:
        self._patience_ms = patience_ms
        self._progress: dict[tuple[str, TopicPartition], deque[Progress]] = {}
        self._surveyor = surveyor
        self._quarantines = frozenset(quarantines)
        self._ends: dict[TopicPartition, deque[EndSample]] = defaultdict(lambda: deque(maxlen=LOOKS_KEPT))
        self._probes: dict[Place, Probe] = {}
        self._failed: dict[Place, Unseen] = {}
        self._health = HealthRecord()
        self._opened_ms: dict[Place, int] = {}
        self._holders: dict[Place, tuple[Holder, ...]] = {}
        self._alive_ms: dict[str, int] = {}

    def look(self, group_ids: Collection[str] | None = None) -> MonitorReport:
        """Take a look and judge it. Raises a fault only if nobody answers."""
        survey = self._surveyor.survey(group_ids)
        groups = (*survey.groups, *_held(survey, self._quarantines))
        self._alive_ms |= {group.group_id: survey.taken_ms for group in groups if group.empty is False}
        self._probe(survey, groups)
        self._remember(survey, groups)
        reports = tuple(self._group(group, survey) for group in groups if group.positions)
        for source, log in survey.logs.items():
            self._ends[source].append(EndSample(survey.taken_ms, log.stable))
        opened = self._opened(survey)
        holders, hidden = self._who(survey, self._health.suspects(survey, opened))
        problems = self._health.judge(survey, opened, holders)
        return MonitorReport(survey, reports, (*self._failed.values(), *hidden), problems)

    def _remember(self, survey: Survey, groups: Sequence[SurveyedGroup]) -> None:
        """Where each position is; what is no longer there is forgotten."""
        kept: dict[tuple[str, TopicPartition], deque[Progress]] = {}
        for group in groups:
            for source, position in group.positions.items():
                looks = self._progress.get((group.group_id, source)) or deque(maxlen=LOOKS_KEPT)
                kept[group.group_id, source] = looks
                if source in survey.logs:
                    if self._is_dense(looks, survey.taken_ms):
                        looks.pop()
                    looks.append(Progress(survey.taken_ms, position, survey.logs[source].stable))
        self._progress = kept

    def _is_dense(self, looks: Sequence[Progress], now_ms: int) -> bool:
        """Whether the newest look may give way: however often one looks, those kept must reach over the patience."""
        return len(looks) > 1 and now_ms - looks[-2].taken_ms < 2 * self._patience_ms / LOOKS_KEPT

    def _probe(self, survey: Survey, groups: Sequence[SurveyedGroup]) -> None:
        """Read what is not known yet, and forget what no position stands at any more."""
        logs = survey.logs
        unread: dict[Place, PartitionLog] = {}
        evidence: set[Place] = set()
        asked: dict[Place, None] = {}
        # Group by group: where not all can be read in this look, it is whole for some groups, not half for each.
        for group in groups:
            first = {Place(s, max(p, logs[s].start)): logs[s] for s, p in group.positions.items() if s in logs}
            proving = self._evidence(group, logs)
            unread |= first
            evidence.update(proving)
            asked |= dict.fromkeys((*first, *proving))
        wanted = [
            place
            for place in asked
            if (place in evidence and place not in self._probes)
            or (place in unread and place.offset < unread[place].stable and not self._settled(place, unread[place]))
        ]
        kept = unread.keys() | evidence
        self._probes = {place: probe for place, probe in self._probes.items() if place in kept}
        answers = self._surveyor.probe(wanted[:PROBES_MAX])
        self._failed = {place: seen for place, seen in answers.items() if isinstance(seen, Unseen)}
        self._probes |= {place: seen for place, seen in answers.items() if not isinstance(seen, Unseen)}

    def _opened(self, survey: Survey) -> Mapping[TopicPartition, int]:
        """When the first record that an open transaction holds back was written, where that could be read."""
        open_at = {Place(source, log.stable) for source, log in survey.logs.items() if log.held_back}
        self._opened_ms = {place: moment for place, moment in self._opened_ms.items() if place in open_at}
        wanted = sorted(open_at - self._opened_ms.keys())[:PROBES_MAX]
        for place, seen in self._surveyor.probe_open(wanted).items() if wanted else ():
            if isinstance(seen, FirstUnread) and seen.timestamp_ms >= 0:
                self._opened_ms[place] = min(seen.timestamp_ms, survey.taken_ms)
        return {place.source: moment for place, moment in self._opened_ms.items()}

    def _who(
        self, survey: Survey, suspects: Sequence[TopicPartition]
    ) -> tuple[Mapping[TopicPartition, tuple[Holder, ...]], Sequence[Unseen]]:
        """Who holds each suspected transaction; asked once as long as it holds back the same place."""
        places = {source: Place(source, survey.logs[source].stable) for source in suspects}
        known = set(places.values())
        self._holders = {place: holders for place, holders in self._holders.items() if place in known}
        led = {source: survey.placements[source].leader for source in places if source in survey.placements}
        asked = {s: leader for s, leader in led.items() if leader is not None and places[s] not in self._holders}
        answers = self._surveyor.holders(asked) if asked else {}
        hidden = list(dict.fromkeys(seen for seen in answers.values() if isinstance(seen, Unseen)))
        self._holders |= {places[s]: seen for s, seen in answers.items() if seen and not isinstance(seen, Unseen)}
        return {place.source: holders for place, holders in self._holders.items()}, hidden

    def _settled(self, place: Place, log: PartitionLog) -> bool:
        match self._probes.get(place):
            case FirstUnread(offset, _):
                return offset >= log.start
            case NothingUnread(up_to):
                return up_to >= log.stable
            case None:
                return False

    def _evidence(self, group: SurveyedGroup, logs: Mapping[TopicPartition, PartitionLog]) -> list[Place]:
        """Where records lie that an empty group has read. A simple group has each position by itself."""
        if group.empty is not True or group.group_id in self._alive_ms:
            return []
        read = [Place(s, _before(p, logs[s])) for s, p in group.positions.items() if s in logs and p > logs[s].start]
        read.sort(key=lambda place: -place.offset)
        return read if group.simple else read[:EVIDENCE_PARTITIONS]

    def _group(self, group: SurveyedGroup, survey: Survey) -> GroupReport:
        alive = {source: self._alive_on(group, source, survey) for source in group.positions}
        newest = max((moment for moment in alive.values() if moment is not None), default=None)
        positions = []
        for source, position in sorted(group.positions.items()):
            expiry = None
            if group.group_id != HELD_RECORDS:
                expiry = bound_expiry(
                    empty=group.empty,
                    alive_ms=alive[source] if group.simple else newest,
                    kept_ms=survey.positions_kept_ms,
                    now_ms=survey.taken_ms,
                )
            seen = self._position(source, position, survey, expiry, group.owners.get(source))
            positions.append(self._judged(group, seen, survey.taken_ms))
        return GroupReport(group.group_id, group.state, group.members, tuple(positions))

    def _judged(self, group: SurveyedGroup, seen: PositionReport, now_ms: int) -> PositionReport:
        """With the condition of its readers, and how it will end."""
        looks = tuple(self._progress[group.group_id, seen.source])
        assigned = None if group.simple or group.state != "STABLE" else seen.source in group.owners
        readers = Readers(group.members, assigned, group.simple)
        condition = judge_consumer(seen.lag, readers, looks, self._patience_ms)
        ending = forecast(seen.lag, seen.horizon, measure_pace(looks, self._patience_ms), now_ms)
        return replace(seen, condition=condition, forecast=ending)

    def _alive_on(self, group: SurveyedGroup, source: TopicPartition, survey: Survey) -> int | None:
        if group.group_id in self._alive_ms:
            return self._alive_ms[group.group_id]
        log, position = survey.logs.get(source), group.positions[source]
        if log is None:
            return None
        match self._probes.get(Place(source, _before(position, log))):
            case FirstUnread(offset, timestamp_ms) if offset < position and timestamp_ms >= 0:
                return timestamp_ms
            case _:
                return None

    def _position(
        self, source: TopicPartition, position: int, survey: Survey, expiry: Bound | None, owner: Owner | None
    ) -> PositionReport:
        log = survey.logs.get(source)
        place = Place(source, position if log is None else max(position, log.start))
        probe, history = self._probes.get(place), self._history(source)
        retention = read_retention(survey.settings.get(source.topic, {}))
        volume = None if log is None else estimate_volume(log, probe, history, survey.taken_ms)
        horizon = measure_horizon(position, log, probe, retention, volume, expiry, survey.taken_ms)
        lag = None if log is None else measure_lag(position, log, probe, history, survey.taken_ms)
        because = "; ".join(explain_doubt(doubt, source, survey, self._failed.get(place)) for doubt in horizon.doubts)
        return PositionReport(source, position, log, lag, horizon, owner, because, volume)

    def _history(self, source: TopicPartition) -> Sequence[EndSample]:
        return tuple(self._ends[source]) if source in self._ends else ()


def _before(position: int, log: PartitionLog) -> int:
    return max(log.start, position - EVIDENCE_STEP)


def _held(survey: Survey, quarantines: Collection[str]) -> Iterable[SurveyedGroup]:
    """Quarantine topics as groups that stand at the log start: what is held there is lost when it is deleted."""
    positions = {source: log.start for source, log in survey.logs.items() if source.topic in quarantines}
    if positions:
        yield SurveyedGroup(HELD_RECORDS, "WAITING", simple=True, members=None, positions=positions)


Look = Callable[[], MonitorReport]
