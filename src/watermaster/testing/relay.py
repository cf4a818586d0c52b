"""One connection through the proxy: a pump for each direction, and the rules applied to each frame.

A pump reads a frame, applies the rules in the order in which they were made, and writes; so frames never overtake each
other within a direction, as on the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from typing import assert_never

from watermaster.testing.frame import FRAME_BYTES_MAX, LENGTH_BYTES, Conversation, Direction, Frame
from watermaster.testing.rule import Cut, Delay, Drop, Hold, Rewrite, Rule, Slice

FAREWELL_S = 30.0
"""How long a broker may take to answer what a client asked before it left; a paused one would never close."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: the kernel sends RST instead of an orderly end."""


class _CutByRuleError(Exception):
    """A rule ended this connection."""


class Relay:
    """A client's connection and its twin to the broker.

    `rules` gives the rules in force, `note` is told of each frame before they are applied.
    """

    def __init__(
        self,
        talk: Conversation,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        rules: Callable[[], Sequence[Rule]],
        note: Callable[[Frame], None],
    ) -> None:
        self._talk = talk
        self._client_reader, self._client = client
        self._broker_reader, self._broker = broker
        self._rules = rules
        self._note = note

    async def run(self) -> None:
        """Until either side has ended and the other has got all that was meant for it."""
        requests = asyncio.ensure_future(self._pump(Direction.REQUEST, self._client_reader, self._broker))
        responses = asyncio.ensure_future(self._pump(Direction.RESPONSE, self._broker_reader, self._client))
        try:
            await asyncio.wait((requests, responses), return_when=asyncio.FIRST_COMPLETED)
            if not responses.done():
                # The client has gone. An orderly end: RST would throw away what the kernel has not sent yet.
                _end_writing(self._broker)
                await asyncio.wait((responses,), timeout=FAREWELL_S)
        finally:
            requests.cancel()
            responses.cancel()
            await asyncio.gather(requests, responses, return_exceptions=True)
            self._client.close()
            self._broker.close()

    def reset(self) -> None:
        """RST to both sides."""
        reset(self._client)
        reset(self._broker)

    async def _pump(self, direction: Direction, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(_CutByRuleError, OSError, asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await source.readexactly(LENGTH_BYTES), "big")
                if length > FRAME_BYTES_MAX:
                    return self.reset()
                frame = self._talk.read(direction, await source.readexactly(length))
                self._note(frame)
                await self._deliver(frame, target)

    async def _deliver(self, frame: Frame, target: asyncio.StreamWriter) -> None:
        content, piece, pause_s = frame.encode(), 0, 0.0
        for rule in [rule for rule in self._rules() if rule.takes(frame)]:
            if rule.is_released:  # while an earlier rule held or delayed this frame
                continue
            match rule.action:
                case Hold():
                    await rule.wait_for_release(lambda: reset(self._client))
                case Drop():
                    return
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case Cut(sent_bytes):
                    await self._write(target, content[:sent_bytes])
                    self.reset()
                    raise _CutByRuleError
                case Slice(size, pause):
                    piece, pause_s = size, pause
                case Rewrite(change):
                    body = change(content[LENGTH_BYTES:])
                    content = len(body).to_bytes(LENGTH_BYTES, "big") + body
                case _:
                    assert_never(rule.action)
        await self._write_in_pieces(target, content, piece or len(content), pause_s)

    async def _write_in_pieces(self, target: asyncio.StreamWriter, content: bytes, size: int, pause_s: float) -> None:
        for start in range(0, len(content), size):
            await self._write(target, content[start : start + size])
            if size < len(content):
                await asyncio.sleep(pause_s)

    async def _write(self, target: asyncio.StreamWriter, content: bytes) -> None:
        """A dead client is noticed by reading from it, never by writing: a held request of its shall still go out."""
        if target is self._client and target.is_closing():
            return
        try:
            target.write(content)
            await target.drain()
        except OSError:
            if target is not self._client:
                raise


def reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of an orderly end. Does nothing to a connection that has gone already."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def _end_writing(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.write_eof()
