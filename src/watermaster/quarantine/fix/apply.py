"""Applying a fix to a record: a function of the two alone, which never raises for bad data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from watermaster.contract.cel import CelExpression, CelFailure, CelInput
from watermaster.contract.checks import Limits
from watermaster.gate.cel_view import as_spelled
from watermaster.gate.strict_json import JsonProblem, decode_strictly
from watermaster.quarantine.fix.change import change
from watermaster.quarantine.fix.document import Fix
from watermaster.quarantine.fix.draft import (
    NAMES_SCHEMA,
    can_add,
    find_fragments,
    names_schema,
    put,
    remove,
    rename,
    renew,
)
from watermaster.quarantine.fix.operation import Alter, Constant, Delete, Move, Operation, Put, Rename, Source
from watermaster.quarantine.fix.place import RESERVED_PREFIX, Part
from watermaster.quarantine.fix.scalar import NULL, write_json
from watermaster.quarantine.fix.trouble import Trouble
from watermaster.quarantine.held import OriginalRecord

_LIMITS: Final = Limits()
_NO_ROOM: Final = Trouble("its new place is taken, or has no object to be put into")


@dataclass(frozen=True, slots=True)
class Fixed:
    """The fix has changed the record."""

    record: OriginalRecord


@dataclass(frozen=True, slots=True)
class Untouched:
    """The fix is not for this record, or has nothing to do here: it is byte for byte as it was."""


@dataclass(frozen=True, slots=True)
class Unfixable:
    """A step found its place and could not do its work: the record is as it was. Repeats nothing of the record."""

    why: str


FixOutcome: TypeAlias = Fixed | Untouched | Unfixable

UNTOUCHED: Final = Untouched()


def apply_fix(fix: Fix, record: OriginalRecord) -> FixOutcome:
    """Apply all steps, or none."""
    if not is_meant(fix, record):
        return UNTOUCHED
    if fix.selection.where is not None and _cannot_be_asked(record):
        return Unfixable(NAMES_SCHEMA.at("where").message)
    now = record
    for operation in fix.operations:
        after = _apply(operation, now)
        if isinstance(after, Trouble):
            return Unfixable(after.at(str(operation.place)).message)
        now = after
    return UNTOUCHED if _is_same(now, record) else Fixed(now)


def is_meant(fix: Fix, record: OriginalRecord) -> bool:
    """Whether the fix's predicate is true of this record. One that cannot be evaluated is not.

    A value that names a schema of a registry is meant, so that it is said that fixes do not reach it.
    """
    where = fix.selection.where
    return where is None or evaluate(where, record) is True or _cannot_be_asked(record)


def _cannot_be_asked(record: OriginalRecord) -> bool:
    if record.value is None or not names_schema(record, Part.VALUE):
        return False
    return isinstance(decode_strictly(record.value, _LIMITS), JsonProblem)


def evaluate(expression: CelExpression, record: OriginalRecord) -> CelInput | CelFailure:
    """The value of an expression for a record. Numbers are ints or doubles as they are spelled."""
    this: CelInput = None
    if record.value is not None:
        document = decode_strictly(record.value, _LIMITS)
        if isinstance(document, JsonProblem):
            return CelFailure.ERROR
        this = as_spelled(document)
    return expression.evaluate(this, _readable(record.key), _visible(record))


def _readable(key: bytes | None) -> CelInput:
    try:
        return None if key is None else key.decode()
    except UnicodeDecodeError:
        return key


def _visible(record: OriginalRecord) -> Mapping[str, str | None]:
    """Headers as texts, the last of each name; what is no text and what is reserved is left out."""
    found: dict[str, str | None] = {}
    for name, value in record.headers:
        text = _readable(value)
        if (text is None or isinstance(text, str)) and not name.startswith(RESERVED_PREFIX):
            found[name] = text
    return found


def _is_same(one: OriginalRecord, other: OriginalRecord) -> bool:
    return one.value == other.value and one.key == other.key and list(one.headers) == list(other.headers)


def _apply(operation: Operation, record: OriginalRecord) -> OriginalRecord | Trouble:
    match operation:
        case Put():
            return _put(operation, record)
        case Rename():
            return rename(record, operation.place, operation.name)
        case Move():
            return _move(operation, record)
        case Delete():
            return remove(record, operation.place)
        case Alter(place, how):
            return renew(record, place, lambda fragment: change(fragment, how))
        case _:
            assert_never(operation)


def _put(operation: Put, record: OriginalRecord) -> OriginalRecord | Trouble:
    source = operation.source
    return put(record, operation.place, lambda: _fragment(source, record), keeps=operation.keeps)


def _fragment(source: Source, record: OriginalRecord) -> bytes | Trouble:
    if isinstance(source, Constant):
        return source.fragment
    value = evaluate(source, record)
    return Trouble(value.value) if isinstance(value, CelFailure) else write_json(value)


def _move(operation: Move, record: OriginalRecord) -> OriginalRecord | Trouble:
    found = find_fragments(record, operation.place)
    if isinstance(found, Trouble):
        return found
    if not found or (operation.place.part is Part.KEY and found == [NULL]):
        return record
    if len(found) > 1:
        return Trouble("it stands there several times")
    bare = remove(record, operation.place)
    free = bare if isinstance(bare, Trouble) else can_add(bare, operation.to)
    if isinstance(bare, Trouble) or isinstance(free, Trouble):
        return free if isinstance(free, Trouble) else _NO_ROOM
    return put(bare, operation.to, lambda: found[0], keeps=False) if free else _NO_ROOM
