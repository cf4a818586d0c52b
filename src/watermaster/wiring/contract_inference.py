"""`contract infer`: sources of real records joined to what learns from them, files on as many cores as there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from watermaster.adapters.files.new_files import refuse_other, write_new_file
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.records.files import RecordFiles
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.inference.proposal import Origin
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.contract_inference import Inferred, Learning, Progress, conclude_known, infer, learn_part
from watermaster.runtime.initialize import Learnt
from watermaster.runtime.observe import Start
from watermaster.runtime.record_source import Form, Part
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.runtime.sample_texts import SampleTexts
from watermaster.runtime.topic_sample import TopicSource
from watermaster.stream.fault import WorldFault
from watermaster.wiring.registry import brief_shelf, reading_shelf

__all__ = ["infer_files", "infer_topic", "refuse_other", "topic_learner", "write_new_file"]

FIRST_RECORDS: Final = 5_000
"""Of each partition, for a first contract: enough for every kind of rule, and read in a second."""
FIRST_BYTES_MAX: Final = 16 * 1024 * 1024
ALONE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Less is learnt sooner than a second process is up."""
_AHEAD: Final = 2
"""Parts handed out for each process, so that it never waits and summaries do not pile up."""


def infer_files(paths: Sequence[Path], stream: str | None, progress: Progress, *, form: Form | None = None) -> Inferred:
    """A draft from files, folders and globs; `stream` None takes the name of the first path. Raises faults."""
    source = RecordFiles(paths, form)
    parts = source.parts()
    size, done = sum(part.size for part in parts), 0
    summary = StreamSummary()

    def tell(records: int, read: int) -> None:
        progress(summary.records + records, done + read, size)

    for part, learnt in zip(parts, _learn_all(source, parts, size, tell), strict=True):
        summary.merge(learnt)
        done += part.size
        tell(0, 0)
    first = paths[0].resolve()
    name = first.name if first.is_dir() else first.name.split(".")[0]
    place = ", ".join(path.name or str(path) for path in paths)
    return conclude_known(summary, Origin(place, stream or name or "stream", "topic" if stream else "file"))


def _learn_all(
    source: RecordFiles, parts: Sequence[Part], size: int, tell: Callable[[int, int], None]
) -> Iterator[StreamSummary]:
    """Summaries in the order of the parts; `tell` hears of records and bytes inside a part if one process does all."""
    processes = min(len(os.sched_getaffinity(0)), len(parts))
    if processes <= 1 or size <= ALONE_BYTES_MAX:
        yield from (learn_part(source, part, tell) for part in parts)
        return
    pool = ProcessPoolExecutor(processes, get_context("spawn"))  # a fork would copy DuckDB's threads half
    try:
        waiting = []
        for part in parts:
            waiting.append(pool.submit(learn_part, source, part))
            if len(waiting) > processes * _AHEAD:
                yield waiting.pop(0).result()
        yield from (future.result() for future in waiting)
    except BrokenProcessPool as error:
        raise WorldFault(
            "WM-INFER-PROCESS", "A process that read a part of the files died.", hint="Was it out of memory?"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def infer_topic(
    cluster: ClusterConfiguration,
    topic: str,
    stream: str | None,
    start: Start,
    progress: Progress,
    registry: RegistryConfiguration | None = None,
) -> Inferred:
    """A draft from the records of a topic up to its ends; no group is joined, nothing is committed. Raises faults."""
    reader = KafkaTopicReader(connect(cluster).settings, translate_error)
    try:
        texts = SampleTexts(reading_shelf(cluster.name, registry))
        source = TopicSource(reader, topic, start, SystemClock(), texts=texts)
        return infer(source, Origin(topic, stream or topic), progress)
    finally:
        reader.close()


def topic_learner(
    cluster: ClusterConfiguration, registry: RegistryConfiguration | None = None
) -> Callable[[str], Learnt]:
    """For first contracts: what a topic's newest records teach, within bounds of records and bytes."""
    settings = connect(cluster).settings
    shelf = None if registry is None else brief_shelf(registry)

    def learn(topic: str) -> Learnt:
        reader = KafkaTopicReader(settings, translate_error)
        learning = Learning()
        texts = None if shelf is None else SampleTexts(shelf)
        try:
            source = TopicSource(
                reader, topic, Start(FIRST_RECORDS), SystemClock(), bytes_max=FIRST_BYTES_MAX, texts=texts
            )
            for block in source.blocks():
                learning.take(block)
        finally:
            reader.close()
        return Learnt(learning.summary, source.written)

    return learn
