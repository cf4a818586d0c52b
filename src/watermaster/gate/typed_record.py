"""A contract as types for msgspec, and what the types cannot say as a plan of further checks.

Types take over whatever msgspec judges as we do: JSON types, presence and null, lengths in code points, string enums,
bounds of integers and of floats with few digits. The rest is planned: texts to be matched together, values to be
judged one by one with the exact lane's own checkers, members and strings to be counted. What cannot be planned has no
fast lane (`NoFastLane`); that costs speed and never truth.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from watermaster.contract.checks import FieldCheck, LogicalType, Range, UnknownFields
from watermaster.contract.number import integer_limits
from watermaster.gate.breach import Breaches
from watermaster.gate.record_plan import Count, Member, Plan, Slot, Test
from watermaster.gate.text_pattern import text_patterns, without_text_patterns
from watermaster.gate.value_check import compile_value

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
"""Larger integers are left to the exact lane."""
SAFE_DIGITS: Final = 15
"""Decimals of so many digits keep their order and their difference as doubles (IEEE 754, binary64)."""
_SAFE_BOUND: Final = 10**SAFE_DIGITS


class NoFastLane(Exception):
    """The contract asks for something that is only judged exactly."""


class Unsure(Exception):
    """This record is for the exact lane."""


def compile_record(check: FieldCheck) -> tuple[type, Plan]:
    """The type of a contract's records and what it leaves open; `NoFastLane` if there is none."""
    if check.type is not LogicalType.OBJECT or not check.properties:
        raise NoFastLane
    plan = Plan()
    try:
        record = _struct(check, plan, (), "")
    except (TypeError, ValueError) as problem:  # what msgspec cannot type, such as names with quotes
        raise NoFastLane from problem
    return record, plan


def _struct(check: FieldCheck, plan: Plan, path: tuple[str, ...], prefix: str) -> type:
    """A Struct for an object that is always there; its open ends go into the plan."""
    _refuse_sizes(check)
    fields: list[Any] = []
    names = {}
    for number, child in enumerate(check.properties):
        attribute = f"f{number}"
        names[attribute] = child.name
        due = child.required or child.name in check.required_names
        kind = _planned(child, plan, (*path, child.name), prefix + attribute)
        fields.append(_member(attribute, kind, child, due=due))
    # Where one member is sure to be there, each brings a comma, and there is one comma less than members.
    plan.add_size(len(b"{}") - len(b",") if any(child.required for child in check.properties) else None)
    return msgspec.defstruct("Record", fields, rename=names, gc=False, kw_only=True)


def _refuse_sizes(check: FieldCheck) -> None:
    known = {child.name for child in check.properties}
    if (
        check.min_properties is not None
        or check.max_properties is not None
        or not known.issuperset(check.required_names)
    ):
        raise NoFastLane


def _member(attribute: str, kind: Any, child: FieldCheck, *, due: bool) -> Any:  # noqa: ANN401 - type expressions
    if kind is not Raw and not child.required:
        kind = kind | None if due else kind | None | UnsetType
    return (attribute, kind) if due else (attribute, kind, UNSET)


def _planned(child: FieldCheck, plan: Plan, path: tuple[str, ...], attribute: str) -> Any:  # noqa: ANN401
    """The msgspec type of a member, its remaining checks added to the plan."""
    if child.type is LogicalType.OBJECT and child.properties and child.required:
        plan.quoted += 1
        plan.add_size(_member_size(child))
        return _struct(child, plan, path, attribute + ".")
    optional = not child.required
    if child.type in SCALAR_KINDS:
        return _planned_scalar(child, plan, path, attribute, optional=optional)
    kind, count = _container(child)
    plan.inner_numbers = True
    plan.counts.append((attribute, _member_count(count, child)))
    plan.slots[path] = Slot(attribute, None, optional)
    return kind


def _member_count(count: Count, child: FieldCheck) -> Count:
    """The member itself and what it holds. A required one is counted even if it is null, and so found out."""
    if child.required:
        return lambda value: 1 + count(value)
    return lambda value: 0 if value is UNSET else 1 if value is None else 1 + count(value)


SCALAR_KINDS: Final[dict[LogicalType, type]] = {
    LogicalType.STRING: str,
    LogicalType.DATE: str,
    LogicalType.TIMESTAMP: str,
    LogicalType.TIME: str,
    LogicalType.NUMBER: float,
    LogicalType.INTEGER: int,
    LogicalType.BOOLEAN: bool,
}


