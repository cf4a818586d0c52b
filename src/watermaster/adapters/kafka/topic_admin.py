"""Topics and ACLs over the admin client: looking at them, and carrying out the actions of a plan.

As in `observation`, answers are taken from futures without raising: a traceback would hold the client in a cycle, and
librdkafka aborts the process if a client is freed on one of its own threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, assert_never

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from watermaster.adapters.kafka.broker_settings import read_broker_settings
from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_acl import AclRule
from watermaster.runtime.topic_plan import Action, AddPartitions, AlterSettings, CreateTopic
from watermaster.runtime.topic_state import AclEntry, ClusterTopics, ResourceKind, TopicState
from watermaster.stream.fault import Fault, UsageFault

REQUEST_TIMEOUT_S: Final = 30.0
"""One request; creating a topic on a loaded cluster may take seconds."""

SEEN_S_MAX: Final = 15.0
SEEN_POLL_S: Final = 0.1

_KINDS: Final = {
    ResourceKind.TOPIC: ResourceType.TOPIC,
    ResourceKind.GROUP: ResourceType.GROUP,
    ResourceKind.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
    ResourceKind.CLUSTER: ResourceType.BROKER,  # librdkafka's name for the cluster, number 4 in the protocol
}
_REFUSALS: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: ("WM-TOPICS-DENIED", "this login may not change it"),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: ("WM-TOPICS-DENIED", "this login may not change it"),
    KafkaError.POLICY_VIOLATION: ("WM-TOPICS-POLICY", "the cluster's policy forbids it"),
    KafkaError.INVALID_REPLICATION_FACTOR: ("WM-TOPICS-REPLICATION", "the cluster has too few brokers for it"),
    KafkaError.SECURITY_DISABLED: ("WM-TOPICS-NO-ACLS", "the cluster has no authorizer, so it keeps no ACLs"),
}
_REFUSED_HINT: Final = "Hand the output of `gate topics --format commands` or `--format strimzi` to its administrator."


class KafkaTopicAdmin:
    """Looks at and changes topics and ACLs of one cluster."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._admin = AdminClient(admin_settings(settings))

    # --- looking ------------------------------------------------------------------------------------------------

    def look(self, names: Sequence[str]) -> ClusterTopics:
        """The named topics with their settings. Raises a fault only if the cluster does not answer at all."""
        described = self._admin.describe_cluster(request_timeout=REQUEST_TIMEOUT_S)
        cluster = _answer(described, "looking at the cluster", "the cluster")
        if isinstance(cluster, Fault):
            raise cluster
        topics = self._topics(names)
        existing = [name for name, state in topics.items() if isinstance(state, TopicState)]
        unseen: dict[str, Unseen] = {}
        for name, settings in self._settings(existing).items():
            if isinstance(settings, Unseen):
                unseen[name] = settings
            else:
                topics[name] = _with_settings(topics[name], settings)
        return ClusterTopics(len(cluster.nodes), topics, unseen)

    def acls(self) -> tuple[AclEntry, ...] | Unseen:
        """Every ACL of the cluster about topics, groups, transactional ids and the cluster; never an empty tuple."""
        everything = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # its typing forgets that None stands for any
            ResourcePatternType.ANY,
            None,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        found = _answer(
            self._admin.describe_acls(everything, request_timeout=REQUEST_TIMEOUT_S), "listing ACLs", "the cluster"
        )
        if isinstance(found, Fault):
            return Unseen("the ACLs", found.message, found.code)
        if not found:
            # The client gives an empty list for a refusal too, so an empty list tells nothing.
            return Unseen("any ACL", "the cluster keeps none, or this login may not list them.", "WM-TOPICS-ACLS")
        return tuple(entry for entry in map(_acl_entry, found) if entry is not None)

    def broker_settings(self, brokers: Sequence[int], keys: Sequence[str]) -> Sequence[Mapping[str, str]]:
        """Some settings of each broker that tells them; nothing of those that do not."""
        return list(read_broker_settings(self._admin, brokers, [], REQUEST_TIMEOUT_S, keys).values())

    def _topics(self, names: Sequence[str]) -> dict[str, TopicState | Unseen]:
        if not names:
            return {}
        futures = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S)
        topics: dict[str, TopicState | Unseen] = {}
        for name, future in futures.items():
            if _code(future) == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue
            found = _answer(future, "looking at topics", name)
            if isinstance(found, Fault):
                topics[name] = Unseen(f"the topic {name}", found.message, found.code)
                continue
            copies = min((len(part.replicas) for part in found.partitions), default=0)
            topics[name] = TopicState(name, len(found.partitions), copies)
        return topics

    def _settings(self, names: Sequence[str]) -> dict[str, Mapping[str, ConfigEntry] | Unseen]:
        if not names:
            return {}
        resources = {ConfigResource(ResourceType.TOPIC, name): name for name in names}
        futures = self._admin.describe_configs(list(resources), request_timeout=REQUEST_TIMEOUT_S)
        settings: dict[str, Mapping[str, ConfigEntry] | Unseen] = {}
        for resource, future in futures.items():
            name = resources[resource]
            found = _answer(future, "looking at settings", name)
            failed = isinstance(found, Fault)
            settings[name] = Unseen(f"the settings of {name}", found.message, found.code) if failed else found
        return settings

    # --- changing -----------------------------------------------------------------------------------------------

    def apply(self, action: Action) -> Fault | None:
        """Carry out one action and wait until it can be seen; None if it is done, by us or by somebody else."""
        fault = self._send(action)
        if fault is None:
            self._wait_until_seen(action)
        return fault

    def _send(self, action: Action) -> Fault | None:
        match action:
            case CreateTopic(topic):
                new = NewTopic(topic.name, topic.partitions, topic.replication, config=dict(topic.settings))
                futures = self._admin.create_topics([new], request_timeout=REQUEST_TIMEOUT_S)
                future = futures[topic.name]
                if _code(future) == KafkaError.TOPIC_ALREADY_EXISTS:
                    return None
                return _refusal(future, "creating", topic.name)
            case AddPartitions(name, _, total):
                more = [NewPartitions(name, total)]
                futures = self._admin.create_partitions(more, request_timeout=REQUEST_TIMEOUT_S)
                return _refusal(futures[name], "adding partitions to", name)
            case AlterSettings(name, changes):
                entries = [
                    ConfigEntry(change.key, change.value, incremental_operation=AlterConfigOpType.SET)
                    for change in changes
                ]
                resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
                altered = self._admin.incremental_alter_configs([resource], request_timeout=REQUEST_TIMEOUT_S)
                return _refusal(altered[resource], "altering", name)
            case _:
                assert_never(action)

    def _wait_until_seen(self, action: Action) -> None:
        """A broker answers before all have heard of it; who starts the gate next must not find half of it.

        What takes longer than the bound is true nevertheless, so running into it is no fault.
        """
        until_s = time.monotonic() + SEEN_S_MAX
        while not self._is_seen(action) and time.monotonic() < until_s:
            time.sleep(SEEN_POLL_S)

    def _is_seen(self, action: Action) -> bool:
        name = action.topic.name if isinstance(action, CreateTopic) else action.name
        state = self.look([name]).topics.get(name)
        if not isinstance(state, TopicState):
            return False
        match action:
            case CreateTopic():
                return True
            case AddPartitions(_, _, total):
                return state.partitions >= total
            case AlterSettings(_, changes):
                return all(state.settings.get(change.key, change.value) == change.value for change in changes)
            case _:
                assert_never(action)

    def allow(self, principal: str, rules: Iterable[AclRule]) -> dict[AclRule, Fault | None]:
        """Create ACLs for `principal` (`User:name`); what is there already stays as it is."""
        bindings = {_binding(principal, rule): rule for rule in rules}
        if not bindings:
            return {}
        futures = self._admin.create_acls(list(bindings), request_timeout=REQUEST_TIMEOUT_S)
        return {
            bindings[binding]: _refusal(future, "adding the ACL for", str(bindings[binding]))
            for binding, future in futures.items()
        }


