"""Single JSON values as fixes see them: a fragment of text, read exactly and written back."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Final, TypeAlias

from watermaster.contract.number import NumberBeyondRange, read_fraction, read_integer
from watermaster.quarantine.fix.json_text import read_text, write_text
from watermaster.quarantine.fix.trouble import Trouble

Scalar: TypeAlias = str | Decimal | bool | None
"""Every number is a Decimal, so that 2400 and 2400.0 are the same."""

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
NUMBER_CHARACTERS_MAX: Final = 400
"""Of a literal that is read; longer ones cost quadratic time."""

NULL: Final = b"null"
_WORDS: Final[dict[bytes, bool | None]] = {b"true": True, b"false": False, NULL: None}


def read_scalar(fragment: bytes) -> Scalar | Trouble:
    """The value of a fragment that is no object and no array."""
    if fragment in _WORDS:
        return _WORDS[fragment]
    if fragment[:1] in (b"{", b"["):
        return Trouble("it is an object or a list, and not a single value")
    if fragment[:1] == b'"':
        text = read_text(fragment)
        return Trouble("it is a text with bytes that are none") if text is None else text
    return read_number(fragment.decode("ascii"))


def read_number(literal: str) -> Decimal | Trouble:
    """A JSON number, exactly."""
    if len(literal) > NUMBER_CHARACTERS_MAX or not NUMBER.fullmatch(literal):
        return Trouble("it is no number that JSON knows")
    try:
        return Decimal(read_integer(literal)) if literal.lstrip("-").isdigit() else read_fraction(literal)
    except NumberBeyondRange:
        return Trouble("the number is beyond the range of a double")


def write_json(value: object) -> bytes | Trouble:
    """A fragment for plain data: texts, numbers, booleans, null, lists and mappings of them."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError):
        return Trouble("what it gives cannot be written as JSON")


def fragment_of_text(data: bytes | None) -> bytes | Trouble:
    """A header or a plain key as a fragment: a JSON text, or null."""
    if data is None:
        return NULL
    try:
        return write_text(data.decode())
    except UnicodeDecodeError:
        return Trouble("its bytes are no text")


def text_of_fragment(fragment: bytes) -> bytes | Trouble | None:
    """A fragment as the bytes of a header or a plain key: texts without quotes, null as null, all else as it is."""
    if fragment == NULL:
        return None
    if fragment[:1] != b'"':
        return fragment
    text = read_text(fragment)
    return Trouble("it is a text with bytes that are none") if text is None else text.encode()
