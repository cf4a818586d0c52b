"""Which signals are one problem: everything about one group is; and a cause takes what follows from it along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from watermaster.incident.signal import Signal, SignalKind, Subject


class ProblemKey(NamedTuple):
    """The identity of a problem over looks, restarts and monitors."""

    cluster: str
    group: str = ""
    topic: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


def key_of(subject: Subject, *, by_topic: bool = False) -> ProblemKey:
    """A group's signals are one problem over all of its topics; `by_topic` keeps topics apart."""
    if subject.group is None or by_topic:
        return ProblemKey(subject.cluster, subject.group or "", subject.topic or "")
    return ProblemKey(subject.cluster, subject.group)


def group_signals(
    signals: Iterable[Signal], upstream: Mapping[ProblemKey, ProblemKey], apart: frozenset[str] = frozenset()
) -> Mapping[ProblemKey, tuple[Signal, ...]]:
    """Signals by problem. `upstream` names who feeds whom: a fed group's signals join the problem of the nearest
    feeder that has stopped itself. Groups in `apart` are no single reader, so their topics stay separate problems.
    """
    own: dict[ProblemKey, list[Signal]] = {}
    for signal in signals:
        own.setdefault(key_of(signal.subject, by_topic=signal.subject.group in apart), []).append(signal)
    stopped = {key for key, found in own.items() if any(_stops(signal) for signal in found)}
    joined: dict[ProblemKey, list[Signal]] = {}
    for key, found in own.items():
        joined.setdefault(_cause(key, upstream, stopped), []).extend(found)
    return {key: tuple(found) for key, found in joined.items()}


def _stops(signal: Signal) -> bool:
    return signal.kind in (SignalKind.GATE_STOPPED, SignalKind.CONSUMER_STOPPED)


def _cause(key: ProblemKey, upstream: Mapping[ProblemKey, ProblemKey], stopped: set[ProblemKey]) -> ProblemKey:
    """The farthest feeder in an unbroken line of stopped ones; a circle ends where it began."""
    cause, seen = key, {key}
    while (feeder := upstream.get(cause)) in stopped and feeder not in seen:
        cause = feeder
        seen.add(feeder)
    return cause
