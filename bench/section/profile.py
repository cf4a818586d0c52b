"""Where the worker's time goes: its threads as the kernel counts them, its functions as cProfile does."""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import tempfile
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path

from bench.contestant import Gate, settle
from bench.figure import Section, Table
from bench.function_profile import START, Spent, by_step, spent, statistics_of
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


def run(run: Run) -> Section:
    """Without a profiler for the threads, with it for the functions; a good stream and one that is held whole."""
    records = run.scale.held_records
    landing = run.arena.landing(records)
    tables = [
        Table("CPU time by thread, 0% held", ("thread", "share", "CPU µs per record"), _threads(run, landing, records))
    ]
    for share in SHARES:
        rows = _functions(run, run.arena.landing(records, share), records)
        tables += _tables(rows, records, f"{share:.0%} held")
    about = (
        f"One worker over {records:,} records. Threads: CPU time of a worker as its users run it. "
        "Steps and functions: time on the clock of the loop's thread under cProfile, which makes small functions look "
        "dearer than they are; waiting for the broker counts where it is waited."
    )
    return Section("profile: where the worker's time goes", about, tables=tuple(tables))


def _tables(rows: list[Spent], records: int, of: str) -> list[Table]:
    in_loop = [row for row in rows if row.step != START]
    start_s, total_s = by_step(rows).get(START, 0.0), sum(row.own_s for row in in_loop)

    def cells(seconds: float) -> tuple[str, str]:
        return f"{seconds / total_s:.0%}", f"{seconds / records * 1e6:.2f}"

    steps = tuple((step, *cells(own_s)) for step, own_s in by_step(in_loop).items())
    functions = tuple((row.place, row.step, *cells(row.own_s), f"{row.calls:,}") for row in in_loop[:FUNCTIONS_SHOWN])
    return [
        Table(f"By step, {of} ({start_s:.1f} s of start left out)", ("step", "share", "µs per record"), steps),
        Table(f"By function, {of}", ("function", "step", "share", "µs per record", "calls"), functions),
    ]


def _threads(run: Run, landing: str, records: int) -> tuple[tuple[str, ...], ...]:
    with Gate(run.arena, landing) as gate:
        with gate.progress() as progress:
            progress.wait_beyond(0, gate.check)
            worker, first = gate.worker_pid(), progress.records()
            before = thread_cpu_s(worker)
        gate.drain(records)
        after = thread_cpu_s(worker)
    settle()
    grouped: dict[str, float] = defaultdict(float)
    for name, used_s in after.items():
        label = next((label for prefix, label in _LIBRDKAFKA.items() if name.startswith(prefix)), "the loop (Python)")
        grouped[label] += used_s - before.get(name, 0.0)
    total_s = sum(grouped.values())
    ordered = sorted(grouped.items(), key=lambda item: -item[1])
    moved = records - first
    return tuple((label, f"{used_s / total_s:.0%}", f"{used_s / moved * 1e6:.2f}") for label, used_s in ordered)


def _functions(run: Run, landing: str, records: int) -> list[Spent]:
    gate = Gate(run.arena, landing)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "profile"
        spec = GateSpec(load_configuration(gate.config), gate.name, "profile")
        mark = str(Path(directory) / "mark")
        worker = spawn.Process(target=_profiled, args=(spec, mark, theirs, str(result)))
        worker.start()
        theirs.close()

        def check() -> None:
            if worker.exitcode is not None:
                raise RuntimeError(f"the profiled worker ended with {worker.exitcode}")
            while ours.poll():  # a full pipe would stop the worker
                ours.recv()

        with gate.progress() as progress:
            progress.follow(lambda: [worker.pid or 0], records, check, 300)
        worker.terminate()  # SIGTERM: the worker finishes its transaction
        worker.join(STOP_TIMEOUT_S)
        stats = pstats.Stats(str(result))
    run.arena.forget(*gate.outputs)
    return spent(statistics_of(stats))


def _profiled(spec: GateSpec, mark: str, pipe: Connection, result: str) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(run_gate_worker, spec, 0, mark, pipe)
    profiler.dump_stats(result)
