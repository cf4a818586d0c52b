"""Removes what a demonstration has left on somebody's cluster: its topics and its consumer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.stream.fault import Fault

REQUEST_TIMEOUT_S: Final = 30.0
_GONE: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND, KafkaError.NON_EMPTY_GROUP})
"""Workers keep their membership for a while, so that a restart costs no rebalance: the group is then not empty yet.
Its offsets go with the topics, and the broker removes a group that has neither members nor offsets."""


def remove(settings: Mapping[str, Any], topics: Sequence[str], group: str) -> tuple[Fault, ...]:
    """Delete topics and group; what could not be deleted, as faults. What is not there counts as deleted."""
    admin = AdminClient(admin_settings(settings))
    futures = {
        **admin.delete_topics(list(topics), operation_timeout=REQUEST_TIMEOUT_S),
        **admin.delete_consumer_groups([group], request_timeout=REQUEST_TIMEOUT_S),
    }
    return tuple(fault for name, future in futures.items() if (fault := _refusal(future, name)) is not None)


def _refusal(future: Future[Any], name: str) -> Fault | None:
    # Taken without raising: a traceback would hold the client in a cycle, and it must not be freed on its own thread.
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    if failure is None:
        return None
    if isinstance(failure, KafkaException) and failure.args[0].code() in _GONE:
        return None
    return translate_error(failure, doing="deleting", resource=name)
