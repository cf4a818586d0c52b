"""The topics and permissions of a gate as Strimzi `kafka.strimzi.io/v1` resources, to be kept in a repository.

Every needed topic is written, those that exist too: the operator owns the whole of a resource, not a difference.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from watermaster.runtime.topic_acl import AclRule
from watermaster.runtime.topic_needs import DesiredTopic
from watermaster.runtime.topic_state import ResourceKind

API_VERSION: Final = "kafka.strimzi.io/v1"
NAME_CHARS_MAX: Final = 253
"""Of a Kubernetes object."""

_KINDS: Final = {
    ResourceKind.TOPIC: "topic",
    ResourceKind.GROUP: "group",
    ResourceKind.TRANSACTIONAL_ID: "transactionalId",
    ResourceKind.CLUSTER: "cluster",
}
_NUMBER: Final = re.compile(r"-?[0-9]+\Z")


def strimzi_documents(
    topics: tuple[DesiredTopic, ...], rules: tuple[AclRule, ...], principal: str, kafka: str
) -> list[dict[str, Any]]:
    """A KafkaTopic for each topic and one KafkaUser; `kafka` is the name of the Kafka resource."""
    return [*(_topic(topic, kafka) for topic in topics), _user(rules, principal, kafka)]


def resource_name(name: str) -> str:
    """A Kafka name as a Kubernetes name; one that had to be changed gets a hash, so that no two become one."""
    changed = re.sub(r"[^a-z0-9.-]", "-", name.lower())
    changed = re.sub(r"\.[.-]*|-[.-]*\.", lambda found: "." if "." in found[0] else "-", changed).strip(".-")
    if changed == name and len(name) <= NAME_CHARS_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{changed[: NAME_CHARS_MAX - 9].rstrip('.-') or 'topic'}-{digest}"


def _topic(topic: DesiredTopic, kafka: str) -> dict[str, Any]:
    name = resource_name(topic.name)
    spec: dict[str, Any] = {"topicName": topic.name} if name != topic.name else {}
    config = {key: int(value) if _NUMBER.match(value) else value for key, value in topic.settings.items()}
    return _resource(
        "KafkaTopic",
        name,
        kafka,
        {**spec, "partitions": topic.partitions, "replicas": topic.replication, "config": config},
    )


def _user(rules: tuple[AclRule, ...], principal: str, kafka: str) -> dict[str, Any]:
    """Without `authentication`: how the gate logs in is not ours to decide. ACLs of one resource are joined."""
    joined: dict[tuple[ResourceKind, str, bool], list[str]] = {}
    for rule in rules:
        joined.setdefault((rule.kind, rule.name, rule.prefixed), []).append(rule.operation.capitalize())
    acls = [{"resource": _acl_resource(*key), "operations": operations} for key, operations in joined.items()]
    name = principal.partition(":")[2].removeprefix("CN=")
    return _resource("KafkaUser", resource_name(name), kafka, {"authorization": {"type": "simple", "acls": acls}})


def _acl_resource(kind: ResourceKind, name: str, prefixed: bool) -> dict[str, str]:
    if kind is ResourceKind.CLUSTER:
        return {"type": _KINDS[kind]}
    return {"type": _KINDS[kind], "name": name, "patternType": "prefix" if prefixed else "literal"}


def _resource(kind: str, name: str, kafka: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"strimzi.io/cluster": kafka}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
