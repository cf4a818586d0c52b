"""Settings that all brokers of a cluster should share, and how long it keeps the positions of empty groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    ConfigResource,
    ResourceType,
)

from watermaster.adapters.kafka.answer import settle
from watermaster.runtime.observed import Unseen

EXPIRY: Final = "offsets.retention.minutes"

SHARED: Final = (
    "auto.create.topics.enable",
    "default.replication.factor",
    "group.max.session.timeout.ms",
    "group.min.session.timeout.ms",
    "log.cleanup.policy",
    "log.message.timestamp.type",
    "log.retention.bytes",
    "log.retention.check.interval.ms",
    "log.retention.ms",
    "message.max.bytes",
    "min.insync.replicas",
    "num.partitions",
    EXPIRY,
    "replica.lag.time.max.ms",
    "transaction.max.timeout.ms",
    "unclean.leader.election.enable",
)
"""A broker that differs in one of these behaves differently for whoever happens to be led by it."""


def read_broker_settings(
    admin: AdminClient, brokers: Sequence[int], unseen: list[Unseen], timeout_s: float, keys: Sequence[str] = SHARED
) -> Mapping[int, Mapping[str, str]]:
    """Settings of each broker that could be asked, by default the shared ones; each answers for itself."""
    asked = {
        broker: admin.describe_configs([resource], request_timeout=timeout_s)[resource]
        for broker in brokers
        for resource in [ConfigResource(ResourceType.BROKER, str(broker))]
    }
    found: dict[int, Mapping[str, str]] = {}
    for broker, future in asked.items():
        seen: Any = settle(future, f"the broker settings of broker {broker}", 2 * timeout_s)
        if isinstance(seen, Unseen):
            unseen.append(seen)
        else:
            found[broker] = {key: seen[key].value for key in keys if key in seen and seen[key].value is not None}
    return found


def positions_kept_ms(brokers: Mapping[int, Mapping[str, str]]) -> int | None:
    """The shortest that any broker keeps them, in milliseconds; None: could not be seen."""
    minutes = [int(settings[EXPIRY]) for settings in brokers.values() if EXPIRY in settings]
    return min(minutes) * 60_000 if minutes else None
