"""The fast lane: proves most good records good, some dozens at a time, and never a bad one.

One record costs a typed decode and its share of a few passes over a block of records:

- no backslash, so no string holds an escape, a control character or an escaped quote;
- as many quotes as the decoded members and strings explain, so no key is there twice and none is unknown;
- numbers as columns of literals, so that those with more digits than a double keeps are seen;
- one regular expression over all texts that have a pattern, a format or a date, joined with NUL;
- rules as comparisons of columns, or as closures.

Each pass proves the whole block or nothing: if one fails, the block is halved until the culprits stand alone. They
are not bad, only unproven; the exact lane judges them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from watermaster.contract.checks import Checks, FieldCheck
from watermaster.gate.block import Block, NumberColumn, Records
from watermaster.gate.breach import Breaches
from watermaster.gate.key_check import compile_key
from watermaster.gate.proof import compile_proofs, compile_rule_proof
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.swift_json import SWIFT_BYTES_MAX
from watermaster.gate.typed_record import NoFastLane, compile_record

BLOCK_MAX: Final = 96
"""Records proven together: enough to share the cost of a call."""
BLOCK_MIN: Final = 12
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
        self._numbers = [
            NumberColumn(attribute, kind, optional=optional, keep=attribute in access.attributes)
            for attribute, kind, optional in plan.numbers
        ]
        self._proofs = [*compile_proofs(plan), *rules]
        self._prove_keys = _key_proof(checks)

    def unproven(self, keys: Nullable, values: Nullable, start: int, stop: int) -> list[int]:
        """Indexes in `[start, stop)` of records that are for the exact lane, in order."""
        block, failed = self._decode_all(keys, values, start, stop)
        if self._numbers:
            block = self._with_numbers(block, failed)
        failed += _culprits(self._proven, block)
        failed.sort()
        return failed

    def _decode_all(self, keys: Nullable, values: Nullable, start: int, stop: int) -> tuple[Block, list[int]]:
        """The typed records of a range, and the indexes of those that have no such record."""
        indexes, kept, failed = list(range(start, stop)), list(values[start:stop]), self._unfit(values, start, stop)
        for index in reversed(failed):
            del indexes[index - start], kept[index - start]
        records: Records = []
        while len(records) < len(kept):
            try:
                # What was decoded before an error stays in the list.
                records.extend(map(self._decode, kept[len(records) :]))  # type: ignore[arg-type]
            except (ValueError, RecursionError):
                failed.append(indexes.pop(len(records)))
                del kept[len(records)]
        asked = [] if self._prove_keys is None else [keys[index] for index in indexes]
        return Block(indexes, asked, kept, records, {}), failed  # type: ignore[arg-type]

    def _unfit(self, values: Nullable, start: int, stop: int) -> list[int]:
        """Null values, and values too large to be decoded here."""
        block = values[start:stop]
        try:
            if max(map(len, block)) <= self._bytes_max:  # type: ignore[arg-type]
                return []
        except TypeError:  # there are null values
            pass
        return [start + at for at, value in enumerate(block) if value is None or len(value) > self._bytes_max]

    def _with_numbers(self, block: Block, failed: list[int]) -> Block:
        """The block with its numbers, without the records whose numbers are not surely good."""
        if not _attempt(self._read_numbers, block):
            failed += _culprits(self._read_numbers, block)
            block = block.without(failed)
            self._read_numbers(block)
        for column in self._numbers:
            column.keep(block.records, block.numbers[column.attribute])
        return block

    def _read_numbers(self, block: Block) -> bool:
        for column in self._numbers:
            block.numbers[column.attribute] = column.read(block.records)
        return True

    def _proven(self, block: Block) -> bool:
        if self._prove_keys is not None and not self._prove_keys(block.keys):
            return False
        joined = b"".join(block.values)
        return all(proof(joined, block) for proof in self._proofs)


def _culprits(prove: Callable[[Block], bool], block: Block) -> list[int]:
    """Indexes of the records that cannot be proven: halve the block until they stand alone."""
    if not block.indexes or _attempt(prove, block):
        return []
    if len(block.indexes) == 1:
        return [block.indexes[0]]
    half = len(block.indexes) // 2
    return _culprits(prove, block.part(0, half)) + _culprits(prove, block.part(half, None))


def _attempt(prove: Callable[[Block], bool], block: Block) -> bool:
    try:
        return prove(block)
    except Exception:  # noqa: BLE001 - `Unsure`, `Undecided`, or a surprise: whatever it is, it proves nothing
        return False


def _depth(check: FieldCheck) -> int:
    """Nesting of containers that the types allow."""
    children = [*check.properties, check.items, check.map_value]
    inner = [_depth(child) for child in children if child is not None]
    is_container = bool(check.properties) or check.items is not None or check.map_value is not None
    return max(inner, default=0) + (1 if is_container or not inner else 0)


def _key_proof(checks: Checks) -> Callable[[list[bytes | None]], bool] | None:
    """Whether all keys are surely good; None if nothing is asked of keys."""
    if checks.key.check is None and checks.key.encoding != "json":
        return all if checks.key.required else None
    judge = compile_key(checks)

    def prove(keys: list[bytes | None]) -> bool:
        broken: Breaches = []
        for key in keys:
            judge(key, broken)
        return not broken

    return prove
