"""Judges single records in a child process with bounded memory and time."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from watermaster.contract.checks import Checks
from watermaster.gate.framed import Contents, HeaderLists
from watermaster.gate.schema import Lookup, Schema, SchemaId
from watermaster.gate.verdict import PASSED, Judge, Verdict
from watermaster.runtime.contracts_in_force import InForce
from watermaster.runtime.judging import Death
from watermaster.stream.batch import RawHeaders
from watermaster.stream.fault import WorldFault

MEMORY_BYTES_MAX = 4 * 1024**3
"""Address space of the child: decoding takes about fifty times the largest record, and libraries map a lot."""

JUDGE_TIMEOUT_S = 10.0
"""One record; a million times what a good one needs."""

START_TIMEOUT_S = 60.0

_READY = "ready"

BuildJudge = Callable[[Checks, Lookup], Judge]
"""A function of a module, so that another process finds it."""
Pick = Callable[[Checks, Contents, Contents, HeaderLists], Mapping[SchemaId, Schema | None]]
"""The schemas that a record names: the child asks nobody."""

_spawn = multiprocessing.get_context("spawn")  # never fork: clients have threads


class JudgeProcess:
    """Implements `runtime.judging.IsolatedJudge`; the child lives until it dies or another contract comes."""

    def __init__(
        self,
        build_judge: BuildJudge,
        around: Callable[[Judge], Judge] = lambda judge: judge,
        *,
        pick: Pick = lambda *_: {},
        timeout_s: float = JUDGE_TIMEOUT_S,
        memory_bytes_max: int = MEMORY_BYTES_MAX,
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes_max = memory_bytes_max
        self._build_judge = build_judge
        self._pick = pick
        self._around = around
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._contract = ""

    def judge_one(
        self, in_force: InForce, key: bytes | None, value: bytes | None, now_ms: int, headers: RawHeaders | None = None
    ) -> Verdict | Death:
        """The verdict, or how the child died. Raises the faults of `pick`."""
        schemas = self._pick(in_force.checks, [key], [value], [headers])
        if self._contract != in_force.checks.content_hash or self._pipe is None:
            self._start(in_force.checks)
        pipe = self._pipe
        assert pipe is not None  # noqa: S101 - _start has set it
        try:
            pipe.send((key, value, now_ms, headers, schemas))
            if not pipe.poll(self._timeout_s):
                return self._died("timeout")
            answer = pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return self._died("native_crash")
        if isinstance(answer, Verdict):
            return answer
        return self._died("memory")

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.join()
        self._child = self._pipe = None
        self._contract = ""

    def _died(self, cause: str) -> Death:
        self.close()
        return Death(cause)

    def _start(self, checks: Checks) -> None:
        self.close()
        ours, theirs = _spawn.Pipe()
        arguments = (theirs, checks, self._build_judge, self._around, self._memory_bytes_max)
        self._child = _spawn.Process(target=_serve, args=arguments, daemon=True)
        self._child.start()
        theirs.close()
        if not _is_ready(ours):
            self.close()  # no record is at fault here, so none may be held for it
            raise WorldFault(
                "WM-JUDGE-START",
                "the process that judges suspect records does not start",
                hint="Look at the memory and process limits of this service.",
                retriable=True,
            )
        self._pipe = ours
        self._contract = checks.content_hash


def _is_ready(pipe: Connection) -> bool:
    try:
        return pipe.poll(START_TIMEOUT_S) and pipe.recv() == _READY
    except EOFError:
        return False


def _serve(
    pipe: Connection,
    checks: Checks,
    build_judge: BuildJudge,
    around: Callable[[Judge], Judge],
    memory_bytes_max: int,
) -> None:
    known: dict[SchemaId, Schema | None] = {}
    judge = around(build_judge(checks, known.__getitem__))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes_max, memory_bytes_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold record contents
    pipe.send(_READY)
    while True:
        try:
            key, value, now_ms, headers, schemas = pipe.recv()
        except EOFError:
            return
        try:
            known.clear()
            known.update(schemas)
            verdict = judge.judge([key], [value], now_ms, [headers]).get(0, PASSED)
        except MemoryError:
            pipe.send("memory")
            return
        pipe.send(verdict)
