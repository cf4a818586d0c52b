"""How fresh a topic is: its newest timestamp, and what that proves about when something last came.

A record cannot come before it is made, so a timestamp of creation proves that something came at it or later, unless it
lies ahead of the clock; it never proves that nothing came since. One that the broker wrote on appending proves both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from watermaster.stream.coordinates import TopicPartition

APPENDED: Final = "LogAppendTime"
"""A topic's `message.timestamp.type` if its brokers write the timestamps."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """`newest_ms` is the newest timestamp of all partitions that could be seen, None if there is none. `whole`: every
    partition that holds something told of it. `appended`: the brokers wrote it; None: that could not be seen.
    """

    newest_ms: int | None
    whole: bool
    appended: bool | None

    def came_ms(self, now_ms: int) -> int | None:
        """Something came at this moment or later; None: nothing proves that."""
        return self.newest_ms if self.newest_ms is not None and self.newest_ms <= now_ms else None

    def is_silent(self, bound_ms: int, now_ms: int) -> bool | None:
        """Whether nothing has come for longer than the bound; None: its timestamps do not prove it."""
        came_ms = self.came_ms(now_ms)
        if came_ms is not None and now_ms - came_ms <= bound_ms:
            return False
        return True if came_ms is not None and self.whole and self.appended else None


def measure_freshness(
    newest: Mapping[int, int], filled: Collection[int], settings: Mapping[str, str] | None
) -> Freshness:
    """Of one topic. `newest` is by partition; `filled` are partitions that hold something, `settings` its settings."""
    return Freshness(max(newest.values(), default=None), newest.keys() >= set(filled), is_appended(settings))


def is_appended(settings: Mapping[str, str] | None) -> bool | None:
    """Whether brokers write a topic's timestamps; None: its settings could not be seen."""
    kind = (settings or {}).get("message.timestamp.type")
    return None if kind is None else kind == APPENDED


def newest_by_topic(newest: Mapping[TopicPartition, int]) -> dict[str, dict[int, int]]:
    """The newest timestamps of partitions, topic by topic."""
    found: dict[str, dict[int, int]] = {}
    for source, moment in newest.items():
        found.setdefault(source.topic, {})[source.partition] = moment
    return found
