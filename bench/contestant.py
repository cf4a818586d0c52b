"""Who moves records: each one processes of its own, started, watched and ended from here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import yaml

from bench.arena import PARTITIONS, Arena
from bench.decide import CONTRACT
from bench.native import build
from bench.process_cpu import command_of, with_descendants
from bench.progress import Course, ProcessEnded, Progress
from bench.transfer_settings import (
    COMMIT_INTERVAL_S,
    READ_MAX,
    RECORDS_MAX,
    TRANSACTION_TIMEOUT_MS,
    as_words,
    consuming,
    producing,
)
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.wiring import activation

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".bench"
"""Virtual environments and programs that are kept from run to run."""

LOG_TAIL = 2000
OPEN_BUDGET = (
    b"logicalType: object\n    customProperties:\n"
    b"      - {property: holdBudget, value: {share: 1, window: 10000, minimum: 1000}, vendor: watermaster}\n"
)
"""A breaker that never opens, so that the speed at 100 % held can be seen."""


class Contestant:
    """A context manager: processes and their output topics end with it. Subclasses say `command` and `outputs`."""

    label = ""

    def __init__(self, arena: Arena, source: str) -> None:
        self.arena = arena
        self.source = source
        self.name = arena.name(self.label)
        self.directory = arena.directory / self.name
        self.directory.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.target = arena.topic(f"{self.name}.trusted")

    @property
    def group(self) -> str:
        """The consumer group that carries its progress."""
        return self.name

    @property
    def outputs(self) -> tuple[str, ...]:
        """Topics that it writes and nobody else reads."""
        return (self.target,)

    def command(self) -> Sequence[str]:
        """The command line."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it (again)."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=ROOT, start_new_session=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.arena.forget(*self.outputs)

    def kill(self) -> None:
        """SIGKILL for all of its processes, as when the machine is gone."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def pids(self) -> Iterable[int]:
        """All of its processes."""
        assert self.process is not None
        return with_descendants(self.process.pid)

    def check(self) -> None:
        """Raises if it has ended by itself."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {self._log.read_text()[-LOG_TAIL:]}")

    def progress(self) -> Progress:
        """What it has committed."""
        return Progress(self.arena.bootstrap, self.group, self.source, PARTITIONS)

    def drain(self, records: int, timeout_s: float = 180) -> Course:
        """Follow it until it has committed the whole source."""
        with self.progress() as progress:
            try:
                return progress.follow(self.pids, records, self.check, timeout_s)
            except ProcessEnded as ended:
                raise RuntimeError(f"{self.name}: {ended}; its log: {self._log.read_text()[-LOG_TAIL:]}") from ended

    @property
    def _log(self) -> Path:
        return self.directory / "log"


class Gate(Contestant):
    """The product, as its users run it: one command, one worker, default sizes, metrics off."""

    label = "gate"

    def __init__(self, arena: Arena, source: str, contract: bytes = CONTRACT) -> None:
        super().__init__(arena, source)
        self.quarantine = arena.topic(f"{self.name}.quarantine")
        self.ledger = arena.topic(f"{self.name}.ledger")
        self.holds = arena.topic(f"{self.name}.holds", cleanup_policy="compact")
        self.control = arena.topic(f"{self.name}.control", 1, cleanup_policy="compact")
        (self.directory / "contracts").mkdir()
        self.config.write_text(yaml.safe_dump(self._document()))
        self.activate(contract)

    def activate(self, contract: bytes) -> None:
        """Put a contract in force."""
        (self.directory / "contracts" / "orders.odcs.yaml").write_bytes(
            contract.replace(b"logicalType: object\n", OPEN_BUDGET, 1)
        )
        configuration = load_configuration(self.config)
        plan = activation.plan(configuration, self.source, document=None, rollback_to=None, why="benchmark")
        activation.write(configuration, plan)

    def _document(self) -> dict[str, object]:
        stream = {
            "landing": self.source,
            "trusted": self.target,
            "quarantine": self.quarantine,
            "contract": "orders.odcs.yaml",
            "schema_object": "orders",
        }
        gate = {
            "cluster": "arena",
            "control": self.control,
            "ledger": self.ledger,
            "holds": self.holds,
            "metrics_listen": None,
            "commit_interval_ms": round(COMMIT_INTERVAL_S * 1000),
            "transaction_records_max": RECORDS_MAX,
            "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
            "streams": [stream],
        }
        return {
            "clusters": {"arena": {"bootstrap": self.arena.bootstrap}},
            "contracts": "contracts",
            "state_directory": "state",
            "gates": {self.name: gate},
        }

    @property
    def config(self) -> Path:
        return self.directory / "watermaster.yaml"

    @property
    def group(self) -> str:
        return f"watermaster.{self.name}"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.target, self.quarantine, self.ledger, self.holds, self.control

    def command(self) -> Sequence[str]:
        return sys.executable, "-m", "watermaster", "gate", "--config", str(self.config)

    def worker_pid(self) -> int:
        """The process that moves the records."""
        return next(pid for pid in self.pids() if b"spawn_main" in command_of(pid))

    def stop(self) -> None:
        """End it as a person would, so that everything is committed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Bare(Contestant):
    """The bare transfer in Python: bare_transfer.py."""

    label = "bare"

    def command(self) -> Sequence[str]:
        module = (sys.executable, "-m", "bench.bare_transfer")
        return *module, self.arena.bootstrap, self.group, self.source, self.target


class Native(Contestant):
    """The bare transfer in C: native_transfer.c. Making one raises Missing if it cannot be built."""

    label = "native"

    def __init__(self, arena: Arena, source: str) -> None:
        WORK.mkdir(exist_ok=True)
        self._program = build(WORK)
        super().__init__(arena, source)

    def command(self) -> Sequence[str]:
        sizes = (str(READ_MAX), str(RECORDS_MAX), str(round(COMMIT_INTERVAL_S * 1000)))
        reading = as_words(consuming(self.arena.bootstrap, self.group))
        writing = as_words(producing(self.arena.bootstrap, self.group))
        return str(self._program), self.source, self.target, *sizes, "consumer", *reading, "producer", *writing


class Quixstreams(Contestant):
    """The same job in a streaming library: peer_quixstreams.py in a virtual environment of its own."""

    label = "quixstreams"

    def __init__(self, arena: Arena, source: str, python: Path) -> None:
        super().__init__(arena, source)
        self._python = python
        self.quarantine = arena.topic(f"{self.name}.quarantine")

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.target, self.quarantine

    def command(self) -> Sequence[str]:
        script = (str(self._python), str(ROOT / "bench" / "peer_quixstreams.py"), "run")
        return *script, self.arena.bootstrap, self.group, self.source, self.target, self.quarantine


def settle(seconds: float = 0.5) -> None:
    """Let the broker finish what the last contestant left behind (markers, deletions)."""
    time.sleep(seconds)
