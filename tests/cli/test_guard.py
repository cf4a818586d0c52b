"""A command whose client library aborts is started again; real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from watermaster.cli.guard import ATTEMPTS, needs_guard, run_guarded
from watermaster.stream.fault import WorldFault

ABORT = """
import os, pathlib, sys
log = pathlib.Path(sys.argv[1])
log.write_text(log.read_text() + "x")
if len(log.read_text()) <= int(sys.argv[2]):
    os.abort()
sys.exit(int(sys.argv[3]))
"""


def aborting(log: Path, aborts: int, code: int) -> list[str]:
    log.write_text("")
    return [sys.executable, "-c", ABORT, str(log), str(aborts), str(code)]


@pytest.mark.parametrize("code", [0, 3])
def test_aborted_is_started_again_and_its_exit_code_is_kept(tmp_path: Path, code: int) -> None:
    log = tmp_path / "log"
    assert run_guarded(aborting(log, ATTEMPTS - 1, code)) == code
    assert log.read_text() == "x" * ATTEMPTS


def test_aborted_every_time_is_said(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(WorldFault, match="3 times") as raised:
        run_guarded(aborting(log, 99, 0))
    assert raised.value.code == "WM-CLIENT-ABORTED"
    assert log.read_text() == "x" * ATTEMPTS


def test_a_wrong_address_in_the_library_is_an_abort_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("")
    program = ABORT.replace("os.abort()", "os.kill(os.getpid(), 11)")
    assert run_guarded([sys.executable, "-c", program, str(log), "1", "4"]) == 4
    assert log.read_text() == "xx"


def test_another_signal_is_no_reason_to_start_again() -> None:
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert run_guarded([sys.executable, "-c", kill]) == 128 + 15


def test_one_that_has_lived_may_be_aborted_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert run_guarded(aborting(log, 2 * ATTEMPTS, 0), healthy_s=0) == 0
    assert log.read_text() == "x" * (2 * ATTEMPTS + 1)


TELLS = """
import pathlib, signal, sys
def told(number, frame):
    print(signal.Signals(number).name, flush=True)
    sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, told)
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_guard_alone_reach_the_command(number: signal.Signals) -> None:
    command = [sys.executable, "-c", TELLS]
    program = f"import sys; from watermaster.cli.guard import run_guarded; sys.exit(run_guarded({command!r}))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as guard:
        assert guard.stdout is not None
        assert guard.stdout.readline() == "ready\n"
        guard.send_signal(number)
        assert guard.stdout.readline() == f"{number.name}\n"
        assert guard.wait(30) == 5


WAITS = """
import os, signal
from watermaster.cli.guard import end_with_guard
end_with_guard(os.environ)
print("ready", flush=True)
signal.pause()
"""


def test_a_guard_that_is_killed_leaves_no_command_behind() -> None:
    command = [sys.executable, "-c", WAITS]
    program = f"import sys; from watermaster.cli.guard import run_guarded; sys.exit(run_guarded({command!r}))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as guard:
        assert guard.stdout is not None
        assert guard.stdout.readline() == "ready\n"
        guard.kill()
        guard.communicate(timeout=30)  # the pipe ends with whoever holds it last


@pytest.mark.parametrize(
    ("arguments", "environment", "needed"),
    [
        (["status", "--lag"], {}, True),
        (["monitor"], {}, True),
        (["metrics"], {}, True),
        (["status"], {"WATERMASTER_GUARDED": "3"}, False),
        (["gate"], {}, False),
        (["gate", "verify", "--mode", "full"], {}, True),
        ([], {}, False),
    ],
)
def test_who_is_guarded(arguments: list[str], environment: dict[str, str], needed: bool) -> None:
    assert needs_guard(arguments, environment) is needed
