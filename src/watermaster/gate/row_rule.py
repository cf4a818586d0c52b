"""Simple CEL rules over the rows of the column lane: as comparisons of columns, else as closures over records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, Protocol, TypeAlias

from watermaster.contract.checks import Checks
from watermaster.gate.closure import COMPARISONS, Read, Undecided, compares_plainly
from watermaster.gate.expression import Binary, Constant, Field, Literal, Node, parse_simple
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.rule_check import RuleCheck, compile_rules, simplify
from watermaster.gate.typed_record import NoFastLane, Plan, Slot
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


RowRule: TypeAlias = Callable[[Columns, Rows], None]
"""Blames the rows that break the rule; leaves those on which it cannot be decided."""
_Truths: TypeAlias = Callable[[Columns], "list[bool] | None"]
"""For every row whether the rule holds; None if the types of the columns do not allow to say so."""

_ORDERED: Final = frozenset({str, int, float})


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
    truths = _comparison(tree, slots)
    one_by_one = _one_by_one(rule, closure.read)
    broken = rule.broken

    def judge(columns: Columns, rows: Rows) -> None:
        known = None if truths is None else truths(columns)
        if known is None:
            one_by_one(rows)
        elif not all(known):
            for row, holds in enumerate(known):
                if not holds:
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


def _comparison(tree: Node, slots: Mapping[tuple[str, ...], Slot]) -> _Truths | None:
    """A comparison of fields and constants, column against column; None if it is something else."""
    if not isinstance(tree, Binary) or tree.sign not in COMPARISONS:
        return None
    left, right = _side(tree.left, slots), _side(tree.right, slots)
    if left is None or right is None or not {type(tree.left), type(tree.right)} & {Field}:
        return None
    compare, sign = COMPARISONS[tree.sign], tree.sign
    constant: Constant = tree.right.value if isinstance(tree.right, Literal) else None

    def truths(columns: Columns) -> list[bool] | None:
        first, second = left(columns), right(columns)
        if first is None or second is None or not compares_plainly(sign, first[1], second[1], constant):
            return None
        return list(map(compare, first[0], second[0]))

    return truths


_Side: TypeAlias = Callable[[Columns], "tuple[Any, type] | None"]


def _side(node: Node, slots: Mapping[tuple[str, ...], Slot]) -> _Side | None:
    if isinstance(node, Literal):
        constant = node.value
        return lambda _columns: (repeat(constant), type(constant))
    slot = slots.get(node.path) if isinstance(node, Field) else None
    if slot is None:
        return None
    attribute = slot.attribute

    def column(columns: Columns) -> tuple[Any, type] | None:
        kinds = set(map(type, columns[attribute]))
        kind = kinds.pop() if len(kinds) == 1 else None
        return (columns[attribute], kind) if kind is not None and kind in _ORDERED else None

    return column
