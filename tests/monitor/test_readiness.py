"""Readiness: a numbered table of what stands against a stream, and what must hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.promise import Promise, read_promise
from watermaster.monitor.readiness import is_ready, judge_readiness
from watermaster.monitor.readiness_care import HELD_MS_MIN, TRIAL_MS_MAX
from watermaster.monitor.readiness_facts import (
    DAY_MS,
    AlertRoute,
    InternalTopic,
    QuarantineTopic,
    Severity,
    Standby,
    Surroundings,
    Transactions,
)
from watermaster.monitor.topic_defaults import Copied, TopicDefaults, read_topic_defaults

SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * DAY_MS),
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
}
HELD = QuarantineTopic("dlq.orders", exists=True, settings={**SETTINGS, "retention.ms": str(HELD_MS_MIN)})
OFFSETS = InternalTopic("__consumer_offsets", "positions are gone", 3, 2)
GOOD = Surroundings(
    brokers=3,
    exists=True,
    replication=3,
    settings=SETTINGS,
    encrypted=True,
    login=True,
    readers=("User:reader",),
    outage_ms=3 * DAY_MS,
    routes=(AlertRoute("pager", DAY_MS),),
    standby=Standby(("standby",), ("orders on standby",)),
    quarantine=HELD,
    internals=(OFFSETS,),
    transactions=Transactions(15_000, 900_000),
    detects_ms=70_000,
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
    (
        14,
        KEPT,
        replace(GOOD, exists=False, replication=None, settings=None),
        [("settings", Severity.UNKNOWN), ("topic", Severity.WARNING)],
    ),
    (15, KEPT, replace(GOOD, settings=None), [("settings", Severity.UNKNOWN)]),
    (16, replace(KEPT, owned=False), GOOD, [("owner", Severity.WARNING)]),
    (17, replace(KEPT, latency_ms=DAY_MS), GOOD, [("real-time", Severity.ADVICE)]),
    (18, replace(KEPT, frequency_ms=DAY_MS), GOOD, []),
    (20, KEPT, replace(GOOD, routes=()), [("alert-route", Severity.WARNING)]),
    (21, KEPT, replace(GOOD, exists=False), [("topic", Severity.WARNING)]),
    (
        22,
        KEPT,
        replace(with_setting(min_insync_replicas="1", retention_ms=str(DAY_MS)), exists=False, replication=1),
        [
            ("topic", Severity.WARNING),
            *((rule, Severity.ERROR) for rule in ("replication", "min-isr", "outage", "retention")),
        ],
    ),
    (
        23,
        KEPT,
        replace(GOOD, exists=False, auto_create=True),
        [("topic", Severity.WARNING), ("auto-create", Severity.WARNING)],
    ),
    (24, KEPT, replace(GOOD, auto_create=True), []),  # it is there: nobody creates it by mistake
    (25, KEPT, with_setting(min_insync_replicas="4"), [("acks", Severity.ERROR)]),
    (26, KEPT, replace(GOOD, replication=1), [("replication", Severity.ERROR), ("acks", Severity.ERROR)]),
    (27, KEPT, replace(GOOD, internals=(replace(OFFSETS, replication=1),)), [("internal-topics", Severity.ERROR)]),
    (28, KEPT, replace(GOOD, internals=(replace(OFFSETS, in_sync_min=1),)), [("internal-topics", Severity.ERROR)]),
    (29, KEPT, replace(GOOD, internals=(replace(OFFSETS, replication=None),)), [("internal-topics", Severity.WARNING)]),
    (
        30,  # with too few brokers, the brokers are the finding
        KEPT,
        replace(GOOD, brokers=1, internals=(replace(OFFSETS, replication=1),)),
        [("brokers", Severity.ERROR)],
    ),
    (31, KEPT, replace(GOOD, transactions=Transactions(15_000, 10_000)), [("transactions", Severity.ERROR)]),
    (32, KEPT, replace(GOOD, transactions=Transactions(15_000, None)), []),
    (33, KEPT, replace(GOOD, standby=Standby()), [("standby", Severity.WARNING)]),
    (34, KEPT, replace(GOOD, standby=Standby(("standby",))), [("standby", Severity.WARNING)]),
    (35, KEPT, replace(GOOD, standby=Standby((), (), ("standby: it is away",))), [("standby", Severity.WARNING)]),
    (36, KEPT, replace(GOOD, quarantine=None), [("quarantine", Severity.ADVICE)]),
    (37, KEPT, replace(GOOD, quarantine=replace(HELD, exists=False)), [("quarantine", Severity.ERROR)]),
    (38, KEPT, replace(GOOD, quarantine=replace(HELD, settings=None)), [("quarantine", Severity.UNKNOWN)]),
    (39, KEPT, replace(GOOD, quarantine=replace(HELD, settings=SETTINGS)), [("quarantine", Severity.WARNING)]),
    (
        40,
        KEPT,
        replace(GOOD, quarantine=replace(HELD, settings={**SETTINGS, "cleanup.policy": "compact,delete"})),
        [("quarantine", Severity.ERROR)],
    ),
    (
        41,
        KEPT,
        replace(GOOD, quarantine=replace(HELD, wider_readers=("User:x",))),
        [("quarantine-readers", Severity.ADVICE)],
    ),
    (47, replace(KEPT, detect_ms=70_000), GOOD, []),
    (48, replace(KEPT, detect_ms=69_999), GOOD, [("reaction", Severity.ERROR)]),
    (
        49,
        replace(KEPT, notify_ms=60_000),
        replace(GOOD, routes=()),
        [("alert-route", Severity.WARNING), ("reaction", Severity.ERROR)],
    ),
    (50, replace(KEPT, notify_ms=60_000, repair_ms=1), GOOD, []),
    (51, replace(KEPT, repair_ms=1), replace(GOOD, transactions=None), [("reaction", Severity.WARNING)]),
    (42, KEPT, replace(GOOD, routes=None), [("alert-route", Severity.UNKNOWN)]),
    (43, KEPT, replace(GOOD, routes=(AlertRoute("pager"),)), [("alert-route", Severity.WARNING)]),
    (44, KEPT, replace(GOOD, routes=(AlertRoute("pager", TRIAL_MS_MAX + 1),)), [("alert-route", Severity.WARNING)]),
    (45, KEPT, replace(GOOD, routes=(AlertRoute("pager", 1, "HTTP 403"),)), [("alert-route", Severity.ERROR)]),
    (
        46,
        KEPT,
        replace(GOOD, routes=(AlertRoute("a", 1), AlertRoute("b"), AlertRoute("c", 1, "x"), AlertRoute("d", 9**15))),
        [("alert-route", severity) for severity in (Severity.ERROR, Severity.WARNING, Severity.WARNING)],
    ),
    (19, replace(KEPT, unread=("latency",)), GOOD, [("promise", Severity.UNKNOWN)]),
]


@pytest.mark.parametrize(("number", "promise", "around", "expected"), CASES)
def test_what_stands_against_a_stream(
    number: int, promise: Promise | None, around: Surroundings, expected: list[tuple[str, Severity]]
) -> None:
    findings = judge_readiness(promise, around)
    against = [finding for finding in findings if finding.severity is not Severity.MET]
    assert [(finding.rule, finding.severity) for finding in against] == expected, number
    assert is_ready(findings) is not any(severity in (Severity.ERROR, Severity.UNKNOWN) for _, severity in expected)
    assert all(finding.why and finding.fix for finding in against)


def test_a_route_says_when_it_was_tried() -> None:
    (met,) = judge_readiness(KEPT, replace(GOOD, routes=(AlertRoute("pager", 3 * DAY_MS), AlertRoute("chat", 1))))
    assert (met.severity, met.rule) == (Severity.MET, "alert-route")
    assert met.message.endswith("pager 3 day(s) ago, chat less than a day ago")


def test_what_nobody_has_chosen_yet_is_called_a_default() -> None:
    planned = replace(with_setting(min_insync_replicas="1"), exists=False)
    (found,) = [finding for finding in judge_readiness(KEPT, planned) if finding.rule == "min-isr"]
    assert found.message == "min.insync.replicas is 1 by the brokers' defaults"
    assert found.fix == "Create the topic with min.insync.replicas=2."


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"property": "latency", "value": 4, "unit": "h"}, Promise(latency_ms=4 * 3_600_000)),
        ({"property": "re", "value": 0.5, "unit": "d"}, Promise(retention_ms=DAY_MS // 2)),
        ({"property": "frequency", "value": 1, "unit": "D"}, Promise(frequency_ms=DAY_MS)),
        ({"property": "latency", "value": 4, "unit": "m"}, Promise(unread=("latency",))),
        ({"property": "latency", "value": "soon", "unit": "h"}, Promise(unread=("latency",))),
        ({"property": "latency", "value": -1, "unit": "h"}, Promise(unread=("latency",))),
        ({"property": "timeToDetect", "value": 5, "unit": "min"}, Promise(detect_ms=300_000)),
        ({"property": "TN", "value": 90, "unit": "s"}, Promise(notify_ms=90_000)),
        ({"property": "timetorepair", "value": 1, "unit": "d"}, Promise(repair_ms=DAY_MS)),
        ({"property": "tr", "value": 1, "unit": "m"}, Promise(unread=("timeToRepair",))),
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


BROKER = {
    "auto.create.topics.enable": "false",
    "default.replication.factor": "3",
    "log.cleanup.policy": "delete",
    "log.retention.bytes": "-1",
    "log.retention.hours": "168",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.max.timeout.ms": "900000",
    "transaction.state.log.min.isr": "2",
    "transaction.state.log.replication.factor": "3",
    "unclean.leader.election.enable": "false",
}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([{}], {"retention.ms": str(7 * DAY_MS), "retention.bytes": "-1", "min.insync.replicas": "2"}),
        ([{"log.retention.minutes": "1"}], {"retention.ms": "60000"}),  # the finer one
        ([{"log.retention.minutes": "1", "log.retention.ms": "5"}], {"retention.ms": "5"}),
        ([{"log.retention.ms": "-1"}], {"retention.ms": "-1"}),
        ([{"log.retention.ms": "-1"}, {}], {"retention.ms": str(7 * DAY_MS)}),  # the weakest of the brokers
        ([{}, {"min.insync.replicas": "1"}], {"min.insync.replicas": "1"}),
        ([{}, {"unclean.leader.election.enable": "true"}], {"unclean.leader.election.enable": "true"}),
        ([{"log.cleanup.policy": "compact"}, {}], {"cleanup.policy": "delete"}),
    ],
)
def test_a_topic_would_be_created_with_the_weakest_defaults(
    others: list[dict[str, str]], expected: dict[str, str]
) -> None:
    found = read_topic_defaults([BROKER | other for other in others])
    assert found.settings is not None
    assert found.settings.items() >= expected.items()
    assert (found.replication, found.auto_create, found.transaction_timeout_ms_max) == (3, False, 900_000)
    assert (found.positions.replication, found.transactions) == (3, Copied(3, 2))


def test_defaults_that_nobody_tells_are_not_known() -> None:
    assert read_topic_defaults([]) == TopicDefaults(None, None)
    assert read_topic_defaults([BROKER, BROKER | {"auto.create.topics.enable": "true"}]).auto_create
