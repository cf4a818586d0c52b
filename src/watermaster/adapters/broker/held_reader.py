"""Looks into the quarantine of the demonstration, read_committed, without a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.quarantine.envelope import RULES
from watermaster.runtime.demo import HeldRecord
from watermaster.runtime.demo_result import held_record
from watermaster.stream.batch import RecordBatch

READS_MAX: Final = 2_000
"""Bounds the search for an example; it ends at the end of the topic long before."""
_WAIT_S: Final = 0.25


class HeldReader:
    """Follows a quarantine topic from its start."""

    def __init__(self, settings: Mapping[str, Any], topic: str) -> None:
        self._reader = KafkaTopicReader(settings, translate_error)
        self._sources = self._reader.partitions(topic)
        self._reader.begin(dict.fromkeys(self._sources, 0))
        self._newest: HeldRecord | None = None

    def newest(self) -> HeldRecord | None:
        """The held record that came last, as far as has been read; does not wait."""
        batches = self._reader.read(0).batches
        if batches:
            newest = max(batches, key=lambda batch: batch.timestamps_ms[-1])
            self._newest = held_record(newest, len(newest) - 1)
        return self._newest

    def first_of(self, rule: str) -> HeldRecord | None:
        """The first held record that breaks a rule, else the first of all; None if nothing is held."""
        ends = {source: self._reader.bounds(source)[1] for source in self._sources}
        self._reader.begin(dict.fromkeys(self._sources, 0))
        named = f'"rule":"{rule}"'.encode()
        first: HeldRecord | None = None
        reached: dict[Any, int] = dict.fromkeys(self._sources, 0)
        for _ in range(READS_MAX):
            if all(reached[source] >= end for source, end in ends.items()):
                break
            result = self._reader.read(_WAIT_S)
            reached.update(result.ends)
            for batch in result.batches:
                reached[batch.source] = max(reached[batch.source], batch.offsets[-1] + 1)
                first = first or held_record(batch, 0)
                found = _index_of(batch, named)
                if found is not None:
                    return held_record(batch, found)
        return first

    def close(self) -> None:
        """Release the connection."""
        self._reader.close()


def _index_of(batch: RecordBatch, named: bytes) -> int | None:
    for index, headers in enumerate(batch.headers):
        if any(name == RULES and value is not None and named in value for name, value in headers or ()):
            return index
    return None
