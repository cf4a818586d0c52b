"""What a frame proxy does to which frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from watermaster.testing.frame import Direction, Frame
from watermaster.testing.waiting import PATIENCE_S, wait_until


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the frame, and with it all that follows on its connection, until the rule is released."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Swallow the frame; the connection stays."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Pass the frame on after a pause."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Pass on the first `sent_bytes` of the encoded frame (None: all), then reset both sides of the connection."""

    sent_bytes: int | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Pass the frame on in pieces of `size` bytes with a pause between."""

    size: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Pass on another body (the frame without its length)."""

    change: Callable[[bytes], bytes]


Action: TypeAlias = Hold | Drop | Delay | Cut | Slice | Rewrite


@dataclass(frozen=True, slots=True)
class Filter:
    """Which frames: None means any. The first `skip` that match pass by, then `count` are taken (None: all)."""

    api: int | None = None
    direction: Direction | None = Direction.REQUEST
    node: int | None = None
    skip: int = 0
    count: int | None = None

    def matches(self, frame: Frame) -> bool:
        """Whether the frame is of this kind, counting aside."""
        return (
            self.api in (None, frame.api)
            and self.direction in (None, frame.direction)
            and self.node in (None, frame.node)
        )


class Rule:
    """An action on the frames of a filter; made by a `FrameProxy`, and the handle by which a test steers it.

    `hits` counts the frames that it took. Its state changes on the proxy's thread alone.
    """

    def __init__(self, action: Action, of: Filter, loop: asyncio.AbstractEventLoop) -> None:
        self.action = action
        self.filter = of
        self.hits = 0
        self._released = asyncio.Event()
        self._resets: dict[object, Callable[[], None]] = {}
        self._matched = 0
        self._loop = loop

    def takes(self, frame: Frame) -> bool:
        """Whether the action applies to this frame; counts it."""
        if self.is_released or not self.filter.matches(frame):
            return False
        self._matched += 1
        if self._matched <= self.filter.skip:
            return False
        if self.filter.count is not None and self.hits >= self.filter.count:
            return False
        self.hits += 1
        return True

    @property
    def is_released(self) -> bool:
        """Whether it has been released and no longer applies."""
        return self._released.is_set()

    def release(self) -> None:
        """Take no more frames, and pass on those that are held: to a broker even if the client has gone meanwhile."""
        self._loop.call_soon_threadsafe(self._released.set)

    def cut_clients(self) -> None:
        """Reset the client side of every connection with a held frame; the broker side stays open for `release`."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def wait_until_hit(self, count: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Return once it has taken this many frames; raises WorldFault after `timeout_s`."""
        wait_until(lambda: self.hits >= count, f"{self.action} has met {count} frames of {self.filter}", timeout_s)

    async def wait_for_release(self, reset_client: Callable[[], None]) -> None:
        """Hold a frame; `reset_client` is what `cut_clients` calls meanwhile."""
        token = object()
        self._resets[token] = reset_client
        try:
            await self._released.wait()
        finally:
            del self._resets[token]

    def _reset_all(self) -> None:
        for reset in self._resets.values():
            reset()
