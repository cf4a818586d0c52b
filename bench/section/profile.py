"""Where the worker's time goes: its threads as the kernel counts them, its functions as cProfile does."""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import tempfile
from collections import defaultdict
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

from bench.contestant import Gate, settle
from bench.figure import Section, Table
from bench.process_cpu import thread_cpu_s
from bench.run import Run
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.wiring.gate import GateSpec, run_gate_worker

FUNCTIONS_SHOWN = 14
STOP_TIMEOUT_S = 60
SHARES = (0.0, 1.0)
_LIBRDKAFKA = {
    "rdk:main": "librdkafka: main loops (groups, timers)",
    "rdk:broker": "librdkafka: broker threads (network, decode, CRC, lz4)",
}
_STEPS = (
    ("wait and read: the client's consume()", ("'consume' of",)),
    ("messages to columns", ("kafka/columns.py", "cimpl.Message'", "stream/batch.py")),
    ("judge", ("watermaster/gate/", "msgspec", "re2", "runtime/judging.py")),
    ("write: the client's produce()", ("'produce' of",)),
    ("write: our side of it", ("kafka/downstream.py",)),
    ("serve callbacks: poll()", ("'poll' of",)),
    ("commit: waiting for the broker", ("commit_transaction' of", "offsets_to_transaction' of")),
    ("start: topics, offsets, transactional id", ("watermark_offsets' of", "list_topics' of", "init_transactions' of")),
    ("envelopes and ledger", ("watermaster/quarantine/", "runtime/gate.py", "stream/coordinates.py")),
    ("the transfer loop", ("watermaster/runtime/",)),
)
"""The first that fits a function's place and name counts; what fits none is start-up and the rest."""


class _Function(NamedTuple):
    place: str
    calls: int
    own_s: float


def run(run: Run) -> Section:
    """Without a profiler for the threads, with it for the functions; a good stream and one that is held whole."""
    records = run.scale.held_records
    landing = run.arena.landing(records)
    tables = [
        Table("CPU time by thread, 0% held", ("thread", "share", "CPU µs per record"), _threads(run, landing, records))
    ]
    for share in SHARES:
        functions = _functions(run, run.arena.landing(records, share), records)
        tables += _tables(functions, records, f"{share:.0%} held")
    about = (
        f"One worker over {records:,} records, start-up included. Threads: CPU time of a worker as its users run it. "
        "Functions: time on the clock of the loop's thread under cProfile, which makes small functions look dearer "
        "than they are; waiting for the broker counts where it is waited."
    )
    return Section("profile: where the worker's time goes", about, tables=tuple(tables))


def _tables(functions: list[_Function], records: int, of: str) -> list[Table]:
    total_s = sum(function.own_s for function in functions)
    shown = sorted(functions, key=lambda function: -function.own_s)[:FUNCTIONS_SHOWN]
    rows = tuple((f.place, f"{f.own_s / total_s:.0%}", f"{f.own_s / records * 1e6:.2f}", f"{f.calls:,}") for f in shown)
    return [
        Table(
            f"The loop's thread by step, {of}",
            ("step", "share", "µs per record"),
            _by_step(functions, total_s, records),
        ),
        Table(f"The loop's thread by function, {of}", ("function", "share", "µs per record", "calls"), rows),
    ]


def _threads(run: Run, landing: str, records: int) -> tuple[tuple[str, ...], ...]:
    with Gate(run.arena, landing) as gate:
        gate.drain(records)
        found = thread_cpu_s(gate.worker_pid())
    settle()
    grouped: dict[str, float] = defaultdict(float)
    for name, spent_s in found.items():
        label = next((label for prefix, label in _LIBRDKAFKA.items() if name.startswith(prefix)), "the loop (Python)")
        grouped[label] += spent_s
    total_s = sum(grouped.values())
    ordered = sorted(grouped.items(), key=lambda item: -item[1])
    return tuple((label, f"{spent / total_s:.0%}", f"{spent / records * 1e6:.2f}") for label, spent in ordered)


def _functions(run: Run, landing: str, records: int) -> list[_Function]:
    gate = Gate(run.arena, landing)
    spawn = multiprocessing.get_context("spawn")
    stop, (ours, theirs) = spawn.Event(), spawn.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "profile"
        spec = GateSpec(load_configuration(gate.config), gate.name, "profile")
        mark = str(Path(directory) / "mark")
        worker = spawn.Process(target=_profiled, args=(spec, mark, theirs, stop, str(result)))
        worker.start()
        theirs.close()

        def check() -> None:
            while ours.poll():  # a full pipe would stop the worker
                ours.recv()
            if worker.exitcode is not None:
                raise RuntimeError(f"the profiled worker ended with {worker.exitcode}")

        with gate.progress() as progress:
            progress.follow(lambda: [worker.pid or 0], records, check, 300)
        stop.set()
        worker.join(STOP_TIMEOUT_S)
        stats = pstats.Stats(str(result))
    run.arena.forget(*gate.outputs)
    return [_Function(_place(key), calls, own_s) for key, (_, calls, own_s, _, _) in stats.stats.items()]  # type: ignore[attr-defined]


def _profiled(spec: GateSpec, mark: str, pipe: Connection, stop: Event, result: str) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(run_gate_worker, spec, 0, mark, pipe, stop)
    profiler.dump_stats(result)


def _place(key: tuple[str, int, str]) -> str:
    file, _, name = key
    if file == "~":
        return name
    within = file.rpartition("site-packages/")[2].rpartition("/src/")[2]
    return f"{within} {name}"


def _by_step(functions: list[_Function], total_s: float, records: int) -> tuple[tuple[str, ...], ...]:
    spent: dict[str, float] = defaultdict(float)
    for function in functions:
        step = next(
            (step for step, marks in _STEPS if any(mark in function.place for mark in marks)), "start-up and the rest"
        )
        spent[step] += function.own_s
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    return tuple((step, f"{own_s / total_s:.0%}", f"{own_s / records * 1e6:.2f}") for step, own_s in ordered)
