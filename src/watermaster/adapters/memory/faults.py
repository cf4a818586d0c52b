"""Which call of a port fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from watermaster.runtime.ports import AbortRequired, ConnectionLost, Fenced
from watermaster.stream.fault import Fault, WorldFault

MakeFault = Callable[[], Fault]


def abort_required(*, record_at_fault: bool = False) -> AbortRequired:
    """The open transaction must be aborted."""
    fault = AbortRequired("WM-MEMORY-ABORT", "the transaction must be aborted", hint="-", retriable=True)
    fault.record_at_fault = record_at_fault
    return fault


def connection_lost() -> ConnectionLost:
    """The producer is of no use any more; what it did last may or may not have been done."""
    return ConnectionLost("WM-MEMORY-LOST", "the connection is gone", hint="-", retriable=True)


def fenced() -> Fenced:
    """Another producer has the transactional id."""
    return Fenced("WM-GATE-FENCED", "another process uses the transactional id", hint="-")


def unreachable() -> WorldFault:
    """A question got no answer."""
    return WorldFault("WM-MEMORY-UNREACHABLE", "no answer", hint="-", retriable=True)


@dataclass(slots=True)
class FaultPlan:
    """Faults by the name of a call (`downstream.commit`) and its number, the first is 1.

    `before` fails instead of doing it, `after` does it and then fails: the answer was lost.
    """

    before: dict[tuple[str, int], MakeFault] = field(default_factory=dict)
    after: dict[tuple[str, int], MakeFault] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Count one call, and fail as planned."""
        number = self.calls[name] = self.calls.get(name, 0) + 1
        if (name, number) in self.before:
            raise self.before[name, number]()
        yield
        if (name, number) in self.after:
            raise self.after[name, number]()

    def next(self, name: str, fault: MakeFault, *, later: int = 0, done: bool = False) -> None:
        """Plan a fault for the next call but `later`; `done`: the call does its work first."""
        plan = self.after if done else self.before
        plan[name, self.calls.get(name, 0) + 1 + later] = fault

    def heal(self) -> None:
        """Plan no more faults."""
        self.before.clear()
        self.after.clear()
