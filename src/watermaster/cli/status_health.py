"""What is wrong with a cluster itself, for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import duration, say, show_table

if TYPE_CHECKING:
    from watermaster.monitor.health import Problem

SHOWN_MAX: Final = 20
"""A broker that is down makes a line for each partition that it holds a copy of; the worst come first."""

_UNASKED: Final = (
    "not seen: who holds a hanging transaction (kafka-transactions.sh find-hanging names the producer), full or broken"
    " log directories, unclean elections that have happened, versions, and the certificates of clients"
)
"""Kafka has requests for these that the client library does not offer; saying nothing would look like health."""


def summary(problems: Sequence[Problem]) -> str:
    """One sentence."""
    if not problems:
        return "nothing wrong as far as can be seen"
    counts = Counter(problem.signal for problem in problems)
    return ", ".join(f"{signal.value} ({count})" for signal, count in counts.items())


def show_problems(problems: Sequence[Problem], now_ms: int) -> None:
    """The table of problems, and what nobody has looked at."""
    rows = [
        (problem.signal.value, problem.subject, problem.text, duration(_age(problem, now_ms)))
        for problem in problems[:SHOWN_MAX]
    ]
    if rows:
        show_table("Health (the worst first)", ("what", "where", "what it means", "for at least"), rows)
    if len(problems) > SHOWN_MAX:
        say(f"  … and {len(problems) - SHOWN_MAX} more; --output json has all")
    say(f"  {_UNASKED}")


def _age(problem: Problem, now_ms: int) -> int | None:
    return None if problem.since_ms is None else max(0, now_ms - problem.since_ms)
