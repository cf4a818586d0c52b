"""The column lane: names every broken rule of bad records, a block at a time, column by column.

It reads records into types that allow anything in every declared field, so one bad field does not hide the others.
Columns say which rows are suspect (`column`); the exact lane's own checkers name what those break, in the exact lane's
order. What cannot be read this way with certainty (backslashes, duplicate or unknown members, bytes that are no
object, a rule that only CEL can evaluate on this record) is left to the exact lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.contract.number import INTEGER_DIGITS_MAX, read_fraction
from watermaster.gate.breach import Breaches, breach
from watermaster.gate.column import NumberReader, SuspectFinder, read_document
from watermaster.gate.key_check import compile_key
from watermaster.gate.reasons import REASONS
from watermaster.gate.row_rule import ColumnSource, compile_row_rules
from watermaster.gate.rule_column import Selection
from watermaster.gate.swift_json import SWIFT_BYTES_MAX, count_quoted, may_hold_long_integer
from watermaster.gate.typed_record import INT_MAX, INT_MIN, NoFastLane
from watermaster.gate.value_check import compile_value, null_breach
from watermaster.gate.verdict import BrokenRule, Verdict

Nullable: TypeAlias = Sequence[bytes | None]

_CONTAINERS: Final = frozenset({list, dict})


class _Rows:
    """The records of one block, what each breaks so far, and which are for the exact lane."""

    def __init__(self, records: list[Any]) -> None:
        self._records = records
        self._numbers: dict[str, Sequence[Any]] = {}
        self.broken: dict[int, Breaches] = {}
        self.left: set[int] = set()

    def blame(self, row: int, reason: BrokenRule) -> None:
        """Add a reason to a row."""
        if row in self.broken:
            self.broken[row].append(reason)
        else:
            self.broken[row] = [reason]

    def add_numbers(self, attribute: str, values: Sequence[Any]) -> None:
        """A number column in place of the literals that the records hold."""
        self._numbers[attribute] = values

    def settled(self) -> list[Any]:
        """The records, with numbers as CEL sees them."""
        for attribute, values in self._numbers.items():
            for record, number in zip(self._records, values, strict=True):
                setattr(record, attribute, number)
        self._numbers.clear()
        return self._records


class _Field:
    """One declared field: how its column is read and judged."""

    def __init__(self, attribute: str, child: FieldCheck, checks: Checks) -> None:
        due = child.required or child.name in checks.value.required_names
        self.attribute = attribute
        self.number = NumberReader(child) if child.type is LogicalType.NUMBER else None
        self._finder = SuspectFinder(child, due=due)
        self._judge = compile_value(child, checks.unknown_fields)
        self._missing = breach(child, "required", "field.missing", REASONS["field.missing"]) if due else None
        self._null = null_breach(child)
        self._depth_max = checks.limits.depth_max - 1

    def judge(self, raw: Sequence[Any], rows: _Rows) -> tuple[Sequence[Any], int]:
        """Judges the column; the values as CEL sees numbers, and members plus strings that stand in it."""
        values, surely = raw, True
        if self.number is not None:
            values, surely = self.number.read(raw)
        kinds = list(map(type, values))
        different = set(kinds)
        quoted = len(kinds) - (kinds.count(UnsetType) if UnsetType in different else 0) + kinds.count(str)
        if different & _CONTAINERS:
            quoted += sum(self.inner_quoted(value) for value in values)
        suspects: Sequence[int] = self._finder.suspects(values, kinds) if surely else range(len(kinds))
        for row in suspects:
            self._judge_one(raw[row], row, rows)
        return values, quoted

    def inner_quoted(self, value: Any) -> int:  # noqa: ANN401 - any JSON value
        """Members plus strings inside a container; raises `ValueError` if it is too deep."""
        return count_quoted(value, self._depth_max) if type(value) in _CONTAINERS else 0

    def _judge_one(self, raw: Any, row: int, rows: _Rows) -> None:  # noqa: ANN401 - any JSON value, or a literal
        if raw is UNSET:
            if self._missing is not None:
                rows.blame(row, self._missing)
            return
        value = raw if self.number is None else read_document(raw)
        if value is None:
            if self._null is not None:
                rows.blame(row, self._null)
            return
        if type(value) is int and not INT_MIN <= value <= INT_MAX:
            rows.left.add(row)  # rules would see another number
        broken = rows.broken.get(row)
        if broken is not None:
            self._judge(value, broken)
            return
        broken = []
        self._judge(value, broken)
        if broken:
            rows.broken[row] = broken


class ColumnLane:
    """Judges blocks of records of one contract; `verdict` turns reasons into a verdict."""

    def __init__(self, checks: Checks, verdict: Callable[[Breaches], Verdict]) -> None:
        """Compile; `NoFastLane` if the contract asks for what only the exact lane judges."""
        value = checks.value
        _refuse(checks)
        self._verdict = verdict
        self._fields = [_Field(f"f{at}", child, checks) for at, child in enumerate(value.properties)]
        self._decode = _decoder(self._fields, value)
        columns = attrgetter(*(field.attribute for field in self._fields))
        self._rows_of = columns if len(self._fields) > 1 else lambda record: (columns(record),)
        self._bytes_max = min(SWIFT_BYTES_MAX, checks.limits.value_bytes_max, checks.limits.elements_max)
        self._rules = compile_row_rules(checks)
        asks_keys = checks.key.required or checks.key.check is not None or checks.key.is_json
        self._judge_key = compile_key(checks) if asks_keys else None

    def judge(self, keys: Nullable, values: Nullable, indexes: Sequence[int]) -> tuple[dict[int, Verdict], list[int]]:
        """Verdicts of those records that break something, and the indexes of those that are for the exact lane."""
        kept, records, left = self._read(values, indexes)
        if not kept:
            return {}, left
        try:
            rows = self._judge_rows([keys[index] for index in kept], [values[index] for index in kept], records)
        except (ValueError, RecursionError):  # a literal that is none, a container too deep: rare, so all are left
            return {}, list(indexes)
        if rows.left:
            left = sorted(left + [kept[row] for row in rows.left])
            rows.broken = {row: broken for row, broken in rows.broken.items() if row not in rows.left}
        return {kept[row]: self._verdict(broken) for row, broken in rows.broken.items()}, left

    def _read(self, values: Nullable, indexes: Sequence[int]) -> tuple[list[int], list[Any], list[int]]:
        """Indexes and records that can be read this way, and the indexes of the others."""
        plain = self._plain(values, indexes)
        try:
            return plain, list(map(self._decode, [values[index] for index in plain])), _others(indexes, plain)
        except (ValueError, RecursionError):
            pass
        kept, records = [], []
        for index in plain:
            try:
                records.append(self._decode(values[index]))
                kept.append(index)
            except (ValueError, RecursionError):
                continue
        return kept, records, _others(indexes, kept)

    def _plain(self, values: Nullable, indexes: Sequence[int]) -> list[int]:
        wanted = [value for index in indexes if (value := values[index]) is not None]
        joined = b"".join(wanted)
        if len(wanted) == len(indexes) and self._is_plain(joined):
            return list(indexes)
        return [index for index in indexes if (value := values[index]) is not None and self._is_plain(value)]

    def _is_plain(self, value: bytes) -> bool:
        return len(value) <= self._bytes_max and value.find(b"\\") < 0 and not may_hold_long_integer(value)

    def _judge_rows(self, keys: Nullable, values: Nullable, records: list[Any]) -> _Rows:
        rows = _Rows(records)
        if self._judge_key is not None:
            self._judge_keys(self._judge_key, keys, rows)
        columns: dict[str, Sequence[Any]] = {}
        quoted = 0
        for field, raw in zip(self._fields, zip(*map(self._rows_of, records), strict=True), strict=False):
            columns[field.attribute], found = field.judge(raw, rows)
            quoted += found
            if field.number is not None:
                rows.add_numbers(field.attribute, columns[field.attribute])
        # Every member and every string is written with two quotes, and nobody's missing ones make up for another's.
        if b"".join(values).count(b'"') != 2 * quoted:  # type: ignore[arg-type]
            settled = rows.settled()
            rows.left.update(row for row, value in enumerate(values) if not self._explains(value, settled[row]))  # type: ignore[arg-type]
        selection = Selection(ColumnSource(columns), len(records))
        for rule in self._rules:
            rule(selection, rows)
        return rows

    def _judge_keys(self, judge: Callable[[bytes | None, Breaches], object], keys: Nullable, rows: _Rows) -> None:
        for row, key in enumerate(keys):
            broken: Breaches = []
            judge(key, broken)
            if broken:
                rows.broken[row] = broken

    def _explains(self, value: bytes, record: Any) -> bool:  # noqa: ANN401 - a record of our type
        members = [member for member in self._rows_of(record) if member is not UNSET]
        strings = sum(type(member) is str for member in members)
        inner = sum(map(self._fields[0].inner_quoted, members))
        return value.count(b'"') == 2 * (len(members) + strings + inner)


def _others(indexes: Sequence[int], kept: list[int]) -> list[int]:
    if len(kept) == len(indexes):
        return []
    known = set(kept)
    return [index for index in indexes if index not in known]


def _refuse(checks: Checks) -> None:
    value, limits = checks.value, checks.limits
    if value.type is not LogicalType.OBJECT or not value.properties:
        raise NoFastLane
    if limits.integer_digits_max != INTEGER_DIGITS_MAX or limits.depth_max < 1:
        raise NoFastLane
    known = {child.name for child in value.properties}
    if (
        value.min_properties is not None
        or value.max_properties is not None
        or not known.issuperset(value.required_names)
    ):
        raise NoFastLane


def _decoder(fields: list[_Field], check: FieldCheck) -> Callable[[Any], Any]:
    members = [(field.attribute, Any if field.number is None else Raw, UNSET) for field in fields]
    names = {field.attribute: child.name for field, child in zip(fields, check.properties, strict=True)}
    try:
        record = msgspec.defstruct("Row", members, rename=names, gc=False, kw_only=True)
    except (TypeError, ValueError) as problem:  # what msgspec cannot type, such as names with quotes
        raise NoFastLane from problem
    return msgspec.json.Decoder(record, float_hook=read_fraction).decode
