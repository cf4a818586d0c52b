"""CEL rules over a decoded document.

Rules see numbers as the contract declares them: `integer` is a CEL int (also where the record writes `1.0`), `number`
is a double (also where it writes `1`), so that a rule means the same for every spelling. Fields that the contract does
not declare are int or double by their spelling.

A rule that cannot be evaluated on a record whose fields already break the contract is not named again: the error
follows from those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias, assert_never

from watermaster.contract.cel import CelInput, CelOutcome, CelResult, CelRuleProgram, CelVariables, bind, compile_rule
from watermaster.contract.checks import CelRule, Checks, FieldCheck, LogicalType, OnFailure, RuleSeverity
from watermaster.gate.breach import Breaches
from watermaster.gate.number import as_integer
from watermaster.gate.reasons import REASONS
from watermaster.gate.strict_json import Document
from watermaster.gate.verdict import BrokenRule, Severity

RULE_TEXT_LENGTH_MAX: Final = 500
"""Characters of a rule's own text in a reason; reasons travel in headers."""

_SEVERITIES: Final = {
    RuleSeverity.ERROR: Severity.ERROR,
    RuleSeverity.WARNING: Severity.WARNING,
    RuleSeverity.INFO: Severity.INFO,
}
_KEY_WORD: Final = re.compile(r"\bkey\b")

ToCel: TypeAlias = Callable[[Document], CelInput]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """One compiled rule with its reasons."""

    rule: CelRule
    program: CelRuleProgram
    broken: BrokenRule
    error: BrokenRule
    budget: BrokenRule

    def reason(self, result: CelResult) -> BrokenRule | None:
        """What the outcome says; None where all is well."""
        match result.outcome:
            case CelOutcome.OK:
                return None
            case CelOutcome.BROKEN:
                return self._spoken(result.text)
            case CelOutcome.ERROR:
                return self.error
            case CelOutcome.BUDGET:
                return self.budget
            case _:
                assert_never(result.outcome)

    def _spoken(self, text: str) -> BrokenRule:
        return _reason(self.rule, "rule.broken", text[:RULE_TEXT_LENGTH_MAX]) if text else self.broken


def compile_rules(checks: Checks) -> tuple[RuleCheck, ...]:
    """The contract's rules; their expressions were checked when the contract was compiled."""
    return tuple(
        RuleCheck(
            rule=rule,
            program=compile_rule(rule.expression),
            broken=_reason(rule, "rule.broken", rule.message[:RULE_TEXT_LENGTH_MAX] or REASONS["rule.broken"]),
            error=_reason(rule, "rule.error", REASONS["rule.error"]),
            budget=_reason(rule, "rule.budget", REASONS["rule.budget"]),
        )
        for rule in checks.rules
    )


@lru_cache(maxsize=1024)  # one object for each different text, so that equal verdicts are found to be equal
def _reason(rule: CelRule, code: str, message: str) -> BrokenRule:
    return BrokenRule(rule.id, rule.path, code, message, _SEVERITIES[rule.severity])


def reads_key(rules: Iterable[CelRule]) -> bool:
    """Whether any rule may look at the key."""
    return any(_KEY_WORD.search(rule.expression) for rule in rules)


def drop_rules(rules: Iterable[CelRule]) -> frozenset[str]:
    """Ids of the rules that drop a record in place of holding it."""
    return frozenset(rule.id for rule in rules if rule.on_failure is OnFailure.DROP)


class RuleEngine:
    """All rules of one contract over one document at a time."""

    def __init__(self, checks: Checks) -> None:
        self.rules = compile_rules(checks)
        self._to_cel = compile_to_cel(checks.value)

    def judge(self, document: Document, key: CelInput, now_ms: int, broken: Breaches) -> None:
        """Append the reasons of broken rules to those of the fields."""
        fields_broken = bool(broken)
        variables: CelVariables | None = None
        for rule in self.rules:
            if variables is None:
                variables = bind(self._to_cel(document), key, now_ms)
            reason = rule.reason(rule.program.evaluate(variables))
            if reason is not None and not (fields_broken and reason is rule.error):
                broken.append(reason)


def compile_to_cel(check: FieldCheck) -> ToCel:
    """How a document looks to CEL under one declared type; of another type it is left as it is."""
    match check.type:
        case LogicalType.NUMBER:
            return _to_double
        case LogicalType.INTEGER:
            return _to_int
        case LogicalType.OBJECT if check.properties:
            return _object_to_cel({child.name: compile_to_cel(child) for child in check.properties})
        case LogicalType.ARRAY if check.items is not None:
            return _array_to_cel(compile_to_cel(check.items))
        case LogicalType.MAP if check.map_value is not None:
            return _map_to_cel(compile_to_cel(check.map_value))
        case _:
            return as_spelled


def as_spelled(value: Document) -> CelInput:
    """What the contract does not declare: literals with a fraction or an exponent are doubles."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [as_spelled(item) for item in value]
    if isinstance(value, dict):
        return {name: as_spelled(member) for name, member in value.items()}
    return value


def _to_double(value: Document) -> CelInput:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return value  # held for its range anyway; CEL calls it out of range, too
    return as_spelled(value)


def _to_int(value: Document) -> CelInput:
    if isinstance(value, Decimal):
        whole = as_integer(value)
        return float(value) if whole is None else whole
    return as_spelled(value)


def _object_to_cel(members: dict[str, ToCel]) -> ToCel:
    def convert(value: Document) -> CelInput:
        if not isinstance(value, dict):
            return as_spelled(value)
        return {name: members.get(name, as_spelled)(member) for name, member in value.items()}

    return convert


def _array_to_cel(item: ToCel) -> ToCel:
    return lambda value: [item(each) for each in value] if isinstance(value, list) else as_spelled(value)


def _map_to_cel(member: ToCel) -> ToCel:
    def convert(value: Document) -> CelInput:
        if not isinstance(value, dict):
            return as_spelled(value)
        return {name: member(each) for name, each in value.items()}

    return convert
