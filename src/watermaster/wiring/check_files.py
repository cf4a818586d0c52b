"""Files checked, by as many processes or threads as there are cores.

Parts whose records are mostly left out as columns are judged by threads: what takes time there is not Python, and a
process takes longer to start. A part of which much must be text is left to a process, and so is all that follows.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
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
from watermaster.runtime.record_source import Form, ManyTexts, Part, RecordSource
from watermaster.stream.fault import WorldFault

ALONE_BYTES_MAX: Final = 24 * 1024 * 1024
"""Less is judged sooner than a second process is up."""
TEXTS_MAX: Final = 10_000
"""Of one part judged by a thread: more take longer than a process takes to start."""
_KEY_BYTES: Final = 32
_PREFIX: Final = "watermaster-check-"
_AHEAD: Final = 2
"""Parts handed out for each worker: it never waits, and a hundred thousand files are no hundred thousand futures."""


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
        return check_alone(source, checks, now_ms, progress)
    _require_sql(checks)
    with TemporaryDirectory(prefix=_PREFIX) as directory:
        batch = _Batch(source, checks, now_ms, Path(directory), secrets.token_bytes(_KEY_BYTES))
        return _check_together(batch, parts, wanted, progress)


def check_alone(source: RecordSource, checks: Checks, now_ms: int, progress: Progress | None) -> CheckReport:
    """Judge everything in this process, one part after the other."""
    _require_sql(checks)
    with (
        TemporaryDirectory(prefix=_PREFIX) as directory,
        closing(FileSpool(Path(directory), secrets.token_bytes(_KEY_BYTES))) as spool,
    ):
        return check_records(source, checks, now_ms, progress, spool, SpooledRun(Path(directory)))


def _require_sql(checks: Checks) -> None:
    """What is missing is said before anything is judged."""
    if any(isinstance(assertion.measure, SqlQuery) for assertion in checks.assertions):
        require_duckdb()


@dataclass(frozen=True, slots=True)
class _Batch:
    """What every worker of a run is told. `directory` is the run's own and goes with it."""

    source: RecordFiles
    checks: Checks
    now_ms: int
    directory: Path
    key: bytes

    def spool(self) -> FileSpool:
        return FileSpool(self.directory, self.key)


def _check_together(batch: _Batch, parts: Sequence[Part], wanted: int, progress: Progress | None) -> CheckReport:
    summary = Summary()
    total, done, records = sum(part.size for part in parts), 0, 0
    for tally in _judge_all(batch, parts, wanted):
        summary.add(tally)
        done, records = done + tally.part.size, records + tally.records
        if progress is not None:
            progress(done, total, records)
    return make_report(summary, batch.checks, parts, SpooledRun(batch.directory))


def _judge_all(batch: _Batch, parts: Sequence[Part], wanted: int) -> Iterator[Tally]:
    """Tallies in the order of the parts."""
    with closing(_Workers(batch, wanted)) as workers:
        waiting: deque[Future[_Judged]] = deque()
        try:
            for part in parts:
                waiting.append(workers.submit(part))
                if len(waiting) > wanted * _AHEAD:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        except BrokenProcessPool as error:
            raise WorldFault(
                "WM-CHECK-PROCESS",
                "A process that judged a part of the files died.",
                hint="Was it out of memory? `--processes 1` takes the least.",
            ) from error


_Judged = Tally | Future[Tally]


def _result(future: Future[_Judged]) -> Tally:
    found = future.result()
    return found.result() if isinstance(found, Future) else found


class _Workers:
    """Threads for what stays columns, and processes for all else, started when they are needed."""

    def __init__(self, batch: _Batch, wanted: int) -> None:
        self._batch = batch
        self._wanted = wanted
        self._threads = ThreadPoolExecutor(wanted)
        self._here = threading.local()
        self._mostly_columns = not batch.checks.assertions
        self._starting = threading.Lock()
        self._processes: ProcessPoolExecutor | None = None

    def submit(self, part: Part) -> Future[_Judged]:
        """Have it judged."""
        if self._mostly_columns and part.form is Form.PARQUET:
            return self._threads.submit(self._judge_here, part)
        return self._in_process(part)  # type: ignore[return-value]  # a future of less

    def _judge_here(self, part: Part) -> _Judged:
        judge: PartJudge | None = getattr(self._here, "judge", None)
        if judge is None:
            batch = self._batch
            judge = self._here.judge = PartJudge(batch.source, batch.checks, batch.now_ms, texts_max=TEXTS_MAX)
        try:
            return judge.judge(part)
        except ManyTexts:
            self._mostly_columns = False
            return self._in_process(part)

    def _in_process(self, part: Part) -> Future[Tally]:
        with self._starting:
            if self._processes is None:
                context = get_context("spawn")  # a fork would copy DuckDB's threads half
                self._processes = ProcessPoolExecutor(
                    self._wanted, context, initializer=_begin, initargs=(self._batch,)
                )
        return self._processes.submit(_judge_part, part)

    def close(self) -> None:
        """Wait for what is being judged; what is not begun is left."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._processes is not None:
            self._processes.shutdown(wait=True, cancel_futures=True)


_judge_of_process: Callable[[Part], Tally] | None = None
"""Of a process of the pool: its compiled contract."""


def _begin(batch: _Batch) -> None:
    global _judge_of_process  # noqa: PLW0603 - what a pool's process is given once has no other place
    _judge_of_process = PartJudge(batch.source, batch.checks, batch.now_ms, batch.spool()).judge


def _judge_part(part: Part) -> Tally:
    if _judge_of_process is None:
        raise RuntimeError("a part before the beginning")
    return _judge_of_process(part)
