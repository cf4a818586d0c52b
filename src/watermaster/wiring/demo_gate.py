"""The real gate beside the demonstration: the supervisor on a thread, its workers in their own processes."""

from __future__ import annotations

import signal
import threading
import time
from multiprocessing import resource_tracker
from typing import Final, Self

from watermaster.runtime.demo import Snapshot, take_snapshot
from watermaster.runtime.gate_statistics import GateStatistics
from watermaster.wiring.demo_cluster import PARTITIONS, DemoScene
from watermaster.wiring.gate import run_gate

READY_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05


class RunningGate:
    """`run_gate` on a thread of its own, as the command runs it on the main one. A context manager."""

    def __init__(self, scene: DemoScene) -> None:
        self._scene = scene
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watermaster-gate", daemon=True)
        self._failure: BaseException | None = None
        self._assigned = 0
        self._snapshot = Snapshot()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # Workers inherit this thread's mask: a terminal's Ctrl-C then reaches the main thread alone, which stops them
        # in order, and none of them while it is still importing. (Starting the tracker lifts the mask, so it is first.)
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        try:
            run_gate(
                self._scene.configuration, self._scene.gate.name, should_stop=self._stop.is_set, on_change=self._take
            )
        except BaseException as failure:  # noqa: BLE001 - raised again by `snapshot`, on the thread that asks
            self._failure = failure

    def _take(self, statistics: GateStatistics) -> None:
        self._assigned = sum(len(worker.partitions) for worker in statistics.workers.values())
        self._snapshot = take_snapshot(statistics, self._scene.stream.landing)

    def snapshot(self) -> Snapshot:
        """What it has counted. Raises what ended it."""
        if self._failure is not None:
            raise self._failure
        return self._snapshot

    def wait_until_ready(self) -> None:
        """Return when every partition has its worker; if that never comes, the play itself will say so."""
        until_s = time.monotonic() + READY_TIMEOUT_S
        while self._assigned < PARTITIONS and time.monotonic() < until_s:
            self.snapshot()
            time.sleep(_POLL_S)
