"""The outage of the demonstration: a consumer stops, what it has not read is about to be deleted, somebody acts.

All that watches, pages and mends is the product itself. Ours is the plot: a source that writes on, a consumer that is
stopped and started again, and hours that are shrunk to seconds, as a site's own table of severities would do it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from watermaster.incident.incident import Incident
from watermaster.incident.life import State
from watermaster.incident.severity import ALARMS_MAX, SeverityRow
from watermaster.incident.signal import SignalKind
from watermaster.runtime.ports import Clock
from watermaster.stream.fault import WorldFault

TICK_S: Final = 0.05
LOOK_S: Final = 1.0
READING_S: Final = 8.0
"""All is well for so long: enough to see what well looks like."""
LIMIT_S: Final = 60.0
"""More than any station takes beside the retention; on a busy machine, too."""
FORECAST_AFTER_S: Final = 5.0
"""Looks from before the consumer came back make no pace."""
CAUGHT_UP_S: Final = 1.5
"""Less than so much of the stream is always on its way between two looks."""

_NEAR, _LOUD, _LOUDEST = 0.75, 0.5, 0.3
"""Shares of the retention that are left when the incident rises to three, four and five alarms."""


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """`retention_ms`: how long the topic keeps records. `rate`: records a second; the consumer can read `speed` times
    as many.
    """

    retention_ms: int = 60_000
    rate: int = 200
    speed: int = 5

    @property
    def near_ms(self) -> int:
        """A loss that is nearer than this is a signal."""
        return int(_NEAR * self.retention_ms)

    @property
    def severities(self) -> tuple[SeverityRow, ...]:
        """The table of severities, with the retention in the place of hours."""
        return (
            SeverityRow(2, SignalKind.CONSUMER_STOPPED),
            SeverityRow(2, SignalKind.CONSUMER_STUCK),
            SeverityRow(3, SignalKind.LOSS_NEAR),
            SeverityRow(4, SignalKind.LOSS_NEAR, left_ms_max=int(_LOUD * self.retention_ms)),
            SeverityRow(ALARMS_MAX, SignalKind.LOSS_NEAR, left_ms_max=int(_LOUDEST * self.retention_ms)),
            SeverityRow(ALARMS_MAX, SignalKind.DATA_LOST),
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look of the monitor shows. Times are milliseconds; None: no end, or not known."""

    unread: int | None = None
    left_ms: int | None = None
    condition: str = "unknown"
    caught_up_in_ms: int | None = None
    incident: Incident | None = None
    pages: tuple[str, ...] = ()
    """The first line of each page that arrived, oldest first."""
    gone_elsewhere: int = 0
    """Records that the consumer has not read, and that are deleted from the topic that nobody extends."""

    @property
    def alarms(self) -> int:
        """Of the incident, 0 to 5."""
        return 0 if self.incident is None else self.incident.alarms


@dataclass(frozen=True, slots=True)
class Account:
    """Records of the topic: what was written, what the consumer has read of it, and holes between two it has read."""

    written: int
    read: int
    missing: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, `at_s` seconds after the beginning."""

    at_s: float
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class OutageMoment:
    """Everything that can be shown at one tick."""

    at_s: float
    sight: Sight
    left_ms: float | None
    """Counted down from the look."""
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class OutageResult:
    """How it ended. Times are seconds."""

    retention_s: float
    down_s: float
    """How long the consumer stood."""
    left_s: float
    """What was left when somebody acted."""
    extended: str
    restored: str
    gone_elsewhere: int
    """Unread records that were deleted meanwhile from the same records in a topic that nobody extended."""
    forecast_s: float | None
    """From the consumer's return, as forecast `FORECAST_AFTER_S` after it; None: nothing could be said."""
    caught_up_s: float
    account: Account
    incident: Incident
    pages: tuple[str, ...]
    events: tuple[Event, ...]
    broker: str = ""

    @property
    def saved(self) -> bool:
        """Whether every record was read, and the incident is over."""
        whole = self.account.read == self.account.written and not self.account.missing
        return whole and self.incident.state is State.RESOLVED


class OutageWorld(Protocol):
    """The cluster, the source, the consumer, the monitor, and the hands of on-call."""

    def check(self) -> None:
        """The source writes and the consumer reads by themselves; raises the fault of the one that cannot."""
        ...

    def look(self) -> Sight:
        """One turn of the monitor."""
        ...

    def release(self) -> str:
        """Record a deploy and stop the consumer for it; what is told of it."""
        ...

    def start_reader(self) -> None:
        """Start the consumer again."""
        ...

    def stop_source(self) -> None:
        """Write no more."""
        ...

    def take(self, number: int) -> None:
        """Acknowledge the incident."""
        ...

    def extend(self) -> str:
        """Keep what is unread for longer; what was changed."""
        ...

    def restore(self) -> str:
        """Put the settings back; what was changed."""
        ...

    def account(self) -> Account:
        """What was written and read."""
        ...


@dataclass(slots=True)
class _Notebook:
    """What is noted on the way."""

    events: list[Event] = field(default_factory=list)
    told: int = 0
    """Lines of the incident's timeline that are among the events."""
    pages: int = 0


