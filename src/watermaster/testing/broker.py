"""One broker as a child process that can be killed, stopped, paused and started again on the same data."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.process import Child, last_lines
from watermaster.testing.server_settings import HOST, BrokerAddress

STARTED_LINE = b"Kafka Server started"
"""What Apache Kafka logs once a broker has joined the quorum and serves its listeners."""
PORT_TAKEN_LINE = "Address already in use"
SHUTDOWN_S = 30.0
"""A clean shutdown moves leaders away first; one that takes longer waits for a quorum that is not there."""
LINES_SHOWN = 15


class Broker:
    """A broker of a `KafkaCluster`; its settings, log and data survive every `kill` and `stop`."""

    def __init__(
        self, address: BrokerAddress, command: Sequence[str], log: Path, wait_until_ready: Callable[[], None]
    ) -> None:
        self.address = address
        self.log = log
        self._command = command
        self._wait_until_ready = wait_until_ready
        self._child: Child | None = None
        self._has_started = False

    @property
    def node(self) -> int:
        """The broker's id."""
        return self.address.node

    @property
    def bootstrap(self) -> str:
        """`host:port` of this broker alone."""
        return f"{HOST}:{self.address.client}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives, be it paused or not."""
        return self._child is not None and self._child.exit_code is None

    @property
    def started(self) -> bool:
        """Whether it was started and neither stopped nor killed since; true also where it ended on its own."""
        return self._child is not None

    def start(self, *, wait: bool = True) -> None:
        """Start it, again or for the first time. With `wait` return when the whole cluster is ready."""
        if self.is_running:
            raise UsageFault(
                "WM-TESTKIT-RUNNING", f"Broker {self.node} is running already.", hint="Kill or stop it first."
            )
        self._has_started = False
        self._child = Child(self._command, self.log)
        if wait:
            self._wait_until_ready()

    def stop(self) -> None:
        """Shut it down cleanly: leaders move away first. Falls back to SIGKILL after 30 s."""
        child = self._running()
        child.send(signal.SIGTERM)
        if not child.wait(SHUTDOWN_S):
            child.kill()
        self._child = None

    def kill(self) -> None:
        """SIGKILL: no goodbye to anyone. Does nothing to a broker that is down."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing."""
        self._running().send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._running().send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop cleanly, start, and wait until the whole cluster is ready."""
        self.stop()
        self.start()

    def has_started(self) -> bool:
        """Whether it says that it has started; raises WorldFault with its last words if it has ended instead."""
        child = self._running()
        self._has_started = self._has_started or child.has_newly_written(STARTED_LINE)
        return self._has_started

    def last_words(self) -> str:
        """The last lines of the log of this run."""
        return "" if self._child is None else "Its last lines:\n" + last_lines(self._child.output(), LINES_SHOWN)

    @property
    def port_was_taken(self) -> bool:
        """Whether it ended because someone else listens on one of its ports."""
        return self._child is not None and not self.is_running and PORT_TAKEN_LINE in self._child.output()

    def _running(self) -> Child:
        if self._child is None or self._child.exit_code is not None:
            ended = "was not started" if self._child is None else f"has ended with code {self._child.exit_code}"
            raise WorldFault(
                "WM-TESTKIT-BROKER",
                f"Broker {self.node} {ended}. {self.last_words()}".rstrip(),
                hint=f"See {self.log} for more.",
            )
        return self._child
