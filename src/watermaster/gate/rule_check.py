"""CEL rules over a decoded document.

A rule that cannot be evaluated on a record whose fields already break the contract is not named again: the error
follows from those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from watermaster.contract.cel import (
    OK,
    CelInput,
    CelOutcome,
    CelResult,
    CelRuleProgram,
    CelVariables,
    bind,
    compile_rule,
)
from watermaster.contract.checks import CelRule, Checks, OnFailure, RuleSeverity
from watermaster.gate.breach import Breaches
from watermaster.gate.cel_view import compile_to_cel
from watermaster.gate.closure import Access, Closure, Undecided, Untranslatable, translate
from watermaster.gate.document_access import DocumentAccess
from watermaster.gate.expression import parse_simple
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


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """One compiled rule with its reasons."""

    rule: CelRule
    program: CelRuleProgram
    simple: Closure | None
    """The rule as a closure over a decoded document, where it is simple; it may still leave a record to CEL."""
    broken: BrokenRule
    error: BrokenRule
    budget: BrokenRule

    def simply(self, document: Document) -> CelResult | None:
        """What CEL would say, without asking it; None if it must be asked."""
        if self.simple is None:
            return None
        try:
            value = self.simple.read(document)
        except Undecided:
            return None
        if value is True:
            return OK
        return self.program.result(value) if isinstance(value, bool | str) else None

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
    access = DocumentAccess(checks.value)
    return tuple(
        RuleCheck(
            rule=rule,
            program=compile_rule(rule.expression),
            simple=simplify(rule.expression, access),
            broken=_reason(rule, "rule.broken", rule.message[:RULE_TEXT_LENGTH_MAX] or REASONS["rule.broken"]),
            error=_reason(rule, "rule.error", REASONS["rule.error"]),
            budget=_reason(rule, "rule.budget", REASONS["rule.budget"]),
        )
        for rule in checks.rules
    )


@lru_cache(maxsize=1024)  # one object for each different text, so that equal verdicts are found to be equal
def _reason(rule: CelRule, code: str, message: str) -> BrokenRule:
    return BrokenRule(rule.id, rule.path, code, message, _SEVERITIES[rule.severity])


def simplify(expression: str, access: Access) -> Closure | None:
    """The expression as a closure; None if it is not simple or reads what `access` does not offer."""
    tree = parse_simple(expression)
    try:
        return None if tree is None else translate(tree, access)
    except Untranslatable:
        return None


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
            result = rule.simply(document)
            if result is None:
                if variables is None:
                    variables = bind(self._to_cel(document), key, now_ms)
                result = rule.program.evaluate(variables)
            if result is OK:
                continue
            reason = rule.reason(result)
            if reason is not None and not (fields_broken and reason is rule.error):
                broken.append(reason)
