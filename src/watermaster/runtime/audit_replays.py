"""Reads what the audit of replays needs: the states of held records, and the repair topics that these name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from watermaster.auditor.audit import GateAudit
from watermaster.stream.coordinates import TopicPartition

if TYPE_CHECKING:
    from watermaster.runtime.audit import AuditReader, Scanned


class ReplayTraces:
    """Feeds a `GateAudit` with states and repairs, round after round; each record is read once."""

    def __init__(
        self, reader: AuditReader, audit: GateAudit, on_step: Callable[[TopicPartition, Scanned], None]
    ) -> None:
        self._reader = reader
        self._audit = audit
        self._on_step = on_step
        self._next: dict[TopicPartition, int] = {}

    def begin(self) -> None:
        """States before the outputs are read: what they promise must be found among these."""
        self._read_states()
        self._audit.outputs_due()

    def finish(self, settle: Callable[[], object]) -> None:
        """Repair topics, then the states once more.

        Markers land partition by partition: the state of an output that was seen may not be visible yet.
        """
        for topic in self._audit.repairs():
            self._read_repairs(topic)
        self._read_states()
        if any(partition.replay.is_behind for partition in self._audit.partitions.values()):
            settle()
            self._read_states()

    def _read_states(self) -> None:
        holds = self._audit.subject.holds
        for step in self._steps(holds) if holds else ():
            for key, value in zip(step.batch.keys, step.batch.values, strict=True):
                self._audit.take_state(key, value)

    def _read_repairs(self, topic: str) -> None:
        state = self._reader.topics([topic]).get(topic)
        if state is None or state.compacted:
            self._audit.repair_cut(topic)
        for step in self._steps(topic) if state is not None else ():
            self._audit.take_repairs(step.batch)

    def _steps(self, topic: str) -> Iterator[Scanned]:
        """Everything of a topic that has not been read yet."""
        count = self._reader.topics([topic])[topic].partitions
        for where, bounds in self._reader.bounds([TopicPartition(topic, n) for n in range(count)]).items():
            start = self._next.get(where, 0)
            if bounds.start > start:
                self._audit.repair_cut(topic)
            for step in self._reader.scan(where, max(start, bounds.start), bounds.end):
                self._on_step(where, step)
                yield step
            self._next[where] = max(start, bounds.end)
