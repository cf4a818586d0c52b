"""The health of a cluster over its looks: what is wrong, and since when."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from watermaster.monitor.health import (
    Copies,
    Problem,
    Signal,
    judge_brokers,
    judge_certificates,
    judge_changes,
    judge_copies,
    judge_rebalances,
    judge_settings,
    rank,
)
from watermaster.monitor.kafka_release import judge_versions
from watermaster.monitor.log_directory import SAMPLES_KEPT_MS, DiskSample, judge_directories
from watermaster.monitor.transaction import Holder, OpenTransaction, is_suspect, judge_transactions
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
        self._disks: dict[str, deque[DiskSample]] = {}

    def suspects(self, survey: Survey, opened_ms: Mapping[TopicPartition, int]) -> tuple[TopicPartition, ...]:
        """Partitions with a transaction that has been open for long, as far as its records tell."""
        opened = self._open(survey, opened_ms, {})
        return tuple(source for source, each in opened.items() if is_suspect(each, survey.taken_ms))

    def judge(
        self,
        survey: Survey,
        opened_ms: Mapping[TopicPartition, int],
        holders: Mapping[TopicPartition, tuple[Holder, ...]],
    ) -> tuple[Problem, ...]:
        """The problems of a look, the worst first. `opened_ms`: when the first held back record was written; `holders`:
        who has a transaction open, where that was asked and told.
        """
        now_ms = survey.taken_ms
        self._remember_disks(survey)
        copies = list(_copies(survey))
        brokers = {broker.id for broker in survey.cluster.brokers}
        found = [
            *judge_brokers(brokers, survey.cluster.controller, copies),
            *judge_copies(copies),
            *judge_directories(survey.directories, self._disks, now_ms),
            *judge_transactions(self._open(survey, opened_ms, holders).values(), now_ms),
            *judge_rebalances(self._unsettled(survey), now_ms),
            *judge_certificates(survey.certificates, now_ms),
            *judge_settings(survey.settings, survey.brokers),
            *judge_versions(survey.versions),
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

    def _open(
        self,
        survey: Survey,
        opened_ms: Mapping[TopicPartition, int],
        holders: Mapping[TopicPartition, tuple[Holder, ...]],
    ) -> dict[TopicPartition, OpenTransaction]:
        """The stable end stands still while a transaction is open: that long at least, or since its first record."""
        kept: dict[TopicPartition, tuple[int, int]] = {}
        for source, log in survey.logs.items():
            if log.held_back:
                stable, since_ms = self._stable.get(source, (-1, 0))
                kept[source] = (log.stable, since_ms if stable == log.stable else survey.taken_ms)
        self._stable = kept
        return {
            source: OpenTransaction(
                str(source),
                survey.logs[source].held_back,
                min(since_ms, opened_ms.get(source, since_ms)),
                holders.get(source),
            )
            for source, (_, since_ms) in kept.items()
        }

    def _remember_disks(self, survey: Survey) -> None:
        """One sample for each time that the directories were asked for, of the last hours."""
        taken_ms = survey.taken_ms if survey.directories_ms is None else survey.directories_ms
        for directory in survey.directories:
            samples = self._disks.setdefault(directory.subject, deque())
            if directory.usable is not None and (not samples or samples[-1].taken_ms < taken_ms):
                samples.append(DiskSample(taken_ms, directory.usable))
        for samples in self._disks.values():
            while samples and samples[0].taken_ms < taken_ms - SAMPLES_KEPT_MS:
                samples.popleft()
        self._disks = {subject: samples for subject, samples in self._disks.items() if samples}

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
