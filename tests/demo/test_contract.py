"""The contract of the flights: it can be enforced, says why, and holds what it says."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import ReadResult, read_contract
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import Outcome
from watermaster.quarantine.fix.apply import Fixed, apply_fix
from watermaster.quarantine.fix.document import read_fix
from watermaster.quarantine.held import OriginalRecord
from watermaster.runtime.demo_result import explain_rules

KEY = b"UA1545-EWR-2013-01-01"
FLOWN: dict[str, Any] = {
    "year": 2013, "month": 1, "day": 1, "dep_time": 517, "sched_dep_time": 515, "dep_delay": 2, "arr_time": 830,
    "sched_arr_time": 819, "arr_delay": 11, "carrier": "UA", "flight": 1545, "tailnum": "N14228", "origin": "EWR",
    "dest": "IAH", "air_time": 227, "distance": 1400, "hour": 5, "minute": 15, "time_hour": "2013-01-01T10:00:00Z",
}  # fmt: skip
NOTHING: dict[str, Any] = dict.fromkeys(("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"))


@pytest.fixture(scope="module")
def document() -> ReadResult:
    content = resources.files("watermaster").joinpath("demo_data/flights.odcs.yaml").read_bytes()
    return read_contract(content, "flights.odcs.yaml")


@pytest.fixture(scope="module")
def checks(document: ReadResult) -> Checks:
    compiled = compile_contract(document, "flights")
    assert compiled.problems == ()
    return compiled.checks[0]


def broken(checks: Checks, key: bytes | None, value: bytes | None) -> set[str]:
    """The rules that hold the record."""
    verdict = build_judge(checks).judge([key], [value], 0).get(0)
    if verdict is None or verdict.outcome is not Outcome.HOLD:
        return set()
    return {rule.rule for rule in verdict.broken if rule.severity.value == "error"}


def test_it_is_valid_and_owned(document: ReadResult, checks: Checks) -> None:
    assert document.problems == ()
    assert checks.owner == "Flight operations data"


def test_every_field_and_rule_says_why(document: ReadResult, checks: Checks) -> None:
    explained = explain_rules(document.document, checks)
    assert all(explained[rule.id] for rule in checks.rules)
    assert all(explained[f"{field.path}:type"] for field in checks.value.properties)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="a flight as planned"),
        pytest.param({**NOTHING, "tailnum": None}, id="cancelled before an aircraft was assigned"),
        pytest.param(NOTHING, id="cancelled with an aircraft"),
        pytest.param({"dep_time": 15, "sched_dep_time": 2359, "dep_delay": 16}, id="delayed over midnight"),
        pytest.param({"arr_time": 0, "sched_arr_time": 2349}, id="arrived at midnight"),
        pytest.param({"dep_time": 510, "dep_delay": -5}, id="left early"),
        pytest.param({"tailnum": "N1"}, id="shortest registration"),
        pytest.param({"tailnum": "N999ZZ"}, id="registration with two letters"),
        pytest.param({"air_time": 140, "distance": 1400}, id="exactly 600 miles per hour"),
    ],
)
def test_what_passes(checks: Checks, change: dict[str, Any]) -> None:
    assert broken(checks, KEY, json.dumps(FLOWN | change).encode()) == set()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"arr_time": 2400, "sched_arr_time": 2349}, "$.arr_time:maximum"),
        ({"dep_time": 2400, "sched_dep_time": 2358}, "$.dep_time:maximum"),
        ({"tailnum": "N3EYAA"}, "$.tailnum:pattern"),
        ({"tailnum": "D942DN"}, "$.tailnum:pattern"),
        ({"tailnum": "N1234I"}, "$.tailnum:pattern"),
        ({"tailnum": "N012"}, "$.tailnum:pattern"),
        ({"tailnum": None}, "aircraft_named"),
        ({"arr_time": None, "arr_delay": None, "air_time": None}, "arrival_reported"),
        ({"arr_delay": None, "air_time": None}, "arrival_reported"),
        ({"dep_time": None, "dep_delay": None}, "cancelled_says_nothing"),
        ({"dep_delay": 3}, "departure_delay_adds_up"),
        ({"arr_delay": 12}, "arrival_delay_adds_up"),
        ({"air_time": 139}, "plausible_speed"),
        ({"origin": "PHL"}, "$.origin:enum"),
        ({"dest": "iah"}, "$.dest:pattern"),
        ({"distance": 0}, "$.distance:minimum"),
    ],
)
def test_what_is_held(checks: Checks, change: dict[str, Any], rule: str) -> None:
    assert rule in broken(checks, KEY, json.dumps(FLOWN | change).encode())


@pytest.mark.parametrize("key", [None, b"", b"UA1545", b"UA01545-EWR-2013-01-01"])
def test_the_key_is_judged(checks: Checks, key: bytes | None) -> None:
    assert broken(checks, key, json.dumps(FLOWN).encode()) != set()


def test_a_tombstone_and_an_unknown_field_are_held(checks: Checks) -> None:
    assert broken(checks, KEY, None) != set()
    assert broken(checks, KEY, json.dumps(FLOWN | {"gate": "A7"}).encode()) != set()


def test_leaving_far_too_early_is_only_counted(checks: Checks) -> None:
    value = json.dumps(FLOWN | {"dep_time": 432, "dep_delay": -43}).encode()
    verdict = build_judge(checks).judge([KEY], [value], 0)[0]
    assert verdict.outcome is Outcome.PASS
    assert [rule.rule for rule in verdict.broken] == ["left_far_too_early"]


@pytest.mark.parametrize(
    "change", [{"arr_time": 2400, "sched_arr_time": 2349}, {"dep_time": 2400, "sched_dep_time": 2358}]
)
def test_the_fix_that_is_shipped_makes_midnight_pass(checks: Checks, change: dict[str, Any]) -> None:
    read = read_fix(
        resources.files("watermaster").joinpath("demo_data/midnight.fix.yaml").read_bytes(), "midnight.fix.yaml"
    )
    assert read.fix is not None, read.problems
    before = json.dumps(FLOWN | change).encode()
    outcome = apply_fix(read.fix, OriginalRecord(KEY, before, [], 0))
    assert outcome == Fixed(OriginalRecord(KEY, before.replace(b"2400", b"0"), [], 0))
    only_midnight = {rule for rule in broken(checks, KEY, before) if not rule.endswith("_time:maximum")}
    assert broken(checks, KEY, before.replace(b"2400", b"0")) == only_midnight
