"""From landing to trusted at a tenth of the maximal rate."""

from __future__ import annotations

import time

from bench.arena import Arena
from bench.contestant import Bare, Contestant, Gate, settle
from bench.figure import Goal, Ratio, Section, measured
from bench.run import Run
from bench.traffic import Traffic

LOAD = 0.1
TRICKLE = 100
"""Records per second: fewer than fill a read, so that waiting for more of them shows."""
P99_MS_MAX = 500.0
WARM_S = 3.0
DRAIN_S = 2.0
"""So that records sent at the end of the measured time are read before the reader ends."""


def run(run: Run) -> Section:
    """The gate and the bare transfer in turns, each with a topic of its own."""
    rate = run.gate_rate() * LOAD
    goal = Goal(at_most=P99_MS_MAX, absolute=True)
    about = (
        f"From produce() into the landing topic to a read_committed consumer of the trusted topic in another process, "
        f"at {rate:,.0f} records/s, a tenth of the gate's highest rate in this run, and at a trickle of {TRICKLE} "
        "records/s; commit interval 100 ms on both sides. The source, the broker and the reader are in the figure."
    )
    ratios = _at_rate(run, rate, run.scale.latency_rounds, "a tenth of the highest rate", goal)
    ratios += _at_rate(run, TRICKLE, 1, f"{TRICKLE} records/s", goal)
    return Section("latency: from landing to trusted", about, tuple(ratios), facts={"records_per_s": rate})


def _at_rate(run: Run, rate: float, rounds: int, name: str, goal: Goal) -> list[Ratio]:
    found: dict[type[Contestant], list[list[float]]] = {Gate: [], Bare: []}
    for _ in range(rounds):
        for kind in (Bare, Gate):
            late_ms = _lateness_ms(run.arena, kind, rate, run.scale.latency_s)
            found[kind].append(late_ms)
            run.say(f"  {kind.label}: p50 {_quantile(late_ms, 0.5):.0f} ms, p99 {_quantile(late_ms, 0.99):.0f} ms")
    return [
        Ratio(
            f"landing to trusted {quantile} at {name}",
            measured("gate", "ms", [_quantile(late_ms, share) for late_ms in found[Gate]]),
            measured("bare transfer", "ms", [_quantile(late_ms, share) for late_ms in found[Bare]]),
            goal if share == 0.99 else None,
        )
        for quantile, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _lateness_ms(arena: Arena, kind: type[Contestant], rate: float, seconds: float) -> list[float]:
    landing = arena.topic(arena.name("live"))
    with (
        kind(arena, landing) as contestant,
        contestant.progress() as progress,
        Traffic(arena, landing, contestant.target, rate) as traffic,
    ):
        progress.wait_beyond(0, contestant.check)
        time.sleep(WARM_S)
        from_ns = time.monotonic_ns()
        time.sleep(seconds)
        to_ns = time.monotonic_ns()
        time.sleep(DRAIN_S)
        contestant.check()
        arrivals = traffic.end()
    arena.forget(landing)
    settle()
    return arrivals.lateness_ms(from_ns, to_ns)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
