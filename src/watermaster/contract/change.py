"""How one contract differs from another, by structure: what a new one asks in addition, and what no longer.

A structural comparison: it says where to look before records are judged by both, and it says nothing of how many
records are concerned. `STRICTER` and `LOOSER` are claimed only where they follow from the two checks alone;
anything else is `OTHER`, which may hold records that passed and pass records that were held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from watermaster.contract.checks import (
    Bound,
    CelRule,
    Checks,
    FieldCheck,
    LogicalType,
    OnFailure,
    Range,
    RuleSeverity,
    TombstonePolicy,
    UnknownFields,
)
from watermaster.contract.plain import bound_text


class ChangeKind(Enum):
    """What a change may do to verdicts."""

    STRICTER = "stricter"
    """What passed may be held; nothing that was held for this passes."""
    LOOSER = "looser"
    """What was held may pass; nothing that passed is held for this."""
    OTHER = "other"
    """Either, or only something beside the verdict."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as a sentence about the path."""

    path: str
    kind: ChangeKind
    sentence: str


class Rewrite(Enum):
    """How a document stands to the one of the same id that is known already."""

    SAME_BYTES = "same bytes"
    NEW_VERSION = "new version"
    SAME_VERSION_OTHER_BYTES = "same version, other bytes"
    """Refused: a version names one exact document, else nobody could tell which one judged a record."""
    ANOTHER_CONTRACT = "another contract"


class _Side(Enum):
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class _Presence:
    """What it means that a field is described newly, or no longer: another thing where unknown fields are held."""

    added: ChangeKind = ChangeKind.STRICTER
    removed: ChangeKind = ChangeKind.LOOSER


def rewrite(known: Checks, new: Checks) -> Rewrite:
    """How `new` stands to `known`: by content hash, then contract id and version."""
    if known.content_hash == new.content_hash:
        return Rewrite.SAME_BYTES
    if known.contract_id != new.contract_id:
        return Rewrite.ANOTHER_CONTRACT
    same = known.contract_version == new.contract_version
    return Rewrite.SAME_VERSION_OTHER_BYTES if same else Rewrite.NEW_VERSION


def compare(old: Checks, new: Checks) -> tuple[Change, ...]:
    """Every structural difference, fields first, then rules, then what holds for the whole record."""
    key_old, key_new = (checks.key.check or FieldCheck("key", "key", LogicalType.ANY) for checks in (old, new))
    strict = UnknownFields.HOLD in (old.unknown_fields, new.unknown_fields)
    presence = _Presence(ChangeKind.OTHER, ChangeKind.OTHER) if strict else _Presence()
    return (
        *_field(old.value, new.value, presence),
        *_field(key_old, key_new, presence),
        *_rules(old.rules, new.rules),
        *_record(old, new),
    )


def _field(old: FieldCheck, new: FieldCheck, presence: _Presence) -> Iterator[Change]:
    path = new.path
    if old.type is not new.type:
        kind = _type_kind(old.type, new.type)
        yield Change(path, kind, f"type {new.type.value} in place of {old.type.value}")
        if kind is ChangeKind.OTHER:
            return  # options of different types cannot be compared
    yield from _switch(path, "required", old.required, new.required)
    yield from _switch(path, "unique items", old.unique_items, new.unique_items)
    for name, low_old, low_new in _lows(old, new):
        yield from _bound(path, name, low_old, low_new, _Side.LOW)
    for name, high_old, high_new in _highs(old, new):
        yield from _bound(path, name, high_old, high_new, _Side.HIGH)
    yield from _ranges(old, new)
    yield from _enum(old, new)
    for name, value_old, value_new in _texts(old, new):
        yield from _text(path, name, value_old, value_new)
    yield from _required_names(old, new)
    yield from _children(old, new, presence)


def _type_kind(old: LogicalType, new: LogicalType) -> ChangeKind:
    if new is LogicalType.ANY or (old, new) == (LogicalType.INTEGER, LogicalType.NUMBER):
        return ChangeKind.LOOSER
    if old is LogicalType.ANY or (old, new) == (LogicalType.NUMBER, LogicalType.INTEGER):
        return ChangeKind.STRICTER
    return ChangeKind.OTHER


