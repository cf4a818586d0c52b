"""Changes of a single value: cast, look up, re-format. Each is data; `change` gives the new fragment or why not.

A null stays null: it says that there is nothing, and `default` is the way to fill it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias, assert_never

from watermaster.contract.jdk_format import BadFormat, UnjudgedFormat, compile_jdk_format
from watermaster.contract.number import as_integer
from watermaster.contract.temporal import TemporalForm, TemporalKind, TemporalReason, default_form, parse_temporal
from watermaster.quarantine.fix.json_text import write_text
from watermaster.quarantine.fix.moment_text import NS_OF_DAY, NS_OF_SECOND, moment_at, write_moment
from watermaster.quarantine.fix.scalar import NUMBER_CHARACTERS_MAX, Scalar, read_number, read_scalar
from watermaster.quarantine.fix.trouble import Trouble


class CastType(Enum):
    """What a value is cast to."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


class Epoch(Enum):
    """Moments as numbers since 1970-01-01T00:00:00Z; the value is the unit in nanoseconds."""

    DAYS = NS_OF_DAY
    SECONDS = NS_OF_SECOND
    MILLISECONDS = 1_000_000
    MICROSECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Cast:
    """To another JSON type, only where nothing is lost; the spelling of numbers is kept."""

    to: CastType


@dataclass(frozen=True, slots=True)
class Lookup:
    """Listed values become others. `pairs` maps kind and value to fragments."""

    pairs: Mapping[tuple[str, Scalar], bytes]
    refuses_others: bool = False


@dataclass(frozen=True, slots=True)
class MomentFormat:
    """How a moment is written: patterns to try, shortest first, or a number. `form` reads what they write."""

    patterns: tuple[str, ...] = ()
    form: TemporalForm | None = None
    epoch: Epoch | None = None


@dataclass(frozen=True, slots=True)
class ReformatMoment:
    """From one way of writing a date, time or timestamp to another.

    `offset_s` is where texts are at that name no offset, and the offset that is written. `cuts` allows to lose what
    the new form cannot say.
    """

    kind: TemporalKind
    reads: MomentFormat
    writes: MomentFormat
    offset_s: int = 0
    cuts: bool = False


@dataclass(frozen=True, slots=True)
class ReformatNumber:
    """From a text with these signs (`1.234,50`) to a number (1234.50), or to a text that is one."""

    decimal: str = "."
    group: str = ""
    to_text: bool = False


Change: TypeAlias = Cast | Lookup | ReformatMoment | ReformatNumber


def change(fragment: bytes, how: Change) -> bytes | Trouble:
    """The new fragment, the same one if nothing is to do, or why it cannot be done."""
    value = read_scalar(fragment)
    if isinstance(how, Lookup):
        return _look_up(fragment, value, how)
    if isinstance(value, Trouble):
        return value
    if value is None:
        return fragment
    match how:
        case Cast():
            return _CASTS[how.to](fragment, value)
        case ReformatMoment():
            return _reformat_moment(fragment, value, how)
        case ReformatNumber():
            return _reformat_number(fragment, value, how)
        case _:
            assert_never(how)


def lookup_key(value: Scalar) -> tuple[str, Scalar]:
    """For Python True is 1, and for JSON it is not."""
    return type(value).__name__, value


def _look_up(fragment: bytes, value: Scalar | Trouble, how: Lookup) -> bytes | Trouble:
    found = None if isinstance(value, Trouble) else how.pairs.get(lookup_key(value))
    if found is not None:
        return found
    return Trouble("the value is not among those that are listed") if how.refuses_others else fragment


_WHOLE: Final = re.compile(r"([-+]?)0*([0-9]+)")
_TRUE, _FALSE = b"true", b"false"


def _to_string(fragment: bytes, value: Scalar) -> bytes | Trouble:
    return fragment if isinstance(value, str) else b'"' + fragment + b'"'


def _to_number(fragment: bytes, value: Scalar) -> bytes | Trouble:
    match value:
        case bool():
            return b"1" if value else b"0"
        case str():
            return _literal(value.strip())
        case _:
            return fragment


def _to_integer(fragment: bytes, value: Scalar) -> bytes | Trouble:
    literal = _to_number(fragment, value)
    number = literal if isinstance(literal, Trouble) else read_number(literal.decode())
    if isinstance(number, Trouble):
        return number
    whole = as_integer(number)
    if whole is None:
        return Trouble("the number has a fraction, or is beyond the range of a double")
    plain = str(whole).encode()
    return fragment if fragment == plain else plain


def _to_boolean(fragment: bytes, value: Scalar) -> bytes | Trouble:
    match value:
        case bool():
            return fragment
        case str() if value.strip().lower() in ("true", "false"):
            return value.strip().lower().encode()
        case Decimal() if value in (0, 1):
            return _TRUE if value else _FALSE
        case _:
            return Trouble("it is neither true nor false")


_CASTS: Final = {
    CastType.STRING: _to_string,
    CastType.NUMBER: _to_number,
    CastType.INTEGER: _to_integer,
    CastType.BOOLEAN: _to_boolean,
}


