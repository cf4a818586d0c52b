"""The writing side on librdkafka: a transactional producer.

Errors fall into three classes (librdkafka's INTRODUCTION): retriable (call the same function again), abortable, and
fatal; anything else is treated as fatal. `commit_transaction` that times out goes on in the background: the same call
is resumed and nothing else is done.

A transaction's end can be delivered twice: if the coordinator's connection breaks while EndTxn is under way, the
client sends it again, and the first one may still arrive, in the next transaction of the same epoch. So when the
client has logged or counted any trouble with the coordinator's connection, the producer is given up before its next
transaction (`Superseded`): its successor has another epoch, which fences the late request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.connection import producer_settings
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.ports import (
    AbortRequired,
    CommittedPosition,
    ConnectionLost,
    Fenced,
    Output,
    Stamp,
    Superseded,
)
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, TopicPartition
from watermaster.stream.fault import Fault, WorldFault

INIT_TIMEOUT_S = 60.0
ANNOUNCE_TIMEOUT_S = 0.001
"""A call that times out goes on in the background."""
CALL_TIMEOUT_S = 10.0
"""One transactional call; when it passes, the same call is made again until `transaction_timeout_s` is over."""

SOCKET_TIMEOUT_S_MAX = 30.0

COUNTERS_INTERVAL_MS = 1000
"""The counters are the second net; the client's log, served by every poll, is the first and has no delay."""

_COORDINATOR = "TxnCoordinator"

_RECORD_AT_FAULT = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.RECORD_LIST_TOO_LARGE,
}
_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}


class _CoordinatorCounters(msgspec.Struct):
    txretries: int = 0
    req_timeouts: int = 0
    disconnects: int = 0
    txerrs: int = 0


class _Statistics(msgspec.Struct):
    brokers: dict[str, _CoordinatorCounters] = {}


_decode_statistics = msgspec.json.Decoder(_Statistics).decode


