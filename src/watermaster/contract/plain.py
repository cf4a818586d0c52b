"""What a contract asks, in plain words: one sentence a check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from watermaster.contract.checks import (
    FRAMED_ENCODINGS,
    Bound,
    CelRule,
    Checks,
    Encoding,
    FieldCheck,
    LogicalType,
    OnFailure,
    RuleSeverity,
    Scalar,
    TombstonePolicy,
    UnknownFields,
)

ENUM_SHOWN_MAX = 8
"""More values are counted, not listed: a sentence is to be read."""

_NS = 1_000_000_000
_TYPE_WORDS = {
    LogicalType.STRING: "a text",
    LogicalType.DATE: "a date",
    LogicalType.TIMESTAMP: "a timestamp",
    LogicalType.TIME: "a time",
    LogicalType.NUMBER: "a number",
    LogicalType.INTEGER: "a whole number",
    LogicalType.OBJECT: "an object",
    LogicalType.ARRAY: "a list",
    LogicalType.BOOLEAN: "true or false",
    LogicalType.MAP: "a map",
    LogicalType.ANY: "any value",
}
_ENCODINGS = {
    Encoding.JSON: "one JSON object",
    Encoding.JSON_SCHEMA: "one JSON object behind the frame of a schema registry",
    Encoding.AVRO: "one JSON object, written in Avro behind the frame of a schema registry",
}
_TOMBSTONES = {
    TombstonePolicy.PASS: "A null value (tombstone) passes.",
    TombstonePolicy.HOLD: "A null value (tombstone) is held.",
    TombstonePolicy.DROP: "A null value (tombstone) is dropped and counted.",
}


def describe(checks: Checks) -> list[str]:
    """Sentences in the order in which a reader would ask: the record, its key, its fields, its rules, the rest."""
    sentences = describe_record(checks)
    for field in checks.value.properties:
        sentences.extend(_field(field))
    sentences.extend(_rule(rule) for rule in checks.rules)
    sentences.append(describe_budget(checks))
    sentences.extend(f"Not judged: {sentence}" for sentence in checks.unjudged)
    return sentences


def describe_record(checks: Checks) -> list[str]:
    """What is asked of a record as a whole, and of its key."""
    sentences = [
        f"Each record of {checks.stream} is {_ENCODINGS[checks.encoding]}, at most "
        f"{checks.limits.value_bytes_max:,} bytes long.",
        _TOMBSTONES[checks.tombstone],
        *_key(checks),
    ]
    if checks.unknown_fields is UnknownFields.HOLD:
        sentences.append("A record with a field that the contract does not name is held.")
    return sentences


def describe_budget(checks: Checks) -> str:
    """When the breaker trips."""
    budget = checks.hold_budget
    return (
        f"The gate pauses when more than {budget.share:.3g} of the last {budget.window:,} records are held "
        f"(after at least {budget.minimum:,})."
    )


def _key(checks: Checks) -> Iterator[str]:
    key = checks.key
    if key.required:
        yield "The record's key must be there."
    if key.encoding in FRAMED_ENCODINGS:
        yield f"The record's key is written as {_ENCODINGS[key.encoding].replace('object', 'value')}."
    if key.check is not None:
        own, *inner = _field(key.check)
        yield own.replace("key may be missing or null, else it is", "The record's key, where there is one, is", 1)
        yield from inner


def _field(check: FieldCheck) -> Iterator[str]:
    if check.type is LogicalType.ANY and not check.required and check.enum is None:
        yield f"{check.path} may be anything."
        return
    presence = "must be there and be" if check.required else "may be missing or null, else it is"
    yield f"{check.path} {presence} {', '.join([type_words(check), *clauses(check)])}."
    for child in check.properties:
        yield from _field(child)
    for part in (check.items, check.map_key, check.map_value):
        if part is not None:
            yield from _field(part)


def type_words(check: FieldCheck) -> str:
    """What kind of value a field has, and how it is written."""
    words = _TYPE_WORDS[check.type]
    if check.temporal is not None:
        zone = {True: " with an offset", False: " without an offset", None: ""}[check.timezone]
        return f"{words} written as {check.temporal.text}{zone}"
    return f"{words} ({check.format})" if check.format else words


def clauses(check: FieldCheck) -> list[str]:
    """What else must hold of a field's own value, one clause for each option."""
    return [clause for clause in _clauses(check) if clause]


def _clauses(check: FieldCheck) -> Iterator[str]:
    yield _count("characters", check.min_length, check.max_length)
    if check.pattern is not None:
        yield f"matching /{check.pattern}/"
    yield from _bounds(check)
    if check.multiple_of is not None:
        yield f"a multiple of {check.multiple_of}"
    if check.enum is not None:
        yield _one_of(check.enum)
    yield _count("items", check.min_items, check.max_items)
    if check.unique_items:
        yield "no two items alike"
    yield _count("members", check.min_properties, check.max_properties)
    if check.required_names:
        yield f"with the members {', '.join(check.required_names)}"


def _count(what: str, low: int | None, high: int | None) -> str:
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f"at least {low} {what}"
        case None, _:
            return f"at most {high} {what}"
        case _:
            return f"exactly {low} {what}" if low == high else f"{low} to {high} {what}"


def _bounds(check: FieldCheck) -> Iterator[str]:
    if check.range is None:
        return
    pairs = (
        ("at least", check.range.minimum),
        ("more than", check.range.exclusive_minimum),
        ("at most", check.range.maximum),
        ("less than", check.range.exclusive_maximum),
    )
    for words, bound in pairs:
        if bound is not None:
            yield f"{words} {bound_text(check, bound)}"


def bound_text(check: FieldCheck, bound: Bound) -> str:
    """A bound as people write it: `Bound` holds dates and times as days or nanoseconds."""
    match check.type:
        case LogicalType.DATE:
            return (date(1970, 1, 1) + timedelta(days=int(bound))).isoformat()
        case LogicalType.TIMESTAMP:
            return _moment(int(bound))
        case LogicalType.TIME:
            return _clock(int(bound))
        case _:
            return f"{Decimal(bound):f}"


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _NS)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:  # in UTC, an offset may carry a bound a few hours beyond the years 1 to 9999
        return f"{nanoseconds} ns from 1970"
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(rest)}Z"


def _clock(nanoseconds: int) -> str:
    sign = "-" if nanoseconds < 0 else ""  # an offset may carry a time below midnight UTC
    seconds, rest = divmod(abs(nanoseconds), _NS)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(rest)}"


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


def _one_of(values: tuple[Scalar, ...]) -> str:
    if len(values) > ENUM_SHOWN_MAX:
        return f"one of {len(values)} listed values"
    return f"one of {', '.join(_scalar(value) for value in values)}"


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _rule(rule: CelRule) -> str:
    return f"Rule {rule.id}: {rule_words(rule)}; what breaks it {consequence(rule)}."


def rule_words(rule: CelRule) -> str:
    """What a rule asks: in its author's words, else its expression."""
    return (rule.message or rule.expression).rstrip(".")


def consequence(rule: CelRule) -> str:
    """What breaking a rule does."""
    if rule.severity is not RuleSeverity.ERROR:
        return f"counts as {rule.severity.value} only"
    return "drops the record" if rule.on_failure is OnFailure.DROP else "holds the record"
