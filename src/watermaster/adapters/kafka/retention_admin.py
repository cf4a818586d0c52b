"""How long topics keep records: their own settings, read and changed over the admin client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourceType,
)

from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.extend import EXTENDED_SETTINGS, OwnSettings
from watermaster.stream.fault import Fault

REQUEST_TIMEOUT_S: Final = 30.0
SEEN_S_MAX: Final = 15.0
SEEN_POLL_S: Final = 0.1


class KafkaTopicRetention:
    """Implements `runtime.extend.TopicRetention`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._admin = AdminClient(admin_settings(settings))

    def topic_id(self, topic: str) -> str:
        """The topic's id. Raises a fault, WM-KAFKA-UNKNOWN-TOPIC if there is none."""
        futures = self._admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_TIMEOUT_S)
        return str(_answer(futures[topic], "looking at topic", topic).topic_id)

    def own(self, topic: str) -> OwnSettings:
        """The topic's own values of what is extended."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        answers = self._admin.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_S)
        found = _answer(answers[resource], "reading the settings of", topic)
        return {key: _own_value(found.get(key)) for key in EXTENDED_SETTINGS}

    def alter(self, topic: str, settings: OwnSettings) -> Fault | None:
        """Set or take away own values, and wait until that can be seen."""
        entries = [
            ConfigEntry(
                key,
                value or "",
                incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
            )
            for key, value in settings.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        answers = self._admin.incremental_alter_configs([resource], request_timeout=REQUEST_TIMEOUT_S)
        failure = answers[resource].exception(timeout=2 * REQUEST_TIMEOUT_S)
        if failure is not None:
            return translate_error(failure, doing="changing the settings of", resource=topic)
        until_s = time.monotonic() + SEEN_S_MAX
        while time.monotonic() < until_s:
            own = self.own(topic)
            if all(own[key] == value for key, value in settings.items()):
                break
            time.sleep(SEEN_POLL_S)
        return None


def _own_value(entry: ConfigEntry | None) -> str | None:
    own = entry is not None and ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
    return str(entry.value) if entry is not None and own else None


def _answer(future: Any, doing: str, topic: str) -> Any:  # noqa: ANN401 -- answers of several shapes
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    if failure is None:
        return future.result()
    raise translate_error(failure, doing=doing, resource=topic)
