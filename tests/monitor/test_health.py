"""The health of a cluster, case by case."""

from __future__ import annotations

import pytest

from watermaster.monitor.health import (
    CERTIFICATE_MS,
    UNSETTLED_MS,
    Certificate,
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

NOW = 10**12
WELL = Copies("orders[0]", 1, (1, 2, 3), (1, 2, 3), 2)
ALLOWED = {"unclean.leader.election.enable": "true"}

CASES: list[tuple[int, str, list[Problem], list[tuple[Signal, str]]]] = [
    (1, "all is well", [*judge_brokers((1, 2, 3), 1, [WELL]), *judge_copies([WELL])], []),
    (2, "a broker that keeps copies is missing", judge_brokers((1, 2), 1, [WELL]), [(Signal.NO_BROKER, "broker 3")]),
    (3, "a broker that keeps nothing cannot be missed", judge_brokers((1,), 1, [WELL._replace(replicas=(1,))]), []),
    (4, "no controller", judge_brokers((1, 2, 3), None, [WELL]), [(Signal.NO_CONTROLLER, "cluster")]),
    (5, "a copy is behind", judge_copies([WELL._replace(in_sync=(1, 2))]), [(Signal.UNDER_REPLICATED, "orders[0]")]),
    (6, "too few to write", judge_copies([WELL._replace(in_sync=(1,))]), [(Signal.UNDER_MIN_IN_SYNC, "orders[0]")]),
    (7, "nobody leads it: that alone is said", judge_copies([WELL._replace(leader=None, in_sync=())]),
     [(Signal.OFFLINE, "orders[0]")]),
    (8, "how many are needed could not be seen", judge_copies([WELL._replace(in_sync=(1,), min_in_sync=None)]),
     [(Signal.UNDER_REPLICATED, "orders[0]")]),
    (9, "needs more copies than it has: never writable", judge_copies([WELL._replace(min_in_sync=4)]),
     [(Signal.UNDER_MIN_IN_SYNC, "orders[0]")]),
    (10, "a rebalance on its way", judge_rebalances({"g": NOW - UNSETTLED_MS + 1}, NOW), []),
    (11, "a rebalance without an end", judge_rebalances({"g": NOW - UNSETTLED_MS}, NOW),
     [(Signal.UNSETTLED, "group g")]),
    (12, "a certificate for long", judge_certificates([Certificate("c", NOW + CERTIFICATE_MS)], NOW), []),
    (13, "a certificate that ends soon, and one that has", judge_certificates(
        [Certificate("c", NOW + CERTIFICATE_MS - 1), Certificate("d", NOW)], NOW),
     [(Signal.CERTIFICATE, "c"), (Signal.CERTIFICATE, "d")]),
    (14, "a topic that may lose what was confirmed", judge_settings({"orders": ALLOWED, "b": {}}, {}),
     [(Signal.UNCLEAN, "topic orders")]),
    (15, "brokers that do not agree", judge_settings({}, {1: {"a": "1", "b": "1"}, 2: {"a": "2", "b": "1"}}),
     [(Signal.DRIFT, "setting a")]),
    (16, "a broker that could not be asked differs in nothing", judge_settings({}, {1: {"a": "1"}, 2: {}}), []),
    (17, "a topic's settings have changed", judge_changes({"t": {"a": "1", "b": "1"}}, {"t": {"a": "2", "b": "1"}}),
     [(Signal.DRIFT, "topic t")]),
    (18, "a new topic and one that could not be seen have not changed", judge_changes({"t": {"a": "1"}}, {"u": {}}),
     []),
    (19, "the worst first", list(rank([Problem(Signal.DRIFT, "a", ""), Problem(Signal.OFFLINE, "b", "")])),
     [(Signal.OFFLINE, "b"), (Signal.DRIFT, "a")]),
]  # fmt: skip


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: tuple[int, str, list[Problem], list[tuple[Signal, str]]]) -> None:
    number, why, problems, expected = row
    assert [(problem.signal, problem.subject) for problem in problems] == expected, f"{number}: {why}"
