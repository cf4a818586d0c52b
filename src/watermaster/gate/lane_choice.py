"""Which lanes can judge a contract, for people who wonder what a rule costs. Verdicts are the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from watermaster.contract.checks import Checks
from watermaster.gate.column_lane import ColumnLane
from watermaster.gate.exact import ExactLane
from watermaster.gate.judge import LaneJudge
from watermaster.gate.rule_check import compile_rules
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.typed_record import NoFastLane


@dataclass(frozen=True, slots=True)
class Lanes:
    """`fast`: good records are passed in blocks. `columns`: broken rules are named in blocks. The rest is judged one
    by one. `slow_rules` are those that only CEL itself evaluates."""

    fast: bool
    columns: bool
    slow_rules: tuple[str, ...]


def choose_lanes(checks: Checks) -> Lanes:
    """Compile the lanes and see."""
    return Lanes(
        fast=LaneJudge(checks).has_fast_lane,
        columns=_has_columns(checks),
        slow_rules=tuple(rule.rule.id for rule in compile_rules(checks) if rule.simple is None),
    )


def _has_columns(checks: Checks) -> bool:
    try:
        ColumnLane(checks, ExactLane(checks, decode_swiftly).verdict)
    except NoFastLane:
        return False
    return True


def describe_lanes(lanes: Lanes) -> list[str]:
    """In plain words."""
    if lanes.fast:
        first = "Good records pass in the fast lane, many at a time."
    else:
        first = "There is no fast lane for this contract: every record is judged one by one, which is slower."
    if lanes.columns:
        second = "Broken rules are named column by column."
    else:
        second = "Records that may be bad are judged one by one."
    slow = ", ".join(lanes.slow_rules)
    third = [f"Only CEL itself evaluates, record by record: {slow}."] if slow else []
    return [first, second, *third]