def _planned_scalar(child: FieldCheck, plan: Plan, path: tuple[str, ...], attribute: str, *, optional: bool) -> Any:  # noqa: ANN401 - type expressions
    kind = SCALAR_KINDS[child.type]
    plan.scalars.append(Member(attribute, kind, optional, _member_size(child) if optional else 0))
    if not optional:
        plan.quoted += 1 + (kind is str)
        plan.add_size(_member_size(child) + 2 * (kind is str))
    expression, rest = scalar_type(child)
    plan.slots[path] = Slot(attribute, kind, optional, _integer_bounds(expression) if kind is int else None)
    for pattern in text_patterns(rest):
        plan.texts.append((attribute, pattern, optional))
    rest = without_text_patterns(rest)
    if is_open(rest):
        plan.tests.append((attribute, compile_test(rest), optional))
    if kind is float:
        plan.numbers.append((attribute, expression | None if optional else expression, optional))
        return Raw
    return expression


def _member_size(child: FieldCheck) -> int:
    """Bytes of the name with its quotes, a colon and a comma."""
    return len(msgspec.json.encode(child.name)) + len(b":,")


def _integer_bounds(expression: Any) -> tuple[int, int]:  # noqa: ANN401 - a type expression made by `_integer_type`
    (meta,) = expression.__metadata__
    return meta.ge, meta.le


def scalar_type(check: FieldCheck) -> tuple[Any, FieldCheck]:
    """The msgspec type of one of `SCALAR_KINDS`, and what of the check it does not cover; may raise `NoFastLane`."""
    match check.type:
        case LogicalType.STRING:
            return _string_type(check)
        case LogicalType.NUMBER:
            return _number_type(check)
        case LogicalType.INTEGER:
            return _integer_type(check)
        case LogicalType.BOOLEAN:
            return bool, check
        case _:
            return str, check


def _string_type(check: FieldCheck) -> tuple[Any, FieldCheck]:
    if check.enum is not None:
        listed = tuple(value for value in check.enum if isinstance(value, str))
        if not listed:
            raise NoFastLane
        return Literal[listed], replace(check, enum=None)
    if check.min_length is None and check.max_length is None:
        return str, check
    lengths = _lengths(check.min_length, check.max_length)
    return Annotated[str, lengths], replace(check, min_length=None, max_length=None)


def _lengths(low: int | None, high: int | None) -> Meta:
    """Of a text or an array; `NoFastLane` for lengths that are beyond every memory."""
    if max(low or 0, high or 0) > INT_MAX:
        raise NoFastLane
    return Meta(min_length=low, max_length=high)


def _number_type(check: FieldCheck) -> tuple[Any, FieldCheck]:
    bounds = check.range
    if bounds is None or not all(_is_safe(bound) for bound in _bounds(bounds)):
        return float, check
    if bounds.minimum is not None and bounds.exclusive_minimum is not None:
        return float, check
    if bounds.maximum is not None and bounds.exclusive_maximum is not None:
        return float, check
    # A float's bounds and the literal's: both have at most SAFE_DIGITS digits, so the doubles compare as they do.
    rows = (
        ("ge", bounds.minimum),
        ("le", bounds.maximum),
        ("gt", bounds.exclusive_minimum),
        ("lt", bounds.exclusive_maximum),
    )
    limits: dict[str, Any] = {name: float(bound) for name, bound in rows if bound is not None}
    return Annotated[float, Meta(**limits)], replace(check, range=None)


def _bounds(limits: Range) -> list[Decimal | int]:
    found = (limits.minimum, limits.maximum, limits.exclusive_minimum, limits.exclusive_maximum)
    return [bound for bound in found if bound is not None]


def _is_safe(bound: Decimal | int) -> bool:
    value = Decimal(bound)
    exponent = value.as_tuple().exponent
    return (
        abs(value) < _SAFE_BOUND
        and isinstance(exponent, int)
        and -SAFE_DIGITS <= exponent <= 0
        and (len(value.as_tuple().digits) <= SAFE_DIGITS)
    )


def _integer_type(check: FieldCheck) -> tuple[Any, FieldCheck]:
    low, high = INT_MIN, INT_MAX
    named = integer_limits(check.format)
    if named is not None:
        low, high = max(low, named[0]), min(high, named[1])
    limits = check.range or Range()
    whole = [bound for bound in _bounds(limits) if Decimal(bound) == int(bound)]
    rest = replace(check, format=None if named else check.format)
    if len(whole) == len(_bounds(limits)):
        low = max(low, *(int(bound) for bound in (limits.minimum,) if bound is not None), low)
        high = min(high, *(int(bound) for bound in (limits.maximum,) if bound is not None), high)
        low = max(low, *(int(bound) + 1 for bound in (limits.exclusive_minimum,) if bound is not None), low)
        high = min(high, *(int(bound) - 1 for bound in (limits.exclusive_maximum,) if bound is not None), high)
        rest = replace(rest, range=None)
    if low > INT_MAX or high < INT_MIN:
        raise NoFastLane
    return Annotated[int, Meta(ge=low, le=high)], rest


