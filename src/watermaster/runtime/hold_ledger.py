"""`quarantine ledger`: the equation read from ledger, quarantine and holds topics. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from watermaster.gate.ledger import decode_entry
from watermaster.quarantine.balance import DAY_MS, Balance, Terms
from watermaster.quarantine.hold_key import decode_hold_key
from watermaster.quarantine.letter import Dialect
from watermaster.quarantine.selection import Selection
from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.hold_states import HoldReader
from watermaster.runtime.hold_survey import Survey
from watermaster.runtime.replay_plan import states_of
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

SETTLE_S: Final = 1.0
"""Markers of a transaction land partition by partition: what the ledger says becomes visible elsewhere meanwhile."""


def read_balance(
    reader: HoldReader,
    gate: GateConfiguration,
    streams: Sequence[StreamConfiguration],
    survey: Survey,
    sleep: Callable[[float], object],
) -> Balance:
    """The equation of these streams as it is now. Entries of an earlier topic of the same name are left out."""
    balance = Balance()
    topics = reader.topics([gate.ledger, *(s.landing for s in streams), *(s.quarantine for s in streams)])
    if gate.ledger not in topics:
        raise WorldFault("WM-LEDGER-TOPIC", f"the ledger {gate.ledger} is not there", hint="Has the gate ever run?")
    ids = {s.landing: topics[s.landing].topic_id for s in streams if s.landing in topics}
    _enter_ledger(balance, reader, gate, topics[gate.ledger].partitions, ids)
    sleep(SETTLE_S)
    for stream in streams:
        if stream.quarantine in topics and stream.landing in ids:
            partitions = range(topics[stream.quarantine].partitions)
            _see_stream(balance, reader, gate, stream, ids[stream.landing], partitions, survey, sleep)
    return balance


def _enter_ledger(
    balance: Balance, reader: HoldReader, gate: GateConfiguration, partitions: int, ids: dict[str, str]
) -> None:
    for where, bounds in reader.bounds([TopicPartition(gate.ledger, p) for p in range(partitions)]).items():
        for step in reader.scan(where, bounds.start, bounds.end):
            for key, value in zip(step.batch.keys, step.batch.values, strict=True):
                entry = decode_entry(value) if value is not None and not (key or b"").startswith(b"suspect/") else None
                if entry is None or ids.get(entry.topic) != entry.topic_id:
                    continue
                balance.enter(
                    Terms(entry.topic, entry.contract, entry.activation, entry.now_ms // DAY_MS),
                    entry.partition,
                    entry.from_,
                    entry.to,
                    read=entry.read,
                    passed=entry.passed,
                    dropped=entry.dropped,
                    held=entry.held,
                )
    balance.entered()


def _see_stream(
    balance: Balance,
    reader: HoldReader,
    gate: GateConfiguration,
    stream: StreamConfiguration,
    topic_id: str,
    partitions: Sequence[int],
    survey: Survey,
    sleep: Callable[[float], object],
) -> None:
    for number in partitions:
        where = TopicPartition(stream.quarantine, number)
        for found in survey.walk(stream.quarantine, [number], Selection()):
            if found.held.dialect is Dialect.GATE and found.held.key.topic_id == topic_id:
                balance.see(stream.landing, found.held.key.partition, found.held.key.offset, found.hold.state)
        for key, hold, _ in states_of(reader, gate.holds, where, sleep).items():
            place = decode_hold_key(key)
            if place is not None and (place.topic_id, place.partition) == (topic_id, number):
                balance.remember(stream.landing, number, place.offset, hold.state)
        balance.finish(stream.landing, number, is_cut=reader.bounds([where])[where].start > 0)
