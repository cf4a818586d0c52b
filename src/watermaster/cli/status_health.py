"""What is wrong with a cluster itself, for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from watermaster.cli.output import data_size, duration, say, share, show_table

if TYPE_CHECKING:
    from watermaster.monitor.health import Problem
    from watermaster.monitor.kafka_release import BrokerVersion
    from watermaster.monitor.log_directory import LogDirectory

SHOWN_MAX: Final = 20
"""A broker that is down makes a line for each partition that it holds a copy of; the worst come first."""

_UNASKED: Final = "not seen: unclean elections that have happened, patches of brokers, and the certificates of clients"
"""Nothing that a client may ask tells of them; saying nothing would look like health."""


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


def show_directories(directories: Sequence[LogDirectory]) -> None:
    """The table of log directories, the fullest first."""
    rows = [
        (
            each.broker,
            each.path,
            "offline" if each.offline else data_size(each.stored),
            data_size(each.usable),
            data_size(each.total),
            None if not each.total or each.usable is None else share(each.usable / each.total),
        )
        for each in sorted(directories, key=_left)[:SHOWN_MAX]
    ]
    if rows:
        show_table("Log directories", ("broker", "directory", "partitions", "left", "of", "share"), rows)
    if len(directories) > SHOWN_MAX:
        say(f"  … and {len(directories) - SHOWN_MAX} more; --output json has all")


def show_versions(versions: Sequence[BrokerVersion]) -> None:
    """The releases of brokers by a table of a day, which is said."""
    from watermaster.monitor.kafka_release import TABLE_OF, unmended_since

    rows: dict[tuple[str, str | None], list[str]] = {}
    for version in sorted(versions):
        ended = unmended_since(version.minor) if version.exact else None
        rows.setdefault((version.text, ended), []).append(str(version.broker))
    told = [
        f"{text} on {', '.join(brokers)}{f' (no fixes since {e})' if e else ''}" for (text, e), brokers in rows.items()
    ]
    if told:
        say(f"  Kafka of brokers, by a table of {TABLE_OF}: {'; '.join(told)}")


def _left(directory: LogDirectory) -> tuple[bool, float]:
    known = directory.total and directory.usable is not None
    return not directory.offline, (directory.usable or 0) / directory.total if known and directory.total else 1.0


def _age(problem: Problem, now_ms: int) -> int | None:
    return None if problem.since_ms is None else max(0, now_ms - problem.since_ms)
