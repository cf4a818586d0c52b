"""The demonstration's own part: playing records into a landing topic at a pace, and seeing them through.

The gate that is shown is the real one, with the real supervisor and topics; only the source is ours. Records go in
slowly first, so that a person can watch, then as fast as they go, and then the gate is given time to judge the rest.

Records carry the time at which they are played, as a live source would send them. The flights' own hour stays in the
value: as a record timestamp, 2013 would be older than any retention, and Kafka would delete the segments again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple, Protocol

from watermaster.runtime.gate_statistics import GateStatistics
from watermaster.runtime.outage import OutageMoment, OutagePlan
from watermaster.runtime.ports import Clock
from watermaster.stream.fault import WorldFault

TICK_S: Final = 0.05
"""Between two looks at the gate: records trickle smoothly, and a picture can be redrawn twenty times a second."""

CHUNK_RECORDS: Final = 1_000
BACKLOG_RECORDS_MAX: Final = 10_000
"""Sent and not yet judged: half a second of work. The embedded broker answers each fetch with all that waits, which
costs it time, and a client takes no more than 100 MB at once."""

STALL_S: Final = 60.0
"""Without a single judged record although some wait: something is wrong, and waiting longer will not mend it."""


def grouped(number: int) -> str:
    """A count for people, grouped by thin blanks."""
    return f"{number:,}".replace(",", "\u202f")


class SourceRecord(NamedTuple):
    """What a source sends."""

    key: bytes
    value: bytes


class RecordSink(Protocol):
    """The source's producer: plain, idempotent, no part of the gate."""

    def send(self, records: Sequence[SourceRecord]) -> None:
        """Hand over for sending. Raises a fault if an earlier record could not be written."""
        ...

    def flush(self) -> None:
        """Return when every record is safe at the broker. Raises the fault of the first that is not."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the gate has counted for the one stream, so far. Rules map to the records that break them."""

    judged: int = 0
    passed: int = 0
    held: int = 0
    dropped: int = 0
    activation: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    """Conditions that last, as sentences."""

    @property
    def held_share(self) -> float:
        """Held of judged, 0.0 to 1.0."""
        return self.held / self.judged if self.judged else 0.0


def take_snapshot(statistics: GateStatistics, landing: str) -> Snapshot:
    """A copy that no other thread changes. Call it on the supervisor's thread."""
    troubles = tuple(f"{condition.message}. {condition.hint}" for condition in statistics.conditions())
    counts = statistics.streams().get(landing)
    if counts is None:
        return Snapshot(troubles=troubles)
    return Snapshot(
        judged=counts.read,
        passed=counts.passed,
        held=counts.held,
        dropped=counts.dropped,
        activation=counts.activation,
        rules=dict(counts.rules),
        warnings=dict(counts.warnings),
        troubles=troubles,
    )


class Phase(Enum):
    """What is going on."""

    SLOW = "slow"
    FAST = "fast"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record in quarantine with everything that is known of it. Where the original could not be carried, the value
    is None and the headers tell what stands at the source."""

    topic: str
    partition: int
    offset: int
    source_topic: str
    source_partition: int
    source_offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    broken: tuple[tuple[str, str], ...]
    """(rule, what it says), in the order of the header."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the audience may want to know before the play begins. Topics by role, without the prefix of the demo."""

    topics: Mapping[str, str]
    contract: str
    hold_budget: float
    explanations: Mapping[str, str]
    """Rule to the contract's own description."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What can be seen at one moment of the play."""

    phase: Phase
    at_s: float
    """Seconds since the first record."""
    sent: int
    total: int
    gate: Snapshot
    newest_held: HeldRecord | None = None

    @property
    def waiting(self) -> int:
        """Sent and not yet judged."""
        return max(0, self.sent - self.gate.judged)


