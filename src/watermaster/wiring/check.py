"""Files checked by one process, or by as many as there are cores where there is enough to do."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from watermaster.adapters.assertion.spool import FileSpool, SpooledRun
from watermaster.adapters.assertion.table import require_duckdb
from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.assertion import SqlQuery
from watermaster.contract.checks import Checks
from watermaster.runtime.check import PartJudge, Progress, check_records, make_report
from watermaster.runtime.check_report import CheckReport, Summary, Tally
from watermaster.runtime.record_source import Form, Part
from watermaster.stream.fault import WorldFault

ALONE_BYTES_MAX: Final = 24 * 1024 * 1024
"""Less is judged sooner than a second process is up."""
_KEY_BYTES: Final = 32
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
    if any(isinstance(assertion.measure, SqlQuery) for assertion in checks.assertions):
        require_duckdb()  # said before anything is judged
    wanted = min(processes or len(os.sched_getaffinity(0)), len(parts))
    alone = wanted <= 1 or (processes is None and sum(part.size for part in parts) <= ALONE_BYTES_MAX)
    with TemporaryDirectory(prefix="watermaster-check-") as directory:
        batch = _Batch(source, checks, now_ms, Path(directory), secrets.token_bytes(_KEY_BYTES))
        if alone:
            with closing(batch.spool()) as spool:
                return check_records(source, checks, now_ms, progress, spool, SpooledRun(batch.directory))
        return _check_together(batch, parts, wanted, progress)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What every process of a run is told. `directory` is the run's own and goes with it."""

    source: RecordFiles
    checks: Checks
    now_ms: int
    directory: Path
    key: bytes

    def spool(self) -> FileSpool:
        return FileSpool(self.directory, self.key)


def _check_together(batch: _Batch, parts: Sequence[Part], processes: int, progress: Progress | None) -> CheckReport:
    summary = Summary()
    total, done, records = sum(part.size for part in parts), 0, 0
    for tally in _judge_all(batch, parts, processes):
        summary.add(tally)
        done, records = done + tally.part.size, records + tally.records
        if progress is not None:
            progress(done, total, records)
    return make_report(summary, batch.checks, parts, SpooledRun(batch.directory))


def _judge_all(batch: _Batch, parts: Sequence[Part], processes: int) -> Iterator[Tally]:
    """Tallies in the order of the parts."""
    context = get_context("spawn")  # a fork would copy DuckDB's threads half
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(batch,))
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


def _begin(batch: _Batch) -> None:
    global _judge_here  # noqa: PLW0603 - what a pool's process is given once has no other place
    _judge_here = PartJudge(batch.source, batch.checks, batch.now_ms, batch.spool()).judge


def _judge_part(part: Part) -> Tally:
    if _judge_here is None:
        raise RuntimeError("a part before the beginning")
    return _judge_here(part)
