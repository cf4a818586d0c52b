"""What a SIGKILL costs: until the next commit, and as readers of the trusted topic see it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.contestant import Gate, settle
from bench.figure import Ratio, Section, measured
from bench.progress import Progress
from bench.run import Run
from bench.traffic import Arrivals, Traffic

LOAD = 0.1
WARM_S = 2.0
CALM_S = 3.0
"""Between two kills, so that each meets a gate that has caught up."""


@dataclass(slots=True)
class _Kills:
    to_commit_s: list[float] = field(default_factory=list)
    spans_ns: list[tuple[int, int]] = field(default_factory=list)
    """From a kill until the stream is calm again."""


def run(run: Run) -> Section:
    """A live stream at a tenth of the maximal rate; workers are killed in it, then whole gates."""
    rate = run.gate_rate() * LOAD
    landing = run.arena.topic(run.arena.name("live"))
    worker, whole = _Kills(), _Kills()
    with (
        Gate(run.arena, landing) as gate,
        gate.progress() as progress,
        Traffic(run.arena, landing, gate.target, rate) as traffic,
    ):
        progress.wait_beyond(0, gate.check)
        time.sleep(WARM_S)
        for _ in range(run.scale.kills):
            _kill(gate, progress, worker, lambda: os.kill(gate.worker_pid(), signal.SIGKILL))
            _kill(gate, progress, whole, lambda: _kill_and_start(gate))
        arrivals = traffic.end()
    run.arena.forget(landing)
    settle()
    run.say(f"  worker: {worker.to_commit_s} s, whole gate: {whole.to_commit_s} s to the next commit")
    return _section(run, rate, worker, whole, arrivals)


def _kill_and_start(gate: Gate) -> None:
    gate.kill()
    gate.start()


def _kill(gate: Gate, progress: Progress, kills: _Kills, kill: Callable[[], None]) -> None:
    began_s, began_ns = time.monotonic(), time.monotonic_ns()
    kill()
    # A commit that was under way when the kill came may still end at the broker; it is not the successor's.
    time.sleep(0.1)
    kills.to_commit_s.append(progress.wait_beyond(progress.records(), gate.check) - began_s)
    time.sleep(CALM_S)
    kills.spans_ns.append((began_ns, time.monotonic_ns()))


def _section(run: Run, rate: float, worker: _Kills, whole: _Kills, arrivals: Arrivals) -> Section:
    start = measured("a gate's start to its first commit", "s", [course.start_s for course in run.need_gate_courses()])
    ratios = tuple(
        Ratio(f"{who} killed: {what} / a gate's start", measured(what, "s", values), start)
        for who, kills in (("worker", worker), ("whole gate", whole))
        for what, values in (
            ("to the next commit", kills.to_commit_s),
            ("stall of a read_committed reader", [arrivals.stall_s(*span) for span in kills.spans_ns]),
        )
    )
    about = (
        f"SIGKILL in a live stream of {rate:,.0f} records/s. A worker is replaced by its supervisor; a whole gate is "
        "started again at once, as a service manager would. The limit is the time that any gate needs to start: a new "
        "process has to be up before anything can be committed. While nobody ends the dead one's transaction, readers "
        "of the trusted topic stand still; the successor ends it when it takes the transactional id."
    )
    return Section("recovery: after SIGKILL", about, ratios)
