"""What child processes run in these tests; spawned children import it by name."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.runtime.gate_statistics import StreamCounts, WorkerStatistics
from watermaster.runtime.judging import JudgingMark
from watermaster.runtime.supervisor import FaultMessage
from watermaster.stream.coordinates import TopicPartition

HELD = Verdict(Outcome.HOLD, (BrokenRule("r", "$", "c", "m"),))
CHECKS = Checks("c", "1", "sha256:one", "s", FieldCheck("", "$", LogicalType.ANY))


class StubJudge:
    """Holds `held`, hangs on `hang`, eats memory on `eat`, dies on `die`, raises on `raise`."""

    def judge(
        self, keys: list[bytes | None], values: list[bytes | None], now_ms: int, headers: object = None
    ) -> dict[int, Verdict]:
        found = {}
        for index, value in enumerate(values):
            match value:
                case b"held":
                    found[index] = HELD
                case b"hang":
                    time.sleep(600)
                case b"eat":
                    eaten = b"x" * (64 * 1024**3)
                    assert eaten
                case b"die":
                    os.kill(os.getpid(), signal.SIGSEGV)
                case b"raise":
                    raise ValueError("a judge must not do this")
        return found


def build_stub(checks: Checks, lookup: object = None) -> StubJudge:
    if checks.contract_id == "cannot start":
        os._exit(1)
    return StubJudge()


def worker(spec: Any, slot: int, mark_path: str, pipe: Connection) -> None:
    """`spec` maps a slot to what its worker does; a file in the directory of the mark counts its lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lives = Path(mark_path).with_name(f"lives-{slot}")
    life = len(lives.read_bytes()) + 1 if lives.exists() else 1
    lives.write_bytes(b"." * life)
    what = spec[slot][min(life, len(spec[slot])) - 1]
    source = TopicPartition("orders", slot)
    match what:
        case "finish":
            pipe.send(statistics(slot, life))
        case "fault":
            pipe.send(FaultMessage("WM-X", "something for a person", "do something", retriable=False))
            pipe.close()
            os._exit(3)
        case "fenced":
            pipe.send(FaultMessage("WM-GATE-FENCED", "somebody has our name", "name it otherwise", retriable=False))
            pipe.close()
            os._exit(3)
        case "die":
            os._exit(9)
        case "commit and die":
            pipe.send(statistics(slot, life))
            time.sleep(0.3)
            os._exit(9)
        case "die judging":
            JudgingMark(Path(mark_path)).enter(source, 5, 9)
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang judging":
            JudgingMark(Path(mark_path)).enter(source, 5, 9)
            time.sleep(600)
        case "fall silent":
            JudgingMark(Path(mark_path)).beat()
            time.sleep(600)
        case "wait":
            mark = JudgingMark(Path(mark_path))
            while not mark.is_asked_to_stop():
                mark.beat()
                time.sleep(0.02)
            pipe.send(statistics(slot, life))


def statistics(slot: int, life: int) -> WorkerStatistics:
    return WorkerStatistics(slot, {"orders": StreamCounts(read=10 * life)}, transactions=1, last_commit_ms=life)
