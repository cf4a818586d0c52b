"""The index of held records: does it keep up with the gate, and is it usable at ten million?"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import hold_rows
from bench.contestant import Gate, settle
from bench.figure import Goal, Ratio, Section, Table, brief, measured
from bench.observed import Observed, observe
from bench.run import Run
from bench.section.replay import IMPOSSIBLE
from watermaster.adapters.database.engine import FILE

RATE_MIN = 10_000
"""Held records in a second that it must keep up with."""
MEMORY_GROWTH_MAX = 1.5
FEW = 50
"""So many times fewer rows are what memory is compared with."""
TIMEOUT_S = 1_200


@dataclass(frozen=True, slots=True)
class _Turn:
    """Records in a second."""

    indexed: float
    read: float
    put: float


def run(run: Run) -> Section:
    """Speed on real Kafka; looks at rows that are made in SQL."""
    turns = _turns(run)
    indexing = measured("indexing", "records/s", [turn.indexed for turn in turns])
    reading = measured("reading alone", "records/s", [turn.read for turn in turns])
    putting = measured("putting alone", "records/s", [turn.put for turn in turns])
    few, many = (_look(run, rows) for rows in (run.scale.index_rows // FEW, run.scale.index_rows))
    groups, rows = hold_rows.RULES + 1, run.scale.index_rows
    about = (
        f"`quarantine adopt --rebuild` over {run.scale.held_records:,} records that a gate holds, into SQLite, in one "
        "process; reading them alone as a look without an index does; putting the same rows by the driver alone. Then "
        f"looks at {rows:,} rows that are made in SQL, of {groups} groups, {hold_rows.PARTITIONS} partitions and one "
        f"day; medians of {hold_rows.LOOKS}."
    )
    memory = [measured(f"{rows:,} rows", "MB", [seen.memory_mb]) for rows, seen, _ in (many, few)]
    ratios = (
        Ratio("indexing / reading alone", indexing, reading, Goal(at_least=RATE_MIN, absolute=True)),
        Ratio("indexing / putting the rows alone", indexing, putting),
        Ratio("memory of looks by rows", *memory, Goal(at_most=MEMORY_GROWTH_MAX)),
    )
    cells = tuple(
        (what, brief(seconds), brief(few[2]["seconds"][what])) for what, seconds in many[2]["seconds"].items()
    )
    columns = ("look", f"seconds, {many[0]:,} rows", f"seconds, {few[0]:,} rows")
    return Section("index: held records in the database", about, ratios, (Table("Looks", columns, cells),))


def _turns(run: Run) -> list[_Turn]:
    records, turns = run.scale.held_records, []
    with Gate(run.arena, run.arena.landing(records), IMPOSSIBLE) as gate:
        gate.drain(records)
        gate.stop()
        settle()
        rebuild = ["watermaster", "quarantine", "adopt", "--rebuild", "--output", "json"]
        for number in range(run.scale.rounds):
            rebuilt = _told([*rebuild, "--config", str(gate.config)])
            index = gate.directory / "state" / FILE
            read = _told(["bench.hold_rows", "read", str(gate.config), gate.name])
            put = _told(["bench.hold_rows", "put", str(index), str(gate.directory / f"another-{number}")])
            counts = (sum(rebuilt["records"].values()), read["records"], put["records"])
            if counts != (records,) * len(counts):
                raise RuntimeError(f"of {records} there were indexed, read and put {counts}")
            turns.append(_Turn(*(records / told["seconds"] for told in (rebuilt, read, put))))
            run.say(
                f"  indexing {turns[-1].indexed:,.0f}, reading {turns[-1].read:,.0f}, putting {turns[-1].put:,.0f}/s"
            )
    return turns


def _look(run: Run, rows: int) -> tuple[int, Observed, dict[str, Any]]:
    directory: Path = run.arena.directory / run.arena.name("index")
    directory.mkdir()
    filled_s = hold_rows.fill(directory, rows)
    run.say(f"  {rows:,} rows made in {filled_s:.0f} s")
    seen = observe([sys.executable, "-m", "bench.hold_rows", "look", str(directory)], TIMEOUT_S)
    told: dict[str, Any] = json.loads(seen.output)
    for file in directory.iterdir():
        file.unlink()
    if (told["groups"], told["rare"], told["one"]) != (hold_rows.RULES + 1, hold_rows.RARE, 1):
        raise RuntimeError(f"the looks saw {told}")
    return rows, seen, told


def _told(module: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(observe([sys.executable, "-m", *module], TIMEOUT_S).output)
    return told
