"""Files checked by one process, or by as many as there are cores where there is enough to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.checks import Checks
from watermaster.runtime.check import PartJudge, Progress, check_records, make_report
from watermaster.runtime.check_report import CheckReport, Summary, Tally
from watermaster.runtime.record_source import Form, Part
from watermaster.stream.fault import WorldFault

ALONE_BYTES_MAX: Final = 24 * 1024 * 1024
"""Less is judged sooner than a second process is up."""
_AHEAD: Final = 2
"""Parts handed out for each process: it never waits, and a hundred thousand files are no hundred thousand futures."""


def check_files(
    paths: Sequence[Path | str],
    checks: Checks,
    now_ms: int,
    *,
    form: Form | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Judge files, folders and globs. `processes` None means one for each core that this process may use.

    Raises UsageFault where there is nothing to read or an extra is missing; what cannot be read is in the report.
    """
    source = RecordFiles(paths, form)
    parts = source.parts()
    wanted = min(processes or len(os.sched_getaffinity(0)), len(parts))
    if wanted <= 1 or (processes is None and sum(part.size for part in parts) <= ALONE_BYTES_MAX):
        return check_records(source, checks, now_ms, progress)
    summary = Summary()
    total, done, records = sum(part.size for part in parts), 0, 0
    for tally in _judge_all(source, parts, checks, now_ms, wanted):
        summary.add(tally)
        done, records = done + tally.part.size, records + tally.records
        if progress is not None:
            progress(done, total, records)
    return make_report(summary, checks, parts)


def _judge_all(
    source: RecordFiles, parts: Sequence[Part], checks: Checks, now_ms: int, processes: int
) -> Iterator[Tally]:
    """Tallies in the order of the parts."""
    context = get_context("spawn")  # a fork would copy DuckDB's threads half
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(source, checks, now_ms))
    try:
        yield from _in_order(pool, parts, processes * _AHEAD)
    except BrokenProcessPool as error:
        raise WorldFault(
            "WM-CHECK-PROCESS",
            "A process that judged a part of the files died.",
            hint="Was it out of memory? `--processes 1` takes the least.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, parts: Sequence[Part], ahead: int) -> Iterator[Tally]:
    waiting: list[Future[Tally]] = []
    for part in parts:
        waiting.append(pool.submit(_judge_part, part))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


_judge_here: Callable[[Part], Tally] | None = None
"""Of a process of the pool: its compiled contract."""


def _begin(source: RecordFiles, checks: Checks, now_ms: int) -> None:
    global _judge_here  # noqa: PLW0603 - what a pool's process is given once has no other place
    _judge_here = PartJudge(source, checks, now_ms).judge


def _judge_part(part: Part) -> Tally:
    if _judge_here is None:
        raise RuntimeError("a part before the beginning")
    return _judge_here(part)
