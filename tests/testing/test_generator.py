"""Generated orders: repeatable, distinct, and good or bad as they claim."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import Outcome
from watermaster.testing.generator import ORDER_BYTES, ORDER_CONTRACT, Defect, Orders


@given(seed=st.integers(0, 1000), start=st.integers(0, 10**9), bad_share=st.floats(0, 1))
def test_a_record_follows_from_seed_and_index_alone(seed: int, start: int, bad_share: float) -> None:
    in_a_row = list(Orders(seed, bad_share=bad_share).records(3, start))
    one_by_one = [Orders(seed, bad_share=bad_share).record(start + number) for number in range(3)]
    assert in_a_row == one_by_one


def test_good_orders_are_distinct_json_of_twelve_fields_and_the_usual_size() -> None:
    values = Orders(1).values(5_000)
    assert len(set(values)) == len(values)
    assert {len(value) for value in values} == {ORDER_BYTES}
    assert {len(json.loads(value)) for value in values} == {12}


@pytest.mark.parametrize("value_bytes", [0, 400, 200_000])
def test_other_sizes_can_be_asked_for(value_bytes: int) -> None:
    (value,) = Orders(1, value_bytes=value_bytes).values(1, start=99)
    assert len(value) == max(value_bytes, len(value.replace(json.loads(value)["note"].encode(), b"")))


def test_other_seeds_make_other_orders() -> None:
    assert not set(Orders(1).values(100)) & set(Orders(2).values(100))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_the_share_of_bad_ones_is_kept(share: float) -> None:
    orders = Orders(3, bad_share=share)
    bad = sum(orders.defect(index) is not None for index in range(20_000))
    assert bad / 20_000 == pytest.approx(share, abs=0.02)


def test_good_orders_keep_the_contract_and_bad_ones_break_it() -> None:
    compiled = compile_contract(read_contract(ORDER_CONTRACT.encode(), "orders.odcs.yaml"))
    (checks,) = compiled.checks
    records = list(Orders(4, bad_share=0.5).records(2_000))
    keys, values = [record.key for record in records], [record.value for record in records]
    verdicts = build_judge(checks).judge(list(keys), list(values), now_ms=records[0].timestamp_ms)
    held = {index for index, verdict in verdicts.items() if verdict.outcome is Outcome.HOLD}
    assert held == {record.index for record in records if record.defect is not None}
    assert {record.defect for record in records} == {None, *Defect}
