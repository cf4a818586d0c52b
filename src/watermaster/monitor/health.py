"""Is the cluster itself well: brokers, copies, leaders, transactions, settings, certificates.

Each rule takes a look and gives problems: what is wrong with what, in one sentence that says what it means. The same
problem at the next look has the same signal and subject, so that who remembers can say since when it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

UNSETTLED_MS: Final = 60_000
"""A rebalance waits for members for at most their poll interval; for most groups a minute is far too long."""

CERTIFICATE_MS: Final = 21 * 86_400_000
"""Three weeks: time to order, approve and roll out a certificate."""


class Signal(Enum):
    """What is wrong, the worst first."""

    NO_BROKER = "broker missing"
    OFFLINE = "partition offline"
    DIRECTORY_OFFLINE = "log directory offline"
    DISK_FULL = "disk nearly full"
    UNDER_MIN_IN_SYNC = "too few copies to write"
    NO_CONTROLLER = "no controller"
    UNDER_REPLICATED = "copy missing"
    HANGING_TRANSACTION = "transaction hangs"
    DISK_FILLING = "disk fills"
    UNSETTLED = "rebalance does not settle"
    CERTIFICATE = "certificate ends"
    UNCLEAN = "loss allowed"
    VERSION = "no fixes any more"
    DRIFT = "settings differ"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `since_ms`: since when it is known to be so; None: nobody has seen it begin."""

    signal: Signal
    subject: str
    text: str
    since_ms: int | None = None


class Copies(NamedTuple):
    """A partition's broker ids; `leader` None: nobody leads it; `min_in_sync` None: could not be seen."""

    name: str
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    min_in_sync: int | None


class Certificate(NamedTuple):
    """Whose certificate ends when."""

    whose: str
    ends_ms: int


def judge_brokers(present: Collection[int], controller: int | None, partitions: Iterable[Copies]) -> list[Problem]:
    """Brokers that hold copies and are not there. Brokers that hold nothing cannot be missed by a client."""
    holding: dict[int, int] = {}
    for partition in partitions:
        for broker in partition.replicas:
            holding[broker] = holding.get(broker, 0) + 1
    problems = [
        Problem(Signal.NO_BROKER, f"broker {broker}", f"it does not answer the cluster; it keeps {count} copies")
        for broker, count in sorted(holding.items())
        if broker not in present
    ]
    if controller is None:
        problems.append(Problem(Signal.NO_CONTROLLER, "cluster", "nobody can create topics or elect leaders"))
    return problems


def judge_copies(partitions: Iterable[Copies]) -> list[Problem]:
    """The worst that is wrong with each partition."""
    return [problem for partition in partitions if (problem := _judge_copies(partition)) is not None]


def _judge_copies(partition: Copies) -> Problem | None:
    in_sync, replicas = len(partition.in_sync), len(partition.replicas)
    if partition.leader is None:
        kept = ", ".join(map(str, partition.replicas))
        return Problem(Signal.OFFLINE, partition.name, f"nobody leads it: not readable, not writable (brokers {kept})")
    if partition.min_in_sync is not None and in_sync < partition.min_in_sync:
        text = f"{in_sync} of {replicas} copies in sync, {partition.min_in_sync} are needed: acks=all is refused"
        return Problem(Signal.UNDER_MIN_IN_SYNC, partition.name, text)
    if in_sync < replicas:
        return Problem(Signal.UNDER_REPLICATED, partition.name, f"{in_sync} of {replicas} copies in sync")
    return None


def judge_rebalances(rebalancing: Mapping[str, int], now_ms: int) -> list[Problem]:
    """Groups that are rebalancing since a moment each, without an end."""
    text = "its members are not reading meanwhile; look for members that join and leave, or poll too seldom"
    return [
        Problem(Signal.UNSETTLED, f"group {group}", text, since_ms)
        for group, since_ms in sorted(rebalancing.items())
        if now_ms - since_ms >= UNSETTLED_MS
    ]


def judge_certificates(certificates: Iterable[Certificate], now_ms: int) -> list[Problem]:
    """Certificates that end soon, or have ended."""
    return [
        Problem(Signal.CERTIFICATE, each.whose, _ending(each.ends_ms - now_ms))
        for each in certificates
        if each.ends_ms - now_ms < CERTIFICATE_MS
    ]


def _ending(left_ms: int) -> str:
    days = left_ms // 86_400_000
    return "it has ended: clients are refused" if left_ms <= 0 else f"it ends in {days} days: then clients are refused"


def judge_settings(topics: Mapping[str, Mapping[str, str]], brokers: Mapping[int, Mapping[str, str]]) -> list[Problem]:
    """Topics that may lose what was confirmed, and brokers that do not agree with each other."""
    text = "unclean.leader.election.enable=true: confirmed records may be lost when its brokers fail"
    problems = [
        Problem(Signal.UNCLEAN, f"topic {topic}", text)
        for topic, settings in sorted(topics.items())
        if settings.get("unclean.leader.election.enable") == "true"
    ]
    for key in sorted({key for settings in brokers.values() for key in settings}):
        values = {broker: settings[key] for broker, settings in sorted(brokers.items()) if key in settings}
        if len(set(values.values())) > 1:
            told = ", ".join(f"{value} on broker {broker}" for broker, value in values.items())
            problems.append(Problem(Signal.DRIFT, f"setting {key}", f"brokers do not agree: {told}"))
    return problems


def judge_changes(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """Topics whose settings are not what they were at the first look."""
    return [
        Problem(Signal.DRIFT, f"topic {topic}", f"{key} was {before[topic][key]} and is {value}")
        for topic, settings in sorted(after.items())
        if topic in before
        for key, value in sorted(settings.items())
        if key in before[topic] and before[topic][key] != value
    ]


def rank(problems: Iterable[Problem]) -> Sequence[Problem]:
    """The worst first."""
    order = list(Signal)
    return sorted(problems, key=lambda problem: (order.index(problem.signal), problem.subject))
