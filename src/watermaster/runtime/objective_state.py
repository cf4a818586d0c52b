"""Whether an objective is missed now, as far as one look can say: yes, no, or not known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from watermaster.monitor.consumer import Condition
from watermaster.monitor.freshness import Freshness
from watermaster.monitor.lag import Evidence
from watermaster.monitor.log import PartitionLog
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.lag_summary import HorizonLine, LagLine, horizon_lines, lag_lines


@dataclass(frozen=True, slots=True)
class Sight:
    """One look as the streams of gates ask it, so that none of them walks over the partitions of all others.

    `logs` are by topic and partition, `hidden` are topics of which some partition could not be seen, `freshness` is by
    topic; the others are by group and topic; `read` are partitions with a position.
    """

    look: ClusterLook
    logs: Mapping[str, Mapping[int, PartitionLog]] = field(default_factory=dict)
    hidden: Collection[str] = ()
    lags: Mapping[tuple[str, str], LagLine] = field(default_factory=dict)
    horizons: Mapping[tuple[str, str], HorizonLine] = field(default_factory=dict)
    read: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    freshness: Mapping[str, Freshness] = field(default_factory=dict)

    def sees(self, topic: str) -> bool:
        """Whether every partition of the topic could be seen."""
        return topic in self.logs and topic not in self.hidden

    def has_read(self, group: str, topic: str) -> bool:
        """Whether the group has a position wherever there are records; else how long those wait is not known."""
        read = self.read.get((group, topic), ())
        return self.sees(topic) and all(p in read for p, log in self.logs[topic].items() if log.end > log.start)


def sight_of(look: ClusterLook, groups: Collection[str]) -> Sight:
    """What a look says of some groups, and of the logs of all topics."""
    if look.report is None:
        return Sight(look)
    survey = look.report.survey
    logs: dict[str, dict[int, PartitionLog]] = {}
    for source, log in survey.logs.items():
        logs.setdefault(source.topic, {})[source.partition] = log
    report = replace(look.report, groups=tuple(group for group in look.report.groups if group.group_id in groups))
    read: dict[tuple[str, str], set[int]] = {}
    for group, position in report.positions():
        read.setdefault((group.group_id, position.source.topic), set()).add(position.source.partition)
    return Sight(
        look,
        logs,
        {source.topic for source in survey.placements.keys() - survey.logs.keys()},
        {(line.group, line.topic): line for line in lag_lines(report)},
        {(line.group, line.topic): line for line in horizon_lines(report)},
        read,
        survey.freshness(),
    )


def is_late(line: LagLine | None, bound_ms: int) -> bool | None:
    """Whether the oldest unread record has waited for longer than the bound; None where the error leaves a doubt."""
    if line is None or line.records is None:
        return None
    if line.records == 0:
        return False
    if line.time_ms is None:
        return None
    if line.evidence is Evidence.AT_LEAST:
        return True if line.time_ms > bound_ms else None
    if line.time_ms + line.time_error_ms <= bound_ms:
        return False
    return True if line.time_ms - line.time_error_ms > bound_ms else None


def is_away(line: LagLine | None) -> bool | None:
    """Nobody is in the gate's group, or somebody who does not move while records wait."""
    if line is None or line.members is None:
        return None
    return line.members == 0 or line.condition is Condition.STUCK


@dataclass(slots=True)
class Growth:
    """When the log of a topic was seen to grow: `grown_ms` None if never so far, `ends` empty before the first look."""

    ends: dict[int, int] = field(default_factory=dict)
    """By partition, as it was seen last."""
    grown_ms: int | None = None
    first_ms: int = 0

    def see(self, logs: Mapping[int, PartitionLog], now_ms: int) -> None:
        """One look at its partitions, as far as they could be seen."""
        if logs and not self.ends:
            self.first_ms = now_ms
        # Partition by partition: one that comes back into sight has not grown by what it holds.
        if any(log.end > self.ends[part] for part, log in logs.items() if part in self.ends):
            self.grown_ms = now_ms
        self.ends |= {part: log.end for part, log in logs.items()}

    def is_silent(self, bound_ms: int, now_ms: int, fresh: Freshness | None = None) -> bool | None:
        """Whether nothing has come for longer than the bound. Its newest timestamp may tell what nobody has watched."""
        if not self.ends:
            return None
        told = None if fresh is None else fresh.is_silent(bound_ms, now_ms)
        if told is not None and (told is False or self.grown_ms is None):
            return told
        if self.grown_ms is not None:
            return now_ms - self.grown_ms > bound_ms
        # It was never seen to grow, so when it last did is not known until the bound has passed.
        return True if now_ms - self.first_ms > bound_ms else None
