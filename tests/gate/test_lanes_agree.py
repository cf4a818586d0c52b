"""The fast lane and the swift decoder against the exact lane, on random contracts, documents and bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gate.strategies import contracts, documents, dump, spoiled

from watermaster.contract.checks import Limits
from watermaster.gate.column_lane import ColumnLane
from watermaster.gate.exact import ExactLane
from watermaster.gate.fast import FastLane
from watermaster.gate.judge import LaneJudge
from watermaster.gate.strict_json import JsonProblem, decode_strictly
from watermaster.gate.swift_json import decode_swiftly
from watermaster.gate.typed_record import NoFastLane
from watermaster.gate.verdict import PASSED

NOW_MS = 1_700_000_000_000
KEYS = st.sampled_from([None, b"", b"k1", b"x", b"\xff", b"{}", b"1", b"null"])
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_every_lane_gives_the_same_verdicts(data: st.DataObject) -> None:
    checks = data.draw(contracts())
    exact = ExactLane(checks)
    count = data.draw(st.integers(1, 6))
    values = [data.draw(spoiled(dump(data.draw(documents(checks.value))))) for _ in range(count)]
    keys = [data.draw(KEYS) for _ in values]
    expected = {
        index: verdict
        for index, (key, value) in enumerate(zip(keys, values, strict=True))
        if (verdict := exact.judge(key, value, NOW_MS)) is not PASSED
    }
    judge = LaneJudge(checks)
    assert judge.judge(keys, values, NOW_MS) == expected
    assert judge.judge(keys, values, NOW_MS) == expected, "the second time, after the judge has learnt which lane pays"


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_the_fast_lane_proves_nothing_that_the_exact_lane_does_not_pass(data: st.DataObject) -> None:
    checks = data.draw(contracts())
    try:
        fast = FastLane(checks)
    except NoFastLane:
        return
    exact = ExactLane(checks)
    values = [data.draw(spoiled(dump(data.draw(documents(checks.value))))) for _ in range(3)]
    keys = [data.draw(KEYS) for _ in values]
    unproven = set(fast.unproven(keys, values, 0, 3))
    for index in set(range(3)) - unproven:
        assert exact.judge(keys[index], values[index], NOW_MS) is PASSED, values[index]


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_the_column_lane_names_what_the_exact_lane_names(data: st.DataObject) -> None:
    checks = data.draw(contracts())
    value = replace(checks.value, min_properties=None, max_properties=None, required_names=())
    checks = replace(checks, value=value)
    try:
        ColumnLane(checks, lambda _: PASSED)
    except NoFastLane:  # for a rule that is not simple
        checks = replace(checks, rules=())
    exact = ExactLane(checks)
    lane = ColumnLane(checks, exact.verdict)
    count = data.draw(st.integers(1, 6))
    values = [data.draw(spoiled(dump(data.draw(documents(checks.value))))) for _ in range(count)]
    keys = [data.draw(KEYS) for _ in values]
    named, left = lane.judge(keys, values, range(count))
    assert not named.keys() & set(left)
    assert left == sorted(left)
    for index in set(range(count)) - set(left):
        assert named.get(index, PASSED) is exact.judge(keys[index], values[index], NOW_MS), values[index]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_both_decoders_read_the_same(data: st.DataObject) -> None:
    checks = data.draw(contracts())
    value = data.draw(spoiled(dump(data.draw(documents(checks.value)))))
    if value is not None:
        _assert_same(value, checks.limits)


def _assert_same(value: bytes, limits: Limits) -> None:
    strict, swift = decode_strictly(value, limits), decode_swiftly(value, limits)
    assert strict == swift
    if not isinstance(strict, JsonProblem):
        assert repr(strict) == repr(swift), "also types and order"


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_bench_contract_has_a_fast_lane_that_proves_its_good_records(share: float) -> None:
    from bench.decide import CONTRACT, make_values

    from watermaster.contract.compiler import compile_contract
    from watermaster.contract.document import read_contract

    checks = compile_contract(read_contract(CONTRACT, "bench")).checks[0]
    values: list[bytes | None] = [*make_values(share, records=500)]
    keys: list[bytes | None] = [None] * len(values)
    held = LaneJudge(checks).judge(keys, values, NOW_MS)
    exact = ExactLane(checks)
    assert held == {at: found for at, value in enumerate(values) if (found := exact.judge(None, value, NOW_MS)).broken}
    assert FastLane(checks).unproven(keys, values, 0, len(values)) == sorted(held)
