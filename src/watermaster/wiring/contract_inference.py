"""`contract infer`: sources of real records joined to what learns from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from watermaster.adapters.files.json_records import find_json_files
from watermaster.adapters.files.new_files import refuse_other, write_new_file
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.system_clock import SystemClock
from watermaster.contract.inference.proposal import Origin
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.contract_inference import Inferred, Learning, infer
from watermaster.runtime.observe import Start
from watermaster.runtime.topic_sample import TopicSource

__all__ = ["infer_files", "infer_topic", "refuse_other", "topic_learner", "write_new_file"]

FIRST_RECORDS: Final = 5_000
"""Of each partition, for a first contract: enough for every kind of rule, and read in a second."""
FIRST_BYTES_MAX: Final = 16 * 1024 * 1024


def infer_files(
    paths: Sequence[Path], stream: str | None, progress: Callable[[int, int, int | None], None]
) -> Inferred:
    """A draft from files and folders of JSON records; `stream` None takes the name of the first path. Raises faults."""
    source = find_json_files(paths)
    place = ", ".join(path.name or str(path) for path in paths)
    first = paths[0].resolve()
    name = first.name if first.is_dir() else first.name.split(".")[0]
    return infer(source, Origin(place, stream or name or "stream", "topic" if stream else "file"), progress)


def infer_topic(
    cluster: ClusterConfiguration,
    topic: str,
    stream: str | None,
    start: Start,
    progress: Callable[[int, int, int | None], None],
) -> Inferred:
    """A draft from the records of a topic up to its ends; no group is joined, nothing is committed. Raises faults."""
    reader = KafkaTopicReader(connect(cluster).settings, translate_error)
    try:
        return infer(TopicSource(reader, topic, start, SystemClock()), Origin(topic, stream or topic), progress)
    finally:
        reader.close()


def topic_learner(cluster: ClusterConfiguration) -> Callable[[str], StreamSummary]:
    """For first contracts: the summary of a topic's newest records, within bounds of records and bytes."""
    settings = connect(cluster).settings

    def learn(topic: str) -> StreamSummary:
        reader = KafkaTopicReader(settings, translate_error)
        learning = Learning()
        try:
            source = TopicSource(reader, topic, Start(FIRST_RECORDS), SystemClock(), bytes_max=FIRST_BYTES_MAX)
            for block in source.blocks():
                learning.take(block)
        finally:
            reader.close()
        return learning.summary

    return learn
