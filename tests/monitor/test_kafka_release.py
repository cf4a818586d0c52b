"""The dated table of releases, and what is said of brokers by it."""

from __future__ import annotations

from datetime import date

import pytest

from watermaster.monitor.health import Signal
from watermaster.monitor.kafka_release import (
    LOSS_BUGS,
    RELEASED,
    TABLE_OF,
    BrokerVersion,
    judge_versions,
    loss_bugs,
    unmended_since,
)


def test_the_table_is_in_order_and_not_of_the_future() -> None:
    assert list(RELEASED) == sorted(RELEASED)
    days = [date.fromisoformat(day) for day in RELEASED.values()]
    assert days == sorted(days)
    assert days[-1] <= date.fromisoformat(TABLE_OF)
    for bug in LOSS_BUGS:
        assert tuple(map(int, bug.fixed.split(".")))[:2] == bug.last


@pytest.mark.parametrize(
    ("minor", "since"),
    [
        ((2, 8), "2022-05-09"),
        ((3, 0), "2022-09-28"),
        ((3, 6), "2024-11-06"),
        ((3, 9), "2026-02-17"),
        ((4, 1), "2026-11-07"),
        ((4, 2), None),
        ((4, 4), None),
        ((4, 9), None),
    ],
)
def test_a_release_ends_when_the_third_after_it_comes(minor: tuple[int, int], since: str | None) -> None:
    assert unmended_since(minor) == since


@pytest.mark.parametrize(
    ("minor", "issues"),
    [
        ((2, 4), ["KAFKA-9254", "KAFKA-13773", "KAFKA-17584"]),
        ((3, 2), ["KAFKA-13773", "KAFKA-17584"]),
        ((3, 3), ["KAFKA-17584"]),
        ((3, 8), ["KAFKA-17584"]),
        ((3, 9), []),
    ],
)
def test_known_bugs(minor: tuple[int, int], issues: list[str]) -> None:
    assert [bug.issue for bug in loss_bugs(minor)] == issues


def test_what_is_said_of_brokers() -> None:
    old = [BrokerVersion(number, (3, 8), exact=True) for number in (2, 1)]
    (problem,) = judge_versions(old)
    assert (problem.signal, problem.subject) == (Signal.VERSION, "Kafka 3.8 on brokers 1, 2")
    assert problem.text.startswith("no fixes from the project since 2025-09-02; a vendor's may last longer")
    assert "KAFKA-17584" in problem.text
    assert "mended in 3.8.1" in problem.text
    assert judge_versions([BrokerVersion(1, (4, 2), exact=True)]) == []
    assert judge_versions([]) == []


def test_what_is_only_bounded_is_not_called_old() -> None:
    assert judge_versions([BrokerVersion(1, (3, 0), exact=False)]) == []
    assert BrokerVersion(1, (4, 3), exact=False).text == "4.3 or later"


def test_brokers_of_several_releases() -> None:
    (problem,) = judge_versions([BrokerVersion(1, (4, 2), exact=True), BrokerVersion(2, (4, 3), exact=False)])
    assert (problem.signal, problem.subject) == (Signal.DRIFT, "versions")
    assert problem.text == "brokers are not of the same release: 4.2 on broker 1, 4.3 or later on broker 2"
