"""What the fields of the streams of gates are like, hour by hour: sampled from the newest records on landing topics.

Once in a minute some of the records that have come since are read, without a group. The profile of an hour is judged
when the hour is over, against those of the last week. Hours in which something had changed are left out of that for a
day, so that a fault does not become usual by itself; after a day of it, it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, TypeAlias

from watermaster.contract.inference.personal import looks_sensitive
from watermaster.incident.problem import ProblemKey
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.monitor.carriage import bucket_of
from watermaster.monitor.field_table import FieldRow, describe_fields
from watermaster.monitor.log import PartitionLog
from watermaster.monitor.profile import KEPT_H, Change, FieldChange, Profile, judge_profile
from watermaster.monitor.rhythm import HOUR_MS
from watermaster.runtime.carriage import Carriage
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.data_watch import DataTurn
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.observed import ObservedPartition, ObservedTopic, TopicSample
from watermaster.stream.fault import Fault

SAMPLE_MS: Final = 60_000
RECORDS_MAX: Final = 200
"""Of one topic in one sample: 12,000 in an hour, whatever it carries."""
STRANGE_H: Final = 24
DRAWN_H: Final = 24
CHANGES_TOLD: Final = 4

Sample: TypeAlias = Callable[[str, Sequence[ObservedTopic]], Mapping[str, TopicSample]]
"""Newest records of topics of a cluster, at most `RECORDS_MAX` of each. Raises a fault if nobody answers."""


class HourProfile(NamedTuple):
    """One whole hour, counted since the epoch. `changed`: it was not like the week before."""

    topic: str
    hour: int
    changed: bool
    profile: Profile


class ProfileStore(Protocol):
    """Keeps profiles. Raises WorldFault WM-DATABASE."""

    def load_profiles(self, cluster: str, topics: Sequence[str], since_hour: int) -> Sequence[HourProfile]:
        """Those of the topics from an hour on."""
        ...

    def save_profiles(self, cluster: str, profiles: Sequence[HourProfile], since_hour: int) -> None:
        """Put profiles, and drop what is older than `since_hour`."""
        ...


@dataclass(slots=True)
class _Stream:
    topic: str
    is_closed: Callable[[str], bool]
    known: dict[int, HourProfile] = field(default_factory=dict)
    hour: int = 0
    now: Profile = field(default_factory=Profile)
    read_to: dict[int, int] = field(default_factory=dict)
    """The next offset that was not sampled, by partition."""
    changes: tuple[FieldChange, ...] | None = None
    """Of the newest whole hour; None: that is not known."""


class Profiles:
    """A `DataWatch` of the landing topics of gates. `closed` are fields, by topic, whose texts must not be hashed."""

    def __init__(
        self,
        configuration: Configuration,
        store: ProfileStore,
        sample: Sample,
        closed: Mapping[str, frozenset[str]],
        carriage: Carriage | None = None,
    ) -> None:
        self._carriage = carriage
        self._store, self._sample, self._closed = store, sample, closed
        self._topics: dict[str, list[str]] = {}
        for gate in configuration.gates.values():
            self._topics.setdefault(gate.cluster, []).extend(gate.landings)
        self._streams: dict[str, list[_Stream]] = {}
        self._sampled_ms: dict[str, int] = {}
        self._unseen: dict[str, str] = {}

    def begin(self) -> None:
        """Take up what is stored at the next turn."""
        self._streams.clear()
        self._sampled_ms.clear()

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> DataTurn:
        """Sample if it is time, and judge the hours that are over. Raises WorldFault WM-DATABASE; then begins again."""
        signals: list[Signal] = []
        blind: set[str] = set()
        try:
            for look in looks:
                if look.report is None or look.name not in self._topics:
                    continue
                streams = self._taken_up(look.name, now_ms)
                self._close_hours(look.name, streams, now_ms)
                if now_ms - self._sampled_ms.get(look.name, 0) >= SAMPLE_MS:
                    self._sampled_ms[look.name] = now_ms
                    self._read(look, streams, now_ms)
                    self._measure(look, streams, now_ms)
                for stream in streams:
                    signals += _signals(look.name, stream, now_ms)
                    if stream.changes is None:
                        blind.add(str(ProblemKey(look.name, "", stream.topic)))
        except Exception:
            self.begin()
            raise
        unseen = tuple(self._unseen.values())
        if self._carriage is None:
            return DataTurn(tuple(signals), frozenset(blind), unseen)
        unseen = (*unseen, *self._carriage.unseen.values())
        return DataTurn(tuple(signals), frozenset(blind), unseen, self._carriage.lately(now_ms))

    def _taken_up(self, cluster: str, now_ms: int) -> list[_Stream]:
        if cluster not in self._streams:
            hour = now_ms // HOUR_MS
            streams = {
                topic: _Stream(topic, _closing(self._closed.get(topic, frozenset())), hour=hour)
                for topic in dict.fromkeys(self._topics[cluster])
            }
            for kept in self._store.load_profiles(cluster, tuple(streams), hour - KEPT_H):
                streams[kept.topic].known[kept.hour] = kept
            for stream in streams.values():
                newest = stream.known.get(hour - 1)
                stream.changes = None if newest is None else judge_profile(newest.profile, _before(stream, hour - 1))
            self._streams[cluster] = list(streams.values())
        return self._streams[cluster]

    def _close_hours(self, cluster: str, streams: Sequence[_Stream], now_ms: int) -> None:
        hour, over = now_ms // HOUR_MS, list[HourProfile]()
        for stream in streams:
            if stream.hour == hour:
                continue
            is_newest = stream.hour == hour - 1
            stream.changes = judge_profile(stream.now, _before(stream, stream.hour)) if is_newest else None
            if stream.now.records or stream.now.waits:
                kept = HourProfile(stream.topic, stream.hour, bool(stream.changes), stream.now)
                stream.known[stream.hour] = kept
                over.append(kept)
            stream.hour, stream.now = hour, Profile()
            for old in [old for old in stream.known if old < hour - KEPT_H]:
                del stream.known[old]
        if over:
            self._store.save_profiles(cluster, over, hour - KEPT_H)

    def _measure(self, look: ClusterLook, streams: Sequence[_Stream], now_ms: int) -> None:
        """Count how long the records of the newest transactions have taken."""
        waits = {} if self._carriage is None else self._carriage.measure(look, now_ms)
        for stream in streams:
            for bucket in map(bucket_of, waits.get(stream.topic, ())):
                stream.now.waits[bucket] = stream.now.waits.get(bucket, 0) + 1

    def _read(self, look: ClusterLook, streams: Sequence[_Stream], now_ms: int) -> None:
        """Count what has come since the sample before, as far as the sample reaches."""
        topics = {stream.topic: _tail(look, stream) for stream in streams}
        # What came before the first look may be of any hour.
        begun = {stream.topic for stream in streams if stream.read_to}
        wanted = [topic for topic in topics.values() if topic.records and topic.name in begun]
        try:
            samples = self._sample(look.name, wanted) if wanted else {}
        except Fault as fault:
            # Nobody else has to wait because of it; what has come stays unread, and is asked for again.
            self._unseen |= {
                f"{look.name}/{topic.name}": f"fields of {topic.name}: {fault.message}" for topic in wanted
            }
            return
        for stream in streams:
            self._unseen.pop(f"{look.name}/{stream.topic}", None)
            found = samples.get(stream.topic)
            if found is not None and found.unseen is not None:
                self._unseen[f"{look.name}/{stream.topic}"] = f"fields of {stream.topic}: {found.unseen.reason}"
            first = {part.partition: part.start or 0 for part in topics[stream.topic].partitions}
            for record in found.records if found is not None else ():
                if record.offset >= first[record.partition]:
                    stream.now.add(record.value, stream.is_closed)
                    if record.timestamp_ms >= 0:
                        stream.now.add_age(now_ms - record.timestamp_ms)
            stream.read_to |= {part.partition: part.end or 0 for part in topics[stream.topic].partitions}


@dataclass(frozen=True, slots=True)
class StreamFields:
    """The fields of a stream in the newest whole hour that was sampled, beginning at `hour_ms` since the epoch.

    `changes` is what that hour has that the week before had not; None: too little is known to say.
    """

    cluster: str
    topic: str
    hour_ms: int
    records: int
    unread: int
    late: int
    future: int
    rows: tuple[FieldRow, ...]
    changes: tuple[FieldChange, ...] | None


def fields_of(store: ProfileStore, cluster: str, topic: str, now_ms: int) -> StreamFields | None:
    """What is stored of a stream; None if nothing is. Raises WorldFault WM-DATABASE."""
    kept_hours = store.load_profiles(cluster, (topic,), now_ms // HOUR_MS - KEPT_H)
    # An hour in which only the latency was measured says nothing of fields.
    known = {kept.hour: kept for kept in kept_hours if kept.profile.records}
    if not known:
        return None
    hour = max(known)
    now = known[hour].profile
    before = _usual(known, hour)
    drawn = [known[at].profile if at in known else None for at in range(hour - DRAWN_H + 1, hour + 1)]
    return StreamFields(
        cluster=cluster,
        topic=topic,
        hour_ms=hour * HOUR_MS,
        records=now.records,
        unread=now.unread,
        late=now.late,
        future=now.future,
        rows=describe_fields(now, before, drawn),
        changes=judge_profile(now, before),
    )


@dataclass(frozen=True, slots=True)
class StreamLatency:
    """How long a stream has taken by whole hours since the epoch, each as waits by the buckets of `carriage`."""

    cluster: str
    topic: str
    hours: Mapping[int, Mapping[int, int]]


def latencies_of(store: ProfileStore, cluster: str, topics: Sequence[str], now_ms: int) -> tuple[StreamLatency, ...]:
    """What is stored of each topic of which something was measured. Raises WorldFault WM-DATABASE."""
    found: dict[str, dict[int, Mapping[int, int]]] = {}
    for kept in store.load_profiles(cluster, topics, now_ms // HOUR_MS - DRAWN_H):
        if kept.profile.waits:
            found.setdefault(kept.topic, {})[kept.hour] = kept.profile.waits
    return tuple(StreamLatency(cluster, topic, hours) for topic, hours in found.items())


def _tail(look: ClusterLook, stream: _Stream) -> ObservedTopic:
    """The part of the topic that was not sampled yet."""
    logs = look.report.survey.logs.items() if look.report else ()
    parts = tuple(
        ObservedPartition(source.partition, 0, 1, 1, start=_begin(stream, source.partition, log), end=log.stable)
        for source, log in sorted(logs)
        if source.topic == stream.topic
    )
    return ObservedTopic(stream.topic, partitions=parts)


def _begin(stream: _Stream, partition: int, log: PartitionLog) -> int:
    # A topic that was created anew ends below what was read of the old one.
    read_to = stream.read_to.get(partition, log.start)
    return max(log.start, read_to) if read_to <= log.stable else log.start


def _before(stream: _Stream, hour: int) -> list[Profile]:
    return _usual(stream.known, hour)


def _usual(known: Mapping[int, HourProfile], hour: int) -> list[Profile]:
    """The hours before one, without those that were strange and are not usual yet."""
    return [kept.profile for at, kept in known.items() if at < hour and not (kept.changed and hour - at < STRANGE_H)]


def _closing(closed: frozenset[str]) -> Callable[[str], bool]:
    @lru_cache(maxsize=1_000)
    def is_closed(path: str) -> bool:
        return path in closed or looks_sensitive(path.split("."), None) is not None

    return is_closed


def _signals(cluster: str, stream: _Stream, now_ms: int) -> Sequence[Signal]:
    changes = stream.changes
    if not changes:
        return ()
    worse = [change for change in changes if change.change is not Change.PRESENT]
    kind = SignalKind.FIELDS_CHANGED if worse else SignalKind.FIELDS_NEW
    told = worse or changes
    paths = ", ".join(dict.fromkeys(change.path for change in told[:CHANGES_TOLD]))
    more = f" and {len(told) - CHANGES_TOLD} more" if len(told) > CHANGES_TOLD else ""
    what = "are not what they were" if worse else "are new"
    sentence = f"Fields of {stream.topic} {what} in the last week: {paths}{more}."
    evidence = (sentence, *(f"{change.text}." for change in changes[:20]))
    return (Signal(kind, Subject(cluster, topic=stream.topic), now_ms, evidence),)
