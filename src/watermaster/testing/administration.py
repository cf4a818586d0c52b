"""Topics, users, ACLs and leaders of a running cluster, by its administrator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # public names, imported there without `as`
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from watermaster.stream.fault import WorldFault
from watermaster.testing.account import SCRAM_ITERATIONS
from watermaster.testing.waiting import wait_until

REQUEST_TIMEOUT_S = 20.0
METADATA_TIMEOUT_S = 5.0
UNKNOWN_TOPIC_S = 10.0
GROUP_STATE_TOPIC = "__consumer_offsets"
TRANSACTION_STATE_TOPIC = "__transaction_state"

_UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PART"

T = TypeVar("T")


class Administration(ABC):
    """What an administrator can ask of a cluster; each call returns once its effect can be seen.

    All methods raise WorldFault `WM-TESTKIT-ADMIN` with the broker's own words where it refuses.
    """

    _admin: AdminClient | None = None

    @abstractmethod
    def administrator_settings(self) -> dict[str, Any]:
        """The client settings by which the administrator connects."""

    def admin(self) -> AdminClient:
        """The administrator's client, shared by all calls of this object."""
        if self._admin is None:
            self._admin = self._new_admin()
        return self._admin

    def _new_admin(self) -> AdminClient:
        # log_level 0: brokers are killed on purpose here, and librdkafka would tell stderr each time.
        return AdminClient({**self.administrator_settings(), "log_level": 0})

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        replication_factor: int | None = None,
        configs: Mapping[str, str | int] | None = None,
    ) -> str:
        """Create a topic, wait until every partition has a leader, and return its name.

        Without `replication_factor` the cluster's default holds: as many copies as there are brokers.
        """
        settings = {key: str(value) for key, value in (configs or {}).items()}
        topic = NewTopic(name, partitions, replication_factor or -1, config=settings)
        _result(self.admin().create_topics([topic])[name])
        wait_until(lambda: self._leaders(name) == partitions, f"topic {name} has {partitions} leaders")
        return name

    def delete_topic(self, name: str) -> None:
        """Delete a topic and wait until it is gone."""
        _result(self.admin().delete_topics([name])[name])
        wait_until(lambda: name not in self._metadata().topics, f"topic {name} is gone")

    def add_partitions(self, name: str, total: int) -> None:
        """Grow a topic to `total` partitions."""
        _result(self.admin().create_partitions([NewPartitions(name, total)])[name])
        wait_until(lambda: self._leaders(name) == total, f"topic {name} has {total} leaders")

    def set_topic_configs(self, name: str, configs: Mapping[str, str | int]) -> None:
        """Change these settings of a topic and leave the others as they are."""
        entries = [
            ConfigEntry(key, str(value), incremental_operation=AlterConfigOpType.SET) for key, value in configs.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        _result(self.admin().incremental_alter_configs([resource])[resource])

    def topic_configs(self, name: str) -> dict[str, str | None]:
        """All settings of a topic that are in force."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)

        def ask() -> dict[str, ConfigEntry]:
            return _result(self.admin().describe_configs([resource])[resource])

        entries = _once_known(name, ask)
        return {key: entry.value for key, entry in entries.items()}

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Move a partition's log start offset up to `before`."""
        target = TopicPartition(topic, partition, before)
        _result(self.admin().delete_records([target])[target])

    def topic_id(self, name: str) -> str:
        """The id as Kafka's own tools spell it (URL-safe base64); a topic that is created again has another."""
        description = _once_known(name, lambda: _result(self.admin().describe_topics(TopicCollection([name]))[name]))
        return str(description.topic_id).replace("+", "-").replace("/", "_")

    def leader(self, topic: str, partition: int) -> int | None:
        """The node that leads a partition; None where none does at this moment."""
        found = self._metadata(topic).topics[topic].partitions.get(partition)
        return None if found is None or found.leader < 0 else int(found.leader)

    def in_sync(self, topic: str, partition: int) -> list[int]:
        """The nodes whose copies are in sync, in ascending order."""
        return sorted(self._metadata(topic).topics[topic].partitions[partition].isrs)

    def log_ends(self, topic: str, partition: int) -> tuple[int, int]:
        """(log start offset, high watermark)."""
        earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call] # client's stubs
        return self._offset(topic, partition, earliest), self._offset(topic, partition, latest)

    def group_coordinator(self, group: str) -> int | None:
        """The node that coordinates a consumer group, once any group has committed in this cluster."""
        return self._state_leader(GROUP_STATE_TOPIC, group)

    def transaction_coordinator(self, transactional_id: str) -> int | None:
        """The node that coordinates a transactional id, once any transaction was begun in this cluster."""
        return self._state_leader(TRANSACTION_STATE_TOPIC, transactional_id)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Committed offsets of a group by partition, stable ones only: without those of open transactions."""
        partitions = [TopicPartition(topic, number) for number in self._metadata(topic).topics[topic].partitions]
        asked = ConsumerGroupTopicPartitions(group, partitions)
        futures = self.admin().list_consumer_group_offsets([asked], require_stable=True)
        found = _result(futures[group])
        return {entry.partition: entry.offset for entry in found.topic_partitions if entry.offset >= 0}

    def set_password(self, name: str, password: str) -> None:
        """Create a user for SCRAM-SHA-512, or change its password."""
        information = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        change = UserScramCredentialUpsertion(name, information, password.encode())
        _result(self.admin().alter_user_scram_credentials([change])[name])

    def allow(
        self,
        principal: str,
        operations: str | Sequence[str],
        resource_type: str,
        name: str,
        pattern: str = "LITERAL",
    ) -> None:
        """Allow a user operations ("READ", "WRITE", …) on a "TOPIC", "GROUP", "TRANSACTIONAL_ID" or "BROKER".

        `pattern` is "LITERAL" or "PREFIXED"; the cluster itself is a "BROKER" named "kafka-cluster".
        """
        names = [operations] if isinstance(operations, str) else operations
        bindings = [_binding(principal, operation, resource_type, name, pattern) for operation in names]
        for binding, future in self.admin().create_acls(bindings).items():
            _result(future)
            wait_until(partial(self._has, binding), f"{principal} is allowed {binding.operation} on {name}")

    def _has(self, binding: AclBinding) -> bool:
        asked = AclBindingFilter(*_binding_fields(binding))
        return bool(_result(self.admin().describe_acls(asked)))

    def _metadata(self, topic: str | None = None) -> ClusterMetadata:
        """Ask until a broker answers: some may be down or paused on purpose, and the client picks one at random."""

        admin = self.admin()

        def ask() -> ClusterMetadata | None:
            nonlocal admin
            try:
                return admin.list_topics(topic, timeout=METADATA_TIMEOUT_S)
            except KafkaException:
                # A client holds on to a connection that is open, also to a broker that stands still.
                admin = self._new_admin()
                return None

        return wait_until(ask, "a broker tells of topics and leaders")

    def _leaders(self, topic: str) -> int:
        found = self._metadata(topic).topics[topic]
        return sum(partition.leader >= 0 for partition in found.partitions.values())

    def _offset(self, topic: str, partition: int, spec: OffsetSpec) -> int:
        target = TopicPartition(topic, partition)
        return int(_result(self.admin().list_offsets({target: spec})[target]).offset)

    def _state_leader(self, state_topic: str, key: str) -> int | None:
        found = self._metadata().topics.get(state_topic)
        return None if found is None else self.leader(state_topic, state_partition(key, len(found.partitions)))


def state_partition(key: str, partitions: int) -> int:
    """The partition of a state topic that holds a group or transactional id: Java's string hash, without its sign."""
    value = 0
    for unit in _utf16_units(key):
        value = (31 * value + unit) & 0xFFFFFFFF
    return (value & 0x7FFFFFFF) % partitions


