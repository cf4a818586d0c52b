"""Loopback ports that stay free until they are used, and stay ours when a broker is down for a while.

A port that is merely found free can be taken by an outgoing connection, or by another test run, before a broker
listens on it, and again while a killed broker is down. Therefore ports are chosen below the range that the kernel gives
to outgoing connections, and each is reserved by an abstract Unix socket: a lock whose name space is the same as that
of the ports (the network namespace) and that the kernel releases when this process dies.
"""

from __future__ import annotations

import errno
import random
import socket
import sys
from pathlib import Path

from watermaster.stream.fault import WorldFault

PORT_MIN = 10_240
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_MIN_DEFAULT = 32_768
_ATTEMPTS = 500


class ReservedPort:
    """A loopback port that no other holder of a ReservedPort on this machine has."""

    def __init__(self, number: int, reservation: socket.socket | None) -> None:
        self.number = number
        self._reservation = reservation

    def release(self) -> None:
        """Let others have it."""
        if self._reservation is not None:
            self._reservation.close()


def reserve_port() -> ReservedPort:
    """A port on 127.0.0.1 that nothing listens on; raises WorldFault if none is found."""
    ceiling = max(PORT_MIN + 1, _ephemeral_min())
    for _ in range(_ATTEMPTS):
        number = random.randrange(PORT_MIN, ceiling)  # noqa: S311 - no secret
        reservation = _reserve(number)
        if reservation is None and sys.platform == "linux":
            continue
        if _is_free(number):
            return ReservedPort(number, reservation)
        if reservation is not None:
            reservation.close()
    raise WorldFault(
        "WM-TESTKIT-PORT",
        f"No free port was found on 127.0.0.1 between {PORT_MIN} and {ceiling}.",
        hint="End processes that listen there.",
        retriable=True,
    )


def _reserve(number: int) -> socket.socket | None:
    if sys.platform != "linux":
        return None
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(f"\0watermaster-port-{number}")
    except OSError as error:
        lock.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return lock


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def _ephemeral_min() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return _EPHEMERAL_MIN_DEFAULT
