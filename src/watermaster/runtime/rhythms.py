"""How many records come to each topic in an hour, counted between looks, and whether that is as usual.

Hours are counted from the ends of logs, markers of transactions included, which come with their records. An hour that
was not seen whole is unknown. Whole hours are kept for five weeks, so that a monitor that starts knows the week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, NamedTuple, Protocol

from watermaster.incident.problem import ProblemKey
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.monitor.rhythm import HOUR_MS, KEPT_H, Band, Volume, judge_hour, usual_band
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.data_watch import DataTurn
from watermaster.runtime.fleet import ClusterLook

TOPICS_MAX: Final = 2_000
"""Of a cluster, by name; what comes after them is not watched, and that is said."""

PAUSE_MS_MAX: Final = 600_000
"""Between two looks that are farther apart, nobody knows in which hour the records came."""

SEEN_MS_MIN: Final = 50 * 60_000
"""Of an hour: the rest of it is taken to be like it."""


class HourCount(NamedTuple):
    """Records of one whole hour, which is counted since the epoch."""

    topic: str
    hour: int
    records: float


class HourStore(Protocol):
    """Keeps hours. Raises WorldFault WM-DATABASE."""

    def load_hours(self, cluster: str, since_hour: int) -> Sequence[HourCount]:
        """Those of a cluster from an hour on."""
        ...

    def save_hours(self, cluster: str, hours: Sequence[HourCount], since_hour: int) -> None:
        """Put hours, and drop what is older than `since_hour`."""
        ...


@dataclass(slots=True)
class _Topic:
    ends: Mapping[int, int] = field(default_factory=dict)
    """By partition, at the newest look."""
    hours: dict[int, float] = field(default_factory=dict)
    hour: int = 0
    """The one that is under way, with what was seen of it."""
    records: float = 0.0
    seen_ms: int = 0
    volume: Volume = Volume.UNKNOWN
    """Of the newest hour that is over."""


class Rhythms:
    """A `DataWatch` of the volumes of all topics."""

    def __init__(self, configuration: Configuration, store: HourStore) -> None:
        self._patterns = configuration.monitor.volume_topics
        gates = configuration.gates.values()
        self._ours = {(gate.cluster, topic) for gate in gates for topic in (gate.ledger, gate.control, gate.holds)}
        # What is held comes when something breaks; it has no rhythm.
        self._ours |= {(gate.cluster, stream.quarantine) for gate in gates for stream in gate.streams}
        adopted = configuration.quarantines.values()
        self._ours |= {(each.cluster, topic) for each in adopted for topic in (each.topic, each.holds)}
        self._store = store
        self._topics: dict[str, dict[str, _Topic]] = {}
        self._looked_ms: dict[str, int] = {}

    def begin(self) -> None:
        """Take up what is stored at the next look."""
        self._topics.clear()
        self._looked_ms.clear()

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> DataTurn:
        """Count, and judge the hours that are over. Raises WorldFault WM-DATABASE; it then begins again."""
        signals: list[Signal] = []
        blind: set[str] = set()
        unseen: list[str] = []
        try:
            for look in looks:
                if look.report is None:
                    # How long it will be away is not known; what came meanwhile lies in no certain hour.
                    continue
                ends = self._ends(look)
                if len(ends) > TOPICS_MAX:
                    unseen.append(f"volumes of {len(ends) - TOPICS_MAX} topics of {look.name} (monitor.volume_topics)")
                topics = self._count(look.name, dict(sorted(ends.items())[:TOPICS_MAX]), now_ms)
                for name, topic in topics.items():
                    signals += _signals(look.name, name, topic, now_ms)
                    if topic.volume is Volume.UNKNOWN:
                        blind.add(str(ProblemKey(look.name, "", name)))
        except Exception:
            self.begin()
            raise
        return DataTurn(tuple(signals), frozenset(blind), tuple(unseen))

    def _ends(self, look: ClusterLook) -> dict[str, dict[int, int]]:
        """By topic and partition; a topic that is there and could not be seen has none."""
        if look.report is None:
            return {}
        survey = look.report.survey
        ends: dict[str, dict[int, int]] = {source.topic: {} for source in survey.placements}
        for source, log in survey.logs.items():
            ends.setdefault(source.topic, {})[source.partition] = log.end
        return {
            topic: found
            for topic, found in ends.items()
            if not topic.startswith("__")
            and (look.name, topic) not in self._ours
            and any(fnmatchcase(topic, pattern) for pattern in self._patterns)
        }

    def _count(self, cluster: str, ends: Mapping[str, Mapping[int, int]], now_ms: int) -> Mapping[str, _Topic]:
        """Add what has come since the look before; store the hours that are over."""
        hour, since_hour = now_ms // HOUR_MS, now_ms // HOUR_MS - KEPT_H
        topics = self._topics.get(cluster)
        if topics is None:
            topics = self._topics[cluster] = {}
            for count in self._store.load_hours(cluster, since_hour):
                topics.setdefault(count.topic, _Topic(hour=hour)).hours[count.hour] = count.records
            for topic in topics.values():
                topic.volume = judge_hour(topic.hours, hour - 1)
        looked_ms = self._looked_ms.get(cluster)
        over: list[HourCount] = []
        for name, now_ends in ends.items():
            topic = topics.setdefault(name, _Topic(hour=hour))
            if looked_ms is not None:
                over += _advance(name, topic, now_ends, looked_ms, now_ms)
            topic.ends = now_ends
        self._looked_ms[cluster] = now_ms
        for name in topics.keys() - ends.keys():
            del topics[name]
        if over:
            self._store.save_hours(cluster, over, since_hour)
        return topics


def _advance(name: str, topic: _Topic, ends: Mapping[int, int], looked_ms: int, now_ms: int) -> Sequence[HourCount]:
    """Count what has come between two looks; gives the hour that ended between them, if it was seen."""
    same = ends.keys() == topic.ends.keys() and all(end >= topic.ends[partition] for partition, end in ends.items())
    known = bool(ends) and same and now_ms - looked_ms <= PAUSE_MS_MAX
    records = float(sum(ends.values()) - sum(topic.ends.values())) if known else 0.0
    hour = now_ms // HOUR_MS
    if topic.hour == hour:
        topic.records += records
        topic.seen_ms += now_ms - looked_ms if known else 0
        return ()
    length_ms = now_ms - looked_ms if known else 0
    before_ms = max(0, min(length_ms, hour * HOUR_MS - looked_ms))
    share = before_ms / length_ms if length_ms else 0.0
    ended, seen_ms, records_ended = topic.hour, topic.seen_ms + before_ms, topic.records + records * share
    topic.hour, topic.records, topic.seen_ms = hour, records * (1 - share), length_ms - before_ms
    for old in [old for old in topic.hours if old < hour - KEPT_H]:
        del topic.hours[old]
    told = []
    if ended == hour - 1 and seen_ms >= SEEN_MS_MIN:
        topic.hours[ended] = records_ended * HOUR_MS / seen_ms
        told.append(HourCount(name, ended, topic.hours[ended]))
    topic.volume = judge_hour(topic.hours, hour - 1)
    return told


@dataclass(frozen=True, slots=True)
class TopicVolume:
    """A topic for whoever looks without a monitor: its kept hours, and what the newest one comes to."""

    cluster: str
    topic: str
    hours: Mapping[int, float]
    band: Band | None
    judged: Volume


def volumes(store: HourStore, cluster: str, hour: int) -> Sequence[TopicVolume]:
    """Every topic of a cluster of which hours are kept, judged for a whole hour (counted since the epoch)."""
    hours: dict[str, dict[int, float]] = {}
    for count in store.load_hours(cluster, hour - KEPT_H):
        hours.setdefault(count.topic, {})[count.hour] = count.records
    return [
        TopicVolume(cluster, topic, found, usual_band(found, hour), judge_hour(found, hour))
        for topic, found in hours.items()
    ]


_KINDS: Final = {Volume.LOW: SignalKind.VOLUME_LOW, Volume.HIGH: SignalKind.VOLUME_HIGH}


def _signals(cluster: str, name: str, topic: _Topic, now_ms: int) -> Sequence[Signal]:
    kind = _KINDS.get(topic.volume)
    band = usual_band(topic.hours, now_ms // HOUR_MS - 1)
    if kind is None or band is None:
        return ()
    records = topic.hours[now_ms // HOUR_MS - 1]
    few = "few" if kind is SignalKind.VOLUME_LOW else "many"
    sentence = (
        f"{name} got far too {few} records: {records:.0f} in the last whole hour; {band.usual:.0f} are usual at this"
        f" time, and from {band.low:.0f} to {band.high:.0f} would be no surprise."
    )
    return (Signal(kind, Subject(cluster, topic=name), now_ms, (sentence,)),)