def _answer(future: Future[Any], doing: str, resource: str) -> Any:  # noqa: ANN401 -- answers of several shapes
    """The answer, or the fault instead of it."""
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    return future.result() if failure is None else translate_error(failure, doing=doing, resource=resource)


def _code(future: Future[Any]) -> int | None:
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    if isinstance(failure, KafkaException) and isinstance(failure.args[0], KafkaError):
        return int(failure.args[0].code())
    return None


def _refusal(future: Future[Any], doing: str, resource: str) -> Fault | None:
    code = _code(future)
    if code in _REFUSALS:
        stable, reason = _REFUSALS[code]
        return UsageFault(stable, f"{doing} {resource}: {reason}", hint=_REFUSED_HINT)
    found = _answer(future, doing, resource)
    return found if isinstance(found, Fault) else None


def _with_settings(state: TopicState | Unseen, settings: Mapping[str, ConfigEntry]) -> TopicState | Unseen:
    if isinstance(state, Unseen):
        return state
    own = frozenset(
        key for key, entry in settings.items() if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG
    )
    values = {key: entry.value for key, entry in settings.items() if entry.value is not None}
    return TopicState(state.name, state.partitions, state.replication, values, own)


def _acl_entry(binding: AclBinding) -> AclEntry | None:
    kind = next((kind for kind, native in _KINDS.items() if native == binding.restype), None)
    if kind is None:
        return None
    return AclEntry(
        principal=binding.principal,
        host=binding.host,
        kind=kind,
        name=binding.name,
        prefixed=binding.resource_pattern_type == ResourcePatternType.PREFIXED,
        operation=AclOperation(binding.operation).name,
        allows=binding.permission_type == AclPermissionType.ALLOW,
    )


def _binding(principal: str, rule: AclRule) -> AclBinding:
    return AclBinding(
        _KINDS[rule.kind],
        rule.name,
        ResourcePatternType.PREFIXED if rule.prefixed else ResourcePatternType.LITERAL,
        principal,
        "*",
        AclOperation[rule.operation],
        AclPermissionType.ALLOW,
    )
