"""Contracts out as JSON Schema and in again: nothing that the first passes is held by the second."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.importing.judging import compiled, imported, is_said, reasons
from tests.contract.importing.schema_strategies import whole
from tests.gate.strategies import contracts, documents, dump

from watermaster.contract.checks import Checks, FieldCheck, KeyCheck, Limits
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.export.json_schema import export_json_schema
from watermaster.gate.exact import ExactLane

SLOW = settings(max_examples=300, suppress_health_check=list(HealthCheck))


def single_fields(root: Checks) -> list[Checks]:
    """One field at a time: of many random ones hardly any record keeps all."""
    value = replace(root.value, required_names=(), min_properties=None, max_properties=None)
    return [
        replace(root, value=replace(value, properties=(one,)), rules=(), key=KeyCheck(), limits=Limits())
        for one in root.value.properties
    ]


@SLOW
@given(st.data())
def test_what_passes_a_contract_passes_what_comes_back(data: st.DataObject) -> None:
    for checks in single_fields(data.draw(contracts())):
        exported = export_json_schema(checks)
        found = imported(exported.schema)
        first, second = ExactLane(checks), ExactLane(compiled(found))
        for _ in range(4):
            text = dump(data.draw(documents(checks.value)))
            before, after = reasons(first, text), reasons(second, text)
            assert before != [] or all(is_said(one, found) for one in after), (text, exported.schema, found.text)
            if not exported.left_out and not found.remarks:
                assert (before == []) is (after == []), (text, exported.schema, found.text)


@SLOW
@given(whole())
def test_what_a_contract_says_completely_comes_back(schema: dict[str, Any]) -> None:
    checks = compiled(imported(schema))
    exported = export_json_schema(checks)
    again = imported(exported.schema)
    assert again.draft.fields == imported(schema).draft.fields or exported.left_out
    assert again.draft.unknown_fields_held is imported(schema).draft.unknown_fields_held


def test_the_flights_come_back() -> None:
    document = resources.files("watermaster").joinpath("demo_data", "flights.odcs.yaml").read_bytes()
    (checks,) = compile_contract(read_contract(document, "c")).checks
    found = imported(export_json_schema(checks).schema)
    assert {remark.keyword for remark in found.remarks} <= {"format", "pattern"}
    again = compiled(found)
    for before, after in zip(checks.value.properties, again.value.properties, strict=True):
        assert without_words(after) == without_words(before)


def without_words(check: FieldCheck) -> FieldCheck:
    """Without what JSON Schema does not carry."""
    return replace(check, classification=None, format=None, temporal_format=None)
