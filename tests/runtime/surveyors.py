"""A hand-written surveyor of a cluster that exists only as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from watermaster.monitor.log import PartitionLog, Probe
from watermaster.monitor.transaction import Holder
from watermaster.runtime.observed import ObservedBroker, ObservedCluster, Unseen
from watermaster.runtime.survey import Place, Placement, Survey, SurveyedGroup
from watermaster.stream.coordinates import TopicPartition

ORDERS = TopicPartition("orders", 0)
HOUR_MS = 3_600_000
NOW = 100 * HOUR_MS


def survey_of(*groups: SurveyedGroup, end: int = 100, taken_ms: int = NOW, unseen: tuple[Unseen, ...] = ()) -> Survey:
    """A cluster with one topic of one partition that keeps records for an hour."""
    return Survey(
        taken_ms=taken_ms,
        cluster=ObservedCluster("cluster-id", (ObservedBroker(1, "localhost", 9092),), 1),
        placements={ORDERS: Placement(1, (1,), (1,))},
        logs={ORDERS: PartitionLog(0, end, end)},
        settings={"orders": {"cleanup.policy": "delete", "retention.ms": str(HOUR_MS), "retention.bytes": "-1"}},
        groups=groups,
        positions_kept_ms=7 * 24 * HOUR_MS,
        unseen=unseen,
    )


def readers(position: int, members: int | None = 1) -> SurveyedGroup:
    """A group that reads the topic."""
    return SurveyedGroup(
        "readers", "STABLE" if members else "EMPTY", simple=False, members=members, positions={ORDERS: position}
    )


class FixedSurveyor:
    """Implements `runtime.survey.Surveyor` from surveys that are handed out one by one, the last one for ever."""

    def __init__(
        self,
        *surveys: Survey,
        probes: Mapping[Place, Probe | Unseen] | None = None,
        held_by: Mapping[TopicPartition, tuple[Holder, ...] | Unseen] | None = None,
    ) -> None:
        self.held_by = dict(held_by or {})
        self.asked: list[frozenset[TopicPartition]] = []
        self._surveys = list(surveys)
        self.probes = dict(probes or {})

    def survey(self, group_ids: Collection[str] | None = None) -> Survey:
        found = self._surveys.pop(0) if len(self._surveys) > 1 else self._surveys[0]
        return replace(found, groups=tuple(g for g in found.groups if group_ids is None or g.group_id in group_ids))

    def probe_open(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        return self.probe(places)

    def holders(self, leaders: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, tuple[Holder, ...] | Unseen]:
        self.asked.append(frozenset(leaders))
        return {source: self.held_by[source] for source in leaders if source in self.held_by}

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        return {place: self.probes[place] for place in places if place in self.probes}
