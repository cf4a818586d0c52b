"""Readiness: a numbered table of what stands against a stream, and what must hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.promise import Promise, read_promise
from watermaster.monitor.readiness import Severity, Surroundings, is_ready, judge_readiness

DAY_MS = 86_400_000
SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * DAY_MS),
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}
GOOD = Surroundings(
    brokers=3,
    exists=True,
    replication=3,
    settings=SETTINGS,
    encrypted=True,
    login=True,
    readers=("User:reader",),
    outage_ms=3 * DAY_MS,
    routed=True,
)
KEPT = Promise(latency_ms=60_000, retention_ms=7 * DAY_MS, owned=True)


def with_setting(**settings: str) -> Surroundings:
    return replace(GOOD, settings=SETTINGS | {name.replace("_", "."): value for name, value in settings.items()})


CASES: list[tuple[int, Promise | None, Surroundings, list[tuple[str, Severity]]]] = [
    (1, KEPT, GOOD, []),
    (2, None, GOOD, [("contract", Severity.ERROR)]),
    (3, KEPT, replace(GOOD, brokers=1), [("brokers", Severity.ERROR)]),
    (4, KEPT, replace(GOOD, replication=2), [("replication", Severity.ERROR), ("min-isr", Severity.WARNING)]),
    (5, KEPT, with_setting(min_insync_replicas="1"), [("min-isr", Severity.ERROR)]),
    (6, KEPT, with_setting(min_insync_replicas="3"), [("min-isr", Severity.WARNING)]),
    (7, KEPT, with_setting(unclean_leader_election_enable="true"), [("unclean-election", Severity.ERROR)]),
    (8, KEPT, with_setting(retention_ms=str(DAY_MS)), [("outage", Severity.ERROR), ("retention", Severity.ERROR)]),
    (9, KEPT, with_setting(cleanup_policy="compact", retention_ms="1"), []),
    (10, KEPT, with_setting(retention_ms="-1"), []),
    (
        11,
        KEPT,
        replace(GOOD, encrypted=False, login=False),
        [("encryption", Severity.ERROR), ("login", Severity.ERROR)],
    ),
    (12, KEPT, replace(GOOD, readers=None), [("readers", Severity.UNKNOWN)]),
    (13, KEPT, replace(GOOD, readers=("User:*",)), [("readers", Severity.ERROR)]),
    (14, KEPT, replace(GOOD, exists=False, replication=None, settings=None), [("topic", Severity.WARNING)]),
    (15, KEPT, replace(GOOD, settings=None), [("settings", Severity.UNKNOWN)]),
    (16, replace(KEPT, owned=False), GOOD, [("owner", Severity.WARNING)]),
    (17, replace(KEPT, latency_ms=DAY_MS), GOOD, [("real-time", Severity.ADVICE)]),
    (18, replace(KEPT, frequency_ms=DAY_MS), GOOD, []),
    (20, KEPT, replace(GOOD, routed=False), [("alert-route", Severity.WARNING)]),
    (19, replace(KEPT, unread=("latency",)), GOOD, [("promise", Severity.UNKNOWN)]),
]


@pytest.mark.parametrize(("number", "promise", "around", "expected"), CASES)
def test_what_stands_against_a_stream(
    number: int, promise: Promise | None, around: Surroundings, expected: list[tuple[str, Severity]]
) -> None:
    findings = judge_readiness(promise, around)
    assert [(finding.rule, finding.severity) for finding in findings] == expected, number
    assert is_ready(findings) is not any(severity in (Severity.ERROR, Severity.UNKNOWN) for _, severity in expected)
    assert all(finding.why and finding.fix for finding in findings)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"property": "latency", "value": 4, "unit": "h"}, Promise(latency_ms=4 * 3_600_000)),
        ({"property": "re", "value": 0.5, "unit": "d"}, Promise(retention_ms=DAY_MS // 2)),
        ({"property": "frequency", "value": 1, "unit": "D"}, Promise(frequency_ms=DAY_MS)),
        ({"property": "latency", "value": 4, "unit": "m"}, Promise(unread=("latency",))),
        ({"property": "latency", "value": "soon", "unit": "h"}, Promise(unread=("latency",))),
        ({"property": "latency", "value": -1, "unit": "h"}, Promise(unread=("latency",))),
        ({"property": "generalAvailability", "value": "2030-01-01"}, Promise()),
    ],
)
def test_promises_are_read_or_said_to_be_unreadable(entry: dict[str, Any], expected: Promise) -> None:
    assert read_promise({"slaProperties": [entry]}) == expected


@pytest.mark.parametrize(
    ("document", "owned"),
    [
        ({}, False),
        ({"team": {"name": "orders"}}, True),
        ({"team": {"members": [{"username": "ada", "dateOut": "2024-01-01"}]}}, False),
        ({"roles": [{"role": "data owner"}]}, True),
    ],
)
def test_an_owner_is_whom_a_page_would_reach(document: dict[str, Any], owned: bool) -> None:
    assert read_promise(document).owned is owned


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_keeping_records_for_longer_never_adds_a_finding(kept_ms: int, more_ms: int) -> None:
    shorter = judge_readiness(KEPT, with_setting(retention_ms=str(kept_ms)))
    longer = judge_readiness(KEPT, with_setting(retention_ms=str(kept_ms + more_ms)))
    assert {finding.rule for finding in longer} <= {finding.rule for finding in shorter}
