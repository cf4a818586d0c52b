"""Commands that look at clusters survive the client library's own death.

librdkafka aborts the whole process if a group's coordinator dies while it is asked about the group
(confluentinc/librdkafka, issue 4605: `eonce->refcnt > 0`), and has been seen to end by a wrong address there. That is
the hour in which somebody looks. So such a command runs in a process of its own, and one that died so is started again;
it only reads from clusters, so nothing is done twice there. A guard that is killed takes its command with it: left
alone a monitor would keep the lease and the port from the one that is started next.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Final

from watermaster.stream.fault import WorldFault

ATTEMPTS: Final = 3
"""A coordinator's successor takes over within seconds, and each attempt waits for some."""
HEALTHY_S: Final = 60.0
"""A command that has lived so long may be aborted as often again: the next abort is about another broker's end."""
GUARDED: Final = (("metrics",), ("monitor",), ("status",), ("gate", "verify"))
"""How such commands begin."""
_DEATHS: Final = frozenset({-signal.SIGABRT, -signal.SIGSEGV})
_INSIDE: Final = "WATERMASTER_GUARDED"
"""Holds the number of a file descriptor that ends with the guard."""
_TERMINAL_S: Final = 1.0


def needs_guard(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether this command asks for a process of its own and is not in it already."""
    return _INSIDE not in environment and any(tuple(arguments[: len(begin)]) == begin for begin in GUARDED)


def end_with_guard(environment: MutableMapping[str, str]) -> None:
    """In the command: be killed when the guard is, as if both were one process. Without a guard, nothing."""
    guard = environment.pop(_INSIDE, None)
    if guard is not None:
        threading.Thread(target=_die_at_end, args=(int(guard),), name="watermaster-guard", daemon=True).start()


def _die_at_end(guard: int) -> None:
    os.read(guard, 1)  # nothing is ever written
    os.kill(os.getpid(), signal.SIGKILL)


def run_guarded(command: Sequence[str], healthy_s: float = HEALTHY_S) -> int:
    """Run the command on our terminal; its exit code. `WorldFault` if the client library ends it every time.

    SIGINT and SIGTERM are passed on. An attempt that lives for `healthy_s` seconds starts the count anew.
    """
    failed = 0
    while failed < ATTEMPTS:
        started = time.monotonic()
        code = _run(command)
        if code not in _DEATHS:
            return code if code >= 0 else 128 - code
        failed = 1 if time.monotonic() - started >= healthy_s else failed + 1
    raise WorldFault(
        "WM-CLIENT-ABORTED",
        f"the Kafka client library ended the command {ATTEMPTS} times",
        hint="A broker that coordinates consumer groups is probably just failing. Try again in some seconds.",
        retriable=True,
    )


def _run(command: Sequence[str]) -> int:
    watched, ours = os.pipe()
    environment = {**os.environ, _INSIDE: str(watched)}
    try:
        process = subprocess.Popen(command, env=environment, pass_fds=(watched,))  # noqa: S603 - our own program
    finally:
        os.close(watched)
    with os.fdopen(ours, "wb"), process, _terminating(process):
        patience_s: float | None = None
        while True:
            try:
                return process.wait(patience_s)
            except KeyboardInterrupt:  # a terminal has sent it to the command too, which ends in its own way
                patience_s = _TERMINAL_S
            except subprocess.TimeoutExpired:  # so it was sent to us alone
                process.send_signal(signal.SIGINT)
                patience_s = None


@contextmanager
def _terminating(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What is told to end us ends the command."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def own_command(arguments: Sequence[str]) -> list[str]:
    """This program again."""
    return [sys.executable, "-m", "watermaster", *arguments]