def _utf16_units(text: str) -> list[int]:
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[index : index + 2], "big") for index in range(0, len(encoded), 2)]


def _binding(principal: str, operation: str, resource_type: str, name: str, pattern: str) -> AclBinding:
    return AclBinding(
        ResourceType[resource_type],
        name,
        ResourcePatternType[pattern],
        f"User:{principal}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


def _binding_fields(binding: AclBinding) -> tuple[Any, ...]:
    return (
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _result(future: Future[T]) -> T:
    try:
        return future.result(REQUEST_TIMEOUT_S)
    except KafkaException as error:
        raise _refused(error) from error
    except TimeoutError as error:
        raise WorldFault(
            "WM-TESTKIT-TIMEOUT",
            f"The cluster did not answer an administrator within {REQUEST_TIMEOUT_S:g} s.",
            hint="Is the controller down or paused, or is the quorum lost?",
            retriable=True,
        ) from error


def _once_known(topic: str, ask: Callable[[], T]) -> T:
    """What `ask` returns. Any broker may be asked, and may hear of a new topic later than those that lead it."""

    def answer() -> T | None:
        try:
            return ask()
        except WorldFault as fault:
            if _UNKNOWN_TOPIC not in fault.message:
                raise
            return None

    return wait_until(answer, f"a broker knows topic {topic}", UNKNOWN_TOPIC_S)


def _refused(error: KafkaException) -> WorldFault:
    told = error.args[0]
    return WorldFault(
        "WM-TESTKIT-ADMIN",
        f"The cluster refused: {told.name()}: {told.str()}",
        hint="See the broker logs named by the cluster's `directory`.",
        retriable=bool(told.retriable()),
    )
