"""CPU time of processes and of their threads, from /proc: user and system, every thread, running or ended."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Missing

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12
"""Fields of `stat` after the command's closing bracket, from 0."""


def require_proc() -> None:
    """Raises Missing where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        raise Missing("CPU time of other processes: this system has no /proc")


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of CPU that the processes have used; those that are gone count 0."""
    return sum(_ticks(Path(f"/proc/{pid}/stat")) for pid in pids) / TICKS_PER_S


def thread_cpu_s(pid: int) -> dict[str, float]:
    """Seconds of CPU by thread name; threads of one name are added."""
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
        except OSError:
            continue
        found[name] = found.get(name, 0.0) + _ticks(task / "stat") / TICKS_PER_S
    return found


def with_descendants(pid: int) -> list[int]:
    """A process and all processes below it."""
    found = [pid]
    for parent in found:  # grows while it is walked
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in path.read_text().split()]
            except OSError:
                continue
    return found


def command_of(pid: int) -> bytes:
    """The command line, words separated by NUL; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _ticks(path: Path) -> int:
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[_UTIME]) + int(fields[_STIME])
