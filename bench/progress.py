"""Follows what a contestant has committed, and the CPU time that it took, from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bench.process_cpu import cpu_s

SAMPLE_EVERY_S = 0.05
ANSWER_TIMEOUT_S = 20.0


_PASSING = (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE)


class Sample(NamedTuple):
    """A moment: seconds on the monotonic clock, CPU seconds so far, records committed so far."""

    at_s: float
    cpu_s: float
    records: int


class ProcessEnded(Exception):
    """The CPU time of a process that is gone cannot be read any more, so the turn counts for nothing."""


@dataclass(frozen=True, slots=True)
class Course:
    """From the first commit of records to the last: what comes before is start-up."""

    began_s: float
    first: Sample
    last: Sample

    @property
    def records_per_s(self) -> float:
        return (self.last.records - self.first.records) / (self.last.at_s - self.first.at_s)

    @property
    def cpu_s_per_million(self) -> float:
        return (self.last.cpu_s - self.first.cpu_s) / (self.last.records - self.first.records) * 1e6

    @property
    def start_s(self) -> float:
        """From the start of the process to its first commit of records."""
        return self.first.at_s - self.began_s


class Progress:
    """The committed offsets of one group on one topic. A context manager; joins no group and commits nothing."""

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        # read_uncommitted: the last stable offsets at once, without waiting for the open transaction's.
        settings = {"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_uncommitted"}
        self._consumer = Consumer({**settings, "enable.auto.commit": False})
        self._asked = [TopicPartition(topic, number) for number in range(partitions)]

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def records(self) -> int:
        """Records below the committed offsets (of a topic without transaction markers)."""
        until_s = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            try:
                answer = self._consumer.committed(self._asked, timeout=ANSWER_TIMEOUT_S)
            except KafkaException as error:
                # A coordinator that is being loaded or has moved says so until it is there.
                if time.monotonic() > until_s or not _passes(error.args[0]):
                    raise
                time.sleep(SAMPLE_EVERY_S)
            else:
                return sum(max(0, partition.offset) for partition in answer)

    def follow(
        self, pids: Callable[[], Iterable[int]], total: int, check: Callable[[], None], timeout_s: float
    ) -> Course:
        """Sample until `total` records are committed. `check` raises if the contestant has died.

        Raises ProcessEnded if one of its processes died and was replaced.
        """
        began_s = time.monotonic()
        first: Sample | None = None
        highest_s = 0.0
        while True:
            sample = Sample(time.monotonic(), cpu_s(pids()), self.records())
            if sample.cpu_s < highest_s:
                raise ProcessEnded(f"after {sample.records} records one of its processes had ended")
            highest_s = sample.cpu_s
            if sample.records and first is None:
                first = sample
            if sample.records >= total:
                break
            if sample.at_s - began_s > timeout_s:
                raise TimeoutError(f"only {sample.records} of {total} records committed after {timeout_s:.0f} s")
            check()
            time.sleep(SAMPLE_EVERY_S)
        assert first is not None
        if first.records == sample.records:
            raise ValueError("all records were committed at once: measure with more of them")
        return Course(began_s, first, sample)

    def wait_beyond(self, records: int, check: Callable[[], None], timeout_s: float = 60.0) -> float:
        """The monotonic time at which more than `records` were seen to be committed."""
        until_s = time.monotonic() + timeout_s
        while self.records() <= records:
            if time.monotonic() > until_s:
                raise TimeoutError(f"no commit beyond {records} within {timeout_s:.0f} s")
            check()
            time.sleep(0.01)
        return time.monotonic()


class Visible(Progress):
    """What readers of a topic may see by now; each transaction counts once more for each partition, by its marker."""

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        settings = {"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_committed"}
        self._consumer = Consumer({**settings, "enable.auto.commit": False})
        self._asked = [TopicPartition(topic, number) for number in range(partitions)]

    def records(self) -> int:
        """Offsets below the last stable ones."""
        return sum(self._consumer.get_watermark_offsets(at, ANSWER_TIMEOUT_S)[1] for at in self._asked)


def _passes(error: KafkaError) -> bool:
    return error.retriable() or error.code() in _PASSING
