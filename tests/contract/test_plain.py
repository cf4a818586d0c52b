"""One plain sentence a check; and no contract, however mangled, makes the whole path raise."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watermaster.contract.change import compare
from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.plain import bound_text, describe

EXAMPLE = Path(__file__).parent / "examples" / "shop_orders.odcs.yaml"
SENTENCES = describe(compile_contract(read_contract(EXAMPLE.read_bytes(), "c")).checks[0])


@pytest.mark.parametrize(
    "sentence",
    [
        "Each record of shop.orders.v1 is one JSON object, at most 1,048,576 bytes long.",
        "A null value (tombstone) is held.",
        "The record's key must be there.",
        "The record's key, where there is one, is a text, matching /^o-[0-9]+$/.",
        "$.order_id must be there and be a text, 3 to 40 characters, matching /^o-[0-9]+$/.",
        "$.status must be there and be a text, one of NEW, PAID.",
        "$.total must be there and be a number (f64), at least 0, less than 1000000.5, a multiple of 0.01.",
        "$.due may be missing or null, else it is a date written as dd/MM/yyyy, more than 2020-01-01.",
        "$.items must be there and be a list, 1 to 100 items, no two items alike.",
        "$.embedding may be missing or null, else it is a list, exactly 3 items.",
        "$.anything may be anything.",
        "Rule total_is_sum: The total is not negative and every item is counted; what breaks it drops the record.",
        "The gate pauses when more than 0.05 of the last 2,000 records are held (after at least 1,000).",
    ],
)
def test_sentences(sentence: str) -> None:
    assert sentence in SENTENCES


def test_everything_unjudged_is_said_at_the_end() -> None:
    assert [sentence.startswith("Not judged: ") for sentence in SENTENCES[-12:]] == [True] * 12
    assert not SENTENCES[-13].startswith("Not judged: ")


@pytest.mark.parametrize(
    ("kind", "bound", "text"),
    [
        (LogicalType.DATE, 19782, "2024-02-29"),
        (LogicalType.TIMESTAMP, 1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (LogicalType.TIMESTAMP, -62135596800 * 10**9, "0001-01-01T00:00:00Z"),
        (LogicalType.TIMESTAMP, 10**21, "1000000000000000000000 ns from 1970"),
        (LogicalType.TIME, 3_600_000_000_000, "01:00:00"),
        (LogicalType.TIME, -3_600_000_000_000, "-01:00:00"),
        (LogicalType.INTEGER, 10**20, "1" + "0" * 20),
    ],
)
def test_bounds_are_written_as_people_write_them(kind: LogicalType, bound: int, text: str) -> None:
    assert bound_text(FieldCheck("a", "$.a", kind), bound) == text


_DOCUMENT: dict[str, Any] = yaml.load(EXAMPLE.read_text(), Loader=yaml.BaseLoader)
_VALUES = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1.5, 10**30, "", "a", "o", "cel", "(a", "yyyy-MM-dd", "2024-01-01", "object"),
        *("array", "integer", "map", "vector", "timestamp", "watermaster", "key", "limits", "json", "bytes", "+02:00"),
        *([], {}, ["a"], [1, 1], {"value": 1}, {"a": {"b": None}}, [{"name": "a"}], [{"value": "a"}]),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 10_000), _VALUES), min_size=1, max_size=4))
def test_no_mangled_contract_raises(changes: list[tuple[int, Any]]) -> None:
    document = _typed(copy.deepcopy(_DOCUMENT))
    for choice, value in changes:
        places = list(_places(document))
        container, key = places[choice % len(places)]
        container[key] = copy.deepcopy(value)
    read = read_contract(yaml.safe_dump(document).encode(), "c")
    result = compile_contract(read)
    assert all(problem.line is not None and problem.message for problem in result.problems)
    for checks in result.checks:
        assert describe(checks)
        assert compare(checks, checks) == ()


def _places(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield node, key
        yield from _places(child)


def _typed(node: Any) -> Any:
    """The base loader reads texts only: numbers and booleans back, so that the document is valid before mangling."""
    match node:
        case dict():
            return {key: value if key == "version" else _typed(value) for key, value in node.items()}
        case list():
            return [_typed(value) for value in node]
        case "true" | "false":
            return node == "true"
        case str() if node.replace(".", "", 1).isdigit():
            return float(node) if "." in node else int(node)
        case _:
            return node
