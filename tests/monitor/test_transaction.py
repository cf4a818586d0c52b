"""Transactions that stay open, case by case: since when, and who."""

from __future__ import annotations

import pytest

from watermaster.monitor.health import Signal
from watermaster.monitor.transaction import (
    HANGING_MS,
    HOLDERS_SHOWN,
    Holder,
    OpenTransaction,
    is_suspect,
    judge_transactions,
)

NOW = 10**12
OLD = OpenTransaction("a[0]", 5, NOW - HANGING_MS)
BEGAN = NOW - 2 * HANGING_MS

CASES: list[tuple[int, str, OpenTransaction, bool, int | None]] = [
    (1, "on its way", OLD._replace(since_ms=NOW - HANGING_MS + 1), False, None),
    (2, "open for long, nobody could be asked", OLD, True, OLD.since_ms),
    (3, "nobody holds it any more: as long as the end stands still it hangs", OLD._replace(holders=()), True,
     OLD.since_ms),
    (4, "records of last year, written just now", OLD._replace(since_ms=0, holders=(Holder(1, "w", NOW - 1, 9),)),
     True, None),
    (5, "its coordinator knows since when", OLD._replace(holders=(Holder(1, "w", BEGAN, 9),)), True, BEGAN),
    (6, "two of them: since the older one", OLD._replace(
        holders=(Holder(1, "w", NOW, 9), Holder(2, "x", BEGAN, 9))), True, BEGAN),
    (7, "a producer that nobody names", OLD._replace(holders=(Holder(1),)), True, OLD.since_ms),
    (8, "nobody names the first, and one behind it has just begun", OLD._replace(
        holders=(Holder(1), Holder(2, "x", NOW - 1, 9))), True, OLD.since_ms),
]  # fmt: skip


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: tuple[int, str, OpenTransaction, bool, int | None]) -> None:
    number, why, transaction, suspect, since_ms = row
    assert is_suspect(transaction, NOW) is suspect, f"{number}: {why}"
    found = [(problem.signal, problem.subject, problem.since_ms) for problem in judge_transactions([transaction], NOW)]
    expected = [] if since_ms is None else [(Signal.HANGING_TRANSACTION, "a[0]", since_ms)]
    assert found == expected, f"{number}: {why}"


def told(*holders: Holder) -> str:
    (problem,) = judge_transactions([OLD._replace(holders=holders)], NOW)
    return problem.text


def test_who_is_told_with_the_end_that_its_coordinator_makes() -> None:
    assert "by transactional id w (producer 7; its coordinator ends it in 60 s)" in told(Holder(7, "w", BEGAN, 180_000))
    assert "(producer 7; its time is up and it is not ended)" in told(Holder(7, "w", BEGAN, 1_000))
    assert told(Holder(7, "w")).endswith("by transactional id w (producer 7)")
    assert "producer 7 (no coordinator names it to this login" in told(Holder(7))


def test_of_many_producers_the_first_are_named() -> None:
    many = told(*(Holder(number, f"w{number}") for number in range(HOLDERS_SHOWN + 4)))
    assert many.count("transactional id") == HOLDERS_SHOWN
    assert many.endswith(", and 4 more")
