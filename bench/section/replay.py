"""Replay against the gate: the same records, held by one and written on by the other."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.arena import PARTITIONS
from bench.contestant import ROOT, Gate, settle
from bench.decide import CONTRACT
from bench.figure import Goal, Measured, Ratio, Section, Table, brief, measured
from bench.progress import Course, Visible
from bench.run import Run

SPEED_MIN = 0.8
TIMEOUT_S = 300
IMPOSSIBLE = CONTRACT.replace(b"this.total >= 0.0", b"this.total < 0.0")
"""Good records break one rule across fields of it. By the contract itself they pass again, in the fast lane."""


@dataclass(frozen=True, slots=True)
class _Turn:
    held: Course
    bare: Course
    replay: Course
    whole_per_s: float
    """With the start: from taking the first transactional id."""


def run(run: Run) -> Section:
    """A gate holds everything, the contract that they keep comes into force, and everything is replayed."""
    records = run.scale.held_records
    landing = run.arena.landing(records)
    turns = []
    for _ in range(run.scale.rounds):
        turns.append(_turn(run, landing, records))
        run.say(
            f"  replay: {turns[-1].replay.records_per_s:,.0f} records/s, bare {turns[-1].bare.records_per_s:,.0f}, "
            f"the gate before {turns[-1].held.records_per_s:,.0f}"
        )
    replay = measured("replay", "records/s", [turn.replay.records_per_s for turn in turns])
    holding = measured("gate, 100% held", "records/s", [turn.held.records_per_s for turn in turns])
    passing = measured("gate, 0% held", "records/s", [course.records_per_s for course in run.need_gate_courses()])
    bare = measured("bare replay in Python", "records/s", [turn.bare.records_per_s for turn in turns])
    whole = statistics.median(turn.whole_per_s for turn in turns)
    cost = _cost("replay", (turn.replay for turn in turns))
    about = (
        f"`quarantine replay` over {records:,} held records that pass now, in one process, without its dry run. All "
        "speeds are from the first commit to the last. A replay reads each record with the gate's fifteen headers and "
        "writes two: the record and its new state. The bare replay does the same with the same client settings and "
        "judges nothing: it is what Python and this broker allow."
    )
    ratios = (
        Ratio("replay / the gate that holds the same records", replay, holding, Goal(at_least=SPEED_MIN)),
        Ratio("replay / the gate over records that pass", replay, passing, Goal(at_least=SPEED_MIN)),
        Ratio("replay / the bare replay", replay, bare),
        Ratio("the bare replay / the gate over records that pass", bare, passing),
        Ratio(
            "replay / the gate that holds the same records, CPU",
            cost,
            _cost("gate, 100% held", (turn.held for turn in turns)),
        ),
    )
    table = Table("With its start, connections and the first transactional id", ("records/s",), ((brief(whole),),))
    return Section("replay: the way back", about, ratios, (table,))


def _cost(of: str, courses: Iterable[Course]) -> Measured:
    return measured(of, "CPU s per million", [course.cpu_s_per_million for course in courses])


def _turn(run: Run, landing: str, records: int) -> _Turn:
    gate = Gate(run.arena, landing, IMPOSSIBLE)
    with gate:
        course = gate.drain(records)
        gate.stop()
        settle()
        gate.activate(CONTRACT.replace(b"version: 1.0.0", b"version: 1.1.0"))
        bare = _bare(run, gate, records)
        settle()
        command = [sys.executable, "-m", "watermaster", "quarantine", "replay", "--all", "--yes", "--output", "json"]
        replay, told = _follow(run, [*command, "--config", str(gate.config)], gate.target, records)
    done = json.loads(told)["done"]
    if done["fates"] != {"passes": records}:
        raise RuntimeError(f"not everything was replayed: {done}")
    return _Turn(course, bare, replay, records / done["seconds"])


def _bare(run: Run, gate: Gate, records: int) -> Course:
    name = run.arena.name("bare-replay")
    target = run.arena.topic(f"{name}.trusted")
    holds = run.arena.topic(f"{name}.holds", cleanup_policy="compact")
    module = (sys.executable, "-m", "bench.bare_replay", run.arena.bootstrap, name)
    course, _ = _follow(run, [*module, gate.quarantine, target, holds, str(PARTITIONS)], target, records)
    run.arena.forget(target, holds)
    return course


def _follow(run: Run, command: Sequence[str], target: str, records: int) -> tuple[Course, bytes]:
    """The course of a command until readers see all of its records, and what it says at its end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)

    def check() -> None:  # it is left to be waited for: until then its CPU time can be read, also when it has ended
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None and ended.si_status:
            raise RuntimeError(f"{command[2]} ended with {ended.si_status}")

    try:
        with Visible(run.arena.bootstrap, run.arena.name("looks-at-replays"), target, PARTITIONS) as progress:
            course = progress.follow(lambda: [process.pid], records + 1, check, TIMEOUT_S)  # the last marker too
        told, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    return course, told
