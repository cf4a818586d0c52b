"""Log directories of brokers: gone offline, nearly full, or on their way there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from watermaster.monitor.health import Problem, Signal

FULL_SHARE: Final = 0.05
"""Less than this left: a burst, or a segment that is rolled everywhere at once, and brokers stop."""

FILLING_SHARE: Final = 0.15
"""Less than this left is worth a look by day, whatever the pace."""

FILLING_MS: Final = 86_400_000
"""Full within a day at the pace of the last looks: time to add a disk, or to shorten a retention."""

FILLING_SHARE_MAX: Final = 0.5
"""With more than half of it left no pace is taken for a forecast: a new topic grows until its retention is reached."""

PACE_MS_MIN: Final = 3_600_000
"""How long must be looked at before there is a pace: deletion comes in steps, and a copy that moves is a burst."""

SAMPLES_KEPT_MS: Final = 3 * PACE_MS_MIN


class LogDirectory(NamedTuple):
    """One directory of a broker, in bytes. `stored` is what its partitions take, None where it is offline.

    `total` and `usable` are of the volume that it lies on; None: the broker is older than Kafka 3.3 and does not say.
    """

    broker: int
    path: str
    stored: int | None
    total: int | None
    usable: int | None

    @property
    def offline(self) -> bool:
        """Whether the broker cannot read or write it any more."""
        return self.stored is None

    @property
    def subject(self) -> str:
        """What a problem is about."""
        return f"broker {self.broker} {self.path}"


class DiskSample(NamedTuple):
    """What was usable at one look."""

    taken_ms: int
    usable: int


def judge_directories(
    directories: Iterable[LogDirectory], history: Mapping[str, Sequence[DiskSample]], now_ms: int
) -> list[Problem]:
    """At most one problem for each directory; `history` is what was usable before, by subject, oldest first."""
    found = (_judge(directory, history.get(directory.subject, ()), now_ms) for directory in directories)
    return [problem for problem in found if problem is not None]


def _judge(directory: LogDirectory, samples: Sequence[DiskSample], now_ms: int) -> Problem | None:
    if directory.offline:
        text = "the broker cannot use it; partitions that lie there have a copy less, or no leader"
        return Problem(Signal.DIRECTORY_OFFLINE, directory.subject, text)
    if not directory.total or directory.usable is None:
        return None
    share = directory.usable / directory.total
    left = f"{share:.1%} of {_size(directory.total)} are left"
    if share < FULL_SHARE:
        text = f"{left}; a broker whose disk is full stops"
        return Problem(Signal.DISK_FULL, directory.subject, text)
    full_in_ms = forecast_full(directory.usable, samples, now_ms)
    if full_in_ms is not None and full_in_ms < FILLING_MS and share < FILLING_SHARE_MAX:
        pace = f"at the pace of the last {(now_ms - samples[0].taken_ms) // 60_000} minutes"
        return Problem(Signal.DISK_FILLING, directory.subject, f"{left}, {pace} for {full_in_ms / 3_600_000:.1f} h")
    if share < FILLING_SHARE:
        return Problem(Signal.DISK_FILLING, directory.subject, left)
    return None


def forecast_full(usable: int, samples: Sequence[DiskSample], now_ms: int) -> int | None:
    """In how many milliseconds nothing is left at the pace since the oldest sample; None: it does not fill, or it was
    not looked at for long enough.
    """
    if not samples or now_ms - samples[0].taken_ms < PACE_MS_MIN:
        return None
    taken = samples[0].usable - usable
    return None if taken <= 0 else usable * (now_ms - samples[0].taken_ms) // taken


def _size(count: int) -> str:
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:  # noqa: PLR2004 -- binary units
        size, units = size / 1024, units[1:]
    return f"{size:.0f} {units[0]}"