def _switch(path: str, name: str, old: bool, new: bool) -> Iterator[Change]:
    if old is not new:
        kind = ChangeKind.STRICTER if new else ChangeKind.LOOSER
        yield Change(path, kind, name if new else f"no longer {name}")


def _lows(old: FieldCheck, new: FieldCheck) -> Iterator[tuple[str, int | None, int | None]]:
    yield "minimum length", old.min_length, new.min_length
    yield "minimum number of items", old.min_items, new.min_items
    yield "minimum number of members", old.min_properties, new.min_properties


def _highs(old: FieldCheck, new: FieldCheck) -> Iterator[tuple[str, int | None, int | None]]:
    yield "maximum length", old.max_length, new.max_length
    yield "maximum number of items", old.max_items, new.max_items
    yield "maximum number of members", old.max_properties, new.max_properties


def _bound(
    path: str, name: str, old: Bound | None, new: Bound | None, side: _Side, shown: Callable[[Bound], str] = str
) -> Iterator[Change]:
    if old == new:
        return
    if old is None and new is not None:
        yield Change(path, ChangeKind.STRICTER, f"{name} {shown(new)}, where there was none")
    elif old is not None and new is None:
        yield Change(path, ChangeKind.LOOSER, f"no {name}, where there was {shown(old)}")
    elif old is not None and new is not None:
        kind = ChangeKind.STRICTER if (new > old) is (side is _Side.LOW) else ChangeKind.LOOSER
        yield Change(path, kind, f"{name} {shown(new)} in place of {shown(old)}")


def _ranges(old: FieldCheck, new: FieldCheck) -> Iterator[Change]:
    before, after = old.range or Range(), new.range or Range()
    bounds = (
        ("minimum", before.minimum, after.minimum, _Side.LOW),
        ("exclusive minimum", before.exclusive_minimum, after.exclusive_minimum, _Side.LOW),
        ("maximum", before.maximum, after.maximum, _Side.HIGH),
        ("exclusive maximum", before.exclusive_maximum, after.exclusive_maximum, _Side.HIGH),
    )
    for name, low, high, side in bounds:
        yield from _bound(new.path, name, low, high, side, lambda bound: bound_text(new, bound))


def _enum(old: FieldCheck, new: FieldCheck) -> Iterator[Change]:
    if old.enum == new.enum:
        return
    if old.enum is None or new.enum is None:
        kind = ChangeKind.STRICTER if old.enum is None else ChangeKind.LOOSER
        yield Change(new.path, kind, "only listed values" if old.enum is None else "any value, no list")
        return
    added = [value for value in new.enum if value not in old.enum]
    removed = [value for value in old.enum if value not in new.enum]
    if added:
        yield Change(new.path, ChangeKind.LOOSER, f"also allows {', '.join(map(str, added))}")
    if removed:
        yield Change(new.path, ChangeKind.STRICTER, f"no longer allows {', '.join(map(str, removed))}")


def _texts(old: FieldCheck, new: FieldCheck) -> Iterator[tuple[str, object, object]]:
    yield "pattern", old.pattern, new.pattern
    yield "format", old.format, new.format
    yield "multiple of", old.multiple_of, new.multiple_of
    yield "written form", _form(old), _form(new)


def _form(check: FieldCheck) -> str | None:
    if check.temporal is None:
        return None
    zone = {True: ", offset due", False: ", no offset", None: ""}[check.temporal.offset]
    default = f", local at {check.temporal.default_offset_s} s" if check.temporal.default_offset_s else ""
    return check.temporal.text + zone + default


def _text(path: str, name: str, old: object, new: object) -> Iterator[Change]:
    if old == new:
        return
    if old is None:
        yield Change(path, ChangeKind.STRICTER, f"{name} {new}, where there was none")
    elif new is None:
        yield Change(path, ChangeKind.LOOSER, f"no {name}, where there was {old}")
    else:
        yield Change(path, ChangeKind.OTHER, f"{name} {new} in place of {old}")


def _required_names(old: FieldCheck, new: FieldCheck) -> Iterator[Change]:
    for name in new.required_names:
        if name not in old.required_names:
            yield Change(new.path, ChangeKind.STRICTER, f"the member {name} must be present")
    for name in old.required_names:
        if name not in new.required_names:
            yield Change(new.path, ChangeKind.LOOSER, f"the member {name} need not be present")


