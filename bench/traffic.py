"""A steady stream through a contestant: a source at a fixed rate before it, a read_committed reader behind it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Self

from bench.arena import PARTITIONS, Arena
from bench.contestant import ROOT

READER_END_S = 30


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the reader saw, in the order of arrival; nanoseconds of the monotonic clock."""

    arrived_ns: list[int]
    late_ns: list[int]

    def lateness_ms(self, from_ns: int, to_ns: int) -> list[float]:
        """Sorted times from sending to arrival, of records that were sent within the bounds."""
        pairs = zip(self.arrived_ns, self.late_ns, strict=True)
        return sorted(late / 1e6 for at, late in pairs if from_ns <= at - late < to_ns)

    def stall_s(self, from_ns: int, to_ns: int) -> float:
        """The longest time without a record that ended within the bounds; 0 if nothing came there."""
        pairs = zip(self.arrived_ns, self.arrived_ns[1:], strict=False)
        return max((later - earlier for earlier, later in pairs if from_ns <= later < to_ns), default=0) / 1e9


class Traffic:
    """A context manager; `end` gives what arrived."""

    def __init__(self, arena: Arena, source: str, target: str, rate: float) -> None:
        self._into = ("bench.source", arena.bootstrap, source, str(PARTITIONS), str(rate))
        self._out_of = ("bench.reader", arena.bootstrap, target, str(PARTITIONS))
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._reader = self._start(self._out_of)
        self._source = self._start(self._into)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def end(self) -> Arrivals:
        """Stop both."""
        self._source.kill()
        self._reader.send_signal(signal.SIGTERM)
        told, _ = self._reader.communicate(timeout=READER_END_S)
        return Arrivals(**json.loads(told))

    def _start(self, module: tuple[str, ...]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, cwd=ROOT)
        self._processes.append(process)
        return process
