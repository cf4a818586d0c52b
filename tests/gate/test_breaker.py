"""The breaker, case by case: (records, held) of each batch, and whether the last one may be committed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.checks import HoldBudget
from watermaster.gate.breaker import Breaker

BUDGET = HoldBudget(share=0.2, window=100, minimum=50)

CASES = [
    (1, [(10, 10)], False, "ten records are too few to judge, even if all are held"),
    (2, [(49, 49)], False, "one below the minimum"),
    (3, [(50, 50)], True, "the minimum is enough"),
    (4, [(50, 10)], False, "exactly the share is within the budget"),
    (5, [(50, 11)], True, "one more is not"),
    (6, [(25, 0), (25, 11)], True, "batches add up"),
    (7, [(100, 0), (100, 30)], True, "the window forgets the good batch before it"),
    (8, [(90, 0), (20, 20)], False, "what lies partly in the window still counts: 20 of 110"),
    (9, [(90, 0), (20, 20), (80, 0)], False, "20 of 100 once the first batch is forgotten"),
    (10, [(90, 0), (20, 20), (80, 1)], True, "21 of 100"),
    (11, [(500, 100)], False, "a batch larger than the window is judged whole"),
    (12, [(500, 101)], True, "a batch larger than the window is judged whole"),
]


@pytest.mark.parametrize(("batches", "opens", "why"), [case[1:] for case in CASES], ids=[f"case{c[0]}" for c in CASES])
def test_cases(batches: list[tuple[int, int]], opens: bool, why: str) -> None:
    breaker = Breaker(BUDGET)
    answers = [breaker.observe(records, held) for records, held in batches]
    assert answers[-1] is opens, why
    assert not any(answers[:-1])


def test_an_excused_breaker_stays_closed_through_a_reset() -> None:
    breaker = Breaker(BUDGET)
    breaker.excuse()
    assert not breaker.observe(100, 100)
    breaker.reset()
    assert not breaker.observe(100, 100)


def test_a_reset_forgets_what_was_given_back() -> None:
    breaker = Breaker(BUDGET)
    assert breaker.observe(50, 50)
    breaker.reset()
    assert breaker.share == 0.0
    assert not breaker.observe(49, 49)


def test_a_share_of_one_never_opens() -> None:
    assert not Breaker(HoldBudget(share=1.0, window=10, minimum=1)).observe(10, 10)


def test_a_share_of_nothing_opens_at_the_first_held_record() -> None:
    breaker = Breaker(HoldBudget(share=0.0, window=10, minimum=1))
    assert not breaker.observe(5, 0)
    assert breaker.observe(5, 1)


@given(st.lists(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), max_size=40))
def test_it_is_the_share_over_the_last_batches_that_fill_the_window(batches: list[tuple[int, int]]) -> None:
    breaker = Breaker(BUDGET)
    for count in range(1, len(batches) + 1):
        opened = breaker.observe(*batches[count - 1])
        last: list[tuple[int, int]] = []
        for batch in reversed(batches[:count]):
            if sum(records for records, _ in last) >= BUDGET.window:
                break
            last.append(batch)
        records, held = sum(r for r, _ in last), sum(h for _, h in last)
        assert opened == (records >= BUDGET.minimum and held > BUDGET.share * records)
        assert breaker.share == held / records