class OutagePlay:
    """Goes from station to station; each waits for what the monitor sees and not for a time."""

    def __init__(
        self,
        plan: OutagePlan,
        world: OutageWorld,
        clock: Clock,
        sleep: Callable[[float], None],
        show: Callable[[OutageMoment], None],
    ) -> None:
        self._plan, self._world, self._clock, self._sleep, self._show = plan, world, clock, sleep, show
        self._began_s = clock.monotonic_s()
        self._looked_s = float("-inf")
        self._sight = Sight()
        self._notes = _Notebook()

    def run(self) -> OutageResult:
        """The whole plot. Raises WorldFault WM-DEMO-OUTAGE if a station is not reached."""
        self._until(lambda: self._at_s() >= READING_S and self._is_caught_up(), "the consumer keeps up")
        stopped_s = self._at_s()
        self._note("ci", self._world.release())
        self._until(lambda: self._sight.alarms == ALARMS_MAX, "the incident has five alarms")
        left_s, extended = self._act()
        self._until(lambda: self._sight.gone_elsewhere > 0, "the old horizon passes")
        gone = self._sight.gone_elsewhere
        self._note("kafka", f"deletes the same records, unread, from the topic that nobody extended: {gone} so far")
        back_s = self._at_s()
        forecast_s = self._catch_up(back_s)
        caught_up_s = self._at_s() - back_s
        self._until(self._is_over, "the incident closes")
        restored = self._world.restore()
        self._note("on-call", f"extend --restore --yes: {restored}")
        self._read_to_the_end()
        assert self._sight.incident is not None  # noqa: S101 - it is over, so there was one
        return OutageResult(
            retention_s=self._plan.retention_ms / 1000,
            down_s=back_s - stopped_s,
            left_s=left_s,
            extended=extended,
            restored=restored,
            gone_elsewhere=gone,
            forecast_s=forecast_s,
            caught_up_s=caught_up_s,
            account=self._world.account(),
            incident=self._sight.incident,
            pages=self._sight.pages,
            events=tuple(self._notes.events),
        )

    def _act(self) -> tuple[float, str]:
        """What on-call does: take it, and extend. The seconds that were left, and what was changed."""
        if self._sight.incident is not None:
            self._world.take(self._sight.incident.number)
        left_s = (self._left_ms() or 0.0) / 1000
        extended = self._world.extend()
        self._note("on-call", f"extend --yes, with {left_s:.0f} s left: {extended}")
        self._until(
            lambda: (self._sight.left_ms or 0) > self._plan.retention_ms, "the monitor sees that there is more time"
        )
        return left_s, extended

    def _catch_up(self, back_s: float) -> float | None:
        """Start the consumer and wait until it has caught up; the forecast, in seconds from its return."""
        self._world.start_reader()
        self._note("on-call", "the consumer is back")
        self._until(
            lambda: (
                (self._at_s() - back_s > FORECAST_AFTER_S and self._sight.caught_up_in_ms is not None)
                or (self._at_s() - back_s > 1 and self._is_caught_up())
            ),
            "a forecast can be made",
        )
        forecast_s = None
        if self._sight.caught_up_in_ms:
            forecast_s = self._looked_s - self._began_s - back_s + self._sight.caught_up_in_ms / 1000
            self._note("monitor", f"forecast: caught up {forecast_s:.0f} s after its return, before anything is lost")
        self._until(self._is_caught_up, "the consumer catches up")
        self._note("consumer", f"caught up {self._at_s() - back_s:.0f} s after its return")
        return forecast_s

    def _read_to_the_end(self) -> None:
        self._world.stop_source()
        self._until(lambda: self._world.account().read >= self._world.account().written, "everything is read")

    def _is_caught_up(self) -> bool:
        unread = self._sight.unread
        return unread is not None and unread <= self._plan.rate * CAUGHT_UP_S

    def _is_over(self) -> bool:
        return self._sight.incident is not None and self._sight.incident.state is State.RESOLVED

    # --- ticks --------------------------------------------------------------------------------------------------

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        limit_s = self._clock.monotonic_s() + LIMIT_S + 2 * self._plan.retention_ms / 1000
        while not reached():
            if self._clock.monotonic_s() > limit_s:
                raise WorldFault(
                    "WM-DEMO-OUTAGE",
                    f"It did not come to this: {what}.",
                    hint="The machine is very busy, or the broker stands; try again with --retention-s 120.",
                )
            self._tick()

    def _tick(self) -> None:
        self._world.check()
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s >= LOOK_S:
            self._sight, self._looked_s = self._world.look(), now_s
            self._take_notes()
        left_ms = self._left_ms()
        self._show(OutageMoment(self._at_s(), self._sight, left_ms, tuple(self._notes.events)))
        self._sleep(TICK_S)

    def _take_notes(self) -> None:
        incident = self._sight.incident
        for entry in () if incident is None else incident.timeline[self._notes.told :]:
            self._note(entry.who, entry.text)
        self._notes.told = 0 if incident is None else len(incident.timeline)
        for page in self._sight.pages[self._notes.pages :]:
            self._note("page", page)
        self._notes.pages = len(self._sight.pages)

    def _note(self, who: str, text: str) -> None:
        self._notes.events.append(Event(self._at_s(), who, text))

    def _at_s(self) -> float:
        return self._clock.monotonic_s() - self._began_s

    def _left_ms(self) -> float | None:
        """Of the newest look, counted down since."""
        if self._sight.left_ms is None:
            return None
        return max(0.0, self._sight.left_ms - 1000 * (self._clock.monotonic_s() - self._looked_s))
