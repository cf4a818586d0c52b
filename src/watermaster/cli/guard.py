"""Commands that look at clusters survive the client library's own death.

librdkafka aborts the whole process if a group's coordinator dies while it is asked about the group
(confluentinc/librdkafka, issue 4605: `eonce->refcnt > 0`). That is the hour in which somebody looks. So such a command
runs in a process of its own, and one that was aborted is started again; it only reads, so nothing is done twice.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from watermaster.stream.fault import WorldFault

ATTEMPTS: Final = 3
"""A coordinator's successor takes over within seconds, and each attempt waits for some."""
GUARDED: Final = frozenset({"status"})
_INSIDE: Final = "WATERMASTER_GUARDED"


def needs_guard(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether this command asks for a process of its own and is not in it already."""
    return bool(arguments) and arguments[0] in GUARDED and _INSIDE not in environment


def run_guarded(command: Sequence[str]) -> int:
    """Run the command on our terminal; its exit code. `WorldFault` if the client library aborts it every time."""
    environment = {**os.environ, _INSIDE: "1"}
    for _ in range(ATTEMPTS):
        code = _run(command, environment)
        if code != -signal.SIGABRT:
            return code if code >= 0 else 128 - code
    raise WorldFault(
        "WM-CLIENT-ABORTED",
        f"the Kafka client library ended the command {ATTEMPTS} times",
        hint="A broker that coordinates consumer groups is probably just failing. Try again in some seconds.",
        retriable=True,
    )


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own program
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the terminal has sent it to the command too, which ends in its own way
                continue


def own_command(arguments: Sequence[str]) -> list[str]:
    """This program again."""
    return [sys.executable, "-m", "watermaster", *arguments]
