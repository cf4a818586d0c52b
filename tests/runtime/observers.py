"""A hand-written observer of a cluster that exists only as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watermaster.runtime.observed import (
    ObservedBroker,
    ObservedCluster,
    ObservedGroup,
    ObservedPartition,
    ObservedTopic,
    SampledRecord,
    Samples,
    TopicSample,
    Unseen,
)


class FixedObserver:
    """Implements `runtime.observed.Observer` from values given to it."""

    cluster = ObservedCluster("cluster-id", (ObservedBroker(1, "localhost", 9092),), 1)

    def __init__(
        self,
        topics: Sequence[ObservedTopic] = (),
        groups: Sequence[ObservedGroup] = (),
        samples: Sequence[TopicSample] = (),
    ) -> None:
        self._topics = {each.name: each for each in topics}
        self._groups = {each.group_id: each for each in groups}
        self._samples = {each.topic: each for each in samples}

    def topics(self, names: Sequence[str] | None = None) -> Mapping[str, ObservedTopic]:
        wanted = self._topics if names is None else names
        return {name: self._topics.get(name, missing(name)) for name in wanted}

    def groups(self, group_ids: Sequence[str]) -> Mapping[str, ObservedGroup]:
        return {name: self._groups.get(name, ObservedGroup(name, "DEAD", 0)) for name in group_ids}

    def sample(self, topics: Sequence[ObservedTopic], records_per_topic: int) -> Samples:
        assert records_per_topic > 0
        found = {topic.name: self._samples.get(topic.name, TopicSample(topic.name)) for topic in topics}
        return Samples(found, 1000, 8_388_608)


def missing(name: str) -> ObservedTopic:
    return ObservedTopic(name, unseen=(Unseen(f"topic {name}", "it does not exist.", "WM-KAFKA-UNKNOWN-TOPIC"),))


def topic(name: str, *spans: tuple[int | None, int | None], topic_id: str = "id") -> ObservedTopic:
    """A topic with one partition for each (start, end)."""
    partitions = tuple(ObservedPartition(number, 1, 3, 3, start, end, end) for number, (start, end) in enumerate(spans))
    return ObservedTopic(name, topic_id, partitions)


def sample(name: str, *values: bytes | None) -> TopicSample:
    return TopicSample(
        name,
        tuple(SampledRecord(0, offset, 0, None, value, None, len(value or b"")) for offset, value in enumerate(values)),
    )
