"""Whether each member of each record of a block stands there once, and none that is unknown: by size, or by quotes.

A record takes at least the bytes of its members as they were decoded: names and strings with two quotes each, colons,
commas, braces, and the literals of numbers. One that takes no more has no space for a second member of the same name,
of which the last is decoded, or for one that the contract does not know. As no record is smaller, nobody's missing
bytes make up for another's. Most producers write that way. Where there are spaces, quotes are counted, which looks at
each byte: every member and every string is written with two (see `swift_json`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from operator import is_
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from watermaster.gate.block import ABSENT, Block
from watermaster.gate.record_plan import Member, Plan
from watermaster.gate.worth import Worth

Size: TypeAlias = Callable[[Block], int]
"""Bytes that something takes at least in a block."""

_encode: Final = msgspec.json.Encoder().encode
_ABSENT: Final = ABSENT.encode()
_NULL_SIZE: Final = len(b"null")
_QUOTES_SIZE: Final = 2


class MemberProof:
    """The proof for the records of a plan. What it remembers of earlier blocks chooses the way, never the answer."""

    def __init__(self, plan: Plan) -> None:
        self._explains_quotes = _compile_quotes(plan)
        self._least_size = _compile_least_size(plan)
        self._worth = Worth()

    def has_no_escape(self, block: Block) -> bool:
        """Whether no record holds a backslash: what is written with one is longer than what it says."""
        return self._is_compact(block) or block.joined.find(b"\\") < 0

    def has_each_once(self, block: Block) -> bool:
        """Whether no member is there twice or unknown, in records that have no escape."""
        return self._is_compact(block) or self._explains_quotes(block)

    def _is_compact(self, block: Block) -> bool:
        if block.compact is None:
            block.compact = False  # also where half of a surrogate pair, which only an escape can write, has no size
            if self._least_size is not None and self._worth.ask():
                block.compact = block.size == self._least_size(block)
                self._worth.learn(futile=not block.compact)
        return block.compact


def _compile_quotes(plan: Plan) -> Callable[[Block], bool]:
    always, optional = plan.quoted, [member.attribute for member in plan.scalars if member.optional]
    counts = list(plan.counts)

    def prove(block: Block) -> bool:
        types = list(map(type, chain.from_iterable(map(block.raw, optional))))
        strings = types.count(str)
        absent = types.count(UnsetType) if strings < len(types) else 0
        expected = always * len(block.records) + len(types) + strings - absent
        for attribute, count_inside in counts:
            expected += sum(map(count_inside, block.column(attribute)))
        return block.joined.count(b'"') == 2 * expected

    return prove


def _compile_least_size(plan: Plan) -> Size | None:
    """None for records of which it is not the sum of what their members take."""
    if plan.size is None or plan.counts:
        return None
    fixed = plan.size
    texts = {member.attribute: member for member in plan.scalars if member.kind is str}
    matched = plan.matched if len(set(plan.matched)) == len(plan.matched) else ()  # joined for their patterns anyway
    others = tuple(attribute for attribute in texts if attribute not in matched)
    parts = [_texts_part([texts[attribute] for attribute in group]) for group in (matched, others) if group]
    parts += [_number_part(member) for member in plan.scalars if member.kind is float]
    parts += [_plain_part(member) for member in plan.scalars if member.kind not in (str, float)]

    def least_size(block: Block) -> int:
        return fixed * len(block.records) + sum(part(block) for part in parts)

    return least_size


def _texts_part(members: list[Member]) -> Size:
    """Of texts that are joined; the quotes of those that are always there are in what every record takes."""
    attributes = tuple(member.attribute for member in members)
    optional = [member for member in members if member.optional]
    beside = sum(member.size + _QUOTES_SIZE for member in optional)

    def part(block: Block) -> int:
        joined, rows = block.texts(attributes), len(block.records)
        size = len(joined) - len(attributes) * rows
        if not optional or _ABSENT not in joined:
            return size + beside * rows
        return size + sum(_sparse_size(block.raw(member.attribute), member.size) for member in optional)

    return part


def _sparse_size(column: Sequence[object], member_size: int) -> int:
    """What texts take beside their own bytes, less the sign that stands for what is none."""
    kinds = list(map(type, column))
    strings, nulls = kinds.count(str), kinds.count(type(None))
    signs = (len(kinds) - strings) * len(_ABSENT)
    return strings * (member_size + _QUOTES_SIZE) + nulls * (member_size + _NULL_SIZE) - signs


def _number_part(member: Member) -> Size:
    def part(block: Block) -> int:
        rows = len(block.records)
        absent = sum(map(is_, block.raw(member.attribute), repeat(UNSET))) if member.optional else 0
        commas = rows - 1
        return len(block.literals(member.attribute)) - commas - absent * _NULL_SIZE + (rows - absent) * member.size

    return part


def _plain_part(member: Member) -> Size:
    """Of integers and booleans, which can be written in one way only, but for -0, which is longer."""

    def part(block: Block) -> int:
        values = block.raw(member.attribute)
        if member.optional:
            values = [value for value in values if value is not UNSET]
            if not values:
                return 0
        brackets_and_commas = 1 + len(values)
        return len(_encode(values)) - brackets_and_commas + len(values) * member.size

    return part
