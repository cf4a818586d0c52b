"""The real clock."""

from __future__ import annotations

import time


class SystemClock:
    """Implements `runtime.ports.Clock`."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()