def _children(old: FieldCheck, new: FieldCheck, presence: _Presence) -> Iterator[Change]:
    before = {child.name: child for child in old.properties}
    after = {child.name: child for child in new.properties}
    for name, child in after.items():
        if name in before:
            yield from _field(before[name], child, presence)
        else:
            needed = "required" if child.required else "optional"
            yield Change(child.path, presence.added, f"described newly: {needed}, type {child.type.value}")
    for name, child in before.items():
        if name not in after:
            yield Change(child.path, presence.removed, "no longer described")
    parts = ((old.items, new.items), (old.map_key, new.map_key), (old.map_value, new.map_value))
    for first, second in parts:
        model = second or first
        if model is not None:
            yield from _field(first or _free(model), second or _free(model), presence)


def _free(model: FieldCheck) -> FieldCheck:
    """A check at the same place that asks nothing."""
    return FieldCheck(model.name, model.path, LogicalType.ANY)


def _rules(old: tuple[CelRule, ...], new: tuple[CelRule, ...]) -> Iterator[Change]:
    before, after = {rule.id: rule for rule in old}, {rule.id: rule for rule in new}
    for name, rule in after.items():
        if name not in before:
            kind = ChangeKind.STRICTER if rule.severity is RuleSeverity.ERROR else ChangeKind.OTHER
            yield Change(rule.path, kind, f"new rule {name} ({rule.severity.value})")
        elif (kind_of := _rule_kind(before[name], rule)) is not None:
            yield Change(rule.path, *kind_of)
    for name, rule in before.items():
        if name not in after:
            kind = ChangeKind.LOOSER if rule.severity is RuleSeverity.ERROR else ChangeKind.OTHER
            yield Change(rule.path, kind, f"no rule {name} any more")


def _rule_kind(old: CelRule, new: CelRule) -> tuple[ChangeKind, str] | None:
    if old.expression != new.expression:
        return ChangeKind.OTHER, f"rule {new.id} has another expression"
    if (old.severity is RuleSeverity.ERROR) is not (new.severity is RuleSeverity.ERROR):
        kind = ChangeKind.STRICTER if new.severity is RuleSeverity.ERROR else ChangeKind.LOOSER
        return kind, f"rule {new.id} is of severity {new.severity.value} in place of {old.severity.value}"
    if replace(old, line=None) != replace(new, line=None):
        words = {OnFailure.DROP: "drops", OnFailure.HOLD: "holds"}[new.on_failure]
        return ChangeKind.OTHER, f"rule {new.id} has another text, place or consequence (it {words})"
    return None


def _record(old: Checks, new: Checks) -> Iterator[Change]:
    yield from _switch("key", "required", old.key.required, new.key.required)
    if old.key.encoding != new.key.encoding:
        yield Change("key", ChangeKind.OTHER, f"encoding {new.key.encoding.value} in place of {old.key.encoding.value}")
    if old.encoding is not new.encoding:
        yield Change("$", ChangeKind.OTHER, f"encoding {new.encoding.value} in place of {old.encoding.value}")
    if old.unknown_fields is not new.unknown_fields:
        kind = ChangeKind.STRICTER if new.unknown_fields is UnknownFields.HOLD else ChangeKind.LOOSER
        yield Change("$", kind, f"unknown fields: {new.unknown_fields.value} in place of {old.unknown_fields.value}")
    if old.tombstone is not new.tombstone:
        kind = _tombstone_kind(old.tombstone, new.tombstone)
        yield Change("$", kind, f"null values: {new.tombstone.value} in place of {old.tombstone.value}")
    for name in ("value_bytes_max", "depth_max", "elements_max", "integer_digits_max"):
        pair = getattr(old.limits, name), getattr(new.limits, name)
        yield from _bound("$", name.removesuffix("_max").replace("_", " ") + " at most", *pair, _Side.HIGH)
    if old.hold_budget != new.hold_budget:
        budget = new.hold_budget
        sentence = f"the breaker trips above {budget.share:.3g} of {budget.window:,} records"
        yield Change("$", ChangeKind.OTHER, sentence)


def _tombstone_kind(old: TombstonePolicy, new: TombstonePolicy) -> ChangeKind:
    if old is TombstonePolicy.PASS:
        return ChangeKind.STRICTER
    return ChangeKind.LOOSER if new is TombstonePolicy.PASS else ChangeKind.OTHER
