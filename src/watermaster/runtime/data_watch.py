"""What watches the data beside the readers: each watch is called after a look, and tells what is wrong with streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from watermaster.incident.signal import Signal
from watermaster.monitor.carriage import Carried
from watermaster.runtime.fleet import ClusterLook


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of the records that were sent through a probe topic. `back`: the newest one came back; `waits` are
    those of the last minutes, by the buckets of `carriage`.
    """

    cluster: str
    topic: str
    back: bool
    waits: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class DataTurn:
    """What one look came to. `blind` are problems that must not end, since what raised them cannot be seen now;
    `unseen` says what could not be seen, and why.
    """

    signals: tuple[Signal, ...] = ()
    blind: frozenset[str] = frozenset()
    unseen: tuple[str, ...] = ()
    carried: tuple[Carried, ...] = ()
    """How long records have taken lately."""
    returned: tuple[Returned, ...] = ()


class DataWatch(Protocol):
    """Keeps what it knows in the database. Raises WorldFault WM-DATABASE."""

    def begin(self) -> None:
        """Take up what is stored at the next turn: another monitor may have watched in between."""
        ...

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> DataTurn:
        """One look."""
        ...
