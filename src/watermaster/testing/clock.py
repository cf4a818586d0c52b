"""A clock that stands still until a test moves it; it serves as the runtime's `Clock`."""

from __future__ import annotations

import threading

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, a round moment for expectations that people read."""
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


class ManualClock:
    """Monotonic and wall time that move together by `advance`, and apart by `jump_wall`, as clocks of hosts do.

    Safe to use from several threads.
    """

    def __init__(self, now_ms: int = START_MS) -> None:
        self._lock = threading.Lock()
        self._wall_ns = now_ms * _NS_PER_MS
        self._monotonic_ns = 0

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch."""
        with self._lock:
            return self._wall_ns // _NS_PER_MS

    def monotonic_s(self) -> float:
        """Seconds since this clock was made; never backwards."""
        with self._lock:
            return self._monotonic_ns / _NS_PER_S

    def advance(self, seconds: float) -> None:
        """Let time pass: both clocks move. Raises ValueError for a negative time."""
        if seconds < 0:
            raise ValueError("time does not pass backwards; use jump_wall for a wall clock that is set back")
        with self._lock:
            self._wall_ns += round(seconds * _NS_PER_S)
            self._monotonic_ns += round(seconds * _NS_PER_S)

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or a bad time server does."""
        with self._lock:
            self._wall_ns += round(seconds * _NS_PER_S)

    def sleep(self, seconds: float) -> None:
        """Take the place of `time.sleep`: returns at once, with the time passed."""
        self.advance(seconds)
