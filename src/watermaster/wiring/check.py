"""Records at rest checked: files by as many processes as there are cores, tables and topics by one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from watermaster.adapters.assertion.spool import FileSpool, SpooledRun
from watermaster.adapters.assertion.table import require_duckdb
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.postgres.address import SCHEMES, configured_address, filed_address, typed_address
from watermaster.adapters.postgres.table import TableRecords, require_psycopg
from watermaster.adapters.records.files import RecordFiles
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.assertion import SqlQuery
from watermaster.contract.checks import Checks
from watermaster.contract.problem import suggest
from watermaster.gate.framed import is_framed
from watermaster.runtime.check import PartJudge, Progress, check_records, make_report
from watermaster.runtime.check_report import CheckReport, Summary, Tally
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observe import Start
from watermaster.runtime.record_source import Form, Part, RecordSource
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.schema_shelf import FetchingReader
from watermaster.runtime.topic_records import OffsetRange, TopicRecords
from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.wiring.registry import reading_shelf

ALONE_BYTES_MAX: Final = 24 * 1024 * 1024
"""Less is judged sooner than a second process is up."""
_KEY_BYTES: Final = 32
_PREFIX: Final = "watermaster-check-"
_AHEAD: Final = 2
"""Parts handed out for each process: it never waits, and a hundred thousand files are no hundred thousand futures."""


def check_table(
    settings: Mapping[str, Any],
    tables: Sequence[str],
    checks: Checks,
    now_ms: int,
    *,
    progress: Progress | None = None,
) -> CheckReport:
    """Judge tables and views of one database, in one read-only snapshot each. Raises UsageFault or WorldFault."""
    return _check_alone(TableRecords(settings, tables), checks, now_ms, progress)


def database_settings(named: str, config: Path) -> Mapping[str, Any]:
    """How to reach a database that is named in the configuration, by a file, or by an address without a password."""
    require_psycopg()
    if named.startswith(SCHEMES):
        return typed_address(named)
    if Path(named).is_file():
        return filed_address(Path(named))
    known = load_configuration(config).databases if config.exists() else {}
    if named not in known:
        raise UsageFault(
            "WM-TABLE-DATABASE",
            "--database names no file, no postgresql:// address, and nothing under `databases` in the configuration.",
            hint=suggest(named, known) or f"Add it to {config}: databases: {{shop: '${{env:SHOP_DATABASE}}'}}.",
        )
    return configured_address(known[named])


def check_topic(
    cluster: ClusterConfiguration,
    topic: str,
    start: Start,
    ranges: Sequence[OffsetRange],
    checks: Checks,
    now_ms: int,
    *,
    progress: Progress | None = None,
    registry: RegistryConfiguration | None = None,
) -> CheckReport:
    """Judge a topic up to its ends, or ranges of it; no group is joined, nothing is committed. Raises faults."""
    texts = FetchingReader(checks, reading_shelf(cluster.name, registry)) if is_framed(checks) else None
    reader = KafkaTopicReader(connect(cluster).settings, translate_error)
    try:
        records = TopicRecords(reader, topic, start, SystemClock(), ranges, texts)
        return _check_alone(records, checks, now_ms, progress)
    finally:
        reader.close()


def _check_alone(source: RecordSource, checks: Checks, now_ms: int, progress: Progress | None) -> CheckReport:
    """In this process."""
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
        return _check_alone(source, checks, now_ms, progress)
    _require_sql(checks)
    with TemporaryDirectory(prefix=_PREFIX) as directory:
        batch = _Batch(source, checks, now_ms, Path(directory), secrets.token_bytes(_KEY_BYTES))
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
