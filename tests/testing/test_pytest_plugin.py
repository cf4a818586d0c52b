"""The plugin where Kafka cannot be run: loud, and a failure on a build server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_by_fixture(kafka): ...

@pytest.mark.kafka
def test_by_mark(): ...

def test_of_pure_code(): ...
"""


def run_pytest(tmp_path: Path, *arguments: str, tests: str = TESTS, **environment: str) -> tuple[int, str]:
    (tmp_path / "test_it.py").write_text(tests, encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-p", "watermaster.testing.pytest_plugin", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [*command, *arguments, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**clean, **environment},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def no_java(tmp_path: Path) -> dict[str, str]:
    return {"WATERMASTER_JAVA": str(tmp_path / "no-java-here")}


def test_tests_that_could_not_run_are_told_loudly(tmp_path: Path, no_java: dict[str, str]) -> None:
    code, output = run_pytest(tmp_path, **no_java)
    assert code == 0
    assert "1 passed, 2 skipped" in output
    assert "2 tests on real Apache Kafka were NOT run because: WM-TESTKIT-JAVA" in output
    assert "WATERMASTER_JAVA" in output


def test_they_are_told_by_several_processes_too(tmp_path: Path, no_java: dict[str, str]) -> None:
    code, output = run_pytest(tmp_path, "-n", "2", **no_java)
    assert code == 0
    assert "2 tests on real Apache Kafka were NOT run because: WM-TESTKIT-JAVA" in output


@pytest.mark.parametrize("processes", ["0", "2"])
def test_on_a_build_server_they_fail(tmp_path: Path, no_java: dict[str, str], processes: str) -> None:
    code, output = run_pytest(tmp_path, "-n", processes, CI="true", **no_java)
    assert code == 1
    assert "1 passed" in output
    assert "2 failed" in output or "2 errors" in output
    assert "2 tests on real Apache Kafka were NOT run" in output


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_not_every_value_of_ci_means_a_build_server(tmp_path: Path, no_java: dict[str, str], value: str) -> None:
    assert run_pytest(tmp_path, CI=value, **no_java)[0] == 0


def test_who_uses_a_cluster_fixture_is_marked(tmp_path: Path, no_java: dict[str, str]) -> None:
    code, output = run_pytest(tmp_path, "-m", "not kafka", **no_java)
    assert code == 0
    assert "1 passed, 2 deselected" in output
    assert "NOT run" not in output


PROMETHEUS = """
def test_by_fixture(prometheus_programs): ...

def test_of_pure_code(): ...
"""


def test_missing_prometheus_is_told_as_loudly_and_fails_no_build_server(tmp_path: Path) -> None:
    """Not every build server has Debian's packages; one that names a place for it means it."""
    nowhere = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "CI": "true"}
    code, output = run_pytest(tmp_path, tests=PROMETHEUS, **nowhere)
    assert code == 0
    assert "1 passed, 1 skipped" in output
    assert "1 test on real Prometheus and Alertmanager were NOT run because: WM-TESTKIT-PROMETHEUS" in output
    code, output = run_pytest(tmp_path, tests=PROMETHEUS, WATERMASTER_PROMETHEUS_HOME=str(tmp_path), **nowhere)
    assert code == 1
    assert "WM-TESTKIT-PROMETHEUS-HOME" in output
