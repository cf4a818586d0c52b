"""A contract as a person reads it: every field with what must hold, what breaking it does, and what is not judged."""

from __future__ import annotations

from pathlib import Path

from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.outline import FieldOutline, outline

EXAMPLE = Path(__file__).parent / "examples" / "shop_orders.odcs.yaml"
CHECKS = compile_contract(read_contract(EXAMPLE.read_bytes(), "c")).checks[0]
OUTLINE = outline(CHECKS)
FIELDS = {field.path: field for field in OUTLINE.fields}


def test_every_part_of_the_document_is_there_in_its_order() -> None:
    assert [field.path for field in OUTLINE.fields][:4] == ["key", "$.order_id", "$.email", "$.secret"]
    assert {"$.items", "$.items[]", "$.items[].sku", "$.labels.~", "$.labels.*", "$.embedding[]"} <= FIELDS.keys()


def test_what_a_field_asks_and_what_breaking_it_does() -> None:
    assert FIELDS["$.total"] == FieldOutline(
        "$.total",
        required=True,
        type="a number (f64)",
        asks=("at least 0", "less than 1000000.5", "a multiple of 0.01"),
    )
    assert FIELDS["$.email"].classification == "restricted"
    assert FIELDS["$.anything"].breaking_it == ""


def test_what_each_rule_does() -> None:
    assert [(rule.id, rule.severity, rule.breaking_it) for rule in OUTLINE.rules] == [
        ("total_is_sum", "error", "drops the record"),
        ("not_from_the_future", "warning", "counts as warning only"),
        ("$.total:rule-0", "info", "counts as info only"),
    ]


def test_who_owns_it_and_what_is_not_judged() -> None:
    assert OUTLINE.owner == "checkout"
    assert OUTLINE.unjudged == CHECKS.unjudged
