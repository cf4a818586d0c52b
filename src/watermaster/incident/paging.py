"""Who is told what: routes with a threshold and a delay, and silences that end. Escalation is a route with a delay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase

from watermaster.incident.incident import Entry, Incident
from watermaster.incident.life import State


class Happening(Enum):
    """What a page tells."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Route:
    """Is told of incidents of at least `alarms_min`; with a delay, only of those that nobody has taken by then."""

    name: str
    alarms_min: int
    after_ms: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Keeps back pages of the problems that `pattern` matches (`*` and `?`), until a moment that it must have."""

    pattern: str
    until_ms: int
    who: str
    why: str

    def covers(self, incident: Incident, now_ms: int) -> bool:
        """Whether it holds now."""
        return now_ms < self.until_ms and fnmatchcase(incident.key, self.pattern)


@dataclass(frozen=True, slots=True)
class Page:
    """To be sent to one route. `number` counts the pages of the incident, so (incident, number, route) is unique."""

    route: str
    happening: Happening
    number: int
    alarms: int


def plan_pages(
    before: Incident | None, incident: Incident, routes: Sequence[Route], silences: Iterable[Silence], now_ms: int
) -> tuple[Incident, tuple[Page, ...]]:
    """The pages that are due, and the incident that remembers them. `before` is None for a new one.

    A silence holds back what is new. What was paged is also told its end, for an alarm must not ring on for ever.
    """
    silent = any(silence.covers(incident, now_ms) for silence in silences)
    due: list[tuple[str, Happening]] = []
    for route in routes:
        happening = _due(before, incident, route, now_ms, silent=silent)
        if happening is not None:
            due.append((route.name, happening))
    if not due:
        return incident, ()
    number = incident.pages + 1
    pages = tuple(Page(route, happening, number, incident.alarms) for route, happening in due)
    told = tuple(dict.fromkeys((*incident.paged, *(route for route, what in due if what is Happening.TRIGGER))))
    text = ", ".join(f"{route} ({happening.value})" for route, happening in due)
    paged = replace(incident, pages=number, paged=told).noted(Entry(now_ms, "monitor", f"pages: {text}"))
    return paged, pages


def _due(before: Incident | None, incident: Incident, route: Route, now_ms: int, *, silent: bool) -> Happening | None:
    was = before.state if before else State.OPEN
    paged = route.name in incident.paged
    if incident.state is State.RESOLVED:
        return Happening.RESOLVE if paged and was is not State.RESOLVED else None
    if paged and incident.state is State.ACKNOWLEDGED and was is State.OPEN:
        return Happening.ACKNOWLEDGE
    if silent or incident.alarms < route.alarms_min:
        return None
    if paged:
        return Happening.TRIGGER if before is not None and incident.alarms > before.alarms else None
    waited = now_ms - incident.opened_ms >= route.after_ms
    taken = route.after_ms > 0 and incident.state is not State.OPEN
    return Happening.TRIGGER if waited and not taken else None
