"""Proofs: whether all records of a block are surely good in one respect. Only yes means anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final, TypeAlias

from msgspec import UNSET, UnsetType

from watermaster.contract.pattern import compile_whole
from watermaster.gate.block import Block, Records, has_long_number
from watermaster.gate.closure import COMPARISONS, compares_plainly
from watermaster.gate.expression import Binary, Field, Literal, Node, parse_simple
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.rule_check import simplify
from watermaster.gate.typed_record import NoFastLane, Plan

Proof: TypeAlias = Callable[[Block], bool]
Column: TypeAlias = Callable[[Block], Iterable[Any]]

_ABSENT: Final = "\x01"
"""Stands for an absent text: no string of a record without backslashes holds a control character."""
_ABSENT_RE2: Final = r"\x{01}"
_NUL: Final = "\0"


def compile_syntax_proofs(plan: Plan) -> list[Proof]:
    """What the bytes must be like, so that everything else may trust the typed records."""
    proofs: list[Proof] = [_no_backslash, _quotes_proof(plan)]
    if plan.inner_numbers:
        proofs.append(_no_long_number)
    return proofs


def compile_value_proofs(plan: Plan) -> list[Proof]:
    """What the types do not say of single values."""
    proofs: list[Proof] = []
    if plan.texts:
        proofs.append(_texts_proof(plan))
    proofs.extend(_test_proof(attribute, test, optional=optional) for attribute, test, optional in plan.tests)
    return proofs


def _no_backslash(block: Block) -> bool:
    return block.joined.find(b"\\") < 0


def _no_long_number(block: Block) -> bool:
    return not has_long_number(block.joined)


def _quotes_proof(plan: Plan) -> Proof:
    """Every member and every string is written with two quotes; see `swift_json`."""
    always, optional = plan.quoted, _optional_count(plan)
    counts = [(attrgetter(attribute), count) for attribute, count in plan.counts]

    def prove(block: Block) -> bool:
        expected = always * len(block.records)
        if optional is not None:
            expected += optional(block.records)
        for get, count in counts:
            expected += sum(map(count, map(get, block.records)))
        return block.joined.count(b'"') == 2 * expected

    return prove


def _optional_count(plan: Plan) -> Callable[[Records], int] | None:
    """Members that are there, and strings among them, of all optional scalars."""
    if not plan.optional:
        return None
    values_of = _gather(plan.optional)

    def count(records: Records) -> int:
        types = list(map(type, values_of(records)))
        strings = types.count(str)
        return len(types) + strings - (types.count(UnsetType) if strings < len(types) else 0)

    return count


def _gather(attributes: list[str]) -> Callable[[Records], Iterable[Any]]:
    """All values of some attributes, record by record."""
    get = attrgetter(*attributes)
    if len(attributes) == 1:
        return lambda records: map(get, records)
    return lambda records: chain.from_iterable(map(get, records))


def _texts_proof(plan: Plan) -> Proof:
    """One expression over the texts of all records, NUL after each; no part of it matches NUL, so none can stray."""
    parts = [
        rf"(?:{part}|\x{{01}})\x{{00}}" if optional else rf"(?:{part})\x{{00}}" for _, part, optional in plan.texts
    ]
    match = compile_whole("(?:" + "".join(parts) + ")*").Match
    values_of = _gather([attribute for attribute, _, _ in plan.texts])
    sparse = any(optional for _, _, optional in plan.texts)

    def prove(block: Block) -> bool:
        values = values_of(block.records)
        if sparse:
            values = [value if type(value) is str else _ABSENT for value in values]
        return bool(match(_NUL.join(values) + _NUL))

    return prove


def _test_proof(attribute: str, test: Callable[[Any], bool], *, optional: bool) -> Proof:
    if not optional:
        return lambda block: all(map(test, block.column(attribute)))

    def prove(block: Block) -> bool:
        return all(test(value) for value in block.column(attribute) if value is not None and value is not UNSET)

    return prove


def compile_rule_proof(expression: str, plan: Plan, access: RecordAccess) -> Proof:
    """A rule over a block; `NoFastLane` if it is not simple. Closures read records through `access`."""
    tree = parse_simple(expression)
    columns = None if tree is None else _column_proof(tree, plan)
    if columns is not None:
        return columns
    closure = simplify(expression, access)
    if closure is None:
        raise NoFastLane
    read = closure.read
    if closure.kind is bool:
        return lambda block: all(map(read, block.records))
    return lambda block: all(value is True or value == "" for value in map(read, block.records))


def _column_proof(tree: Node, plan: Plan) -> Proof | None:
    """Comparisons of fields that are always there, and their conjunctions, column against column."""
    if not isinstance(tree, Binary) or (isinstance(tree.left, Literal) and isinstance(tree.right, Literal)):
        return None  # two constants repeat for ever: there is no column to end the comparison
    if tree.sign == "&&":
        first, second = _column_proof(tree.left, plan), _column_proof(tree.right, plan)
        if first is None or second is None:
            return None
        return lambda block: first(block) and second(block)
    left, right = _column(tree.left, plan), _column(tree.right, plan)
    if left is None or right is None or tree.sign not in COMPARISONS:
        return None
    if not compares_plainly(
        tree.sign, left[1], right[1], tree.right.value if isinstance(tree.right, Literal) else None
    ):
        return None
    compare, first_of, second_of = COMPARISONS[tree.sign], left[0], right[0]
    return lambda block: all(map(compare, first_of(block), second_of(block)))


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
