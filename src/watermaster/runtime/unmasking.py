"""Unmasking: the event is on the topic before anything is shown, and without it nothing is.

All writers of a cluster share one transactional id. Who takes it fences the others and ends what they left open; then
the last event is read, and the new one is written behind it in a transaction. Two people at once fence each other until
both are through, so of one number there is only ever one event.

Invariant: no value that a contract masks is shown before its event is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from watermaster.quarantine.unmasking import Chain, Unmasking, encode_unmasking, follow_up
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.hold_states import STABLE_PATIENCE_S, STABLE_PAUSE_S, HoldReader
from watermaster.runtime.ports import AbortRequired, ConnectionLost, Downstream, Fenced, Output
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

TRIES_MAX: Final = 12
BACKOFF_S: Final = 0.2
LAST_WINDOW: Final = 50
"""Offsets looked at from the end for the last event: between two there are a marker and what was aborted."""


def record_unmasking(
    event: Unmasking,
    topic: str,
    reader: HoldReader,
    open_downstream: Callable[[str], Downstream],
    sleep: Callable[[float], object],
) -> Unmasking:
    """Write the event, and return it as it stands on the topic. Raises a fault if it cannot be written: then deny."""
    where = TopicPartition(topic, 0)
    if topic not in reader.topics([topic]):
        raise missing_audit(topic)
    failures = 0
    while True:
        downstream = None
        try:
            downstream = open_downstream(topic)
            return _append(event, where, reader, downstream, sleep)
        except (Fenced, AbortRequired, ConnectionLost) as fault:
            failures += 1
            if failures > TRIES_MAX:
                raise WorldFault(
                    "WM-UNMASK-AUDIT",
                    f"the event could not be written to {topic}: {fault.message}",
                    hint="Nothing was shown. Try again.",
                    retriable=True,
                ) from fault
            sleep(BACKOFF_S * failures)
        finally:
            if downstream is not None:
                downstream.close()


def _append(
    event: Unmasking,
    where: TopicPartition,
    reader: HoldReader,
    downstream: Downstream,
    sleep: Callable[[float], object],
) -> Unmasking:
    made = follow_up(event, _last_value(reader, where, sleep))
    if made is None:
        raise WorldFault(
            "WM-UNMASK-CHAIN",
            f"the last record of {where.topic} is no event of this kind",
            hint="Nothing was shown. `watermaster quarantine unmasked` says where the chain is broken.",
        )
    key, value = encode_unmasking(made)
    downstream.begin()
    downstream.write([Output(where.topic, where.partition, key, value, None, [])])
    reach(CrashPoint.AFTER_PRODUCE)
    downstream.commit({}, None)
    reach(CrashPoint.AFTER_COMMIT)
    return made


def _last_value(reader: HoldReader, where: TopicPartition, sleep: Callable[[float], object]) -> bytes | None:
    end = reader.high_watermarks([where])[where]
    log_start = reader.bounds([where])[where].start
    width = LAST_WINDOW
    while True:
        start = max(log_start, end - width)
        last = None
        for _, _, last in _records(reader, where, start, end, sleep):  # noqa: B007 - the last one is what counts
            pass
        if last is not None or start == log_start:
            return last
        width *= 8


def read_chain(reader: HoldReader, topic: str, sleep: Callable[[float], object]) -> Chain:
    """Read and verify all events. Raises WorldFault where there is no such topic."""
    where = TopicPartition(topic, 0)
    if topic not in reader.topics([topic]):
        raise missing_audit(topic)
    log_start = reader.bounds([where])[where].start
    chain = Chain(log_start)
    for offset, key, value in _records(reader, where, log_start, reader.high_watermarks([where])[where], sleep):
        chain.take(offset, key, value)
    return chain


def _records(
    reader: HoldReader, where: TopicPartition, start: int, end: int, sleep: Callable[[float], object]
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """What is committed in `[start, end)`, waiting for an open transaction to end."""
    at, waited_s = start, 0.0
    while at < end:
        before = at
        for step in reader.scan(where, at, end):
            yield from zip(step.batch.offsets, step.batch.keys, step.batch.values, strict=True)
            at = step.next
        if at < end:
            waited_s = 0.0 if at > before else waited_s + STABLE_PAUSE_S
            if waited_s > STABLE_PATIENCE_S:
                raise WorldFault(
                    "WM-UNMASK-AUDIT",
                    f"{where}: an open transaction has hidden what stands behind offset {at} for {waited_s:.0f} s",
                    hint="Look for a hanging transaction: `kafka-transactions.sh find-hanging`.",
                    retriable=True,
                )
            sleep(STABLE_PAUSE_S)


def missing_audit(topic: str) -> WorldFault:
    """Without the topic nobody may unmask."""
    return WorldFault(
        "WM-UNMASK-TOPIC",
        f"the topic {topic}, where it is written down who looks at masked values, is not there or may not be seen",
        hint="Nothing was shown. `watermaster quarantine unmasked --yes` creates it.",
    )
