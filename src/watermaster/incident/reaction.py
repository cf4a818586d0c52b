"""What a contract promises of reactions to a problem (`timeToDetect` and its like), and how long they took.

To detect: from the first moment at which it was bad until the incident. To notify: from there until the first page has
arrived. To repair: until its signals are seen to be gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from watermaster.incident.answer import span
from watermaster.incident.signal import Signal, SignalKind

WAITING_MS_MAX: Final = 7 * 86_400_000
"""A record that has waited for longer tells more of its timestamp than of when the problem began."""

_STANDS: Final = frozenset({SignalKind.CONSUMER_STOPPED, SignalKind.CONSUMER_STUCK, SignalKind.GATE_STOPPED})
"""Signals that are there since the oldest unread record waits."""


class Reaction(Enum):
    """The names of ODCS."""

    DETECT = "timeToDetect"
    NOTIFY = "timeToNotify"
    REPAIR = "timeToRepair"


@dataclass(frozen=True, slots=True)
class ReactionPromise:
    """How long each may take, in milliseconds; None: not promised."""

    detect_ms: int | None = None
    notify_ms: int | None = None
    repair_ms: int | None = None

    def bound_ms(self, reaction: Reaction) -> int | None:
        """What is promised of one of them."""
        return {
            Reaction.DETECT: self.detect_ms,
            Reaction.NOTIFY: self.notify_ms,
            Reaction.REPAIR: self.repair_ms,
        }[reaction]


class Times(NamedTuple):
    """The moments of an incident; None: it has not come to that, or nobody knows. `paged`: whether a page is due."""

    began_ms: int | None
    opened_ms: int
    paged: bool
    notified_ms: int | None
    repaired_ms: int | None


@dataclass(frozen=True, slots=True)
class Reacted:
    """How long a reaction took, or has taken so far if it is not `done`."""

    reaction: Reaction
    taken_ms: int
    promised_ms: int
    done: bool

    @property
    def passed(self) -> bool:
        """Whether more time was taken than promised."""
        return self.taken_ms > self.promised_ms

    def __str__(self) -> str:
        judged = "passed" if self.passed else "kept" if self.done else "still open"
        return f"{self.reaction.value} {judged}: {span(self.taken_ms)} of {span(self.promised_ms)}"


def strictest(promises: Iterable[ReactionPromise]) -> ReactionPromise | None:
    """Of several contracts the shortest times; None without one that promises anything."""
    found = list(promises)
    shortest = {
        reaction: min((ms for each in found if (ms := each.bound_ms(reaction)) is not None), default=None)
        for reaction in Reaction
    }
    if all(ms is None for ms in shortest.values()):
        return None
    return ReactionPromise(shortest[Reaction.DETECT], shortest[Reaction.NOTIFY], shortest[Reaction.REPAIR])


def measure_reactions(promise: ReactionPromise, times: Times, now_ms: int) -> tuple[Reacted, ...]:
    """Each promised reaction that can be judged: what nobody knows, and a page that nobody is to get, cannot."""
    ends: dict[Reaction, tuple[int | None, int | None]] = {
        Reaction.DETECT: (times.began_ms, times.opened_ms),
        Reaction.NOTIFY: (times.opened_ms if times.paged or times.notified_ms else None, times.notified_ms),
        Reaction.REPAIR: (times.opened_ms, times.repaired_ms),
    }
    found = []
    for reaction, (start_ms, end_ms) in ends.items():
        bound_ms = promise.bound_ms(reaction)
        if bound_ms is not None and start_ms is not None:
            taken_ms = max(0, (now_ms if end_ms is None else end_ms) - start_ms)
            found.append(Reacted(reaction, taken_ms, bound_ms, end_ms is not None))
    return tuple(found)


def first_bad_ms(signals: Iterable[Signal], clear_ms: int | None, now_ms: int) -> int | None:
    """Since when it is bad, if the signals tell: since the oldest unread record waits; None if they do not.

    `clear_ms` is the last look that saw nothing of it, if there is one: then it was not bad, whatever timestamps say.
    """
    dated = [
        signal.seen_ms - signal.waiting_ms
        for signal in signals
        if signal.kind in _STANDS and signal.waiting_ms is not None and signal.waiting_ms <= WAITING_MS_MAX
    ]
    if not dated:
        return None
    return min(now_ms, min(dated) if clear_ms is None else max(min(dated), clear_ms))
