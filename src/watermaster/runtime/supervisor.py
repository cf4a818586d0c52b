"""Keeps a gate's workers alive: one process each, restarted when it dies, stopped when a person must decide.

A worker ends in one of four ways: it finished; it sent a fault that only a person can mend (the gate stops with it);
it died or hung while judging (the range becomes suspect); it died otherwise (restarted after a pause that grows).
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from watermaster.runtime.gate_statistics import Condition, GateStatistics, WorkerStatistics
from watermaster.runtime.judging import Judging, JudgingMark
from watermaster.stream.fault import Fault, UsageFault, WorldFault

JUDGING_TIMEOUT_S = 30.0
"""One read is at most 500 records; a hundred thousand times what good ones need."""

SILENCE_S_MAX = 45.0
"""Every call of ours into a client library has a timeout of at most 30 s, and a sign of life comes between calls."""

START_S_MAX = 180.0
"""Until the first sign of life: reading the control topic and taking the transactional id may each need a minute."""

RESTART_PAUSE_S_MAX = 10.0
QUICK_DEATHS_MAX = 5
"""A worker that dies so often without one commit in between will not heal by itself."""

FAULTS_AT_START_MAX = 3
"""Before anything was committed a person looks on: what three tries do not mend is said instead of waited for."""

FENCED_AGAIN_S = 300.0
"""A first fence is tried once more in a new process, which meets no remnant of an old request of ours: who fences that
one so soon is somebody else. Of two gates under one name the older is fenced first, and so is the one that ends."""
FENCED_PAUSE_S = 5.0
"""Who has just taken the name needs some seconds until all of its requests for it are answered. Two that take it at the
same time would fence each other twice, and both would end."""

STOP_TIMEOUT_S = 30.0
POLL_S = 0.1

_spawn = multiprocessing.get_context("spawn")  # never fork: clients have threads


@dataclass(frozen=True, slots=True)
class FaultMessage:
    """A worker's last word: a fault that stops the gate."""

    code: str
    message: str
    hint: str
    retriable: bool
    is_usage: bool = False
    """The caller's fault, not the world's."""

    def fault(self) -> Fault:
        """The fault again, in this process."""
        kind = UsageFault if self.is_usage else WorldFault
        return kind(self.code, self.message, hint=self.hint, retriable=self.retriable)


@dataclass(frozen=True, slots=True)
class LastWords:
    """A worker ends by an exception that nobody expected; `where` is its type and place."""

    where: str


class WorkerMain(Protocol):
    """The worker process's entry; importable by name, its arguments picklable."""

    def __call__(self, spec: Any, slot: int, mark_path: str, pipe: Connection) -> None:  # noqa: ANN401
        """Run until the mark asks to stop; give signs of life meanwhile."""
        ...


@dataclass(slots=True)
class _Worker:
    slot: int
    mark: JudgingMark
    mark_path: Path
    process: BaseProcess | None = None
    pipe: Connection | None = None
    deaths: int = 0
    transactions_at_start: int = 0
    start_after_s: float = 0.0
    finished: bool = False
    last_words: str = ""
    last_fault: FaultMessage | None = None
    fenced_s: float = -FENCED_AGAIN_S


