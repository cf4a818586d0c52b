"""The page for people: everything is there, and no text of the contract becomes markup."""

from __future__ import annotations

from importlib import resources

from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.export.markdown import markdown
from watermaster.contract.outline import outline


def page(document: bytes) -> str:
    return markdown([outline(checks) for checks in compile_contract(read_contract(document, "c")).checks])


def test_every_field_and_rule_has_its_row() -> None:
    document = resources.files("watermaster").joinpath("demo_data", "flights.odcs.yaml").read_bytes()
    (checks,) = compile_contract(read_contract(document, "c")).checks
    lines = page(document).splitlines()
    for field in outline(checks).fields:
        assert any(line.startswith(f"| {field.path.replace('_', chr(92) + '_')} |") for line in lines)
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| ---")]
    assert len(rows) == len(checks.rules) + len(outline(checks).fields) + len(["fields", "rules"])
    assert lines[0].startswith("# ")


def test_texts_of_the_contract_are_no_markup() -> None:
    document = b"""\
apiVersion: v3.2.0
kind: DataContract
id: "a|b <script>"
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: "x|y", logicalType: string, logicalTypeOptions: {pattern: "^(a|b)*$"}}
"""
    text = page(document)
    assert "<script" not in text.replace("\\<script", "")
    (row,) = [line for line in text.splitlines() if "x\\|y" in line]
    assert row.replace("\\|", "").count("|") == 6
