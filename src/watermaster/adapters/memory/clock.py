"""Time that moves only when somebody waits."""

from __future__ import annotations

import math


class MemoryClock:
    """Implements `runtime.ports.Clock`; `sleep` moves it."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._began_ms = now_ms
        self._passed_ms = 1_000_000

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._began_ms + self._passed_ms

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return self._passed_ms / 1000

    def sleep(self, seconds: float) -> None:
        """Let time pass, in whole milliseconds: who waits for what is left of a span must see its end."""
        self._passed_ms += math.ceil(seconds * 1000)
