"""What people do with incidents, as steps over the store: acknowledge, assign, note, resolve, silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from watermaster.incident.incident import Incident
from watermaster.incident.life import Action
from watermaster.incident.paging import Route, Silence, plan_pages
from watermaster.incident.promise_keeping import judge_reactions
from watermaster.runtime.incident_ports import Change, IncidentStore, Memory, Note
from watermaster.runtime.incident_watch import message_of
from watermaster.stream.fault import UsageFault

Deed = Callable[[Incident], Incident | None]


def find_incident(store: IncidentStore, number: int) -> Incident:
    """One incident. Raises UsageFault WM-INCIDENT-NUMBER."""
    found = store.found(number)
    if found is None:
        raise UsageFault(
            "WM-INCIDENT-NUMBER",
            f"There is no incident {number}.",
            hint="`watermaster incident list --all` shows all of them.",
        )
    return found


def do(store: IncidentStore, number: int, deed: Deed, routes: tuple[Route, ...], now_ms: int) -> Incident:
    """Do it and page who was paged. Raises UsageFault WM-INCIDENT-STATE if it cannot be done any more."""
    find_incident(store, number)
    changed = store.change(lambda memory: _step(memory, number, deed, routes, now_ms), since_ms=0)
    if changed is None or not changed.incidents:
        raise UsageFault(
            "WM-INCIDENT-STATE",
            f"Incident {number} is resolved.",
            hint="A note can still be added; it opens again by itself if its signals come back.",
        )
    return changed.incidents[0]


def _step(memory: Memory, number: int, deed: Deed, routes: tuple[Route, ...], now_ms: int) -> Change:
    was = next(incident for incident in memory.known() if incident.number == number)
    done = deed(was)
    if done is None:
        return Change()
    done = judge_reactions(done, now_ms)
    paged, pages = plan_pages(was, done, routes, memory.silences, now_ms)
    return Change((paged,), tuple(message_of(paged, page) for page in pages))


def note_on(incident: Incident, who: str, text: str, at_ms: int) -> Incident | None:
    """A line in the timeline; on a resolved one it is added to its summary too."""
    done = incident.after(Action.NOTE, who, text, at_ms)
    return done and replace(done, summary=f"{done.summary} {text}" if done.summary else None)


def record_note(store: IncidentStore, note: Note) -> None:
    """Something that happened beside the streams, for the incidents that begin after it."""
    store.change(lambda _: Change(notes=(note,)), since_ms=note.at_ms)


def record_silence(store: IncidentStore, silence: Silence, now_ms: int) -> None:
    """Keep pages back until its end."""
    store.change(lambda _: Change(silences=(silence,)), since_ms=now_ms)
