"""A server that is no Kafka as a child process on loopback, up once it answers over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx2

from watermaster.stream.fault import WorldFault
from watermaster.testing.port import reserve_port
from watermaster.testing.process import Child, last_lines
from watermaster.testing.waiting import PATIENCE_S, wait_until

TIMEOUT_S: Final = 30.0
LINES_SHOWN: Final = 12


class LocalServer:
    """Runs one program in a directory of its own; `ready_path` answers with success once it serves."""

    def __init__(self, directory: Path, name: str, ready_path: str) -> None:
        self.directory = directory / name
        self.directory.mkdir()
        self._name, self._ready_path = name, ready_path
        self._port = reserve_port()
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self._port.number}"

    @property
    def url(self) -> str:
        """The root of its API."""
        return f"http://{self.address}"

    def _run(self, command: Sequence[str]) -> None:
        """Start it and wait until it serves. Raises WorldFault WM-TESTKIT-<NAME> with what it said if it ends."""
        try:
            self._child = Child(command, self.directory / "log")
            wait_until(self._ready, f"{self._name} serves", PATIENCE_S)
        except BaseException:
            self.__exit__()
            raise

    def _ready(self) -> bool:
        if self._child is not None and self._child.exit_code is not None:
            said = last_lines(self._child.output(), LINES_SHOWN)
            raise WorldFault(
                f"WM-TESTKIT-{self._name.upper()}",
                f"{self._name} has ended:\n{said}",
                hint=f"See {self.directory / 'log'} for more.",
            )
        try:
            return httpx2.get(f"http://{self.address}{self._ready_path}", timeout=TIMEOUT_S).is_success
        except httpx2.HTTPError:
            return False

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.kill()
        self._port.release()
