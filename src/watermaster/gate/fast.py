"""The fast lane: proves most good records good, some dozens at a time, and never a bad one.

One record costs a typed decode and its share of a few passes over the joined bytes of a block:

- no backslash, so no string holds an escape, a control character or an escaped quote;
- as many quotes as the decoded members and strings explain, so no key is there twice and none is unknown;
- no long run of digits, so no number loses precision (only where the contract has numbers);
- one regular expression over all texts that have a pattern, a format or a date, joined with NUL;
- rules as closures.

Each pass proves the whole block or nothing: if one fails, the block is halved until the culprits stand alone. They
are not bad, only unproven; the exact lane judges them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from watermaster.contract.checks import Checks, FieldCheck
from watermaster.contract.pattern import compile_whole
from watermaster.gate.breach import Breaches
from watermaster.gate.key_check import compile_key
from watermaster.gate.record_access import RecordAccess
from watermaster.gate.rule_check import simplify
from watermaster.gate.swift_json import SWIFT_BYTES_MAX
from watermaster.gate.typed_record import SAFE_DIGITS, NoFastLane, Plan, compile_record, is_tiny

BLOCK: Final = 48
"""Records proven together: enough to share the cost of a call, few enough that one bad record costs little."""
INT64_DIGITS: Final = 19

Key: TypeAlias = bytes | None
Value: TypeAlias = bytes | None
Records: TypeAlias = list[Any]
Proof: TypeAlias = Callable[[bytes, Records], bool]
"""Whether all of a block is surely good in one respect, from its joined bytes and its typed records."""

_NUMERIC: Final = bytes(ord("0") if byte in b"0123456789." else ord("a") for byte in range(256))
_LONG: Final = b"0" * (SAFE_DIGITS + 1)
_STEP: Final = 4
_LONG_SAMPLED: Final = b"0" * ((SAFE_DIGITS + 1) // _STEP)
_ABSENT: Final = "\x01"
"""Stands for an absent text: no string of a record without backslashes holds a control character."""
_NUL: Final = "\0"


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
        self._proofs = _proofs(checks, plan)
        self._prove_keys = _key_proof(checks)

    def unproven(self, keys: Sequence[Key], values: Sequence[Value], start: int, stop: int) -> list[int]:
        """Indexes in `[start, stop)` of records that are for the exact lane, in order."""
        failed: list[int] = []
        decoded, records = self._decode_all(values, start, stop, failed)
        self._split(keys, values, decoded, records, failed)
        failed.sort()
        return failed

    def _decode_all(
        self, values: Sequence[Value], start: int, stop: int, failed: list[int]
    ) -> tuple[list[int] | range, Records]:
        records: Records = []
        small = self._small(values[start:stop])
        indexes: list[int] | range = range(start, stop)
        if small is not None:
            failed.extend(index for index, fits in zip(indexes, small, strict=True) if not fits)
            indexes = [index for index, fits in zip(indexes, small, strict=True) if fits]
        done = 0
        while done < len(indexes):
            try:
                # What was decoded before an error stays in the list.
                records.extend(map(self._decode, [values[index] for index in indexes[done:]]))  # type: ignore[arg-type]
                break
            except (ValueError, RecursionError):
                bad = len(records)
                failed.append(indexes[bad])
                indexes = [*indexes[:bad], *indexes[bad + 1 :]]
                done = bad
        return indexes, records

    def _small(self, values: Sequence[Value]) -> list[bool] | None:
        """None if all values are there and small enough to be decoded here, else which are."""
        if None not in values and max(map(len, values)) <= self._bytes_max:  # type: ignore[arg-type]
            return None
        return [value is not None and len(value) <= self._bytes_max for value in values]

    def _split(
        self, keys: Sequence[Key], values: Sequence[Value], indexes: Sequence[int], records: Records, failed: list[int]
    ) -> None:
        if not indexes or self._proven(keys, values, indexes, records):
            return
        if len(indexes) == 1:
            failed.append(indexes[0])
            return
        half = len(indexes) // 2
        self._split(keys, values, indexes[:half], records[:half], failed)
        self._split(keys, values, indexes[half:], records[half:], failed)

    def _proven(self, keys: Sequence[Key], values: Sequence[Value], indexes: Sequence[int], records: Records) -> bool:
        joined = b"".join([values[index] for index in indexes])  # type: ignore[misc]
        try:
            if self._prove_keys is not None and not self._prove_keys([keys[index] for index in indexes]):
                return False
            return all(proof(joined, records) for proof in self._proofs)
        except Exception:  # noqa: BLE001 - `Unsure`, `Undecided`, or a surprise: whatever it is, it proves nothing
            return False


def _depth(check: FieldCheck) -> int:
    """Nesting of containers that the types allow."""
    children = [*check.properties, check.items, check.map_value]
    inner = [_depth(child) for child in children if child is not None]
    is_container = bool(check.properties) or check.items is not None or check.map_value is not None
    return max(inner, default=0) + (1 if is_container or not inner else 0)


def _key_proof(checks: Checks) -> Callable[[list[Key]], bool] | None:
    """Whether all keys are surely good; None if nothing is asked of keys."""
    if checks.key.check is None and checks.key.encoding != "json":
        return all if checks.key.required else None
    judge = compile_key(checks)

    def prove(keys: list[Key]) -> bool:
        broken: Breaches = []
        for key in keys:
            judge(key, broken)
        return not broken

    return prove


def _proofs(checks: Checks, plan: Plan) -> list[Proof]:
    """Cheap and telling ones first."""
    proofs: list[Proof] = [_no_backslash, _quotes_proof(plan)]
    if plan.numbers:
        proofs.append(_no_long_digits)
    if plan.floats:
        proofs.append(_floats_proof(plan))
    if plan.texts:
        proofs.append(_texts_proof(plan))
    proofs.extend(_test_proof(attribute, test, optional=optional) for attribute, test, optional in plan.tests)
    proofs.extend(_rule_proof(rule.expression, plan) for rule in checks.rules)
    return proofs


def _no_backslash(joined: bytes, _records: Records) -> bool:
    return joined.find(b"\\") < 0


def _quotes_proof(plan: Plan) -> Proof:
    """Every member and every string is written with two quotes; see `swift_json`."""
    always, optional = plan.quoted, _optional_count(plan)
    counts = [(attrgetter(attribute), count) for attribute, count in plan.counts]

    def prove(joined: bytes, records: Records) -> bool:
        expected = always * len(records)
        if optional is not None:
            expected += optional(records)
        for get, count in counts:
            expected += sum(map(count, map(get, records)))
        return joined.count(b'"') == 2 * expected

    return prove


def _optional_count(plan: Plan) -> Callable[[Records], int] | None:
    """Members that are there, and strings among them, of all optional scalars."""
    if not plan.optional:
        return None
    values_of = _gather(plan.optional)

    def count(records: Records) -> int:
        types = list(map(type, values_of(records)))
        return len(types) - types.count(UnsetType) + types.count(str)

    return count


def _gather(attributes: list[str]) -> Callable[[Records], Iterable[Any]]:
    """All values of some attributes, record by record."""
    get = attrgetter(*attributes)
    if len(attributes) == 1:
        return lambda records: map(get, records)
    return lambda records: chain.from_iterable(map(get, records))


def _no_long_digits(joined: bytes, _records: Records) -> bool:
    # A run of sixteen covers four neighbours of every fourth byte: look at all only where those are suspicious.
    return (
        joined[_STEP - 1 :: _STEP].translate(_NUMERIC).find(_LONG_SAMPLED) < 0
        or joined.translate(_NUMERIC).find(_LONG) < 0
    )


def _floats_proof(plan: Plan) -> Proof:
    """No number vanished: a literal such as 1e-400 becomes 0.0."""
    values_of = _gather([attribute for attribute, _ in plan.floats])
    sparse = any(optional for _, optional in plan.floats)

    def prove(joined: bytes, records: Records) -> bool:
        values = values_of(records)
        if sparse:
            values = [value for value in values if type(value) is float]
        return not is_tiny(min(map(abs, values), default=1.0)) or not (b"e-" in joined or b"E-" in joined)

    return prove


def _texts_proof(plan: Plan) -> Proof:
    """One expression over the texts of all records, NUL after each; no part of it matches NUL, so none can stray."""
    parts = [f"(?:{part}|{_absent(optional)})" if optional else f"(?:{part})" for _, part, optional in plan.texts]
    match = compile_whole("(?:" + "".join(part + r"\x{00}" for part in parts) + ")*").Match
    values_of = _gather([attribute for attribute, _, _ in plan.texts])
    sparse = any(optional for _, _, optional in plan.texts)

    def prove(_joined: bytes, records: Records) -> bool:
        values = values_of(records)
        if sparse:
            values = [value if type(value) is str else _ABSENT for value in values]
        return bool(match(_NUL.join(values) + _NUL))

    return prove


def _absent(optional: bool) -> str:
    return r"\x{01}" if optional else ""


def _test_proof(attribute: str, test: Callable[[Any], bool], *, optional: bool) -> Proof:
    get = attrgetter(attribute)
    if not optional:
        return lambda _joined, records: all(map(test, map(get, records)))

    def prove(_joined: bytes, records: Records) -> bool:
        return all(test(value) for value in map(get, records) if value is not None and value is not UNSET)

    return prove


def _rule_proof(expression: str, plan: Plan) -> Proof:
    closure = simplify(expression, RecordAccess(plan))
    if closure is None:
        raise NoFastLane
    read = closure.read
    if closure.kind is bool:
        return lambda _joined, records: all(map(read, records))
    return lambda _joined, records: all(value is True or value == "" for value in map(read, records))
