"""Reasons made once at compile time: judging a record only collects them.

A reason says what the rule asks and what kind of thing was found, never a value of the record, so there are few
different ones and each can be a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

from watermaster.contract.checks import FieldCheck
from watermaster.gate.reasons import REASONS
from watermaster.gate.strict_json import Document
from watermaster.gate.verdict import BrokenRule

Breaches: TypeAlias = list[BrokenRule]
Checker: TypeAlias = Callable[[Document, Breaches], None]
"""Appends a reason for each broken rule of one value; values are never changed."""

_KINDS: Final[dict[type, str]] = {
    str: "a string",
    int: "an integer",
    Decimal: "a number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def breach(check: FieldCheck, keyword: str, code: str, message: str) -> BrokenRule:
    """A reason with the contract's own rule id, or one made of path and keyword: `$.total:minimum`."""
    return BrokenRule(rule=check.rule or f"{check.path}:{keyword}", path=check.path, code=code, message=message)


def mismatches(check: FieldCheck, wanted: str) -> dict[type, BrokenRule]:
    """By the kind of value that was found: the reason why it is not what is wanted."""
    return {
        kind: breach(check, "type", "type.mismatch", f"must be {wanted}, found {name}") for kind, name in _KINDS.items()
    }


@lru_cache(maxsize=256)
def document_breach(code: str, path: str = "$") -> BrokenRule:
    """A reason that lies in the record itself and in no field."""
    return BrokenRule(rule=code, path=path, code=code, message=REASONS[code])