def is_open(check: FieldCheck) -> bool:
    """Whether anything but the JSON type is still to be judged."""
    open_format = check.format not in (None, "f64") and not (check.type is LogicalType.NUMBER and check.format != "f32")
    asked = (
        check.enum,
        check.pattern,
        check.min_length,
        check.max_length,
        check.range,
        check.multiple_of,
        check.temporal,
    )
    return open_format or any(part is not None for part in asked)


def compile_test(check: FieldCheck) -> Test:
    """The exact lane's own checker as a test of a typed value. Floats come from literals of few digits (`Unsure`)."""
    judge = compile_value(check, UnknownFields.ALLOW)

    def test(value: Any) -> bool:  # noqa: ANN401 - of the field's own type
        broken: Breaches = []
        # A literal of at most SAFE_DIGITS digits is what its double is written as.
        judge(Decimal(repr(value)) if type(value) is float else value, broken)
        return not broken

    return test


def _container(check: FieldCheck) -> tuple[Any, Count]:
    """Type and count of an array, a map, or an object that may be absent. Values inside are judged while counting."""
    match check.type:
        case LogicalType.ARRAY:
            return _array(check)
        case LogicalType.MAP:
            return _map(check)
        case LogicalType.OBJECT if check.properties:
            return _optional_object(check)
        case LogicalType.ANY if check.enum is None:
            return Any, _count_any
        case _:
            raise NoFastLane


def _inner(check: FieldCheck) -> tuple[Any, Count]:
    """Like `_container`, for every type and with null allowed where the contract allows it."""
    if check.type in SCALAR_KINDS:
        kind, count = _inner_scalar(check)
    else:
        kind, count = _container(check)
    if check.required:
        return kind, count
    return kind | None, lambda value: 0 if value is None else count(value)


def _inner_scalar(check: FieldCheck) -> tuple[Any, Count]:
    kind, rest = scalar_type(check)
    strings = 1 if SCALAR_KINDS[check.type] is str else 0
    test = compile_test(rest) if is_open(rest) else None

    def count(value: Any) -> int:  # noqa: ANN401 - of the field's own type
        if (type(value) is float and is_tiny(value)) or (test is not None and not test(value)):
            raise Unsure
        return strings

    return kind, count


TINY: Final = 2.2250738585072014e-308
"""The smallest double with full precision; below it, and at 0.0, a literal such as 1e-400 may have lost its digits."""


def is_tiny(value: float) -> bool:
    """Whether the literal must be looked at."""
    return -TINY < value < TINY


def _count_any(value: Any) -> int:  # noqa: ANN401 - any JSON value
    kind = type(value)
    # Null is for who allows it; nested containers and huge integers are for the exact lane.
    if value is None or kind is dict or kind is list or (kind is int and not INT_MIN <= value <= INT_MAX):
        raise Unsure
    return 1 if kind is str else 0


def _array(check: FieldCheck) -> tuple[Any, Count]:
    if check.unique_items:
        raise NoFastLane
    kind, count = (Any, _count_any) if check.items is None else _inner(check.items)
    lengths = _lengths(check.min_items, check.max_items)
    return Annotated[list[kind], lengths], lambda items: sum(map(count, items))  # type: ignore[valid-type]


def _map(check: FieldCheck) -> tuple[Any, Count]:
    kind, count = (Any, _count_any) if check.map_value is None else _inner(check.map_value)
    test = None if check.map_key is None else compile_test(check.map_key)

    def counted(members: dict[str, Any]) -> int:
        if test is not None and not all(map(test, members)):
            raise Unsure
        return len(members) + sum(map(count, members.values()))

    return dict[str, kind], counted  # type: ignore[valid-type]


def _optional_object(check: FieldCheck) -> tuple[Any, Count]:
    _refuse_sizes(check)
    fields: list[Any] = []
    names, counts = {}, []
    for number, child in enumerate(check.properties):
        names[f"f{number}"] = child.name
        kind, count = _inner(replace(child, required=True))
        due = child.required or child.name in check.required_names
        fields.append(_member(f"f{number}", kind, child, due=due))
        counts.append(_member_count(count, child))
    record = msgspec.defstruct("Part", fields, rename=names, gc=False, kw_only=True)
    numbered = list(enumerate(counts))

    def counted(value: Any) -> int:  # noqa: ANN401 - of the type made here
        values = msgspec.structs.astuple(value)
        return sum(count(values[number]) for number, count in numbered)

    return record, counted
