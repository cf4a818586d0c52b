"""The fast lane: proves most good records good, some dozens at a time, and never a bad one.

One record costs a typed decode and its share of a few passes over a block of records:

- no backslash, so no string holds an escape, a control character or an escaped quote;
- as many quotes as the decoded members and strings explain, so no key is there twice and none is unknown;
- numbers as columns of literals, so that those with more digits than a double keeps are seen;
- one regular expression over all texts that have a pattern, a format or a date, joined with NUL;
- rules as comparisons of columns, or as closures.

Each pass proves the whole block or nothing. If one fails, the column lane looks at the block; for a contract without
that lane, the block is halved for the pass until the culprits stand alone, and the others go on. Culprits are not bad,
only unproven; the exact lane judges them.
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

BLOCK_MAX: Final = 192
"""Records proven together: enough to share the cost of a call."""
BLOCK_MIN: Final = 24
"""After a block with culprits: few enough that one costs its neighbours little."""
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
            NumberColumn(attribute, kind, optional=optional, keep=attribute in access.attributes)
            for attribute, kind, optional in plan.numbers
        ]
        keys = _key_proof(checks)
        self._asks_keys = keys is not None
        self._syntax = compile_syntax_proofs(plan)
        self._values = [*compile_value_proofs(plan), *rules, *([] if keys is None else [keys])]

    def proves(self, keys: Nullable, values: Nullable, start: int, stop: int) -> bool:
        """Whether all records in `[start, stop)` are surely good."""
        block = self._decode_together(keys, values, start, stop)
        if block is None or not all(_attempt(proof, block) for proof in self._syntax):
            return False
        for column in self._columns:
            if not _attempt(column.readable, block):
                return False
            column.settle(block)
        return all(_attempt(proof, block) for proof in self._values)

    def unproven(self, keys: Nullable, values: Nullable, start: int, stop: int) -> list[int]:
        """Indexes in `[start, stop)` of records that are for the exact lane, in order."""
        block, failed = self._decode_all(keys, values, start, stop)
        block = _without_culprits(self._syntax, block, failed)
        for column in self._columns:
            block = _without_culprits([column.readable], block, failed)
            column.settle(block)
        _without_culprits(self._values, block, failed)
        failed.sort()
        return failed

    def _decode_all(self, keys: Nullable, values: Nullable, start: int, stop: int) -> tuple[Block, list[int]]:
        """The typed records of a range, and the indexes of those that have no such record."""
        block = self._decode_together(keys, values, start, stop)
        return self._decode_each(keys, values, start, stop) if block is None else (block, [])

    def _decode_together(self, keys: Nullable, values: Nullable, start: int, stop: int) -> Block | None:
        wanted = values[start:stop]
        try:
            joined = b"".join(wanted)  # type: ignore[arg-type]
            if len(joined) <= self._bytes_max:  # so is each of them
                records = list(map(self._decode, wanted))  # type: ignore[arg-type]
                return Block(range(start, stop), self._asked(keys[start:stop]), wanted, records, {}, joined)  # type: ignore[arg-type]
        except (TypeError, ValueError, RecursionError):  # a null value, or one that cannot be decoded
            pass
        return None

    def _asked(self, keys: Nullable) -> Nullable:
        return keys if self._asks_keys else []

    def _decode_each(self, keys: Nullable, values: Nullable, start: int, stop: int) -> tuple[Block, list[int]]:
        indexes: list[int] = []
        failed: list[int] = []
        for index in range(start, stop):
            value = values[index]
            (indexes if value is not None and len(value) <= self._bytes_max else failed).append(index)
        kept: list[Any] = [values[index] for index in indexes]
        records: Records = []
        while len(records) < len(kept):
            try:
                # What was decoded before an error stays in the list.
                records.extend(map(self._decode, kept[len(records) :]))
            except (ValueError, RecursionError):
                failed.append(indexes.pop(len(records)))
                del kept[len(records)]
        return Block(indexes, self._asked([keys[index] for index in indexes]), kept, records, {}), failed


def _without_culprits(proofs: Sequence[Proof], block: Block, failed: list[int]) -> Block:
    """The records for which all proofs hold; the indexes of the others are added to `failed`."""
    for proof in proofs:
        if not _attempt(proof, block):
            culprits = _culprits(proof, block)
            failed += culprits
            block = block.without(culprits)
    return block


def _culprits(proof: Proof, block: Block) -> list[int]:
    """Indexes of the records that one proof fails on: halve the block until they stand alone."""
    if len(block.indexes) <= 1:
        return list(block.indexes)
    half = len(block.indexes) // 2
    parts = (block.part(0, half), block.part(half, None))
    return [index for part in parts if not _attempt(proof, part) for index in _culprits(proof, part)]


def _attempt(proof: Proof, block: Block) -> bool:
    try:
        return not block.indexes or proof(block)
    except Exception:  # noqa: BLE001 - `Unsure`, `Undecided`, or a surprise: whatever it is, it proves nothing
        return False


def _depth(check: FieldCheck) -> int:
    """Nesting of containers that the types allow."""
    children = [*check.properties, check.items, check.map_value]
    inner = [_depth(child) for child in children if child is not None]
    is_container = bool(check.properties) or check.items is not None or check.map_value is not None
    return max(inner, default=0) + (1 if is_container or not inner else 0)


def _key_proof(checks: Checks) -> Proof | None:
    """Whether all keys are surely good; None if nothing is asked of keys."""
    if checks.key.check is None and checks.key.encoding != "json":
        return (lambda block: all(block.keys)) if checks.key.required else None
    judge = compile_key(checks)

    def prove(block: Block) -> bool:
        broken: Breaches = []
        for key in block.keys:
            judge(key, broken)
        return not broken

    return prove