@dataclass(slots=True)
class Supervisor:
    """Runs `workers` processes of `main(spec, slot, …)` until told to stop."""

    main: WorkerMain
    spec: Any
    workers: int
    directory: Path
    statistics: GateStatistics
    note_suspect: Callable[[Judging, str], None]
    """Writes a suspect range where every host finds it; called with the cause (`native_crash`, `timeout`)."""
    on_change: Callable[[GateStatistics], None] = lambda _: None
    silence_s_max: float = SILENCE_S_MAX
    _workers: list[_Worker] = field(default_factory=list)

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Supervise until `should_stop()` or until every worker has finished. Raises the fault that stops the gate."""
        self._workers = [self._prepare(slot) for slot in range(self.workers)]
        try:
            while not should_stop() and not all(worker.finished for worker in self._workers):
                for worker in self._workers:
                    self._tend(worker)
                self.on_change(self.statistics)
                time.sleep(POLL_S)
        finally:
            self._stop_all()
            self.on_change(self.statistics)

    def _prepare(self, slot: int) -> _Worker:
        path = self.directory / f"judging-{slot}"
        path.unlink(missing_ok=True)
        return _Worker(slot, JudgingMark(path), path)

    def _tend(self, worker: _Worker) -> None:
        if worker.finished:
            return
        if worker.process is None:
            if time.monotonic() >= worker.start_after_s:
                self._start(worker)
            return
        self._listen(worker)
        judging = worker.mark.read()
        if judging is not None and time.monotonic() - judging.since_s > JUDGING_TIMEOUT_S:
            worker.process.kill()
            worker.process.join()
            self._died(worker, "timeout")
        elif worker.process.exitcode is None and worker.mark.silent_s() > self.silence_s_max:
            # A call into a client library that never returns: nothing inside of the process can end it.
            worker.process.kill()
            worker.process.join()
            worker.last_words = self.statistics.last_words = f"silent for {self.silence_s_max:.0f} s"
            self._died(worker, "timeout")
        elif worker.process.exitcode is not None:
            self._listen(worker)
            if worker.process.exitcode == 0:
                worker.finished = True
                self._release(worker)
            else:
                self._died(worker, "native_crash")

    def _start(self, worker: _Worker) -> None:
        ours, theirs = _spawn.Pipe(duplex=False)
        worker.process = _spawn.Process(
            target=self.main,
            args=(self.spec, worker.slot, str(worker.mark_path), theirs),
            name=f"watermaster-worker-{worker.slot}",
            daemon=False,
        )
        worker.mark.beat(time.monotonic() + START_S_MAX)
        # A child inherits the mask: Ctrl-C during its imports must not end it half made. It is stopped by its mark.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            worker.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        worker.pipe = ours

    def _listen(self, worker: _Worker) -> None:
        pipe = worker.pipe
        if pipe is None:
            return
        try:
            while pipe.poll():
                message = pipe.recv()
                if isinstance(message, WorkerStatistics):
                    self.statistics.take(message)
                elif isinstance(message, FaultMessage):
                    if self._must_stop(worker, message):
                        raise message.fault()
                    worker.last_fault = message
                    worker.last_words = self.statistics.last_words = str(message.fault())
                elif isinstance(message, LastWords):
                    worker.last_words = self.statistics.last_words = message.where
        except (EOFError, OSError):
            return  # its end is seen by the exit code

    def _must_stop(self, worker: _Worker, message: FaultMessage) -> bool:
        """Whether the fault is for a person: one that no retry mends, or a second fence soon after the first."""
        if message.code != "WM-GATE-FENCED":
            return not message.retriable
        self.statistics.fences += 1
        before_s, worker.fenced_s = worker.fenced_s, time.monotonic()
        return worker.fenced_s - before_s < FENCED_AGAIN_S

    def _died(self, worker: _Worker, cause: str) -> None:
        judging = worker.mark.read()
        worker.mark.leave()
        made_progress = self._transactions(worker.slot) > 0
        worker.deaths = 1 if made_progress else worker.deaths + 1
        self.statistics.retire(worker.slot)
        self.statistics.restarts += 1
        self._release(worker)
        if judging is not None:
            self.note_suspect(judging, cause)
            return
        has_run = self.statistics.last_commit_ms() > 0
        if worker.last_fault is not None and worker.deaths >= FAULTS_AT_START_MAX and not has_run:
            raise worker.last_fault.fault()
        if worker.deaths >= QUICK_DEATHS_MAX and not has_run:
            raise WorldFault(
                "WM-WORKER-DIES",
                f"worker {worker.slot} died {worker.deaths} times without committing anything"
                + (f" ({worker.last_words})" if worker.last_words else ""),
                hint="Run with WATERMASTER_DEBUG=1 for the traceback; without one, look at the kernel's log for the "
                "out-of-memory killer and at the memory limit of this service.",
            )
        pause_s = min(RESTART_PAUSE_S_MAX, 0.2 * 2**worker.deaths)
        worker.start_after_s = max(time.monotonic() + pause_s, worker.fenced_s + FENCED_PAUSE_S)

    def _transactions(self, slot: int) -> int:
        statistics = self.statistics.workers.get(slot)
        return statistics.transactions if statistics is not None else 0

    def _release(self, worker: _Worker) -> None:
        if worker.pipe is not None:
            worker.pipe.close()
        worker.process = worker.pipe = None

    def _stop_all(self) -> None:
        for worker in self._workers:
            worker.mark.ask_to_stop()
        until_s = time.monotonic() + STOP_TIMEOUT_S
        for worker in self._workers:
            if worker.process is None:
                continue
            while worker.process.is_alive() and time.monotonic() < until_s:
                self._drain(worker)
                worker.process.join(POLL_S)
            self._drain(worker)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.mark_path.unlink(missing_ok=True)

    def _drain(self, worker: _Worker) -> None:
        try:
            self._listen(worker)
        except Fault as fault:  # the gate stops already; the second fault must not hide the first
            statistics = self.statistics.workers.setdefault(worker.slot, WorkerStatistics(worker.slot))
            statistics.conditions["stopping"] = Condition(
                "stopping", fault.code, fault.message, fault.hint, self.statistics.last_commit_ms()
            )
