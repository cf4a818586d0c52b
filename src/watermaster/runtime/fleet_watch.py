"""The newest looks at a fleet, for whoever asks in between; and a thread that takes them again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from watermaster.runtime.fleet import ClusterLook

AGE_LOOKS_MAX: Final = 3
"""A look that is older than so many intervals says nothing of now: unknown, and never what it was."""

AGE_S_MIN: Final = 30.0
"""A look at a cluster of which a broker hangs takes this long, and is no reason to call the others unknown."""


class Looker(Protocol):
    """What is looked through: a `Fleet`."""

    def look(self) -> Sequence[ClusterLook]:
        """One look at each cluster."""
        ...


class LookMemory:
    """Looks when it is told to, which should be every `every_s` seconds, and keeps the newest looks until they are too
    old to say anything of now. `now_ms` is the clock by which they grow old.
    """

    def __init__(self, fleet: Looker, every_s: float, now_ms: Callable[[], int]) -> None:
        self.every_s = every_s
        self._fleet = fleet
        self._now_ms = now_ms
        self._looks: Sequence[ClusterLook] = ()
        self._taken_ms: int | None = None

    def look(self) -> Sequence[ClusterLook]:
        """One look at each cluster, which is kept."""
        self._looks, self._taken_ms = self._fleet.look(), self._now_ms()
        return self._looks

    @property
    def age_ms(self) -> int | None:
        """Since the newest look; None before the first."""
        return None if self._taken_ms is None else max(0, self._now_ms() - self._taken_ms)

    def looks(self) -> Sequence[ClusterLook]:
        """The newest look at each cluster; nothing if it is too old to say anything of now."""
        age_ms = self.age_ms
        too_old_ms = 1000 * max(AGE_S_MIN, AGE_LOOKS_MAX * self.every_s)
        return () if age_ms is None or age_ms > too_old_ms else self._looks


class FleetWatch(LookMemory):
    """Looks every `every_s` seconds on a thread of its own."""

    def __init__(self, fleet: Looker, every_s: float, now_ms: Callable[[], int]) -> None:
        super().__init__(fleet, every_s, now_ms)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def health(self) -> tuple[int, Mapping[str, object]]:
        """HTTP status and body: 200 if every cluster has answered lately, whatever is wrong with it."""
        looks = self.looks()
        clusters = {look.name: "ok" if look.report else f"unknown: {look.unseen[0].reason}" for look in looks}
        well = bool(looks) and all(look.report for look in looks)
        body = {"status": "ok" if well else "unknown", "look_age_ms": self.age_ms, "clusters": clusters}
        return (200 if well else 503), body

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self.every_s)