def _literal(text: str) -> bytes | Trouble:
    """A JSON number for a text that is one; zeros before it and a plus go, all other digits stay."""
    if len(text) > NUMBER_CHARACTERS_MAX:
        return Trouble("it is no number that JSON knows")
    whole = _WHOLE.match(text)
    if whole is None:
        return Trouble("it is no number that JSON knows")
    literal = whole[1].replace("+", "") + whole[2] + text[whole.end() :]
    number = read_number(literal)
    return number if isinstance(number, Trouble) else literal.encode()


def _reformat_number(fragment: bytes, value: Scalar, how: ReformatNumber) -> bytes | Trouble:
    if isinstance(value, Decimal):
        return b'"' + fragment + b'"' if how.to_text else fragment
    if not isinstance(value, str):
        return Trouble("it is no number in text")
    whole, point, fraction = value.strip().partition(how.decimal)
    if how.group and how.group in whole:
        first, *groups = whole.split(how.group)
        if not 1 <= len(first.lstrip("+-")) <= _GROUP_DIGITS or any(len(group) != _GROUP_DIGITS for group in groups):
            return Trouble("its digits are not in groups of three")
        whole = first + "".join(groups)
    literal = _literal(whole + ("." if point else "") + fraction)
    if isinstance(literal, Trouble) or not how.to_text:
        return literal
    return b'"' + literal + b'"'


_GROUP_DIGITS: Final = 3


def _reformat_moment(fragment: bytes, value: Scalar, how: ReformatMoment) -> bytes | Trouble:
    count = _read_moment(value, how.reads, how.kind)
    if isinstance(count, Trouble):
        # What is already as it should be stays: a stream in which both forms occur is the usual case.
        return fragment if not isinstance(_read_moment(value, how.writes, how.kind), Trouble) else count
    return _write_moment(count, how, as_text=isinstance(value, str))


def _read_moment(value: Scalar, form: MomentFormat, kind: TemporalKind) -> int | Trouble:
    if form.epoch is not None:
        return _read_epoch(value, form.epoch, kind)
    if not isinstance(value, str) or form.form is None:
        return Trouble("it is no text")
    count = parse_temporal(value, form.form)
    return Trouble(f"it is not written as the fix says ({count.value})") if isinstance(count, TemporalReason) else count


def _read_epoch(value: Scalar, epoch: Epoch, kind: TemporalKind) -> int | Trouble:
    literal = read_number(value.strip()) if isinstance(value, str) else value
    if not isinstance(literal, Decimal) or abs(literal) > NS_OF_DAY * 10_000:
        return Trouble("it is no number of days or seconds within reach")
    ns = as_integer(literal * epoch.value)
    if ns is None:
        return Trouble("it is finer than nanoseconds")
    if kind is TemporalKind.DATE:
        return ns // NS_OF_DAY if ns % NS_OF_DAY == 0 else Trouble("it is a moment within a day, and not a date")
    return ns


def _write_moment(count: int, how: ReformatMoment, *, as_text: bool) -> bytes | Trouble:
    if how.writes.epoch is not None:
        ns = count * NS_OF_DAY if how.kind is TemporalKind.DATE else count
        number, rest = divmod(ns, how.writes.epoch.value)
        if rest and not how.cuts:
            return _LOSES
        return f'"{number}"'.encode() if as_text and how.reads.epoch is not None else str(number).encode()
    moment = moment_at(count, how.kind, how.offset_s)
    if moment is None:
        return Trouble("it is beyond the years 1 to 9999")
    texts = [write_moment(moment, pattern) for pattern in how.writes.patterns]
    form = how.writes.form
    if form is not None and form.kind is how.kind:
        for text in texts:
            if parse_temporal(text, form) == count:
                return write_text(text)
    return write_text(texts[-1]) if how.cuts else _LOSES


_LOSES: Final = Trouble("the new form cannot say all of it; `cut: true` lets the rest go")

_ISO: Final = {
    TemporalKind.DATE: ("yyyy-MM-dd",),
    TemporalKind.TIME: tuple(f"HH:mm:ss{fraction}" for fraction in ("", ".SSS", ".SSSSSS", ".SSSSSSSSS")),
    TemporalKind.TIMESTAMP: tuple(
        f"yyyy-MM-dd'T'HH:mm:ss{fraction}XXX" for fraction in ("", ".SSS", ".SSSSSS", ".SSSSSSSSS")
    ),
}
EPOCHS: Final = {
    "epoch_days": Epoch.DAYS,
    "epoch_s": Epoch.SECONDS,
    "epoch_ms": Epoch.MILLISECONDS,
    "epoch_us": Epoch.MICROSECONDS,
}
RFC3339: Final = "rfc3339"


def moment_format(text: str, kind: TemporalKind, offset_s: int) -> MomentFormat | str:
    """`rfc3339`, one of `EPOCHS`, or a JDK pattern; a sentence about what is wrong with it otherwise."""
    if text in EPOCHS:
        return (
            "a time of day is no moment since 1970" if kind is TemporalKind.TIME else MomentFormat(epoch=EPOCHS[text])
        )
    if text == RFC3339:
        return MomentFormat(_ISO[kind], default_form(kind, default_offset_s=offset_s))
    found = compile_jdk_format(text, kind, default_offset_s=offset_s)
    if isinstance(found, BadFormat | UnjudgedFormat):
        return found.message
    return MomentFormat((text,), found)
