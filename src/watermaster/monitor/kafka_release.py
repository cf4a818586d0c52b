"""Minor releases of Apache Kafka: when they came, since when they get no fixes, and bugs by which brokers lose records.

The table is dated: what came later than `TABLE_OF` is not in it. The project mends its last three minor releases
("bugfix releases as needed for the last 3 releases": Time Based Release Plan, on its wiki), so one ends when the third
after it comes. Vendors may mend theirs for longer. Dates: kafka.apache.org/community/downloads and its announcements,
up to 3.5 endoflife.date/apache-kafka; 4.4: Maven Central had it by then. Fixes: the tags of github.com/apache/kafka
that hold the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from watermaster.monitor.health import Problem, Signal

TABLE_OF: Final = "2026-11-29"
MENDED: Final = 3
"""Minor releases that get fixes at the same time."""

Minor = tuple[int, int]

RELEASED: Final[Mapping[Minor, str]] = {
    (3, 0): "2021-09-20",
    (3, 1): "2022-01-21",
    (3, 2): "2022-05-09",
    (3, 3): "2022-09-28",
    (3, 4): "2023-02-06",
    (3, 5): "2023-06-13",
    (3, 6): "2023-10-10",
    (3, 7): "2024-02-27",
    (3, 8): "2024-07-29",
    (3, 9): "2024-11-06",
    (4, 0): "2025-03-18",
    (4, 1): "2025-09-02",
    (4, 2): "2026-02-17",
    (4, 3): "2026-05-22",
    (4, 4): "2026-11-07",
}
"""First releases, by minor version, in their order."""


class LossBug(NamedTuple):
    """A bug of brokers, and what it does. `fixed` is the patch that mends it in the last minor release that has it."""

    issue: str
    last: Minor
    fixed: str
    text: str


LOSS_BUGS: Final = (
    LossBug("KAFKA-9254", (2, 4), "2.4.1", "a second dynamic change of broker settings forgets settings of topics"),
    LossBug("KAFKA-13773", (3, 2), "3.2.1", "records are lost in the recovery after a crash by a full disk"),
    LossBug(
        "KAFKA-17584", (3, 8), "3.8.1", "a dynamic change of log settings forgets log.retention.hours and .minutes"
    ),
)
"""Each is in all minor releases up to `last`; of older ones some have a patch, too."""


class BrokerVersion(NamedTuple):
    """What the requests that a broker offers say of its minor release. `exact`: it is that one; else that or later."""

    broker: int
    minor: Minor
    exact: bool

    @property
    def text(self) -> str:
        """As a person says it."""
        name = ".".join(map(str, self.minor))
        return name if self.exact else f"{name} or later"


def unmended_since(minor: Minor) -> str | None:
    """The day (ISO) since which a minor release gets no fixes; None: it does, or it is newer than the table."""
    order = list(RELEASED)
    if minor < order[0]:
        return RELEASED[order[MENDED - 1]]
    if minor not in order or order.index(minor) + MENDED >= len(order):
        return None
    return RELEASED[order[order.index(minor) + MENDED]]


def loss_bugs(minor: Minor) -> tuple[LossBug, ...]:
    """Those that a broker of this minor release may have: its patch cannot be seen."""
    return tuple(bug for bug in LOSS_BUGS if minor <= bug.last)


def judge_versions(versions: Iterable[BrokerVersion]) -> list[Problem]:
    """Releases that nobody mends any more, and brokers that are not of the same one."""
    by_text: dict[str, list[BrokerVersion]] = {}
    for version in sorted(versions):
        by_text.setdefault(version.text, []).append(version)
    problems = [_old(text, found) for text, found in by_text.items() if _is_old(found[0])]
    if len(by_text) > 1:
        told = ", ".join(f"{text} on {_brokers(found)}" for text, found in by_text.items())
        problems.append(Problem(Signal.DRIFT, "versions", f"brokers are not of the same release: {told}"))
    return problems


def _is_old(version: BrokerVersion) -> bool:
    return version.exact and unmended_since(version.minor) is not None


def _old(text: str, found: list[BrokerVersion]) -> Problem:
    bugs = loss_bugs(found[0].minor)
    known = "".join(f"; {bug.issue}: {bug.text} (mended in {bug.fixed})" for bug in bugs)
    told = f"no fixes from the project since {unmended_since(found[0].minor)}; a vendor's may last longer{known}"
    return Problem(Signal.VERSION, f"Kafka {text} on {_brokers(found)}", told)


def _brokers(found: list[BrokerVersion]) -> str:
    return f"broker{'s' if len(found) > 1 else ''} {', '.join(str(version.broker) for version in found)}"
