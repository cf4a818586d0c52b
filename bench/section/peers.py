"""The same work in other people's tools."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench import decide
from bench.contestant import Gate, Quixstreams
from bench.figure import Missing, Ratio, Section, Table, brief, measured
from bench.run import Run
from bench.virtual_environment import of_peer

BAD_SHARE = 0.02
GX_RECORDS = 20_000
GX_BATCHES = (1_000, 5_000, 20_000)
TIMEOUT_S = 300


def run(run: Run) -> Section:
    """Each peer that can be installed; what cannot is named."""
    ratios: list[Ratio] = []
    tables: list[Table] = []
    missing: list[str] = []
    parts: tuple[Callable[[Run], tuple[list[Ratio], list[Table]]], ...] = (_quixstreams, _great_expectations)
    for part in parts:
        try:
            found, shown = part(run)
        except Missing as what:
            missing.append(str(what))
            continue
        ratios += found
        tables += shown
    about = (
        "Quix Streams 3.28 does the gate's job on the same broker: consume, check the same rules, split to two topics, "
        "exactly once, 100 ms commits. Its rules are hand-written Python that stops at the first broken one, and it "
        "writes neither reasons nor a ledger. Great Expectations 1.24 judges the same records as pandas frames, which "
        "are decoded and typed before its clock starts; the judge starts from bytes. A peer's numbers count only if it "
        "holds exactly as many records as ours."
    )
    return Section("peers: the same job elsewhere", about, tuple(ratios), tuple(tables), tuple(missing))


def _quixstreams(run: Run) -> tuple[list[Ratio], list[Table]]:
    python = of_peer("quixstreams")
    values = decide.make_values(BAD_SHARE, records=GX_RECORDS)
    told = _output(
        [str(python), str(Path(decide.__file__).with_name("peer_quixstreams.py")), "count", _file(run, values)]
    )
    _must_agree("Quix Streams", int(told), values)
    fewer, records = run.scale.peer_records, run.scale.records
    ours, theirs = [], []
    for _ in range(run.scale.rounds):
        theirs.append(run.drain(Quixstreams(run.arena, run.arena.landing(fewer, BAD_SHARE), python), fewer))
        ours.append(run.drain(Gate(run.arena, run.arena.landing(records, BAD_SHARE)), records))
    ratios = [
        Ratio(
            f"gate / Quix Streams, {what}",
            measured("gate", unit, [value(course) for course in ours]),
            measured("Quix Streams", unit, [value(course) for course in theirs]),
        )
        for what, unit, value in (
            ("CPU", "CPU s per million", lambda course: course.cpu_s_per_million),
            ("speed", "records/s", lambda course: course.records_per_s),
        )
    ]
    return ratios, []


def _great_expectations(run: Run) -> tuple[list[Ratio], list[Table]]:
    python = of_peer("great-expectations")
    values = decide.make_values(BAD_SHARE, records=GX_RECORDS)
    script = str(Path(decide.__file__).with_name("peer_great_expectations.py"))
    batches = [str(size) for size in GX_BATCHES]
    results = json.loads(_output([str(python), script, _file(run, values), str(run.scale.rounds), *batches]))
    for result in results:
        if result["format"] == "COMPLETE":
            _must_agree("Great Expectations", result["broken"], values)
    ours = measured("judge", "CPU µs per record", decide.judge_us(values, run.scale.rounds * 3))
    ratios = []
    for format_, meaning in (("COMPLETE", "broken rows named"), ("BOOLEAN_ONLY", "yes or no for the batch alone")):
        best = min((r for r in results if r["format"] == format_), key=lambda r: float(r["us"]))
        theirs = measured(f"Great Expectations, batches of {best['batch']:,}", "CPU µs per record", [best["us"]])
        ratios.append(Ratio(f"judge / Great Expectations, {meaning}", ours, theirs))
    rows = tuple((f"{r['batch']:,}", r["format"], brief(r["us"])) for r in results)
    return ratios, [Table("Great Expectations by batch size", ("rows", "result format", "CPU µs per record"), rows)]


def _must_agree(peer: str, broken: int, values: list[bytes]) -> None:
    ours = decide.held(values)
    if broken != ours:
        raise RuntimeError(
            f"{peer} holds {broken} of {len(values)} records and we hold {ours}: these are not the same rules"
        )


def _file(run: Run, values: list[bytes]) -> str:
    path = run.arena.directory / "orders.jsonl"
    path.write_bytes(b"\n".join(values) + b"\n")
    return str(path)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[1]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]