class Audience(Protocol):
    """Who watches: a terminal, a log, nobody."""

    def step(self, doing: str) -> AbstractContextManager[Step]:
        """A step of the preparation; ended with a tick when the block ends without an exception."""
        ...

    def play(self, bill: Bill) -> AbstractContextManager[Callable[[Moment], None]]:
        """The play: the function is called at every tick."""
        ...

    def outage(self, plan: OutagePlan) -> AbstractContextManager[Callable[[OutageMoment], None]]:
        """The outage: the function is called at every tick."""
        ...

    def agrees(self, plan: Sequence[str], question: str) -> bool:
        """Show what would be done and ask; False unless somebody says yes."""
        ...

    def note(self, line: str) -> None:
        """Say something that is no step."""
        ...


class Step(Protocol):
    """One step while it is done."""

    def progress(self, share: float) -> None:
        """How much is done, 0.0 to 1.0."""
        ...

    def result(self, text: str) -> None:
        """What came of it, shown behind the tick."""
        ...


class Player:
    """Plays records into the sink and looks at the gate meanwhile."""

    def __init__(
        self,
        records: Iterator[SourceRecord],
        total: int,
        sink: RecordSink,
        look: Callable[[], Snapshot],
        clock: Clock,
        sleep: Callable[[float], None],
        show: Callable[[Moment], None],
        newest_held: Callable[[], HeldRecord | None] = lambda: None,
    ) -> None:
        self._records = records
        self._total = total
        self._sink = sink
        self._look = look
        self._clock = clock
        self._sleep = sleep
        self._show = show
        self._newest_held = newest_held
        self._began_s = clock.monotonic_s()
        self._moved_s = self._began_s
        self._judged = 0
        self._held: HeldRecord | None = None
        self.sent = 0

    def play_slowly(self, records_per_second: float, seconds: float) -> None:
        """Send at a steady rate for so long, or until there are no more records."""
        began_s, before = self._clock.monotonic_s(), self.sent
        while (passed_s := self._clock.monotonic_s() - began_s) < seconds and self.sent < self._total:
            due = int(passed_s * records_per_second) - (self.sent - before)
            self._send(due)
            self._tick(Phase.SLOW)

    def play_fast(self) -> None:
        """Send all the rest, never further ahead of the gate than `BACKLOG_RECORDS_MAX`."""
        while self.sent < self._total:
            room = BACKLOG_RECORDS_MAX - (self.sent - self._look().judged)
            sent = sum(self._send(CHUNK_RECORDS) for _ in range(min(room, CHUNK_RECORDS * 4) // CHUNK_RECORDS))
            self._tick(Phase.FAST, pause=sent == 0)

    def drain(self) -> Snapshot:
        """Wait until the gate has judged all that was sent; what it counted then."""
        self._sink.flush()
        while (now := self._look()).judged < self.sent:
            self._tick(Phase.DRAIN)
        self._tick(Phase.DRAIN)
        return now

    def _send(self, records_max: int) -> int:
        chunk = list(islice(self._records, max(0, min(records_max, self._total - self.sent))))
        self._sink.send(chunk)
        self.sent += len(chunk)
        return len(chunk)

    def _tick(self, phase: Phase, *, pause: bool = True) -> None:
        gate = self._look()
        now_s = self._clock.monotonic_s()
        self._refuse_stall(gate, now_s)
        if phase is Phase.SLOW:  # later nobody could read it, and looking would only take time from the gate
            self._held = self._newest_held()
        self._show(Moment(phase, now_s - self._began_s, self.sent, self._total, gate, self._held))
        if pause:
            self._sleep(TICK_S)

    def _refuse_stall(self, gate: Snapshot, now_s: float) -> None:
        if gate.judged > self._judged or gate.judged >= self.sent:
            self._moved_s, self._judged = now_s, gate.judged
        elif now_s - self._moved_s > STALL_S:
            raise WorldFault(
                "WM-DEMO-STALLED",
                f"The gate has judged nothing for {STALL_S:.0f} s although {self.sent - gate.judged} records wait.",
                hint=" ".join(gate.troubles) or "Look at the broker; on a very busy machine try --records 10000.",
            )