class _Tap(logging.Handler):
    """Hands the client's log lines to a function, and nowhere else."""

    def __init__(self, tell: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the client on our thread, from poll()."""
        self._tell(record)


class KafkaDownstream:
    """Implements `runtime.ports.Downstream` for one transactional id."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        transactional_id: str,
        translate: Callable[[KafkaError], Fault],
        *,
        transaction_timeout_s: float,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` is called before every call into the client that may wait: a sign of life."""
        self._beat = beat
        self._translate = translate
        self._timeout_s = transaction_timeout_s
        self._id = transactional_id
        self._failed: KafkaError | None = None
        self._began_s = 0.0
        self._counters: _CoordinatorCounters | None = None
        self._late_end_possible = False
        self._is_taken = False
        self._client_log = logging.Logger("watermaster.kafka.producer")  # noqa: LOG001 - not for the logging tree
        self._client_log.addHandler(_Tap(self._on_client_log))
        self._producer = Producer(
            {
                **producer_settings(settings),
                "transactional.id": transactional_id,
                "transaction.timeout.ms": int(transaction_timeout_s * 1000),
                # librdkafka wants it so: a request must not outlive the transaction that it belongs to.
                "socket.timeout.ms": int(min(SOCKET_TIMEOUT_S_MAX, transaction_timeout_s) * 1000),
                # What cannot be delivered within the transaction is of no use after it.
                "message.timeout.ms": int(transaction_timeout_s * 1000),
                "compression.type": "lz4",
                "linger.ms": 20,
                "batch.num.messages": 10_000,
                # One transaction is the most that is ever queued; the loop bounds its records and bytes.
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 512 * 1024,
                # The broker is asked, not the client: the client's limit is checked before compression.
                "message.max.bytes": 256 * 1024 * 1024,
                "delivery.report.only.error": True,
                "on_delivery": self._on_delivery,
                "statistics.interval.ms": COUNTERS_INTERVAL_MS,
                "stats_cb": self._on_statistics,
                "logger": self._client_log,
            }
        )

    def announce(self) -> None:
        """Begin to take the transactional id, and do not wait for it: `open` does, and tells what went wrong."""
        with suppress(KafkaException):
            self._producer.init_transactions(ANNOUNCE_TIMEOUT_S)
            self._is_taken = True

    def open(self) -> None:
        """Take the transactional id; waits for what an earlier owner left open to be aborted."""
        if not self._is_taken:
            self._transactional(lambda: self._producer.init_transactions(CALL_TIMEOUT_S), INIT_TIMEOUT_S)
        self._serve()
        self._late_end_possible = False  # whatever was logged so far belongs to an older epoch

    def begin(self) -> None:
        """Start a transaction, unless the end of the last one may still be under way somewhere."""
        self._failed = None
        self._began_s = time.monotonic()
        self._serve()
        if self._late_end_possible:
            raise Superseded(
                "WM-WRITE-LATE-END",
                "the transaction coordinator's connection broke; the producer is replaced",
                hint="Nothing to do.",
                retriable=True,
            )
        self._transactional(self._producer.begin_transaction, CALL_TIMEOUT_S)

    def forward(self, target: str, batch: RecordBatch, withheld: Collection[int], stamp: Stamp) -> None:
        """The hot loop of writing: byte for byte, same partition, one header more."""
        if len(withheld) == len(batch):
            return
        produce: Callable[..., None] = self._producer.produce
        partition = batch.source.partition
        head, tail = stamp
        index = -1
        for offset, timestamp, key, value, headers in zip(
            batch.offsets, batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True
        ):
            index += 1
            if index in withheld:
                continue
            mine = (RESERVED_HEADER, b"%b%d%b" % (head, offset, tail))
            if headers:
                headers = [header for header in headers if header[0] != RESERVED_HEADER]  # noqa: PLW2901 - hot loop
                headers.append(mine)
            else:
                headers = [mine]  # noqa: PLW2901 - hot loop
            try:
                produce(target, value, key, partition, None, None, timestamp, headers)
            except BufferError:
                self._produce_when_there_is_room(target, value, key, partition, timestamp, headers)
            except KafkaException as error:
                raise self._classify(error.args[0]) from error
        self._serve()

    def write(self, outputs: Sequence[Output]) -> None:
        """Write single records."""
        produce: Callable[..., None] = self._producer.produce
        for topic, partition, key, value, timestamp, headers in outputs:
            try:
                produce(topic, value, key, partition, None, None, timestamp or 0, headers)
            except BufferError:
                self._produce_when_there_is_room(topic, value, key, partition, timestamp or 0, headers)
            except KafkaException as error:
                raise self._classify(error.args[0]) from error
        self._serve()

    def write_alike(self, target: TopicPartition, keys: Sequence[bytes], value: bytes) -> None:
        """Write a record for each key, all with this value."""
        produce: Callable[..., None] = self._producer.produce
        topic, partition = target.topic, target.partition
        for key in keys:
            try:
                produce(topic, value, key, partition)
            except BufferError:
                self._produce_when_there_is_room(topic, value, key, partition, 0, [])
            except KafkaException as error:
                raise self._classify(error.args[0]) from error
        self._serve()

    def _produce_when_there_is_room(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        timestamp: int,
        headers: RawHeaders,
    ) -> None:
        """Back-pressure: the queue is full, so let it drain; the transaction's own timeout bounds the wait."""
        produce: Callable[..., None] = self._producer.produce
        while time.monotonic() - self._began_s < self._timeout_s:
            self._serve()
            time.sleep(0.01)
            try:
                produce(topic, value, key, partition, None, None, timestamp, headers)
            except BufferError:
                continue
            except KafkaException as error:
                raise self._classify(error.args[0]) from error
            return
        raise AbortRequired(
            "WM-WRITE-FULL",
            "the broker does not take records as fast as the transaction's timeout asks",
            hint="Look at the brokers' disks and network; the gate goes on by itself.",
            retriable=True,
        )

    def commit(self, positions: Mapping[TopicPartition, CommittedPosition], generation: object) -> None:
        """Offsets and outputs become visible together, or not at all. Without positions there are only outputs."""
        offsets = [
            KafkaTopicPartition(
                source.topic,
                source.partition,
                position.offset,
                metadata=f'{{"a":{position.activation},"t":"{position.topic_id}"}}',
                leader_epoch=position.leader_epoch,
            )
            for source, position in positions.items()
        ]
        if offsets:
            self._transactional(
                lambda: self._producer.send_offsets_to_transaction(offsets, generation, CALL_TIMEOUT_S), self._timeout_s
            )
        reach(CrashPoint.AFTER_SEND_OFFSETS)
        self._serve()
        reach(CrashPoint.BEFORE_COMMIT)
        # Twice the timeout: the coordinator decides within the first, and its answer may need the second.
        self._transactional(lambda: self._producer.commit_transaction(CALL_TIMEOUT_S), 2 * self._timeout_s)

    def abort(self) -> None:
        """Abort the open transaction; what cannot be aborted is left to the successor's epoch."""
        self._transactional(lambda: self._producer.abort_transaction(CALL_TIMEOUT_S), self._timeout_s)

    def close(self) -> None:
        """Drop what is queued and let go. The open transaction, if any, is aborted by the next owner."""
        self._producer.purge()
        self._fatal_error()
        del self._producer  # its destructor closes the connections

    def _serve(self) -> None:
        """Serve callbacks; a failed delivery ends the transaction here and not at its commit."""
        error = self._fatal_error() or self._failed
        if error is not None:
            raise self._classify(error)

    def _fatal_error(self) -> KafkaError | None:
        """Serve callbacks; the client raises here the error after which it is of no use any more."""
        try:
            self._producer.poll(0)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            return error
        return None

    def _on_delivery(self, error: KafkaError | None, _message: object) -> None:
        # Called on our thread by poll() or commit. Calls nothing; the first failure is the cause, later ones follow.
        if error is not None and self._failed is None and error.code() != KafkaError._PURGE_QUEUE:
            self._failed = error

    def _on_statistics(self, document: str) -> None:
        counters = _decode_statistics(document).brokers.get(_COORDINATOR)
        if counters is None:
            return
        if self._counters is not None and counters != self._counters:
            self._late_end_possible = True
        self._counters = counters

    def _on_client_log(self, record: logging.LogRecord) -> None:
        if _COORDINATOR in record.getMessage():
            self._late_end_possible = True

    def _transactional(self, call: Callable[[], None], timeout_s: float) -> None:
        """Repeat the same call while the client says that this is right."""
        until_s = time.monotonic() + timeout_s
        while True:
            self._beat()
            try:
                call()
            except KafkaException as raised:
                error = raised.args[0]
                if not error.retriable() or error.txn_requires_abort() or error.fatal() or time.monotonic() > until_s:
                    raise self._classify(error) from raised
            else:
                return

    def _classify(self, error: KafkaError) -> WorldFault:
        # A failed delivery is told first, and may be no more than the echo of a fatal error.
        error = self._fatal_error() or error
        cause = self._failed if self._failed is not None else error
        fault = self._translate(cause)
        if error.code() in _FENCED and time.monotonic() - self._began_s < 0.9 * self._timeout_s:
            return Fenced(
                "WM-GATE-FENCED",
                f"another process uses the transactional id {self._id}",
                hint="Give each running instance its own `instance` name, or stop the other process.",
            )
        if error.fatal() or error.code() in _FENCED:
            return ConnectionLost(fault.code, fault.message, hint=fault.hint, retriable=True)
        if error.txn_requires_abort() or self._failed is not None:
            abort = AbortRequired(fault.code, fault.message, hint=fault.hint, retriable=True)
            abort.record_at_fault = cause.code() in _RECORD_AT_FAULT
            return abort
        return ConnectionLost(fault.code, fault.message, hint=fault.hint, retriable=True)
