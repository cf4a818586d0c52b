"""A proxy between clients and brokers that understands frames, and misbehaves by rule.

    held = kafka.proxy.hold(ApiKey.END_TXN)      # a commit is on its way …
    held.wait_until_hit()
    held.cut_clients()                           # … the client believes that it is lost …
    held.release()                               # … and then it reaches the broker after all

It runs an asyncio loop in a thread of its own; its methods may be called from any thread. Brokers advertise the
proxy's ports on a listener of their own (`KafkaCluster(proxied=True)`), so metadata leads every client back through it
and no frame needs rewriting. Only plaintext can be understood.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypedDict, TypeVar, Unpack

from watermaster.stream.fault import WorldFault
from watermaster.testing.frame import Conversation, Direction, Frame
from watermaster.testing.relay import Relay, reset
from watermaster.testing.rule import Action, Cut, Delay, Drop, Filter, Hold, Rewrite, Rule, Slice
from watermaster.testing.server_settings import HOST
from watermaster.testing.waiting import PATIENCE_S, wait_until

CALL_TIMEOUT_S = 20.0
PORT_TAKEN = "WM-TESTKIT-PORT"

T = TypeVar("T")


class Which(TypedDict, total=False):
    """Which frames beside the API key: the fields of `Filter`."""

    direction: Direction | None
    node: int | None
    skip: int
    count: int | None


class FrameProxy:
    """Listens on one port for each broker; rules apply to all brokers or to one `node`.

    `routes` maps a broker's node to (port to listen on, port of the broker), all on loopback. `seen` counts frames.
    """

    def __init__(self, routes: Mapping[int, tuple[int, int]]) -> None:
        self._routes = dict(routes)
        self._rules: tuple[Rule, ...] = ()
        self._seen: Counter[tuple[int, Direction, int]] = Counter()
        self._relays: dict[Relay, int] = {}
        self._isolated: frozenset[int] = frozenset()
        self._numbers = itertools.count(1)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="frame-proxy", daemon=True)

    def start(self) -> None:
        """Listen; raises WorldFault where a port is taken."""
        self._thread.start()
        try:
            self._call(self._listen())
        except OSError as error:
            self.stop()
            raise WorldFault(
                PORT_TAKEN, f"The proxy cannot listen: {error}.", hint="Start it again on other ports."
            ) from error

    def stop(self) -> None:
        """End all connections and the thread. May be called twice."""
        if self._thread.is_alive():
            self._call(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    # Rules. Each returns the handle by which it is released; `which` narrows it down.

    def hold(self, api: int | None = None, **which: Unpack[Which]) -> Rule:
        """Keep matching frames, and what follows on their connections, until the rule is released."""
        return self._add(Hold(), api, which)

    def drop(self, api: int | None = None, **which: Unpack[Which]) -> Rule:
        """Swallow matching frames."""
        return self._add(Drop(), api, which)

    def delay(self, seconds: float, api: int | None = None, **which: Unpack[Which]) -> Rule:
        """Pass matching frames on later."""
        return self._add(Delay(seconds), api, which)

    def cut(self, api: int | None = None, *, sent_bytes: int | None = 0, **which: Unpack[Which]) -> Rule:
        """Reset a connection at a matching frame: before it (0), within it, or after it was passed on (None)."""
        return self._add(Cut(sent_bytes), api, which)

    def slice(self, size: int = 1, pause_s: float = 0.0, api: int | None = None, **which: Unpack[Which]) -> Rule:
        """Pass matching frames on in pieces of `size` bytes."""
        return self._add(Slice(size, pause_s), api, which)

    def rewrite(self, change: Callable[[bytes], bytes], api: int | None = None, **which: Unpack[Which]) -> Rule:
        """Pass on what `change` makes of a frame's bytes (without its length)."""
        return self._add(Rewrite(change), api, which)

    def black_hole(self, node: int | None = None) -> Rule:
        """Accept everything and pass on nothing, in both directions."""
        return self._add(Drop(), None, {"direction": None, "node": node})

    def clear(self) -> None:
        """Release all rules and heal all isolated brokers."""
        for rule in self._rules:
            rule.release()
        self._rules = ()
        self._isolated = frozenset()

    def isolate(self, node: int | None = None) -> None:
        """Reset all connections to a broker (None: to all) and refuse new ones until `heal`."""
        self._isolated |= set(self._routes) if node is None else {node}
        self.cut_connections(node)

    def heal(self, node: int | None = None) -> None:
        """End `isolate`."""
        self._isolated -= set(self._routes) if node is None else {node}

    def cut_connections(self, node: int | None = None) -> None:
        """Reset all present connections to a broker (None: to all)."""

        async def cut() -> None:
            for relay, at in self._relays.items():
                if node in (None, at):
                    relay.reset()

        self._call(cut())

    # Looking at it

    def seen(self, api: int, direction: Direction = Direction.REQUEST, node: int | None = None) -> int:
        """How many such frames have come, whatever the rules then did to them."""
        nodes = self._routes if node is None else (node,)
        return sum(self._seen[at, direction, int(api)] for at in nodes)

    def wait_until_seen(
        self, api: int, count: int = 1, direction: Direction = Direction.REQUEST, timeout_s: float = PATIENCE_S
    ) -> None:
        """Return once `seen` tells at least `count`; raises WorldFault after `timeout_s`."""
        wait_until(lambda: self.seen(api, direction) >= count, f"{count} frames of API {api} came", timeout_s)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._relays)

    def _add(self, action: Action, api: int | None, which: Which) -> Rule:
        rule = Rule(action, Filter(api, **which), self._loop)
        self._rules = (*self._rules, rule)
        return rule

    # On the proxy's own thread

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)

    async def _listen(self) -> None:
        for node, (port, upstream) in self._routes.items():
            self._servers.append(await asyncio.start_server(self._accept(node, upstream), HOST, port))

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for relay in list(self._relays):
            relay.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, node: int, upstream: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._serve(node, upstream, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return accept

    async def _serve(
        self, node: int, upstream: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if node in self._isolated:
                return
            broker = await asyncio.open_connection(HOST, upstream)
        except OSError:
            return
        else:
            talk = Conversation(node, next(self._numbers))
            relay = Relay(talk, (reader, writer), broker, lambda: self._rules, self._note)
            self._relays[relay] = node
            try:
                await relay.run()
            finally:
                del self._relays[relay]
        finally:
            reset(writer)

    def _note(self, frame: Frame) -> None:
        self._seen[frame.node, frame.direction, frame.api] += 1
