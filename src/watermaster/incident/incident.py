"""An incident: one problem from its first signal to its closing note."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from watermaster.incident.answer import Answers
from watermaster.incident.life import Action, State, step
from watermaster.incident.reaction import Reacted, Reaction, ReactionPromise, Times, measure_reactions
from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.signal import Signal

TIMELINE_MAX: Final = 500
"""Entries kept, the first and the newest ones: a script that notes in a loop must not grow a row without end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline. `who` is a person, a build server, or `monitor`."""

    at_ms: int
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Times are milliseconds since the epoch. `alarms` is the loudest so far: it never sinks while it is open.

    `signals` are the newest ones, kept after they have gone; `clear_since_ms` is since when all of them are seen to
    be gone. `paged` are the routes that were told of it, `pages` counts what was sent.
    """

    number: int
    key: str
    cluster: str
    title: str
    state: State
    alarms: int
    opened_ms: int
    seen_ms: int
    signals: tuple[Signal, ...]
    answers: Answers
    owner: str | None = None
    assignee: str | None = None
    acknowledged_by: str | None = None
    clear_since_ms: int | None = None
    resolved_ms: int | None = None
    summary: str | None = None
    paged: tuple[str, ...] = ()
    pages: int = 0
    timeline: tuple[Entry, ...] = ()
    runbook: SiteRunbook | None = None
    """What the site has written for it; the built-in one is of the first signal's kind."""
    began_ms: int | None = None
    """Since when it is bad, as far as that is known."""
    notified_ms: int | None = None
    """When the first page has arrived."""
    promised: ReactionPromise | None = None
    """What the contract of its stream promises of reactions."""
    passed: tuple[Reaction, ...] = ()
    """Which of them were told to be late."""

    @property
    def dedup_key(self) -> str:
        """The same for every page of this incident, and for no other one."""
        return f"watermaster/{self.key}#{self.opened_ms}"

    def reacted(self, now_ms: int) -> tuple[Reacted, ...]:
        """How long the promised reactions took, or have taken so far."""
        if self.promised is None:
            return ()
        repaired_ms = self.resolved_ms if self.clear_since_ms is None else self.clear_since_ms
        times = Times(self.began_ms, self.opened_ms, bool(self.paged), self.notified_ms, repaired_ms)
        return measure_reactions(self.promised, times, now_ms)

    def noted(self, entry: Entry) -> Incident:
        """With one line more in the timeline."""
        lines = (*self.timeline, entry)
        if len(lines) > TIMELINE_MAX:
            lines = (*lines[: TIMELINE_MAX // 2], *lines[-TIMELINE_MAX // 2 :])
        return replace(self, timeline=lines)

    def told(self, entries: Iterable[Entry]) -> Incident:
        """With lines of what happened beside it, each once and at its time; a full timeline takes no more of them."""
        room = max(0, TIMELINE_MAX - len(self.timeline))
        new = [entry for entry in dict.fromkeys(entries) if entry not in self.timeline][:room]
        if not new:
            return self
        return replace(self, timeline=tuple(sorted((*self.timeline, *new), key=lambda entry: entry.at_ms)))

    def after(self, action: Action, who: str, text: str, at_ms: int) -> Incident | None:
        """After an action, with its line in the timeline; None if it cannot happen in this state."""
        state = step(self.state, action)
        if state is None:
            return None
        return replace(self, state=state).noted(Entry(at_ms, who, text))


def acknowledge(incident: Incident, who: str, at_ms: int) -> Incident | None:
    """Somebody has taken it; None if it cannot be taken any more."""
    done = incident.after(Action.ACKNOWLEDGE, who, "acknowledged", at_ms)
    return done and replace(done, acknowledged_by=who)


def assign(incident: Incident, assignee: str, who: str, at_ms: int) -> Incident | None:
    """Somebody is to take it, which counts as acknowledged."""
    done = incident.after(Action.ASSIGN, who, f"assigned to {assignee}", at_ms)
    return done and replace(done, assignee=assignee, acknowledged_by=who)


def resolve(incident: Incident, who: str, why: str, at_ms: int) -> Incident | None:
    """A person closes it. If its signals stay, it returns."""
    done = incident.after(Action.RESOLVE, who, f"resolved: {why}", at_ms)
    return done and replace(done, resolved_ms=at_ms, summary=summarize(replace(done, resolved_ms=at_ms), at_ms, why))


def summarize(incident: Incident, at_ms: int, ending: str) -> str:
    """The closing note: how long, how loud, what was lost, how it ended."""
    minutes = max(0, at_ms - incident.opened_ms) / 60_000
    lost = max((signal.lost_max for signal in incident.signals), default=0)
    loss = f"up to {lost} records were lost unread" if lost else "no record was seen to be lost"
    taken = f"taken by {incident.acknowledged_by}" if incident.acknowledged_by else "nobody acknowledged it"
    title = incident.title.rstrip(".")
    promised = "".join(f"; {reacted}" for reacted in incident.reacted(at_ms))
    return f"{title}: open for {minutes:.1f} min, {incident.alarms} of 5 alarms, {taken}; {loss}{promised}; {ending}."
