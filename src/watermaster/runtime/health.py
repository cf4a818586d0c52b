"""The health of a cluster over its looks: what is wrong, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from watermaster.monitor.health import (
    Copies,
    OpenTransaction,
    Problem,
    Signal,
    judge_brokers,
    judge_certificates,
    judge_changes,
    judge_copies,
    judge_rebalances,
    judge_settings,
    judge_transactions,
    rank,
)
from watermaster.runtime.survey import Survey
from watermaster.stream.coordinates import TopicPartition

REBALANCING = frozenset({"PREPARING_REBALANCING", "COMPLETING_REBALANCING"})
"""Kafka's states of a group that is between two assignments, in the client's words."""


class HealthRecord:
    """Remembers since when things are as they are. One for each cluster."""

    def __init__(self) -> None:
        self._since: dict[tuple[Signal, str], int] = {}
        self._stable: dict[TopicPartition, tuple[int, int]] = {}
        self._rebalancing: dict[str, int] = {}
        self._first_settings: dict[str, Mapping[str, str]] = {}

    def judge(self, survey: Survey, opened_ms: Mapping[TopicPartition, int]) -> tuple[Problem, ...]:
        """The problems of a look, the worst first. `opened_ms`: when the first held back record was written."""
        now_ms = survey.taken_ms
        copies = list(_copies(survey))
        brokers = {broker.id for broker in survey.cluster.brokers}
        found = [
            *judge_brokers(brokers, survey.cluster.controller, copies),
            *judge_copies(copies),
            *judge_transactions(self._open(survey, opened_ms), now_ms),
            *judge_rebalances(self._unsettled(survey), now_ms),
            *judge_certificates(survey.certificates, now_ms),
            *judge_settings(survey.settings, survey.brokers),
            *judge_changes(self._first_settings, survey.settings),
        ]
        for topic, settings in survey.settings.items():
            self._first_settings.setdefault(topic, settings)
        return tuple(rank(self._dated(found, now_ms)))

    def _dated(self, found: Iterable[Problem], now_ms: int) -> list[Problem]:
        problems = list(found)
        seen = {(problem.signal, problem.subject) for problem in problems}
        self._since = {key: self._since.get(key, now_ms) for key in seen}
        return [
            problem
            if problem.since_ms is not None
            else replace(problem, since_ms=self._since[problem.signal, problem.subject])
            for problem in problems
        ]

    def _open(self, survey: Survey, opened_ms: Mapping[TopicPartition, int]) -> list[OpenTransaction]:
        """The stable end stands still while a transaction is open: that long at least, or since its first record."""
        kept: dict[TopicPartition, tuple[int, int]] = {}
        for source, log in survey.logs.items():
            if log.held_back:
                stable, since_ms = self._stable.get(source, (-1, 0))
                kept[source] = (log.stable, since_ms if stable == log.stable else survey.taken_ms)
        self._stable = kept
        return [
            OpenTransaction(str(source), survey.logs[source].held_back, min(since_ms, opened_ms.get(source, since_ms)))
            for source, (_, since_ms) in kept.items()
        ]

    def _unsettled(self, survey: Survey) -> Mapping[str, int]:
        now_ms = survey.taken_ms
        self._rebalancing = {
            group.group_id: self._rebalancing.get(group.group_id, now_ms)
            for group in survey.groups
            if group.state in REBALANCING
        }
        return self._rebalancing


def _copies(survey: Survey) -> Iterable[Copies]:
    for source, placed in survey.placements.items():
        needed = survey.settings.get(source.topic, {}).get("min.insync.replicas")
        yield Copies(
            str(source), placed.leader, placed.replicas, placed.in_sync, None if needed is None else int(needed)
        )
