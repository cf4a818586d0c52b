"""The identity of this instance, kept in the state directory under a file lock.

Two processes with one transactional id fence each other for ever, so an identity is used by one process at a time:
the first free of `<host>-<home>-0`, `<host>-<home>-1`, … is locked until the process ends. `<home>` is drawn once for a
state directory and kept in it, because two machines (or two containers) may have one host name.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path

from watermaster.stream.fault import UsageFault, WorldFault

INSTANCES_MAX = 100
HOME_DIGITS = 6
READ_TRIES = 100


class InstanceLock:
    """Holds one identity for one gate; released when the process ends or `release` is called."""

    def __init__(self, directory: Path, gate: str, name: str | None = None) -> None:
        """Lock `name`, or the first free name of this host. Raises WorldFault if it is taken."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:60] or "host"
        names = [name] if name else [f"{host}-{_home(directory)}-{number}" for number in range(INSTANCES_MAX)]
        for candidate in names:
            descriptor = _try_lock(directory / f"instance-{gate}-{candidate}.lock")
            if descriptor is not None:
                self.name = candidate
                self._descriptor = descriptor
                return
        raise WorldFault(
            "WM-INSTANCE-TAKEN",
            f"the instance name {names[0]!r} of gate {gate!r} is in use by another process on this machine",
            hint="Stop that process, or give this one its own `instance` in watermaster.yaml.",
        )

    def release(self) -> None:
        """Let others use the name."""
        os.close(self._descriptor)


def _home(directory: Path) -> str:
    """Six hexadecimal digits, the same for every process that uses this state directory."""
    path = directory / "home"
    with suppress(FileExistsError), path.open("x") as file:
        file.write(secrets.token_hex(HOME_DIGITS // 2))
    for _ in range(READ_TRIES):
        home = path.read_text()
        if len(home) == HOME_DIGITS:
            return home
        time.sleep(0.01)  # another process has made the file and is about to fill it
    raise UsageFault(
        "WM-INSTANCE-HOME",
        f"{path} should hold {HOME_DIGITS} hexadecimal digits",
        hint="Delete it, or give this instance its own `instance` in watermaster.yaml.",
    )


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
