"""Which contract judges which stream: the control topic followed, contracts compiled once, judges cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from watermaster.contract.activation import Activation, ControlState
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.verdict import Judge, Verdict
from watermaster.runtime.ports import LogReader
from watermaster.stream.fault import Fault, InternalFault, UsageFault, WorldFault

READ_TIMEOUT_S = 60.0

CATCH_UP_TRIES = 20
"""How often the control topic is read again for an activation that a committed offset names."""


@dataclass(frozen=True, slots=True)
class InForce:
    """An activation with its contract compiled and ready to judge."""

    activation: Activation
    checks: Checks
    judge: Judge
    fault: Fault | None = None
    """Why the contract cannot be compiled; then `judge` judges nothing."""


class Contracts(Protocol):
    """Knows by which contract records of a stream are judged now."""

    def follow(self) -> None:
        """Take in what has changed since."""
        ...

    def current(self, stream: str) -> InForce:
        """The contract for a stream. Raises UsageFault if there is none, or it cannot be judged by."""
        ...


class _NoJudge:
    """Stands where a contract cannot be compiled; whoever asks it anyway would let records pass unjudged."""

    def judge(self, *_: object) -> dict[int, Verdict]:
        raise InternalFault("WM-GATE-NO-JUDGE", "a record was to be judged without a contract", hint="Report this.")


class ContractsInForce:
    """Follows the control topic. `compile_checks(document, hash, schema object)` raises UsageFault if it cannot."""

    def __init__(
        self,
        reader: LogReader,
        schema_objects: Mapping[str, str | None],
        compile_checks: Callable[[bytes, str, str | None], Checks],
        build_judge: Callable[[Checks], Judge],
        sleep: Callable[[float], None],
    ) -> None:
        self._reader = reader
        self._schema_objects = schema_objects
        self._compile_checks = compile_checks
        self._build_judge = build_judge
        self._sleep = sleep
        self._state = ControlState()
        self._compiled: dict[tuple[str, str], tuple[Checks, Judge, Fault | None]] = {}

    def load(self) -> None:
        """Read the control topic whole; every stream must have a contract in force."""
        for record in self._reader.read_to_end(READ_TIMEOUT_S):
            self._state.apply(record.key, record.value)
        for stream in self._schema_objects:
            if self._state.in_force(stream) is None:
                raise UsageFault(
                    "WM-CONTRACT-NONE",
                    f"no contract is in force for {stream}",
                    hint=f"Put one in force: `watermaster contract activate {stream} --yes`.",
                )

    def follow(self) -> None:
        """Take in what has come to the control topic since."""
        for record in self._reader.poll():
            self._state.apply(record.key, record.value)

    def require(self, stream: str, number: int) -> None:
        """Make sure that activation `number` is known, so that nobody judges by an older one.

        Raises WorldFault if the control topic does not have it.
        """
        for _ in range(CATCH_UP_TRIES):
            in_force = self._state.in_force(stream)
            if in_force is not None and in_force.number >= number:
                return
            self._sleep(0.1)
            for record in self._reader.read_to_end(READ_TIMEOUT_S):
                self._state.apply(record.key, record.value)
        raise WorldFault(
            "WM-ACTIVATION-MISSING",
            f"{stream} was judged by activation {number}, which the control topic does not hold",
            hint="The control topic was lost or another one is configured. Restore it before the gate goes on.",
        )

    def current(self, stream: str) -> InForce:
        """The newest activation. Raises UsageFault if nothing is in force, or it cannot be judged by."""
        found = self.newest(stream)
        if found.fault is not None:
            raise found.fault
        return found

    def newest(self, stream: str) -> InForce:
        """As `current`, but a contract that cannot be compiled is told by its `fault`: it concerns one stream alone."""
        activation = self._state.in_force(stream)
        if activation is None:
            raise UsageFault("WM-CONTRACT-NONE", f"no contract is in force for {stream}", hint="Activate one.")
        key = (stream, activation.contract)
        if key not in self._compiled:
            self._compiled[key] = self._compile(stream, activation)
        return InForce(activation, *self._compiled[key])

    def _compile(self, stream: str, activation: Activation) -> tuple[Checks, Judge, Fault | None]:
        document = self._state.contracts[activation.contract]
        try:
            checks = self._compile_checks(document, activation.contract, self._schema_objects.get(stream))
        except UsageFault as fault:
            anything = FieldCheck("", "$", LogicalType.ANY)
            empty = Checks(
                activation.contract_id, activation.contract_version, activation.contract, stream, value=anything
            )
            return empty, _NoJudge(), fault
        return checks, self._build_judge(checks), None

    def resume_word(self, gate: str, stream: str) -> bytes | None:
        """The newest word of an operator to this paused stream."""
        return self._state.resumes.get(f"{gate}/{stream}")
