"""The client settings of a transfer that the bare contestants share, equal to those of the product's transfer."""

from __future__ import annotations

from typing import Any

from watermaster.adapters.kafka.connection import consumer_settings, producer_settings

READ_MAX = 500
RECORDS_MAX = 10_000
COMMIT_INTERVAL_S = 0.1
TRANSACTION_TIMEOUT_MS = 15_000


def consuming(bootstrap: str, group: str) -> dict[str, Any]:
    """As adapters/kafka/upstream.py; begins at the start, because nothing but these settings tells it where."""
    more = {
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 2_500,
        "partition.assignment.strategy": "range",
        "queued.max.messages.kbytes": 65_536,
        "topic.metadata.refresh.interval.ms": 30_000,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    return consumer_settings({"bootstrap.servers": bootstrap}, group, more)


def producing(bootstrap: str, transactional_id: str) -> dict[str, Any]:
    """As adapters/kafka/downstream.py, without its counters and its log."""
    more = {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "socket.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "message.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "compression.type": "lz4",
        "linger.ms": 20,
        "batch.num.messages": 10_000,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 512 * 1024,
        "message.max.bytes": 256 * 1024 * 1024,
        "delivery.report.only.error": True,
    }
    return producer_settings({"bootstrap.servers": bootstrap}, more)


def as_words(settings: dict[str, Any]) -> list[str]:
    """`key=value` words for a program in C; what is no text for librdkafka (the logger) is left out."""
    plain = {key: value for key, value in settings.items() if isinstance(value, str | int | float)}
    return [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in plain.items()]
