"""The identity of this instance, kept in the state directory under a file lock.

Two processes with one transactional id fence each other for ever, so an identity is used by one process at a time:
the first free of `<host>-0`, `<host>-1`, … is locked until the process ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path

from watermaster.stream.fault import WorldFault

INSTANCES_MAX = 100


class InstanceLock:
    """Holds one identity for one gate; released when the process ends or `release` is called."""

    def __init__(self, directory: Path, gate: str, name: str | None = None) -> None:
        """Lock `name`, or the first free name of this host. Raises WorldFault if it is taken."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:60] or "host"
        names = [name] if name else [f"{host}-{number}" for number in range(INSTANCES_MAX)]
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


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
