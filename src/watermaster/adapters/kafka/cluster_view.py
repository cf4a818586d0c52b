"""Read-only questions that the runtime asks of a cluster, over the admin client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from watermaster.adapters.kafka.connection import admin_settings
from watermaster.runtime.ports import TopicFacts
from watermaster.stream.fault import Fault

REQUEST_TIMEOUT_S = 15.0


def kafka_id(client_spelling: str) -> str:
    """A topic id as Kafka's own tools spell it: URL-safe base64, where the client has `+` and `/`."""
    return client_spelling.replace("+", "-").replace("/", "_")


class KafkaClusterView:
    """Implements `runtime.ports.ClusterView`."""

    def __init__(self, settings: Mapping[str, Any], translate: Callable[[KafkaError], Fault]) -> None:
        self._admin = AdminClient(admin_settings(settings))
        self._translate = translate

    def cluster_id(self) -> str:
        """The id of the cluster; empty for a broker that has none."""
        try:
            described = self._admin.describe_cluster(request_timeout=REQUEST_TIMEOUT_S).result()
        except KafkaException as error:
            raise self._translate(error.args[0]) from error
        return described.cluster_id or ""

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicFacts]:
        """The topics that exist among `names`; what cannot be seen for another reason is a fault."""
        futures = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S)
        facts = {}
        for name, future in futures.items():
            try:
                described = future.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                raise self._translate(error.args[0]) from error
            facts[name] = TopicFacts(kafka_id(str(described.topic_id)), len(described.partitions))
        return facts
