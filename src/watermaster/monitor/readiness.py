"""Whether what a contract promises fits what the cluster can keep: rules over facts, each with its why and its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from watermaster.monitor.promise import Promise
from watermaster.monitor.retention import read_retention

REPLICATION_MIN: Final = 3
"""One copy may be away for maintenance while another one fails."""

IN_SYNC_MIN: Final = 2
"""With one, an acknowledged record may stand on a single disk."""

SLOW_MS: Final = 3_600_000
"""A promise of an hour or more is one that a batch can keep too."""

HOUR_MS: Final = 3_600_000


class Severity(Enum):
    """How much stands against a stream; `UNKNOWN` is never good."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class ReadinessFinding:
    """One thing that does not fit: what, why it matters, and what to do about it."""

    rule: str
    severity: Severity
    message: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known about a topic's cluster. `settings` None: they could not be seen, or the topic is not there yet.

    `readers` are the principals that an ACL lets read the topic; None: ACLs could not be seen.
    """

    brokers: int
    exists: bool
    replication: int | None
    settings: Mapping[str, str] | None
    encrypted: bool
    login: bool
    readers: tuple[str, ...] | None
    outage_ms: int
    """The longest outage of a reader that is to be survived."""
    routed: bool
    """Whether an alert route is configured."""


def judge_readiness(promise: Promise | None, around: Surroundings) -> tuple[ReadinessFinding, ...]:
    """Every finding, in the order of the rules. `promise` None: the stream has no contract."""
    found = [finding for rule in _ABOUT_CLUSTER for finding in rule(around)]
    if promise is None:
        found.append(_NO_CONTRACT)
        return tuple(found)
    found += [finding for judge in _ABOUT_PROMISE for finding in judge(promise, around)]
    return tuple(found)


def is_ready(findings: tuple[ReadinessFinding, ...]) -> bool:
    """Whether nothing is wrong and nothing that matters is unknown; warnings and advice do not stand against it."""
    return not any(finding.severity in (Severity.ERROR, Severity.UNKNOWN) for finding in findings)


def _copies(around: Surroundings) -> Iterator[ReadinessFinding]:
    why = f"With fewer than {REPLICATION_MIN} copies, the failure of a broker during maintenance loses records."
    if around.brokers < REPLICATION_MIN:
        message = f"the cluster has {around.brokers} broker(s)"
        fix = f"Use a cluster of {REPLICATION_MIN} brokers or more."
        yield ReadinessFinding("brokers", Severity.ERROR, message, why, fix)
    elif around.replication is not None and around.replication < REPLICATION_MIN:
        message = f"replication factor {around.replication}"
        fix = f"Reassign the partitions to {REPLICATION_MIN} replicas (kafka-reassign-partitions)."
        yield ReadinessFinding("replication", Severity.ERROR, message, why, fix)


def _in_sync(around: Surroundings) -> Iterator[ReadinessFinding]:
    text = None if around.settings is None else around.settings.get("min.insync.replicas")
    if text is None:
        return
    least = int(text)
    if least < IN_SYNC_MIN:
        why = "With acks=all, a record is acknowledged that stands on one disk only."
        fix = f"Set min.insync.replicas={IN_SYNC_MIN} on the topic."
        yield ReadinessFinding("min-isr", Severity.ERROR, f"min.insync.replicas is {least}", why, fix)
    elif around.replication is not None and least >= around.replication:
        message = f"min.insync.replicas is {least} of {around.replication} replicas"
        why = "Every restart of a broker stops the writers."
        yield ReadinessFinding(
            "min-isr", Severity.WARNING, message, why, "Have one replica more than min.insync.replicas."
        )


def _elections(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.settings is not None and around.settings.get("unclean.leader.election.enable") == "true":
        why = "A replica that is behind may become leader, and acknowledged records are gone."
        fix = "Set unclean.leader.election.enable=false on the topic."
        yield ReadinessFinding("unclean-election", Severity.ERROR, "unclean leader election is allowed", why, fix)


def _unseen(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.exists and around.settings is None:
        why = "Copies in sync, retention and elections cannot be judged."
        fix = "Allow this login DescribeConfigs on the topic."
        yield ReadinessFinding("settings", Severity.UNKNOWN, "the settings of the topic could not be seen", why, fix)
    if not around.exists:
        why = "Settings of a topic that is not there cannot be judged; the cluster can."
        fix = "Create it (watermaster gate topics), then run readiness again."
        yield ReadinessFinding("topic", Severity.WARNING, "the topic does not exist yet", why, fix)


def _outage(around: Surroundings) -> Iterator[ReadinessFinding]:
    kept_ms = _kept_ms(around)
    if kept_ms is not None and kept_ms < around.outage_ms:
        message = f"records are kept for {_hours(kept_ms)}, an outage of {_hours(around.outage_ms)} is to be survived"
        why = "A reader that stops for longer finds records deleted that it has not read."
        fix = f"Set retention.ms={around.outage_ms} or more on the topic."
        yield ReadinessFinding("outage", Severity.ERROR, message, why, fix)


def _security(around: Surroundings) -> Iterator[ReadinessFinding]:
    if not around.encrypted:
        why = "Whoever sees the network reads every record."
        fix = "Use a TLS listener: security.protocol=SASL_SSL in the client properties."
        yield ReadinessFinding("encryption", Severity.ERROR, "the connection is not encrypted", why, fix)
    if not around.login:
        why = "Nobody can say who reads or writes, and no permission can be given or taken."
        fix = "Log in with SASL or a client certificate."
        yield ReadinessFinding("login", Severity.ERROR, "the connection has no login", why, fix)


def _readers(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.readers is None:
        why = "Who can read the stream is not known."
        fix = "Keep ACLs, and allow this login Describe on the cluster."
        yield ReadinessFinding("readers", Severity.UNKNOWN, "no ACL could be seen", why, fix)
    elif "User:*" in around.readers:
        why = "No purpose and no owner stands behind a reader."
        fix = "Replace the ACL of User:* with one for each principal that needs it."
        yield ReadinessFinding("readers", Severity.ERROR, "everybody may read the stream", why, fix)


def _route(around: Surroundings) -> Iterator[ReadinessFinding]:
    if not around.routed:
        why = "An incident is opened, and nobody hears of it."
        fix = "Add a route under `alerts` in watermaster.yaml, and try it with `watermaster incident alerts test`."
        yield ReadinessFinding("alert-route", Severity.WARNING, "no alert route is configured", why, fix)


def _promised_retention(promise: Promise, around: Surroundings) -> Iterator[ReadinessFinding]:
    kept_ms = _kept_ms(around)
    if promise.retention_ms is not None and kept_ms is not None and kept_ms < promise.retention_ms:
        message = (
            f"the contract promises {_hours(promise.retention_ms)} of retention, the topic keeps {_hours(kept_ms)}"
        )
        fix = f"Set retention.ms={promise.retention_ms} on the topic, or promise less."
        yield ReadinessFinding("retention", Severity.ERROR, message, "The promise is broken by design.", fix)


def _owner(promise: Promise, _: Surroundings) -> Iterator[ReadinessFinding]:
    if not promise.owned:
        fix = "Name a team with members in the contract, or owners in watermaster.yaml."
        yield ReadinessFinding("owner", Severity.WARNING, "the contract names no owner", "Nobody is paged.", fix)


def _unread_promises(promise: Promise, _: Surroundings) -> Iterator[ReadinessFinding]:
    for name in promise.unread:
        why = "What is promised cannot be compared with anything."
        fix = "Give it a positive number and a unit of time (s, min, h, d, y)."
        yield ReadinessFinding("promise", Severity.UNKNOWN, f"{name} has no value that can be read", why, fix)


def _real_time(promise: Promise, _: Surroundings) -> Iterator[ReadinessFinding]:
    slowest = [ms for ms in (promise.latency_ms, promise.frequency_ms) if ms is not None]
    if slowest and min(slowest) >= SLOW_MS:
        message = f"nothing faster than {_hours(min(slowest))} is promised: this does not need real time"
        why = "A batch keeps this promise with less to run and to watch."
        fix = "Deliver files or a table and judge them with `check`, or promise what a stream is for."
        yield ReadinessFinding("real-time", Severity.ADVICE, message, why, fix)


def _kept_ms(around: Surroundings) -> int | None:
    retention = None if around.settings is None else read_retention(around.settings)
    return None if retention is None else retention.time_ms


def _hours(ms: int) -> str:
    return f"{ms / HOUR_MS:g} h"


_NO_CONTRACT: Final = ReadinessFinding(
    "contract",
    Severity.ERROR,
    "the stream has no contract",
    "Nothing is promised, so nothing can be kept or missed.",
    "Draft one with `watermaster contract infer`.",
)
_ABOUT_CLUSTER: Final[tuple[Callable[[Surroundings], Iterator[ReadinessFinding]], ...]] = (
    _unseen,
    _copies,
    _in_sync,
    _elections,
    _outage,
    _security,
    _readers,
    _route,
)
_ABOUT_PROMISE: Final[tuple[Callable[[Promise, Surroundings], Iterator[ReadinessFinding]], ...]] = (
    _promised_retention,
    _owner,
    _unread_promises,
    _real_time,
)
