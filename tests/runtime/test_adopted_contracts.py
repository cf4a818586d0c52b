"""By which contract letters are judged, and what is masked where there is none."""

from __future__ import annotations

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.judge import build_judge
from watermaster.quarantine.exhibit import MASK, exhibit, is_guarded
from watermaster.runtime.adopted_contracts import AdoptedContracts, contract_file, no_contract
from watermaster.runtime.contracts_in_force import InForce


class OneContract:
    """The contracts of a gate, of which one stream is asked."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force, self.followed = in_force, 0

    def follow(self) -> None:
        self.followed += 1

    def current(self, stream: str) -> InForce:
        assert stream == "orders.landing"
        return self.in_force


def checks(stream: str) -> Checks:
    value = FieldCheck("", "$", LogicalType.OBJECT, properties=(FieldCheck("id", "$.id", LogicalType.INTEGER),))
    return Checks("c", "2", "sha256:x", stream, value)


def test_the_gates_contract_comes_first_then_the_file_then_none() -> None:
    of_gate = contract_file("orders.landing", b"gate", checks("orders.landing"), build_judge(checks("o")))
    of_file = contract_file("payments", b"file", checks("payments"), build_judge(checks("p")))
    gate = OneContract(of_gate)
    contracts = AdoptedContracts({"orders": (gate, "orders.landing")}, {"payments": of_file})
    contracts.follow()
    assert gate.followed == 1
    assert contracts.current("orders") is of_gate
    assert contracts.current("payments").activation.number == 0, "nobody has activated a file"
    assert contracts.current("payments").judge.judge([None], [b'{"id":"x"}'], 0)
    unknown = contracts.current("elsewhere")
    assert (unknown.activation.contract, unknown.judge.judge([None], [b"\x00"], 0)) == ("", {})


def test_without_a_contract_nothing_of_a_record_is_shown() -> None:
    unknown = no_contract("elsewhere").checks
    assert is_guarded(unknown)
    assert [line.text for line in exhibit(b'{"card":4111}', (), unknown.value)] == [MASK]
