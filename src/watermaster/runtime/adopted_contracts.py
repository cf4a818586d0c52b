"""By which contract the records of an adopted quarantine are judged.

The source of a letter may be the landing or trusted topic of a gate: then the contract in force there judges, as it did
when the record passed. Or a contract lies in the contracts folder: then that file judges as it is now, since nobody has
activated it. Or there is none: then nobody judges, which is said, and nothing of a value is shown unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from watermaster.contract.activation import Activation, content_hash
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.verdict import Judge, Verdict
from watermaster.runtime.contracts_in_force import Contracts, InForce

NO_ACTIVATION: Final = 0
"""The number that stands in states and stamps where no activation judged."""
UNKNOWN: Final = "unknown"
"""The classification of what no contract describes: it may be anything, so it is masked."""


class _LetsPass:
    """Judges nothing: for records that are under no contract."""

    def judge(self, *_: object) -> dict[int, Verdict]:
        """No verdict but that everything passes."""
        return {}


def no_contract(stream: str) -> InForce:
    """What stands where there is no contract."""
    everything = FieldCheck("", "$", LogicalType.ANY, classification=UNKNOWN)
    return InForce(_activation(stream, ""), Checks("", "", "", stream, value=everything), _LetsPass())


def contract_file(stream: str, document: bytes, checks: Checks, judge: Judge) -> InForce:
    """A contract as it lies in the folder now."""
    activation = _activation(stream, content_hash(document), checks.contract_id, checks.contract_version)
    return InForce(activation, checks, judge)


def _activation(stream: str, contract: str, contract_id: str = "", contract_version: str = "") -> Activation:
    return Activation(
        number=NO_ACTIVATION,
        stream=stream,
        contract=contract,
        contract_id=contract_id,
        contract_version=contract_version,
        by="",
        at_ms=0,
    )


@dataclass(frozen=True, slots=True)
class AdoptedContracts:
    """Implements `Contracts` by source topic. `gates`: who follows a gate's contracts, and the landing topic there."""

    gates: Mapping[str, tuple[Contracts, str]]
    files: Mapping[str, InForce]

    def follow(self) -> None:
        """Take in what the control topics of the gates say now; files are read once."""
        for contracts, _ in self.gates.values():
            contracts.follow()

    def current(self, stream: str) -> InForce:
        """The contract of the gate, that of the file, or none."""
        if stream in self.gates:
            contracts, landing = self.gates[stream]
            return contracts.current(landing)
        return self.files.get(stream) or no_contract(stream)
