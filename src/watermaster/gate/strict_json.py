"""The exact lane's decoder: bytes -> one document, or the reason why they are none. Its own words on every doubt.

The decoder is the standard library's, told to be strict: it reads text that was checked to be UTF-8, reports every
pair of every object (so duplicates are seen), every number as its literal, and no constants that JSON lacks. Depth,
size and number of elements are bounded before it starts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn, TypeAlias, cast

from watermaster.contract.checks import Limits
from watermaster.contract.number import NumberBeyondRange, read_fraction, read_integer

Document: TypeAlias = str | int | Decimal | bool | list["Document"] | dict[str, "Document"] | None
"""A decoded JSON value. Numbers with a fraction or an exponent are Decimals, all others ints."""


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """Why bytes are not one strict JSON document; `code` is one of `reasons.REASONS`."""

    code: str


_BLANK: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
"""Possessive: a string that never ends would otherwise be split in every possible way, doubling with each character."""
_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b"[]{},"))
_HALF_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL_WORDS: Final = "Invalid control character"
_TRAILING_WORDS: Final = "Extra data"


class _Refused(ValueError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def decode_strictly(value: bytes, limits: Limits) -> Document | JsonProblem:
    """Decode one document. Never raises for bad data."""
    code = _unfit_text(value) or _beyond_limits(value, limits)
    if code is not None:
        return JsonProblem(code)
    try:
        document = _decoder(limits).decode(value.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        return JsonProblem(_code_of(problem))
    code = _unfit_string(value, document)
    return cast("Document", document) if code is None else JsonProblem(code)


def _code_of(problem: Exception) -> str:
    match problem:
        case UnicodeDecodeError():
            return "json.utf8"
        case _Refused():
            return problem.code
        case NumberBeyondRange():
            return "json.number_range"
        case RecursionError():
            return "json.depth"
        case json.JSONDecodeError():
            return _syntax_code(problem.msg)
        case _:
            return "json.syntax"


def _unfit_string(value: bytes, document: object) -> str | None:
    """Characters that only an escape can bring into a string."""
    if _NUL.search(value):
        return "json.nul"
    return "json.surrogate" if _HALF_SURROGATE.search(value) and _has_half_surrogate(document) else None


def _unfit_text(value: bytes) -> str | None:
    """What the first bytes already tell."""
    if value.startswith(_BOM):
        return "json.bom"
    if value.startswith(_WIDE_MARKS) or 0 in value[:2]:  # JSON starts with an ASCII character
        return "json.utf16"
    return None if value.strip(_BLANK) else "json.empty"


def _beyond_limits(value: bytes, limits: Limits) -> str | None:
    """Depth and number of elements, counted before anything is built. A cheap count proves most records innocent."""
    opened = value.count(b"{") + value.count(b"[")
    if opened <= limits.depth_max and opened + value.count(b",") <= limits.elements_max:
        return None
    structure = _STRING.sub(b"", value).translate(None, _NOT_STRUCTURE)
    if _depth_exceeds(structure, limits.depth_max):
        return "json.depth"
    return (
        "json.elements"
        if len(structure) - structure.count(b"]") - structure.count(b"}") > limits.elements_max
        else None
    )


def _depth_exceeds(structure: bytes, depth_max: int) -> bool:
    depth = 0
    for sign in structure.replace(b",", b""):
        depth += 1 if sign in b"[{" else -1
        if depth > depth_max:
            return True
    return False


def _decoder(limits: Limits) -> json.JSONDecoder:
    digits_max = limits.integer_digits_max
    return json.JSONDecoder(
        object_pairs_hook=_members,
        parse_float=read_fraction,
        parse_int=lambda literal: read_integer(literal, digits_max),
        parse_constant=_constant,
    )


def _members(pairs: list[tuple[str, Document]]) -> dict[str, Document]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("json.duplicate_key")
    return members


def _constant(_: str) -> NoReturn:
    raise _Refused("json.nan")


def _syntax_code(message: str) -> str:
    if message.startswith(_CONTROL_WORDS):
        return "json.control_character"
    return "json.trailing" if message.startswith(_TRAILING_WORDS) else "json.syntax"


def _has_half_surrogate(document: object) -> bool:
    # Depth is bounded, so is this recursion.
    if isinstance(document, str):
        return not _encodable(document)
    if isinstance(document, list):
        return any(map(_has_half_surrogate, document))
    if isinstance(document, dict):
        return not all(map(_encodable, document)) or any(map(_has_half_surrogate, document.values()))
    return False


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
