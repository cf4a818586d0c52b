"""What the proof costs against the work that it proves."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench.contestant import ROOT, Gate, settle
from bench.figure import Measured, Ratio, Section, Table, brief, measured
from bench.run import Run

MODES = ("full", "sampled", "counts")
BAD_SHARE = 0.02
SETTLE_S = 1
"""The gate has ended; nothing is on its way any more."""


def run(run: Run) -> Section:
    """One gate run over a stream of which 2 % is bad, then an audit in each mode."""
    records = run.scale.records
    landing = run.arena.landing(records, BAD_SHARE)
    gate = Gate(run.arena, landing)
    with gate:
        course = gate.drain(records)
        gate.stop()
        settle(1)
        audits = {mode: [_audit(gate, mode) for _ in range(run.scale.audits)] for mode in MODES}
    own = measured("gate", "CPU s per million", [course.cpu_s_per_million])
    idle_s = statistics.median(_watermaster("gate", "verify", "--help")[0] for _ in range(run.scale.starts))
    ratios = tuple(
        Ratio(f"gate verify --mode {mode} / the gate", _cost(mode, audits[mode], idle_s, records), own)
        for mode in MODES
    )
    wall = tuple((mode, brief(min(wall for _, wall in found))) for mode, found in audits.items())
    about = (
        f"CPU seconds per million records of the command `gate verify` over {records:,} records with 2 % held, "
        "without the interpreter's start-up, against the gate's own. It reads landing, trusted, quarantine and ledger."
    )
    table = Table(f"Time on the clock, {SETTLE_S} s of settling included", ("mode", "s"), wall)
    return Section("auditor: the cost of proof", about, ratios, (table,))


def _cost(mode: str, audits: list[tuple[float, float]], idle_s: float, records: int) -> Measured:
    return measured(mode, "CPU s per million", [(cpu_s - idle_s) / records * 1e6 for cpu_s, _ in audits])


def _audit(gate: Gate, mode: str) -> tuple[float, float]:
    return _watermaster("gate", "verify", "--mode", mode, "--settle", str(SETTLE_S), "--config", str(gate.config))


def _watermaster(*words: str) -> tuple[float, float]:
    """(CPU seconds, seconds on the clock) of one command; raises if it does not end well."""
    began_s = time.monotonic()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen([sys.executable, "-m", "watermaster", *words], stdout=told, stderr=told, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise RuntimeError(f"{' '.join(words[:2])} ended with {process.returncode}: {told.read().decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began_s
