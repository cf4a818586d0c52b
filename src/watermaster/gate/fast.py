"""The fast lane: proves most good records good, some dozens at a time, and never a bad one.

One record costs a typed decode and its share of a few passes over a block of records:

- no more bytes than the decoded members need, so no key is there twice, none is unknown, and nothing is escaped;
  or else no backslash, and as many quotes as the decoded members and strings explain;
- numbers as columns of literals, so that those with more digits than a double keeps are seen;
- one regular expression over all texts that have a pattern, a format or a date, joined with NUL;
- rules as comparisons of columns, or as closures.

Each pass proves the whole block or says who is to blame, so one bad record costs its neighbours next to nothing.
Culprits are not bad, only unproven; the column lane and the exact lane judge them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from watermaster.contract.checks import Checks, FieldCheck
from watermaster.gate.block import Block, NumberColumn, Records
from watermaster.gate.breach import Breaches
from watermaster.gate.key_check import compile_key
from watermaster.gate.proof import Proof, compile_rule_proof, compile_syntax_proofs, compile_value_proofs
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.swift_json import SWIFT_BYTES_MAX
from watermaster.gate.typed_record import NoFastLane, compile_record

BLOCK_MAX: Final = 256
"""Records proven together: enough to share the cost of a call."""
INT64_DIGITS: Final = 19

Nullable: TypeAlias = Sequence[bytes | None]


class FastLane:
    """The proofs of one contract."""

    def __init__(self, checks: Checks) -> None:
        """Compile; `NoFastLane` if the contract asks for what only the exact lane judges."""
        record, plan = compile_record(checks.value)
        limits = checks.limits
        if _depth(checks.value) > limits.depth_max or limits.integer_digits_max < INT64_DIGITS:
            raise NoFastLane
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(record).decode
        self._bytes_max = min(SWIFT_BYTES_MAX, limits.value_bytes_max, limits.elements_max)
        access = RecordAccess(plan)
        rules = [compile_rule_proof(rule.expression, plan, access) for rule in checks.rules]
        self._columns = [
            NumberColumn(attribute, kind, keep=attribute in access.attributes) for attribute, kind, _ in plan.numbers
        ]
        keys = _key_proof(checks)
        self._asks_keys = keys is not None
        self._syntax = [*compile_syntax_proofs(plan), *(Proof(column.readable) for column in self._columns)]
        self._values = [*compile_value_proofs(plan), *rules, *([] if keys is None else [keys])]

    def unproven(self, keys: Nullable, values: Nullable, start: int, stop: int) -> list[int]:
        """Indexes in `[start, stop)` of records that are for another lane, in order."""
        block, failed = self._decode_all(keys, values, start, stop)
        for proof in self._syntax:  # what these do not prove must not be read as text or number by those that follow
            if rows := proof.culprits(block):
                failed += [block.indexes[row] for row in rows]
                block = block.without(rows)
        for column in self._columns:
            column.settle(block)
        rows_failed = {row for proof in self._values for row in proof.culprits(block)}
        failed += [block.indexes[row] for row in rows_failed]
        failed.sort()
        return failed

    def _decode_all(self, keys: Nullable, values: Nullable, start: int, stop: int) -> tuple[Block, list[int]]:
        """The typed records of a range, and the indexes of those that have no such record."""
        wanted: list[Any] = list(values[start:stop])
        joined = _join(wanted)
        if joined is not None and (len(joined) <= self._bytes_max or max(map(len, wanted)) <= self._bytes_max):
            indexes, failed = list(range(start, stop)), list[int]()
        else:
            indexes, failed = self._short_enough(values, start, stop)
            wanted = [values[index] for index in indexes]
            joined = b"".join(wanted)
        size = len(joined)
        records: Records = []
        while len(records) < len(wanted):
            try:
                records.extend(map(self._decode, wanted[len(records) :] if records else wanted))
            except (ValueError, RecursionError):  # what was decoded before stays in the list
                joined = None
                failed.append(indexes.pop(len(records)))
                size -= len(wanted.pop(len(records)))
        asked = [keys[index] for index in indexes] if self._asks_keys else []
        return Block(indexes, asked, wanted, records, {}, size, joined), failed

    def _short_enough(self, values: Nullable, start: int, stop: int) -> tuple[list[int], list[int]]:
        """Indexes of the values that may be decoded, and of the others."""
        indexes: list[int] = []
        failed: list[int] = []
        for index in range(start, stop):
            value = values[index]
            (indexes if value is not None and len(value) <= self._bytes_max else failed).append(index)
        return indexes, failed


def _join(values: list[Any]) -> bytes | None:
    """All values in one; None if one of them is null."""
    try:
        return b"".join(values)
    except TypeError:
        return None


def _depth(check: FieldCheck) -> int:
    """Nesting of containers that the types allow."""
    children = [*check.properties, check.items, check.map_value]
    inner = [_depth(child) for child in children if child is not None]
    is_container = bool(check.properties) or check.items is not None or check.map_value is not None
    return max(inner, default=0) + (1 if is_container or not inner else 0)


def _key_proof(checks: Checks) -> Proof | None:
    """Whether all keys are surely good; None if nothing is asked of keys."""
    if checks.key.check is None and not checks.key.is_json:
        if not checks.key.required:
            return None
        return Proof(
            lambda block: all(block.keys), lambda block: [row for row, key in enumerate(block.keys) if not key]
        )
    judge = compile_key(checks)

    def breaks(key: bytes | None) -> Breaches:
        broken: Breaches = []
        judge(key, broken)
        return broken

    def failing(block: Block) -> list[int]:
        return [row for row, key in enumerate(block.keys) if breaks(key)]

    return Proof(lambda block: not failing(block), failing)
