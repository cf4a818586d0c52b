"""The exact lane: one record -> a verdict that names every broken rule. What the fast lane must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from watermaster.contract.cel import CelInput
from watermaster.contract.checks import Checks, Limits, TombstonePolicy
from watermaster.gate.breach import Breaches, document_breach, mismatches
from watermaster.gate.key_check import compile_key
from watermaster.gate.rule_check import RuleEngine, drop_rules
from watermaster.gate.strict_json import Document, JsonProblem, decode_strictly
from watermaster.gate.value_check import compile_value
from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Severity, Verdict

BROKEN_RULES_MAX: Final = 20
"""Reasons named in one verdict: they travel in headers, and a person reads no more. The rest is said to exist."""
_VERDICTS_MAX: Final = 4096
"""Verdicts kept for reuse; different combinations of reasons are few, unless someone tries."""

Decode: TypeAlias = Callable[[bytes, Limits], Document | JsonProblem]

_TOMBSTONES: Final = {
    TombstonePolicy.PASS: Outcome.PASS,
    TombstonePolicy.HOLD: Outcome.HOLD,
    TombstonePolicy.DROP: Outcome.DROP,
}


class ExactLane:
    """All checks of one contract over one record at a time. `decode` is exact, or a swift one with the same results."""

    def __init__(self, checks: Checks, decode: Decode = decode_strictly) -> None:
        self._limits = checks.limits
        self._decode = decode
        self._judge_key = compile_key(checks)
        self._judge_value = compile_value(checks.value, checks.unknown_fields)
        self._not_null = mismatches(checks.value, "an object")[type(None)]
        self._rules = RuleEngine(checks)
        self._verdicts = VerdictCache(drop_rules(checks.rules))
        self.verdict = self._verdicts.verdict
        """From reasons to a verdict, shared with other lanes."""
        self._tombstone = _TOMBSTONES[checks.tombstone]
        self._too_large = document_breach("record.too_large")

    def judge(self, key: bytes | None, value: bytes | None, now_ms: int) -> Verdict:
        """The verdict of one record. Never raises for bad data."""
        broken: Breaches = []
        seen_key = self._judge_key(key, broken)
        if value is None:
            return self._tombstone_verdict(broken)
        if len(value) > self._limits.value_bytes_max:
            broken.append(self._too_large)
        else:
            self._judge_document(self._decode(value, self._limits), seen_key, now_ms, broken)
        return self._verdicts.verdict(broken) if broken else PASSED

    def _judge_document(self, document: Document | JsonProblem, key: CelInput, now_ms: int, broken: Breaches) -> None:
        if type(document) is JsonProblem:
            broken.append(document_breach(document.code))
            return
        if document is None:
            broken.append(self._not_null)
        else:
            self._judge_value(document, broken)  # type: ignore[arg-type]
        self._rules.judge(document, key, now_ms, broken)  # type: ignore[arg-type]

    def _tombstone_verdict(self, broken: Breaches) -> Verdict:
        # A key that breaks its checks is held even where null values pass or are dropped.
        if broken or self._tombstone is Outcome.PASS:
            return self._verdicts.verdict(broken) if broken else PASSED
        return Verdict(self._tombstone, (document_breach("record.tombstone"),))


class VerdictCache:
    """From reasons to a verdict; equal lists of reasons share one."""

    def __init__(self, dropping: frozenset[str]) -> None:
        self._dropping = dropping
        self._known: dict[int | tuple[int, ...], tuple[Breaches, Verdict]] = {}
        self._distinct: dict[tuple[BrokenRule, ...], Verdict] = {}

    def verdict(self, broken: Breaches) -> Verdict:
        """The verdict for a non-empty list of reasons, each named once, at most `BROKEN_RULES_MAX`."""
        identity = id(broken[0]) if len(broken) == 1 else tuple(map(id, broken))
        known = self._known.get(identity)
        if known is None:
            if len(self._known) >= _VERDICTS_MAX:
                self._known.clear()
                self._distinct.clear()
            made = self._make(broken)
            # The reasons are kept with the verdict, so that their identities cannot be taken by others.
            known = self._known[identity] = (broken, self._distinct.setdefault(made.broken, made))
        return known[1]

    def _make(self, broken: Breaches) -> Verdict:
        distinct = tuple(dict.fromkeys(broken))
        outcome = self._outcome(distinct)
        if len(distinct) > BROKEN_RULES_MAX:
            # Those that decide come first, so that a verdict never loses its cause.
            decisive = sorted(distinct, key=lambda reason: reason.severity is not Severity.ERROR)
            distinct = (*decisive[: BROKEN_RULES_MAX - 1], document_breach("rules.more"))
        return Verdict(outcome, distinct)

    def _outcome(self, broken: Iterable[BrokenRule]) -> Outcome:
        errors = [reason for reason in broken if reason.severity is Severity.ERROR]
        if not errors:
            return Outcome.PASS
        dropped = all(reason.code.startswith("rule.") and reason.rule in self._dropping for reason in errors)
        return Outcome.DROP if dropped else Outcome.HOLD
