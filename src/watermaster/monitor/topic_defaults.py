"""What a topic is created with if nobody says otherwise: the brokers' defaults in the words of topics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

KEYS: Final = (
    "auto.create.topics.enable",
    "default.replication.factor",
    "log.cleanup.policy",
    "log.retention.bytes",
    "log.retention.hours",
    "log.retention.minutes",
    "log.retention.ms",
    "min.insync.replicas",
    "offsets.topic.replication.factor",
    "transaction.max.timeout.ms",
    "transaction.state.log.min.isr",
    "transaction.state.log.replication.factor",
    "unclean.leader.election.enable",
)
"""Settings of brokers that this is read from."""

_TIMES: Final = (("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000))
"""The finer one goes before the coarser one, as in Kafka."""


class Copied(NamedTuple):
    """How often a topic is kept, and how many of its replicas must have a record; None: could not be seen."""

    replication: int | None
    in_sync_min: int | None


UNSEEN: Final = Copied(None, None)


@dataclass(frozen=True, slots=True)
class TopicDefaults:
    """Where brokers differ, the weakest of them: any may be the one that answers. None: could not be seen."""

    settings: Mapping[str, str] | None = None
    replication: int | None = None
    auto_create: bool = False
    transaction_timeout_ms_max: int | None = None
    positions: Copied = UNSEEN
    transactions: Copied = UNSEEN
    """What the topics of groups' positions and of transactions are created with, once somebody needs them."""


def read_topic_defaults(brokers: Collection[Mapping[str, str]]) -> TopicDefaults:
    """From the settings of each broker that could be asked."""
    if not brokers:
        return TopicDefaults()
    policies = [settings["log.cleanup.policy"] for settings in brokers if "log.cleanup.policy" in settings]
    found = {
        "min.insync.replicas": _least(brokers, "min.insync.replicas"),
        "retention.bytes": _shortest([_number(settings, "log.retention.bytes") for settings in brokers]),
        "retention.ms": _shortest([_kept_ms(settings) for settings in brokers]),
    }
    settings = {key: str(value) for key, value in found.items() if value is not None}
    if policies:
        settings["cleanup.policy"] = next((policy for policy in policies if "delete" in policy), policies[0])
    settings["unclean.leader.election.enable"] = _any(brokers, "unclean.leader.election.enable")
    return TopicDefaults(
        settings,
        _least(brokers, "default.replication.factor"),
        _any(brokers, "auto.create.topics.enable") == "true",
        _least(brokers, "transaction.max.timeout.ms"),
        Copied(_least(brokers, "offsets.topic.replication.factor"), _least(brokers, "min.insync.replicas")),
        Copied(
            _least(brokers, "transaction.state.log.replication.factor"),
            _least(brokers, "transaction.state.log.min.isr"),
        ),
    )


def _kept_ms(settings: Mapping[str, str]) -> int | None:
    for key, unit_ms in _TIMES:
        number = _number(settings, key)
        if number is not None:
            return number if number < 0 else number * unit_ms
    return None


def _number(settings: Mapping[str, str], key: str) -> int | None:
    return int(settings[key]) if key in settings else None


def _least(brokers: Collection[Mapping[str, str]], key: str) -> int | None:
    return min((int(settings[key]) for settings in brokers if key in settings), default=None)


def _shortest(bounds: Collection[int | None]) -> int | None:
    """Kafka writes -1 for no bound, which is the longest."""
    known = [bound for bound in bounds if bound is not None]
    return min(known, key=lambda bound: (bound < 0, bound), default=None)


def _any(brokers: Collection[Mapping[str, str]], key: str) -> str:
    return "true" if any(settings.get(key) == "true" for settings in brokers) else "false"
