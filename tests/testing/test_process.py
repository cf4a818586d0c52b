"""Children die with their parent, whatever ends it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from watermaster.stream.fault import UsageFault
from watermaster.testing.process import Child
from watermaster.testing.waiting import wait_until

PARENT = """
import pathlib, sys, time
from watermaster.testing.process import Child
command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
child = Child(command, pathlib.Path(sys.argv[1]))
while "up" not in child.output():
    time.sleep(0.01)
print(child.pid, flush=True)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def sleeper(tmp_path: Path) -> Child:
    return Child([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"], tmp_path / "log")


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until(lambda: not is_alive(child), "the child is dead")


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    children: list[Child] = []

    def start() -> None:
        child = sleeper(tmp_path)
        wait_until(lambda: "up" in child.output(), "the child runs")
        children.append(child)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert not children[0].wait(0.5)
    children[0].kill()


def test_a_paused_child_can_be_killed(tmp_path: Path) -> None:
    child = sleeper(tmp_path)
    child.send(signal.SIGSTOP)
    child.kill()
    assert child.exit_code == -signal.SIGKILL


def test_no_signal_is_sent_to_one_that_has_ended(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
    assert child.wait(30)
    assert child.exit_code == 3
    with pytest.raises(UsageFault, match="WM-TESTKIT-NOT-RUNNING"):
        child.send(signal.SIGTERM)


def test_the_output_of_an_earlier_run_is_not_shown(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = Child([sys.executable, "-c", f"print('{word}')"], tmp_path / "log", dict(os.environ))
        assert child.wait(30)
    assert child.output().strip() == "second"
