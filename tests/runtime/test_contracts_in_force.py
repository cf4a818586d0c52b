"""The control topic followed: loaded, caught up with, compiled once."""

from __future__ import annotations

import pytest

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.readers import MemoryLogReader
from watermaster.contract.activation import (
    Activation,
    activation_key,
    content_hash,
    contract_key,
    encode_activation,
    resume_key,
)
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.gate.verdict import Judge, Verdict
from watermaster.runtime.contracts_in_force import CATCH_UP_TRIES, ContractsInForce
from watermaster.stream.fault import UsageFault, WorldFault


class NoJudge:
    def judge(
        self, keys: list[bytes | None], values: list[bytes | None], now_ms: int, headers: object = None
    ) -> dict[int, Verdict]:
        return {}


class Control:
    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.cluster.create_topic("control")
        self.compiled: list[tuple[bytes, str, str | None]] = []
        self.slept = 0

    def activate(self, number: int, document: bytes, stream: str = "orders") -> None:
        hash_ = content_hash(document)
        activation = Activation(
            number=number, stream=stream, contract=hash_, contract_id="c", contract_version="1", by="x", at_ms=0
        )
        self.cluster.produce("control", key=contract_key(hash_), value=document)
        self.cluster.produce("control", key=activation_key(activation), value=encode_activation(activation))

    def follow(self, *streams: str) -> ContractsInForce:
        reader = MemoryLogReader(self.cluster, "control")
        schemas = {stream: f"object of {stream}" for stream in streams}
        return ContractsInForce(reader, schemas, self._compile, self._build, self._sleep)

    def _compile(self, document: bytes, hash_: str, schema: str | None) -> Checks:
        self.compiled.append((document, hash_, schema))
        if document == b"broken":
            raise UsageFault("WM-CONTRACT-BROKEN", "no contract", hint="-")
        return Checks("c", "1", hash_, "s", FieldCheck("", "$", LogicalType.ANY))

    def _build(self, _: Checks) -> Judge:
        return NoJudge()

    def _sleep(self, _: float) -> None:
        self.slept += 1


def test_every_stream_needs_a_contract() -> None:
    control = Control()
    control.activate(1, b"one")
    with pytest.raises(UsageFault, match="WM-CONTRACT-NONE: no contract is in force for fleet"):
        control.follow("orders", "fleet").load()


def test_a_contract_is_compiled_once_and_for_its_schema_object() -> None:
    control = Control()
    control.activate(1, b"one")
    contracts = control.follow("orders")
    contracts.load()
    first = contracts.current("orders")
    assert contracts.current("orders") == first
    assert control.compiled == [(b"one", content_hash(b"one"), "object of orders")]
    control.activate(2, b"two")
    assert contracts.current("orders") == first, "nothing changes before it is asked for"
    contracts.follow()
    assert contracts.current("orders").activation.number == 2
    control.activate(3, b"one")
    contracts.follow()
    assert contracts.current("orders").activation.number == 3
    assert len(control.compiled) == 2


def test_an_activation_that_is_required_is_waited_for() -> None:
    control = Control()
    control.activate(1, b"one")
    contracts = control.follow("orders")
    contracts.load()
    contracts.require("orders", 1)
    assert control.slept == 0
    control.activate(2, b"two")
    contracts.require("orders", 2)
    assert control.slept == 1
    assert contracts.current("orders").activation.number == 2
    with pytest.raises(WorldFault, match="WM-ACTIVATION-MISSING"):
        contracts.require("orders", 3)
    assert control.slept == 1 + CATCH_UP_TRIES


def test_a_contract_that_cannot_be_compiled_is_a_fault_and_judges_nothing() -> None:
    control = Control()
    control.activate(1, b"one")
    control.activate(2, b"broken")
    contracts = control.follow("orders")
    contracts.load()
    with pytest.raises(UsageFault, match="WM-CONTRACT-BROKEN"):
        contracts.current("orders")


def test_words_of_operators_are_for_one_gate_and_stream() -> None:
    control = Control()
    control.activate(1, b"one")
    control.cluster.produce("control", key=resume_key("g", "orders"), value=b"go on")
    contracts = control.follow("orders")
    contracts.load()
    assert contracts.resume_word("g", "orders") == b"go on"
    assert contracts.resume_word("other", "orders") is None
    assert contracts.resume_word("g", "fleet") is None
