"""Transactions that stay open: what they hold back, since when, and who has opened them.

A record's timestamp is what its producer says, and a backfill writes that of last year. So the coordinator's own clock
decides since when a transaction is open wherever it could be asked; the first record only says what to ask about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from watermaster.monitor.health import Problem, Signal

HANGING_MS: Final = 60_000
"""A transaction that is open for longer than Kafka's own default timeout (a minute) is not on its way any more."""

HOLDERS_SHOWN: Final = 3
"""Producers in one sentence; the first of them holds back everything behind it."""


class Holder(NamedTuple):
    """A producer with an open transaction on a partition.

    `transactional_id` is None if no coordinator told this login of it; the rest is None with it. `since_ms` is when its
    coordinator says that the transaction began, `timeout_ms` after how long it is ended by the coordinator.
    """

    producer_id: int
    transactional_id: str | None = None
    since_ms: int | None = None
    timeout_ms: int | None = None


class OpenTransaction(NamedTuple):
    """What open transactions hold back on a partition, in offsets, and since when at the latest.

    `holders` are the producers, the one that holds back the most first; None: that could not be seen, or nobody asked.
    """

    name: str
    held_back: int
    since_ms: int
    holders: tuple[Holder, ...] | None = None

    @property
    def open_since_ms(self) -> int:
        """By the coordinator where it told so, else by the records.

        They tell of the first holder, so a later one that has just begun must not speak for a first that nobody names.
        """
        told = [holder.since_ms for holder in self.holders or () if holder.since_ms is not None]
        if not self.holders or self.holders[0].since_ms is None:
            told.append(self.since_ms)
        return min(told)


def is_suspect(transaction: OpenTransaction, now_ms: int) -> bool:
    """Whether it has been open for so long, by the records, that it is worth asking who holds it."""
    return now_ms - transaction.since_ms >= HANGING_MS


def judge_transactions(transactions: Iterable[OpenTransaction], now_ms: int) -> list[Problem]:
    """Transactions that are open for too long: read_committed readers stop there."""
    return [
        Problem(Signal.HANGING_TRANSACTION, each.name, _told(each, now_ms), each.open_since_ms)
        for each in transactions
        if is_suspect(each, now_ms) and now_ms - each.open_since_ms >= HANGING_MS
    ]


def _told(transaction: OpenTransaction, now_ms: int) -> str:
    what = f"read_committed readers cannot pass it; {transaction.held_back} offsets are held back"
    if not transaction.holders:
        return what
    shown = transaction.holders[:HOLDERS_SHOWN]
    more = len(transaction.holders) - len(shown)
    rest = f", and {more} more" if more else ""
    return f"{what} by {', '.join(_who(holder, now_ms) for holder in shown)}{rest}"


def _who(holder: Holder, now_ms: int) -> str:
    producer = f"producer {holder.producer_id}"
    if holder.transactional_id is None:
        # A coordinator leaves out, without a word, what a login may not describe.
        unnamed = "Describe on its transactional id is missing, or nothing will ever end it"
        return f"{producer} (no coordinator names it to this login: {unnamed})"
    return f"transactional id {holder.transactional_id} ({producer}{_ends(holder, now_ms)})"


def _ends(holder: Holder, now_ms: int) -> str:
    if holder.since_ms is None or holder.timeout_ms is None:
        return ""
    left_s = (holder.since_ms + holder.timeout_ms - now_ms) // 1000
    return f"; its coordinator ends it in {left_s} s" if left_s > 0 else "; its time is up and it is not ended"
