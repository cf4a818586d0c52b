"""Which lanes judge a contract, in words."""

from __future__ import annotations

from watermaster.contract.checks import CelRule, Checks, FieldCheck, LogicalType
from watermaster.gate.lane_choice import Lanes, choose_lanes, describe_lanes

TOTAL = FieldCheck("total", "$.total", LogicalType.INTEGER, required=True)


def contract(*rules: str, value: FieldCheck = TOTAL) -> Checks:
    record = FieldCheck("orders", "$", LogicalType.OBJECT, required=True, properties=(value,))
    named = tuple(CelRule(f"r{at}", "$", rule) for at, rule in enumerate(rules))
    return Checks("x", "1", "sha256:0", "orders", record, rules=named)


def test_a_simple_contract_has_both_lanes() -> None:
    assert choose_lanes(contract("this.total > 0")) == Lanes(fast=True, columns=True, slow_rules=())


def test_a_rule_that_only_cel_evaluates_is_named() -> None:
    lanes = choose_lanes(contract("this.total > 0", "[1].all(i, this.total > i)"))
    assert lanes == Lanes(fast=False, columns=False, slow_rules=("r1",))
    assert describe_lanes(lanes) == [
        "There is no fast lane for this contract: every record is judged one by one, which is slower.",
        "Records that may be bad are judged one by one.",
        "Only CEL itself evaluates, record by record: r1.",
    ]
