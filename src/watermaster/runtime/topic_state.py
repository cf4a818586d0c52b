"""The topics and permissions of a cluster as they are, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from watermaster.runtime.observed import Unseen


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic that exists. `settings` are those in force, by name; empty if they could not be seen."""

    name: str
    partitions: int
    replication: int
    """Copies of the partition that has the fewest."""
    settings: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    """Settings that were given to this topic itself; the others come from the brokers."""


@dataclass(frozen=True, slots=True)
class ClusterTopics:
    """What a look found: how many brokers, and the topics that exist; what could not be seen says why."""

    brokers: int
    topics: Mapping[str, TopicState | Unseen]
    """A topic that does not exist is not in here."""
    unseen_settings: Mapping[str, Unseen] = field(default_factory=dict)
    """Topics whose settings could not be seen, with the reason."""


class ResourceKind(Enum):
    """What a permission is about, in the words of Kafka's protocol."""

    TOPIC = "TOPIC"
    GROUP = "GROUP"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"
    CLUSTER = "CLUSTER"


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One ACL of the cluster. `name` `*` with a literal pattern means every resource of its kind."""

    principal: str
    host: str
    kind: ResourceKind
    name: str
    prefixed: bool
    operation: str
    allows: bool
