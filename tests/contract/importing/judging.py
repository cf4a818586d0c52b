"""Imported schemas, compiled, and what their contracts say of documents."""

from __future__ import annotations

import json
from typing import Any

from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.importing.imported import Imported
from watermaster.contract.importing.remark import RemarkKind
from watermaster.contract.importing.schema import import_schema
from watermaster.gate.exact import ExactLane
from watermaster.gate.verdict import BrokenRule

STRICT = ("json.", "record.", "field.ambiguous")
"""What is held of any contract that names the same fields: text that readers read differently."""


def imported(schema: Any) -> Imported:
    found = import_schema(json.dumps(schema).encode(), "s.json", "orders")
    assert isinstance(found, Imported), found
    return found


def compiled(found: Imported) -> Checks:
    result = compile_contract(read_contract(found.text.encode(), "c"))
    assert result.problems == (), found.text
    return result.checks[0]


def broken(lane: ExactLane, document: Any) -> list[BrokenRule]:
    """Why a document is held."""
    return reasons(lane, json.dumps(document, ensure_ascii=False))


def reasons(lane: ExactLane, text: str) -> list[BrokenRule]:
    """Why a text is held, but for what the strict reading holds."""
    verdict = lane.judge(None, text.encode("utf-8", "surrogatepass"), 0)
    return [one for one in verdict.broken if not one.code.startswith(STRICT)]


def is_said(one: BrokenRule, found: Imported) -> bool:
    """Whether a remark says that the contract reads this otherwise."""
    said = {(remark.path, remark.keyword) for remark in found.remarks if remark.kind is RemarkKind.OTHERWISE}
    if one.code in ("string.format", "string.pattern"):
        return (one.path, one.code.removeprefix("string.")) in said
    if one.code == "type.mismatch":
        return one.path == "$" and ("$", "type") in said
    return one.code.startswith("temporal.") and (one.path, "format") in said
