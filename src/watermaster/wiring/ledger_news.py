"""What gates have decided since the last look: their ledgers, followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.gate.ledger import decode_entry
from watermaster.runtime.budgets import LedgerNews
from watermaster.runtime.configuration import Configuration, GateConfiguration
from watermaster.stream.fault import Fault

TIMEOUT_S: Final = 3.0
"""For one ledger in one look. What does not fit into it is read at the next look."""

TOGETHER_S: Final = 9.0
"""For all of them: a look that takes longer than the lease is judged by nobody where two monitors take turns."""


class LedgerTails:
    """A `LedgerFollower` on Kafka: reads without a group, and only of clusters that have just answered."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._readers: dict[str, KafkaLogReader] = {}
        self._timeout_s = min(TIMEOUT_S, TOGETHER_S / max(1, len(configuration.gates)))

    def follow(self, gate: GateConfiguration, since_ms: int, ends: Mapping[int, int]) -> LedgerNews:
        """A ledger that cannot be read (the monitor's login may not) is tried again each time."""
        try:
            return self._news(gate, since_ms, ends)
        except Fault as fault:
            # Where it was is kept, so that the next try neither misses nor counts anything twice.
            return LedgerNews(because=fault.message)

    def forget(self) -> None:
        """Begin again at the next call."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def close(self) -> None:
        """Release the connections."""
        self.forget()

    def _news(self, gate: GateConfiguration, since_ms: int, ends: Mapping[int, int]) -> LedgerNews:
        reader = self._readers.get(gate.name)
        if reader is None:
            settings = client_settings(self._configuration.clusters[gate.cluster])
            reader = self._readers[gate.name] = KafkaLogReader(settings, gate.ledger, translate_error, since_ms)
        records, whole = reader.read_on(self._timeout_s, ends)
        entries = [entry for record in records if record.value and (entry := decode_entry(record.value)) is not None]
        return LedgerNews([entry for entry in entries if entry.gate == gate.name], whole)
