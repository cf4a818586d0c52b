"""Numbers that a double keeps."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watermaster.contract.number import loses_precision


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(2.0**-24)
def test_what_a_program_writes_for_a_double_loses_nothing(double: float) -> None:
    assert not loses_precision(Decimal(repr(double)))
    assert not loses_precision(Decimal(f"{double:.17g}"))


@pytest.mark.parametrize("literal", ["1.00000000000000000001", "9007199254740993", "0.30000000000000001666"])
def test_what_no_double_says_is_lost(literal: str) -> None:
    assert loses_precision(Decimal(literal))
