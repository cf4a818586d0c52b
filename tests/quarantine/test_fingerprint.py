"""What makes two failures the same failure: two groups where in doubt."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import COLOUR, PRICE, foreign_letter, gate_letter, held

from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.fingerprint import FINGERPRINT_CHARACTERS, field_path, fingerprint, group_title
from watermaster.quarantine.held import HeldRecord


def connect_letter(trace: str, exception: str = "org.acme.ParseException") -> HeldRecord:
    return held(
        foreign_letter(
            [
                ("__connect.errors.topic", b"orders.landing"),
                ("__connect.errors.partition", b"2"),
                ("__connect.errors.offset", b"5"),
                ("__connect.errors.stage", b"VALUE_CONVERTER"),
                ("__connect.errors.exception.class.name", exception.encode()),
                ("__connect.errors.exception.stacktrace", trace.encode()),
            ]
        )
    )


TRACE = """org.acme.ParseException: cannot read 4711
\tat org.acme.Orders.parse(Orders.java:{line})
\tat org.acme.Orders$$Lambda/{address}.apply(Unknown Source)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.lang.NumberFormatException: For input string: "{value}"
\tat java.base/java.lang.Integer.parseInt(Integer.java:652)
"""


def trace(line: int = 12, address: str = "0x0000000800c03000", value: str = "4711") -> str:
    return TRACE.format(line=line, address=address, value=value)


def test_the_same_rules_on_the_same_fields_are_one_failure() -> None:
    one = fingerprint(held(gate_letter(PRICE, COLOUR)))
    assert fingerprint(held(gate_letter(COLOUR, PRICE, offset=7, value=b"other"))) == one, "in any order"
    assert len(one) == FINGERPRINT_CHARACTERS
    fourth = dataclasses.replace(PRICE, path="$.items[4].price", message="another text")
    assert fingerprint(held(gate_letter(fourth, COLOUR))) == one, "the fourth item fails like the third"


@pytest.mark.parametrize(
    "other",
    [
        gate_letter(PRICE),
        gate_letter(PRICE, dataclasses.replace(COLOUR, path="$.trim")),
        gate_letter(PRICE, dataclasses.replace(COLOUR, rule="colour-written")),
        gate_letter(PRICE, COLOUR, operational=True),
    ],
)
def test_where_in_doubt_two_groups(other: object) -> None:
    assert fingerprint(held(other)) != fingerprint(held(gate_letter(PRICE, COLOUR)))  # type: ignore[arg-type]


def test_traces_that_differ_from_run_to_run_are_one_failure() -> None:
    one = fingerprint(connect_letter(trace()))
    assert fingerprint(connect_letter(trace(line=99))) == one
    assert fingerprint(connect_letter(trace(address="0x00000008019c2"))) == one
    assert fingerprint(connect_letter(trace(value="x" * 50))) == one
    assert fingerprint(connect_letter(trace().replace("Orders.parse", "Invoices.parse"))) != one
    assert fingerprint(connect_letter(trace(), "org.acme.Other")) != one
    assert fingerprint(connect_letter(trace().replace("NumberFormat", "NullPointer"))) != one


def test_titles_tell_people_what_it_is_and_no_value() -> None:
    assert group_title(held(gate_letter(PRICE))) == "$.items[3].price: must be at least 0"
    assert group_title(held(gate_letter(PRICE, COLOUR))).endswith("(and 1 more)")
    title = group_title(connect_letter(trace()))
    assert title == "NumberFormatException in org.acme.Orders.parse"


@given(
    st.lists(st.builds(BrokenRule, st.text(max_size=8), st.text(max_size=8), st.just("c"), st.just("m")), min_size=1)
)
def test_the_order_of_rules_and_their_texts_never_matter(rules: list[BrokenRule]) -> None:
    one = msgspec.structs.replace(held(gate_letter()), broken=tuple(rules))
    other = msgspec.structs.replace(
        one, broken=tuple(dataclasses.replace(r, message="x", code="y") for r in rules[::-1])
    )
    assert fingerprint(one) == fingerprint(other)


def test_paths_forget_the_numbers_of_items() -> None:
    assert field_path("$.a[0].b[17]") == "$.a[].b[]"
