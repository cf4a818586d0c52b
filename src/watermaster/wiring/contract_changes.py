"""Contract activations as what happened beside the streams: all control topics, followed from look to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.contract.activation import Activation, ControlState
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_ports import ChangesSeen, Note
from watermaster.stream.fault import Fault

TIMEOUT_S: Final = 5.0
"""For one control topic in one look: a few records, and nothing else waits for long because of them."""


@dataclass(slots=True)
class _Followed:
    state: ControlState = field(default_factory=ControlState)
    reader: KafkaLogReader | None = None


class ContractChanges:
    """Call it after each look. It reads only from clusters that have just answered, so that none of them delays it.

    A control topic that cannot be read (it is not there yet, the monitor's login may not) is said, and tried again.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._followed: dict[tuple[str, str], _Followed] = {}

    def __call__(self, looks: Iterable[ClusterLook]) -> ChangesSeen:
        """Every activation by cluster, for the landing topic and for the trusted one, whose readers meet it too."""
        surveys = {look.name: look.report.survey for look in looks if look.report is not None}
        notes: dict[str, list[Note]] = {}
        unseen: dict[tuple[str, str], str] = {}
        for gate in self._configuration.gates.values():
            followed = self._followed.setdefault((gate.cluster, gate.control), _Followed())
            if gate.cluster in surveys:
                logs = surveys[gate.cluster].logs.items()
                ends = {source.partition: log.stable for source, log in logs if source.topic == gate.control}
                try:
                    self._follow(gate, followed, ends)
                except Fault as fault:
                    unseen[gate.cluster, gate.control] = f"activations in {gate.control}: {fault.message}"
            for stream in gate.streams:
                for activation in followed.state.activations.get(stream.landing, {}).values():
                    both = [note_of(topic, activation) for topic in (stream.landing, stream.trusted)]
                    notes.setdefault(gate.cluster, []).extend(both)
        return ChangesSeen(notes, tuple(unseen.values()))

    def close(self) -> None:
        """Release the connections."""
        for followed in self._followed.values():
            _release(followed)

    def _follow(self, gate: GateConfiguration, followed: _Followed, ends: Mapping[int, int]) -> None:
        """Up to the ends that the look saw; a control topic that it did not see is asked for its own."""
        if followed.reader is None:
            settings = client_settings(self._configuration.clusters[gate.cluster])
            followed.reader = KafkaLogReader(settings, gate.control, translate_error)
        try:
            records, _ = followed.reader.read_on(TIMEOUT_S, ends or None)
        except Fault:
            _release(followed)  # what was read is applied again from the start, which changes nothing
            raise
        for record in records:
            followed.state.apply(record.key, record.value)


def note_of(topic: str, activation: Activation) -> Note:
    """An activation as a note about one topic."""
    why = f": {activation.why}" if activation.why else ""
    contract = f"{activation.contract_id} {activation.contract_version}"
    text = f"{contract} as activation {activation.number} of {activation.stream}{why}"
    return Note(activation.at_ms, "contract", topic, activation.by, text)


def _release(followed: _Followed) -> None:
    if followed.reader is not None:
        followed.reader.close()
        followed.reader = None
