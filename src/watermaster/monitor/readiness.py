"""Whether what a contract promises fits what the cluster can keep: rules over facts, each with its why and its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from watermaster.monitor.promise import Promise
from watermaster.monitor.readiness_care import ABOUT_CARE
from watermaster.monitor.readiness_facts import ReadinessFinding, Severity, Surroundings, hours
from watermaster.monitor.readiness_topic import ABOUT_TOPIC

SLOW_MS: Final = 3_600_000
"""A promise of an hour or more is one that a batch can keep too."""


def judge_readiness(promise: Promise | None, around: Surroundings) -> tuple[ReadinessFinding, ...]:
    """Every finding, in the order of the rules. `promise` None: the stream has no contract."""
    found = [finding for rule in (*ABOUT_TOPIC, *ABOUT_CARE) for finding in rule(around)]
    if promise is None:
        found.append(_NO_CONTRACT)
        return tuple(found)
    found += [finding for judge in _ABOUT_PROMISE for finding in judge(promise, around)]
    return tuple(found)


def is_ready(findings: tuple[ReadinessFinding, ...]) -> bool:
    """Whether nothing is wrong and nothing that matters is unknown; warnings and advice do not stand against it."""
    return not any(finding.severity in (Severity.ERROR, Severity.UNKNOWN) for finding in findings)


def _promised_retention(promise: Promise, around: Surroundings) -> Iterator[ReadinessFinding]:
    kept_ms = around.retention.time_ms if around.retention else None
    if promise.retention_ms is not None and kept_ms is not None and kept_ms < promise.retention_ms:
        message = (
            f"the contract promises {hours(promise.retention_ms)} of retention, the topic keeps {hours(kept_ms)}"
            f"{around.by_default}"
        )
        fix = f"{around.set(f'retention.ms={promise.retention_ms}')} Or promise less."
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


def _reactions(promise: Promise, around: Surroundings) -> Iterator[ReadinessFinding]:
    """Whether what is promised of detecting, notifying and repairing can be kept, and is judged."""
    if promise.detect_ms is not None and promise.detect_ms < around.detects_ms:
        message = f"timeToDetect of {hours(promise.detect_ms)}, and an incident opens after {hours(around.detects_ms)}"
        fix = "Lower monitor.raise_after_ms and monitor.poll_ms in watermaster.yaml, or promise less."
        yield ReadinessFinding("reaction", Severity.ERROR, message, "The promise is broken by design.", fix)
    if promise.notify_ms is not None and around.routes == ():
        message = f"timeToNotify of {hours(promise.notify_ms)}, and nobody is told of anything"
        fix = "Add a route under `alerts` in watermaster.yaml."
        yield ReadinessFinding("reaction", Severity.ERROR, message, "The promise is broken by design.", fix)
    reactions = (promise.detect_ms, promise.notify_ms, promise.repair_ms)
    if around.transactions is None and any(ms is not None for ms in reactions):
        why = "`monitor` judges it for streams that a gate carries."
        message = "how soon a problem is noticed, told or mended is promised, and nothing judges it"
        fix = "Put a gate before the readers, or judge it where incidents of this stream are kept."
        yield ReadinessFinding("reaction", Severity.WARNING, message, why, fix)


def _real_time(promise: Promise, _: Surroundings) -> Iterator[ReadinessFinding]:
    slowest = [ms for ms in (promise.latency_ms, promise.frequency_ms) if ms is not None]
    if slowest and min(slowest) >= SLOW_MS:
        message = f"nothing faster than {hours(min(slowest))} is promised: this does not need real time"
        why = "A batch keeps this promise with less to run and to watch."
        fix = "Deliver files or a table and judge them with `check`, or promise what a stream is for."
        yield ReadinessFinding("real-time", Severity.ADVICE, message, why, fix)


_NO_CONTRACT: Final = ReadinessFinding(
    "contract",
    Severity.ERROR,
    "the stream has no contract",
    "Nothing is promised, so nothing can be kept or missed.",
    "Draft one with `watermaster contract infer`.",
)
_ABOUT_PROMISE: Final[tuple[Callable[[Promise, Surroundings], Iterator[ReadinessFinding]], ...]] = (
    _promised_retention,
    _owner,
    _unread_promises,
    _reactions,
    _real_time,
)
