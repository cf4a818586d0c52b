"""A topic plan and its ACLs as commands of the tools that ship with Kafka, quoted for a POSIX shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, assert_never

from watermaster.runtime.topic_acl import AclRule
from watermaster.runtime.topic_plan import Action, AddPartitions, AlterSettings, CreateTopic, TopicPlan
from watermaster.runtime.topic_state import ResourceKind

_RESOURCE_OPTIONS: Final = {
    ResourceKind.TOPIC: "--topic",
    ResourceKind.GROUP: "--group",
    ResourceKind.TRANSACTIONAL_ID: "--transactional-id",
    ResourceKind.CLUSTER: "--cluster",
}
_OPERATIONS: Final = {"READ": "Read", "WRITE": "Write", "DESCRIBE": "Describe"}

PRINCIPAL_PLACEHOLDER: Final = "User:GATE"
"""Stands in commands and files where nobody was named."""


class Connection:
    """Where the tools connect: the same address and client properties as ours."""

    def __init__(self, bootstrap: str, client_config: Path | None) -> None:
        self._arguments = ["--bootstrap-server", bootstrap]
        if client_config is not None:
            self._arguments += ["--command-config", str(client_config)]

    def command(self, tool: str, *arguments: str) -> str:
        """One command line."""
        return shlex.join([tool, *self._arguments, *arguments])


def topic_commands(plan: TopicPlan, connection: Connection) -> Iterator[str]:
    """One command for each action, in order."""
    for action in plan.actions:
        yield _topic_command(action, connection)


def acl_commands(rules: tuple[AclRule, ...], principal: str, connection: Connection) -> Iterator[str]:
    """One command for each permission."""
    for rule in rules:
        resource = [_RESOURCE_OPTIONS[rule.kind]]
        if rule.kind is not ResourceKind.CLUSTER:
            resource.append(rule.name)
        pattern = ["--resource-pattern-type", "prefixed"] if rule.prefixed else []
        operation = ["--operation", _OPERATIONS[rule.operation]]
        yield connection.command(
            "kafka-acls.sh", "--add", "--allow-principal", principal, *operation, *resource, *pattern
        )


def _topic_command(action: Action, connection: Connection) -> str:
    match action:
        case CreateTopic(topic):
            size = ["--partitions", str(topic.partitions), "--replication-factor", str(topic.replication)]
            settings = [part for key, value in topic.settings.items() for part in ("--config", f"{key}={value}")]
            return connection.command(
                "kafka-topics.sh", "--create", "--if-not-exists", "--topic", topic.name, *size, *settings
            )
        case AddPartitions(name, _, total):
            return connection.command("kafka-topics.sh", "--alter", "--topic", name, "--partitions", str(total))
        case AlterSettings(name, changes):
            settings_text = _settings({change.key: change.value for change in changes})
            entity = ["--entity-type", "topics", "--entity-name", name]
            return connection.command("kafka-configs.sh", "--alter", *entity, "--add-config", settings_text)
        case _:
            assert_never(action)


def _settings(settings: Mapping[str, str]) -> str:
    """`k=v,k=v`; a value with commas is put in brackets, as kafka-configs.sh reads them."""
    return ",".join(f"{key}=[{value}]" if "," in value else f"{key}={value}" for key, value in settings.items())
