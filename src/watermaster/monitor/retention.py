"""What a topic's settings say about how long its records are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """How long (milliseconds) and how much (bytes a partition) is kept; None means without a bound."""

    time_ms: int | None
    size_bytes: int | None

    @property
    def deletes(self) -> bool:
        """Whether anything is ever deleted by age or size."""
        return self.time_ms is not None or self.size_bytes is not None


KEPT_FOR_EVER = Retention(None, None)


def read_retention(settings: Mapping[str, str | None]) -> Retention | None:
    """The retention of a topic from its settings in force; None if they could not be seen.

    A topic that is only compacted deletes nothing by age or size, whatever the other two settings say.
    """
    policy = settings.get("cleanup.policy")
    if policy is None:
        return None
    if "delete" not in [part.strip() for part in policy.split(",")]:
        return KEPT_FOR_EVER
    time, size = settings.get("retention.ms"), settings.get("retention.bytes")
    if time is None or size is None:
        return None
    return Retention(_bound(time), _bound(size))


def _bound(text: str) -> int | None:
    """Kafka writes -1 for no bound."""
    number = int(text)
    return None if number < 0 else number
