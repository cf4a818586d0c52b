"""A consumer group in memory: members, generations, the classic eager protocol with `range`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from watermaster.runtime.ports import CommittedPosition
from watermaster.stream.coordinates import TopicPartition


@dataclass(frozen=True, slots=True)
class Generation:
    """What a member commits with."""

    group: str
    member: int
    number: int


@dataclass(slots=True)
class Member:
    """One reader. `joined` is the generation that it has an assignment of; 0 while it has none."""

    number: int
    topics: tuple[str, ...]
    joined: int = 0
    waiting: bool = True
    """Has given everything back and waits for the next generation."""


@dataclass(slots=True)
class MemoryGroup:
    """Members and committed offsets. `partition_count` tells how many partitions each topic has now."""

    name: str
    partition_count: Callable[[Iterable[str]], Mapping[str, int]]
    offsets: dict[TopicPartition, CommittedPosition] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    generation: int = 0
    is_rebalancing: bool = False
    _members_made: int = 0

    def join(self, topics: Iterable[str]) -> Member:
        """A new member; everybody's assignment changes."""
        self._members_made += 1
        member = Member(self._members_made, tuple(topics))
        self.members[member.number] = member
        self.is_rebalancing = True
        return member

    def leave(self, member: Member) -> None:
        """A member goes, or is thrown out for its silence; then its next read finds that everything is lost."""
        if self.members.pop(member.number, None) is not None:
            self.is_rebalancing = True

    def rebalance(self) -> None:
        """Ask everybody to give back and join again."""
        self.is_rebalancing = True

    def give_back(self, member: Member) -> None:
        """The member has revoked everything; the last one begins the next generation."""
        member.waiting = True
        if self.is_rebalancing and all(other.waiting for other in self.members.values()):
            self.generation += 1
            self.is_rebalancing = False

    def is_current(self, generation: Generation) -> bool:
        """Whether a commit with it is allowed: while a rebalance is prepared, the old generation still counts."""
        return generation.member in self.members and generation.number == self.generation

    def assignment(self, member: Member) -> list[TopicPartition]:
        """Kafka's `range`: of each topic a run of neighbours, longer ones to the first members."""
        assigned = []
        for topic, count in sorted(self.partition_count(member.topics).items()):
            members = sorted(number for number, other in self.members.items() if topic in other.topics)
            place, (share, rest) = members.index(member.number), divmod(count, len(members))
            begin = place * share + min(place, rest)
            assigned += [TopicPartition(topic, p) for p in range(begin, begin + share + (place < rest))]
        return assigned
