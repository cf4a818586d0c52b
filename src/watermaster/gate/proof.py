"""Proofs: whether all records of a block are surely good in one respect, and which are not. Only yes means anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, count, repeat
from operator import not_
from typing import Any, TypeAlias

import re2
from msgspec import UNSET

from watermaster.contract.pattern import quiet_options
from watermaster.gate.block import Block, has_long_number
from watermaster.gate.closure import COMPARISONS, Closure, compares_plainly
from watermaster.gate.expression import Binary, Field, Literal, Node, parse_simple
from watermaster.gate.member_proof import MemberProof
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.record_plan import Plan
from watermaster.gate.rule_check import simplify
from watermaster.gate.rule_column import Bounds, Selection, compile_rule_column
from watermaster.gate.typed_record import NoFastLane, Unsure

Holds: TypeAlias = Callable[[Block], bool]
Rows: TypeAlias = Callable[[Block], list[int]]
Column: TypeAlias = Callable[[Block], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Proof:
    """One respect in which records can be proven.

    `holds` looks at a whole block; whatever it raises proves nothing. `failing` says on which rows it fails, in one
    more pass; None where only halving the block finds them. Without `holds`, the one pass of `failing` answers both.
    """

    holds: Holds | None
    failing: Rows | None = None

    def culprits(self, block: Block) -> list[int]:
        """Rows of the block that are not proven, in order; empty if all are."""
        if not block.indexes or (self.holds is not None and self._attempt(block)):
            return []
        return self._halved(block, 0) if self.failing is None else self.failing(block)

    def _halved(self, block: Block, first: int) -> list[int]:
        """Of a block that does not hold: halve it until the culprits stand alone."""
        if len(block.indexes) == 1:
            return [first]
        half = len(block.indexes) // 2
        parts = ((first, block.part(0, half)), (first + half, block.part(half, None)))
        return [row for at, part in parts if not self._attempt(part) for row in self._halved(part, at)]

    def _attempt(self, block: Block) -> bool:
        try:
            return self.holds is not None and self.holds(block)
        except Exception:  # noqa: BLE001 - `Unsure`, `Undecided`, or a surprise: whatever it is, it proves nothing
            return False


def compile_syntax_proofs(plan: Plan) -> list[Proof]:
    """What the bytes must be like, so that everything else may trust the typed records."""
    members = MemberProof(plan)
    proofs = [Proof(members.has_no_escape, _with_backslash), Proof(members.has_each_once)]
    if plan.inner_numbers:
        proofs.append(Proof(_no_long_number))
    return proofs


def compile_value_proofs(plan: Plan) -> list[Proof]:
    """What the types do not say of single values."""
    proofs: list[Proof] = []
    if plan.texts:
        proofs.append(_texts_proof(plan))
    proofs.extend(_test_proof(attribute, test, optional=optional) for attribute, test, optional in plan.tests)
    return proofs


def _with_backslash(block: Block) -> list[int]:
    return [row for row, value in enumerate(block.values) if b"\\" in value]


def _no_long_number(block: Block) -> bool:
    return not has_long_number(block.joined)


def _texts_proof(plan: Plan) -> Proof:
    """One expression over the texts of all records, NUL after each; no part of it matches NUL, so none can stray."""
    parts = [
        rf"(?:{part}|\x{{01}})\x{{00}}" if optional else rf"(?:{part})\x{{00}}" for _, part, optional in plan.texts
    ]
    expression = "(?:" + "".join(parts) + ")*"
    beginning = re2.compile(expression, quiet_options()).match
    attributes = plan.matched

    def failing(block: Block) -> list[int]:
        """The longest good beginning ends before a culprit; the next one starts behind it."""
        text = block.texts(attributes)
        rows, row, start = [], 0, 0
        while (end := beginning(text, start).end()) < len(text):  # nothing at least is a good beginning
            row += text.count(b"\0", start, end) // len(parts)
            rows.append(row)
            row, start = row + 1, _behind(text, end, len(parts))
        return rows

    return Proof(None, failing)


def _behind(text: bytes, start: int, count: int) -> int:
    """Where the text goes on after so many NULs."""
    for _ in range(count):
        start = text.index(b"\0", start) + 1
    return start


def _test_proof(attribute: str, test: Callable[[Any], bool], *, optional: bool) -> Proof:
    def failing(block: Block) -> list[int]:
        return [
            row
            for row, value in enumerate(block.column(attribute))
            if not (optional and (value is None or value is UNSET)) and not test(value)
        ]

    if not optional:
        return Proof(lambda block: all(map(test, block.column(attribute))), failing)
    return Proof(lambda block: not failing(block), failing)


def compile_rule_proof(expression: str, plan: Plan, access: RecordAccess) -> Proof:
    """A rule over a block; `NoFastLane` if it is not simple. Closures read records through `access`."""
    tree = parse_simple(expression)
    columns = None if tree is None else _column_proof(tree, plan)
    if columns is not None:
        return columns
    closure = simplify(expression, access)
    if closure is None:
        raise NoFastLane
    one_by_one = _closure_proof(closure)
    return one_by_one if tree is None else _rule_column_proof(tree, plan, one_by_one) or one_by_one


def _closure_proof(closure: Closure) -> Proof:
    read, is_bool = closure.read, closure.kind is bool

    def holds(record: Any) -> bool:  # noqa: ANN401 - a record of the plan's type
        value = read(record)
        return value is True or (not is_bool and value == "")

    def failing(block: Block) -> list[int]:
        return [row for row, record in enumerate(block.records) if not _surely(holds, record)]

    if is_bool:
        return Proof(lambda block: all(map(read, block.records)), failing)
    return Proof(lambda block: all(map(holds, block.records)), failing)


class _BlockColumns:
    """A block as the source of column rules."""

    def __init__(self, block: Block, bounds: dict[str, Bounds]) -> None:
        self.column = block.column
        self._bounds = bounds

    def bounds(self, attribute: str, values: Sequence[int]) -> Bounds:
        """See `Source.bounds`: those that the type of the record keeps; a member of any type keeps none."""
        known = self._bounds.get(attribute)
        return (min(values), max(values)) if known is None else known


def _rule_column_proof(tree: Node, plan: Plan, one_by_one: Proof) -> Proof | None:
    """The rule over columns, and over records where those are not sure; None if it is not computed in columns."""
    # A number that is absent stands in its column as null, which is something else to a rule.
    slots = {path: slot for path, slot in plan.slots.items() if not (slot.kind is float and slot.optional)}
    bounds = {slot.attribute: slot.bounds for slot in slots.values() if slot.bounds is not None}
    truths = compile_rule_column(tree, lambda path: slots[path].attribute if path in slots else None)
    if truths is None:
        return None

    def failing(block: Block) -> list[int]:
        if block.selection is None:
            block.selection = Selection(_BlockColumns(block, bounds), len(block.indexes))
        try:
            return _false_rows(truths(block.selection))
        except Unsure:
            return one_by_one.culprits(block)

    return Proof(None, failing)


def _surely(holds: Callable[[Any], bool], record: Any) -> bool:  # noqa: ANN401 - a record of the plan's type
    try:
        return holds(record)
    except Exception:  # noqa: BLE001 - as in `Proof`
        return False


def _column_proof(tree: Node, plan: Plan) -> Proof | None:
    """Comparisons of fields that are always there, and their conjunctions, column against column."""
    if not isinstance(tree, Binary) or (isinstance(tree.left, Literal) and isinstance(tree.right, Literal)):
        return None  # two constants repeat for ever: there is no column to end the comparison
    if tree.sign == "&&":
        first, second = _column_proof(tree.left, plan), _column_proof(tree.right, plan)
        if first is None or second is None:
            return None
        return _both(first, second)
    left, right = _column(tree.left, plan), _column(tree.right, plan)
    if left is None or right is None or tree.sign not in COMPARISONS:
        return None
    if not compares_plainly(
        tree.sign, left[1], right[1], tree.right.value if isinstance(tree.right, Literal) else None
    ):
        return None
    compare, first_of, second_of = COMPARISONS[tree.sign], left[0], right[0]

    def failing(block: Block) -> list[int]:
        return _false_rows(list(map(compare, first_of(block), second_of(block))))

    return Proof(None, failing)


def _false_rows(truths: list[bool]) -> list[int]:
    return [] if all(truths) else list(compress(count(), map(not_, truths)))


def _both(first: Proof, second: Proof) -> Proof:
    return Proof(
        None,
        lambda block: sorted({*first.culprits(block), *second.culprits(block)}),
    )


def _column(node: Node, plan: Plan) -> tuple[Column, type] | None:
    """The values of one side, and their type; None if some may be absent or null."""
    if isinstance(node, Literal):
        constant = node.value
        return (lambda _block: repeat(constant)), type(constant)
    slot = plan.slots.get(node.path) if isinstance(node, Field) else None
    if slot is None or slot.optional or slot.kind is None:
        return None
    attribute = slot.attribute
    return (lambda block: block.column(attribute)), slot.kind
