"""Round trips through clusters whose configuration names a probe topic: how long they take, and that they come back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol

from watermaster.incident.problem import ProblemKey
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.monitor.carriage import bucket_of
from watermaster.runtime.data_watch import DataTurn, Returned
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.observed import Unseen

EVERY_MS: Final = 30_000
LATELY_MS: Final = 600_000
"""What is told as it is now: twenty of them."""


class RoundTrip(Protocol):
    """Sends one record through a cluster."""

    def measure(self) -> int | Unseen:
        """Milliseconds from writing to reading, or why it did not come back. Raises nothing."""
        ...


@dataclass(slots=True)
class _Way:
    cluster: str
    topic: str
    trip: RoundTrip
    sent_ms: int | None = None
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    """When it was sent, and how long it took."""
    lost: Unseen | None = None


class RoundTrips:
    """A `DataWatch`. `topics` are by cluster; nothing is sent where none is named, or to a cluster that is away."""

    def __init__(self, topics: Mapping[str, str], open_way: Callable[[str, str], RoundTrip]) -> None:
        self._ways = [_Way(cluster, topic, open_way(cluster, topic)) for cluster, topic in topics.items()]

    def begin(self) -> None:
        """Nothing is stored."""

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> DataTurn:
        """Send what is due, to all clusters at once."""
        there = {look.name for look in looks if look.report is not None}
        due = [way for way in self._ways if way.cluster in there and _is_due(way, now_ms)]
        if due:
            with ThreadPoolExecutor(len(due)) as pool:
                for way, answer in zip(due, pool.map(lambda way: way.trip.measure(), due), strict=True):
                    _take(way, answer, now_ms)
        for way in self._ways:
            while way.recent and now_ms - way.recent[0][0] > LATELY_MS:
                way.recent.popleft()
        asked = [way for way in self._ways if way.sent_ms is not None]
        return DataTurn(
            signals=tuple(_signal(way, way.lost, now_ms) for way in asked if way.lost is not None),
            blind=frozenset(str(ProblemKey(w.cluster, "", w.topic)) for w in self._ways if w.cluster not in there),
            unseen=tuple(str(way.lost) for way in asked if way.lost is not None),
            returned=tuple(_told(way) for way in asked if way.cluster in there),
        )


def _is_due(way: _Way, now_ms: int) -> bool:
    return way.sent_ms is None or now_ms - way.sent_ms >= EVERY_MS


def _take(way: _Way, answer: int | Unseen, now_ms: int) -> None:
    way.sent_ms = now_ms
    way.lost = answer if isinstance(answer, Unseen) else None
    if not isinstance(answer, Unseen):
        way.recent.append((now_ms, answer))


def _signal(way: _Way, lost: Unseen, now_ms: int) -> Signal:
    evidence = (
        f"A record that was written to {way.topic} on {way.cluster} did not come back: {lost.reason}",
        "Whoever writes to this cluster, or reads from it, may fare alike.",
    )
    return Signal(SignalKind.PROBE_LOST, Subject(way.cluster, topic=way.topic), now_ms, evidence)


def _told(way: _Way) -> Returned:
    waits: dict[int, int] = {}
    for _, wait_ms in way.recent:
        waits[bucket_of(wait_ms)] = waits.get(bucket_of(wait_ms), 0) + 1
    return Returned(way.cluster, way.topic, way.lost is None, waits)
