"""Whether a way that often leads nowhere is tried on the next block."""

from __future__ import annotations

from typing import Final

_FUTILE_MAX: Final = 6
"""A way rests for at most 2^5 - 1 blocks before it is tried again."""


class Worth:
    """Whether something is worth the next attempt: the more attempts in a row were futile, the longer it rests."""

    def __init__(self) -> None:
        self._futile = 0
        self._rest = 0

    def ask(self) -> bool:
        """Whether to try it on the next block."""
        self._rest -= 1
        return self._rest < 0

    def learn(self, *, futile: bool) -> None:
        """What came of an attempt."""
        self._futile = min(self._futile + 1, _FUTILE_MAX) if futile else 0
        # One failure alone is chance: a stream in which few records are bad is still cheapest in blocks.
        self._rest = 2 ** (self._futile - 1) - 1 if futile else 0
