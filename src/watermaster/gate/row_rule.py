"""Simple CEL rules over the rows of the column lane: over columns where that is sure, else as closures over records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress, count
from operator import not_
from typing import Any, Protocol, TypeAlias

from watermaster.contract.checks import Checks
from watermaster.gate.closure import Read, Undecided
from watermaster.gate.expression import parse_simple
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.record_plan import Plan, Slot
from watermaster.gate.rule_check import RuleCheck, compile_rules, simplify
from watermaster.gate.rule_column import Bounds, Selection, compile_rule_column
from watermaster.gate.typed_record import NoFastLane, Unsure
from watermaster.gate.verdict import BrokenRule

Columns: TypeAlias = Mapping[str, Sequence[Any]]
"""By attribute: values as CEL sees them, absent ones as `UNSET`."""


class Rows(Protocol):
    """Records, what they break, and which of them are left to the exact lane."""

    left: set[int]

    def settled(self) -> list[Any]:
        """The records, with numbers as CEL sees them."""
        ...

    def blame(self, row: int, reason: BrokenRule) -> None:
        """Add a reason to a row."""
        ...


RowRule: TypeAlias = Callable[[Selection, Rows], None]
"""Blames the rows that break the rule; leaves those on which it cannot be decided."""


class ColumnSource:
    """The columns of a block as the source of column rules."""

    def __init__(self, columns: Columns) -> None:
        self.column = columns.__getitem__

    def bounds(self, attribute: str, values: Sequence[int]) -> Bounds:
        """See `Source.bounds`: what stands in a column of this lane is not bounded before."""
        del attribute
        return min(values), max(values)


def compile_row_rules(checks: Checks) -> list[RowRule]:
    """The contract's rules in their order; `NoFastLane` if one is not simple."""
    slots: dict[tuple[str, ...], Slot] = {
        (child.name,): Slot(f"f{at}", None, optional=True) for at, child in enumerate(checks.value.properties)
    }
    access = RecordAccess(Plan(slots=slots))
    return [_row_rule(rule, access, slots) for rule in compile_rules(checks)]


def _row_rule(rule: RuleCheck, access: RecordAccess, slots: Mapping[tuple[str, ...], Slot]) -> RowRule:
    tree = parse_simple(rule.rule.expression)
    closure = simplify(rule.rule.expression, access)
    if tree is None or closure is None:
        raise NoFastLane
    truths = compile_rule_column(tree, lambda path: slots[path].attribute if path in slots else None)
    one_by_one = _one_by_one(rule, closure.read)
    broken = rule.broken

    if truths is None:
        return lambda _columns, rows: one_by_one(rows)

    def judge(columns: Selection, rows: Rows) -> None:
        try:
            known = truths(columns)
        except Unsure:
            one_by_one(rows)
            return
        for row in compress(count(), map(not_, known)):
            rows.blame(row, broken)

    return judge


def _one_by_one(rule: RuleCheck, read: Read) -> Callable[[Rows], None]:
    """The rule as a closure over each record."""
    result = rule.program.result

    def judge(rows: Rows) -> None:
        for row, record in enumerate(rows.settled()):
            try:
                value = read(record)
            except Undecided:
                rows.left.add(row)
                continue
            if value is True:
                continue
            reason = rule.reason(result(value)) if isinstance(value, bool | str) else None
            if reason is not None:
                rows.blame(row, reason)
            elif value != "":
                rows.left.add(row)

    return judge
