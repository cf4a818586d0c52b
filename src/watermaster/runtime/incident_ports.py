"""What incidents need of the outside: a store with one writer at a time, and senders of pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from watermaster.incident.incident import Incident
from watermaster.incident.paging import Happening, Silence


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened beside the streams: a deploy, a change. `pattern` names topics, groups or clusters;
    `who` is empty where it was only seen that it happened.
    """

    at_ms: int
    kind: str
    pattern: str
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangesSeen:
    """What was seen to be changed, by cluster, and what could not be read to see it."""

    notes: Mapping[str, Sequence[Note]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A page with the incident as it was then. `dedup_key` is unique, also over restarts and monitors."""

    dedup_key: str
    route: str
    happening: Happening
    incident: Incident
    id: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What a step starts from: incidents that are open or were until lately, what is about to open, what holds now."""

    incidents: tuple[Incident, ...]
    pending: Mapping[str, int]
    silences: tuple[Silence, ...]
    notes: tuple[Note, ...]
    next_number: int
    notified: Mapping[int, int] = field(default_factory=dict)
    """When the first page of each of the incidents has arrived, by number."""

    def known(self) -> tuple[Incident, ...]:
        """The incidents, each with that moment."""
        return tuple(
            replace(incident, notified_ms=self.notified.get(incident.number, incident.notified_ms))
            for incident in self.incidents
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What a step leaves: all of it is stored, or nothing. `pending` None: as it was."""

    incidents: tuple[Incident, ...] = ()
    messages: tuple[Message, ...] = ()
    pending: Mapping[str, int] | None = None
    notes: tuple[Note, ...] = ()
    silences: tuple[Silence, ...] = ()


Step = Callable[[Memory], Change]


class IncidentStore(Protocol):
    """Incidents and what is to be sent. Raises WorldFault WM-DATABASE where it cannot be reached."""

    def lead(self, holder: str, now_ms: int, until_ms: int) -> bool:
        """Whether `holder` is the monitor that judges and sends until then: one at a time."""
        ...

    def change(self, step: Step, *, since_ms: int, holder: str | None = None) -> Change | None:
        """Run a pure step on what is stored, alone, and store what it leaves. `since_ms` is where the memory of what
        is resolved and noted begins. None, and nothing stored, if `holder` no longer leads.
        """
        ...

    def listed(self, *, resolved: bool, limit: int) -> Sequence[Incident]:
        """Incidents, the newest first; with those that are resolved if asked for."""
        ...

    def found(self, number: int) -> Incident | None:
        """One incident."""
        ...

    def due(self, now_ms: int) -> Sequence[Message]:
        """What is to be sent now: of each incident and route only the oldest, so that the order is kept."""
        ...

    def sent(self, message: Message, now_ms: int) -> None:
        """It has arrived."""
        ...

    def failed(self, message: Message, again_ms: int) -> None:
        """It has not, and is due again then."""
        ...

    def waiting(self) -> int:
        """How many pages have not arrived."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a page. `refused` is a reason without any secret; empty if it has arrived."""

    refused: str = ""


@dataclass(frozen=True, slots=True)
class RouteTrial:
    """The newest trial page of a route, and the fingerprint of the route as it was then; `refused` as in `Delivery`."""

    route: str
    at_ms: int
    refused: str
    fingerprint: str


class AlertSender(Protocol):
    """Sends to one route. Never raises: the world's answer is a value."""

    def send(self, message: Message, now_ms: int) -> Delivery:
        """Send one page; the receiver may get it twice, with the same key."""
        ...

    def remind(self, incidents: Sequence[Incident], now_ms: int) -> Delivery:
        """Once in a while, with everything the route was told of and that goes on: for receivers that forget."""
        ...


@dataclass(frozen=True, slots=True)
class Senders:
    """The routes by name, and what is called after each whole look."""

    routes: Mapping[str, AlertSender] = field(default_factory=dict)
    heartbeats: Mapping[str, Callable[[], Delivery]] = field(default_factory=dict)
