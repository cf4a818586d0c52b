"""Child processes that die with their parent, with their output in a file.

How they die: a tiny launcher asks the kernel for SIGKILL on its parent's death (`PR_SET_PDEATHSIG`), checks that the
parent still lives, and becomes the command by `exec`, which keeps the request. This needs no `preexec_fn`, which may
deadlock in a process with threads. The kernel counts the *thread* that started the child as its parent; therefore all
children are started by one thread that lives as long as the interpreter does, and not by whichever thread asked.
Beyond Linux the request is left out, and children are ended by `Child.kill` alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from watermaster.stream.fault import UsageFault

LINE_CHARACTERS_MAX = 400
LOG_TAIL_BYTES = 64 * 1024
"""How much of the end of a log is read for an error message: hundreds of lines, whatever the log has grown to."""
KILL_WAIT_S = 10.0

_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""

_starter = ThreadPoolExecutor(1, thread_name_prefix="watermaster-starter")


class Child:
    """A running command; stdout and stderr are appended to `log`."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        self._searched_to = self._log_start
        self._process = _starter.submit(_start, command, log, environment).result()

    @property
    def pid(self) -> int:
        """The process id; it belongs to the command itself, not to a launcher."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal; raises UsageFault if the process has ended."""
        if self.exit_code is not None:
            raise UsageFault(
                "WM-TESTKIT-NOT-RUNNING",
                f"Process {self.pid} has ended, so {signal_number.name} cannot be sent to it.",
                hint="Start it again first.",
            )
        self._process.send_signal(signal_number)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, also where it is stopped; returns when it is gone. Does nothing if it has ended."""
        if self.exit_code is None:
            self._process.kill()
            self._process.wait(KILL_WAIT_S)

    def has_newly_written(self, text: bytes) -> bool:
        """Whether it has written this text since the last search; each call reads only what is new."""
        with self.log.open("rb") as file:
            file.seek(self._searched_to)
            new = file.read()
        self._searched_to += max(0, len(new) - len(text) + 1)
        return text in new

    def output(self) -> str:
        """The last part (at most `LOG_TAIL_BYTES`) of what this run of the command wrote."""
        with self.log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_start, end - LOG_TAIL_BYTES))
            return file.read(LOG_TAIL_BYTES).decode(errors="replace")


def last_lines(text: str, count: int) -> str:
    """The end of an output, for an error message; very long lines are cut."""
    return "\n".join(line[:LINE_CHARACTERS_MAX] for line in text.rstrip().splitlines()[-count:])


def _start(command: Sequence[str], log: Path, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the command is the caller's own
            [*launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            # A session of its own: Ctrl-C in a terminal is for the test runner, which then ends its children in order.
            start_new_session=True,
        )
