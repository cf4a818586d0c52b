"""One identity is used by one process at a time."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from watermaster.adapters.files.instance_lock import InstanceLock
from watermaster.stream.fault import WorldFault

HOLD = """
import sys
from pathlib import Path
from watermaster.adapters.files.instance_lock import InstanceLock
print(InstanceLock(Path(sys.argv[1]), "g", *sys.argv[2:]).name, flush=True)
sys.stdin.read()
"""


def another_process(directory: Path, *name: str) -> tuple[subprocess.Popen[str], str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory), *name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


def test_a_name_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    child, name = another_process(tmp_path, "one")
    assert name == "one"
    with pytest.raises(WorldFault, match=r"WM-INSTANCE-TAKEN.*'one'"):
        InstanceLock(tmp_path, "g", "one")
    InstanceLock(tmp_path, "other", "one").release()
    child.kill()
    child.communicate()
    InstanceLock(tmp_path, "g", "one").release()


def test_without_a_name_the_first_free_one_is_taken(tmp_path: Path) -> None:
    child, name = another_process(tmp_path)
    assert name.endswith("-0")
    ours = InstanceLock(tmp_path, "g")
    assert ours.name == name.removesuffix("-0") + "-1"
    child.kill()
    child.communicate()
    again = InstanceLock(tmp_path, "g")
    assert again.name == name
    ours.release()
    again.release()


def test_an_exec_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path, "g", "one")
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    lock.release()
    InstanceLock(tmp_path, "g", "one").release()
    child.kill()
    child.wait()


def test_others_cannot_read_the_state_directory(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path / "state", "g", "one")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((tmp_path / "state" / "instance-g-one.lock").stat().st_mode) & 0o077 == 0
    lock.release()
