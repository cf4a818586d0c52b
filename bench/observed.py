"""A command from its start to its end: time on the clock, CPU time and memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import ROOT
from bench.process_cpu import with_descendants

SAMPLE_EVERY_S = 0.05
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a command took. `memory_mb`: most at once in all of its processes, sampled; what they share counts twice."""

    seconds: float
    cpu_s: float
    memory_mb: float
    output: str


def observe(command: Sequence[str], timeout_s: float, good: Collection[int] = (0,)) -> Observed:
    """Run it. Raises RuntimeError with the end of what it said if it does not end well."""
    began_s, memory = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, cwd=ROOT)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            memory = max(memory, sum(map(_resident, with_descendants(process.pid))))
            if time.monotonic() - began_s > timeout_s:
                process.kill()
            time.sleep(SAMPLE_EVERY_S)
        seconds = time.monotonic() - began_s
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in good:
            raise RuntimeError(f"{command[1]} ended with {process.returncode}: {errors.read()[-2000:]}")
        return Observed(seconds, usage.ru_utime + usage.ru_stime, memory / 1e6, out.read())


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
