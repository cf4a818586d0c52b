"""Faults on the terminal: one sentence, a hint, a code, an exit code; never a traceback unasked."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading

import pytest

from watermaster.cli import interruption, main
from watermaster.cli.errors import EXIT_CODES, ExitCode, show_fault, show_unexpected
from watermaster.stream.fault import Fault, InternalFault, UsageFault, WorldFault

CANARY = "canary-c0de"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(UsageFault, ExitCode.USAGE), (WorldFault, ExitCode.WORLD), (InternalFault, ExitCode.INTERNAL)],
)
def test_exit_codes(kind: type[Fault], code: ExitCode) -> None:
    stream = io.StringIO()
    assert show_fault(kind("WM-X", "It broke.", hint="Mend it."), stream) is code
    assert stream.getvalue() == "It broke. [WM-X]\n  Mend it.\n"


def test_every_kind_of_fault_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(Fault.__subclasses__())


def test_the_unexpected_shows_its_type_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATERMASTER_DEBUG", raising=False)
    stream = io.StringIO()
    assert show_unexpected(ValueError(CANARY), stream) is ExitCode.INTERNAL
    assert "ValueError. [WM-INTERNAL]" in stream.getvalue()
    assert "WATERMASTER_DEBUG=1" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATERMASTER_DEBUG", "1")
    stream = io.StringIO()
    with pytest.raises(ValueError, match=CANARY) as caught:
        int(CANARY)
    show_unexpected(caught.value, stream)
    assert "Traceback" in stream.getvalue()
    assert "test_errors.py" in stream.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code", "piece"),
    [
        (["stats"], 2, "[WM-USAGE]"),
        (["init"], 2, "Missing option '--bootstrap'"),
        (["init", "--bootstrap", "k.example:9092"], 2, "[WM-SECURITY-PLAINTEXT]"),
        (["init", "--bootstrap", "k.example:9092", "--allow-plaintext"], 2, "[WM-SECURITY-ANONYMOUS]"),
        (["init", "--bootstrap", "k:1", "--environment", "prod"], 2, "development, staging or production"),
        (["init", "--bootstrap", "127.0.0.1:1"], 3, "[WM-KAFKA-UNREACHABLE]"),
        (["init", "--bootstrap", "no-such-host.invalid:1", "--allow-plaintext", "--allow-anonymous"], 2, "host name"),
        (["status", "--config", "/nonexistent.yaml"], 2, "[WM-CONFIG-FILE]"),
        (["status", "--output", "xml"], 2, "[WM-USAGE]"),
    ],
)
def test_wrong_commands(
    arguments: list[str], code: int, piece: str, capfd: pytest.CaptureFixture[str], tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(str(tmp_path))
    assert main.execute(arguments) == code
    captured = capfd.readouterr()
    assert piece in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 2


def test_an_unexpected_exception_in_a_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("watermaster.wiring.monitoring.look_and_status", explode)
    assert main.execute(["status"]) == ExitCode.INTERNAL
    captured = capfd.readouterr()
    assert "[WM-INTERNAL]" in captured.err
    assert CANARY not in captured.err


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("watermaster.wiring.monitoring.look_and_status", interrupt)
    assert main.execute(["status"]) == ExitCode.INTERRUPTED
    assert "Traceback" not in capfd.readouterr().err


def test_an_interrupt_that_a_library_turns_into_something_else(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The Kafka client's constructors do so."""

    def swallow(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise TypeError(CANARY) from None

    monkeypatch.setattr(interruption, "_wished", threading.Event())
    monkeypatch.setattr("watermaster.wiring.monitoring.look_and_status", swallow)
    before = signal.getsignal(signal.SIGINT)
    try:
        interruption.remember_ctrl_c()
        assert main.execute(["status"]) == ExitCode.INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr().err == "Interrupted.\n"


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["--version"]) == 0
    assert capfd.readouterr().out.startswith("watermaster ")
    assert main.execute(["--help"]) == 0
    assert "status" in capfd.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    heavy = ["confluent_kafka", "pydantic", "cel_expr_python", "jsonschema_rs", "re2", "yaml", "structlog", "httpx2"]
    code = f"import sys, watermaster.cli.main; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
