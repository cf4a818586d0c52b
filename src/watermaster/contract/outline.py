"""A contract as a person reads it: what is asked of a record, field by field, rule by rule, and what is not judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.contract.plain import (
    clauses,
    consequence,
    describe_budget,
    describe_record,
    rule_words,
    type_words,
)

HOLDS = "holds the record"
"""What breaking any check on a field does; only rules can ask for less."""


@dataclass(frozen=True, slots=True)
class FieldOutline:
    """One field, or the items, keys or values of one. `asks` are clauses in plain words."""

    path: str
    required: bool
    type: str
    asks: tuple[str, ...]
    breaking_it: str = HOLDS
    classification: str | None = None


@dataclass(frozen=True, slots=True)
class RuleOutline:
    """A rule across fields. `severity` is that of ODCS."""

    id: str
    path: str
    asks: str
    severity: str
    breaking_it: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Outline:
    """One stream of a contract."""

    contract_id: str
    version: str
    stream: str
    owner: str | None
    record: tuple[str, ...]
    fields: tuple[FieldOutline, ...]
    rules: tuple[RuleOutline, ...]
    budget: str
    unjudged: tuple[str, ...]


def outline(checks: Checks) -> Outline:
    """The outline of one stream; fields in the order of the document, parents before their children."""
    value, key = checks.value, checks.key.check
    return Outline(
        contract_id=checks.contract_id,
        version=checks.contract_version,
        stream=checks.stream,
        owner=checks.owner,
        record=tuple(describe_record(checks)),
        fields=tuple(
            [field for part in (*([key] if key else []), *value.properties) for field in _fields(part)],
        ),
        rules=tuple(
            RuleOutline(rule.id, rule.path, rule_words(rule), rule.severity.value, consequence(rule), rule.line)
            for rule in checks.rules
        ),
        budget=describe_budget(checks),
        unjudged=checks.unjudged,
    )


def _fields(check: FieldCheck) -> Iterator[FieldOutline]:
    breaking = "" if _passes_everything(check) else HOLDS
    yield FieldOutline(
        check.path, check.required, type_words(check), tuple(clauses(check)), breaking, check.classification
    )
    for child in (*check.properties, check.items, check.map_key, check.map_value):
        if child is not None:
            yield from _fields(child)


def _passes_everything(check: FieldCheck) -> bool:
    return check.type is LogicalType.ANY and not check.required and check.enum is None
