"""Replay against the gate: the same records, held by one and written on by the other."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from bench.contestant import ROOT, Gate, settle
from bench.decide import CONTRACT
from bench.figure import Goal, Ratio, Section, measured
from bench.progress import Course
from bench.run import Run

SPEED_MIN = 0.8
TIMEOUT_S = 300
IMPOSSIBLE = CONTRACT.replace(b"this.total >= 0.0", b"this.total < 0.0")
"""Good records break one rule across fields of it. By the contract itself they pass again, in the fast lane."""


@dataclass(frozen=True, slots=True)
class _Turn:
    held: Course
    records_per_s: float


def run(run: Run) -> Section:
    """A gate holds everything, the contract that they keep comes into force, and everything is replayed."""
    records = run.scale.held_records
    landing = run.arena.landing(records)
    turns = []
    for _ in range(run.scale.rounds):
        turns.append(_turn(run, landing, records))
        run.say(f"  replay: {turns[-1].records_per_s:,.0f} records/s")
    replay = measured("replay", "records/s", [turn.records_per_s for turn in turns])
    holding = measured("gate, 100% held", "records/s", [turn.held.records_per_s for turn in turns])
    passing = measured("gate, 0% held", "records/s", [course.records_per_s for course in run.need_gate_courses()])
    about = (
        f"`quarantine replay` over {records:,} held records that pass now, in one process, without its dry run. "
        "It reads each with the gate's headers, and writes the record and its new state."
    )
    ratios = (
        Ratio("replay / the gate that holds the same records", replay, holding, Goal(at_least=SPEED_MIN)),
        Ratio("replay / the gate over records that pass", replay, passing, Goal(at_least=SPEED_MIN)),
    )
    return Section("replay: the way back", about, ratios)


def _turn(run: Run, landing: str, records: int) -> _Turn:
    gate = Gate(run.arena, landing, IMPOSSIBLE)
    with gate:
        course = gate.drain(records)
        gate.stop()
        settle()
        gate.activate(CONTRACT.replace(b"version: 1.0.0", b"version: 1.1.0"))
        command = [sys.executable, "-m", "watermaster", "quarantine", "replay", "--all", "--yes", "--output", "json"]
        told = subprocess.run(
            [*command, "--config", str(gate.config)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=True,
            timeout=TIMEOUT_S,
        )
        done = json.loads(told.stdout)["done"]
    if done["fates"] != {"passes": records}:
        raise RuntimeError(f"not everything was replayed: {done}")
    return _Turn(course, records / done["seconds"])
