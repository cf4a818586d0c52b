"""What of a record must be the same before and after the gate, and how it is compared.

A fingerprint is four 64-bit numbers: timestamp, and hashes of key, value and headers. The hash is the interpreter's
own (SipHash keyed once per process; `xxHash`-style mixing over the tuples of headers): both sides are always
hashed in the same process, the key cannot be known to who wrote the records, and two different contents agree with a
chance of about 2^-64 for each pair. It costs a quarter of a cryptographic hash, which is what makes comparing every
byte affordable beside a running gate.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from watermaster.auditor.finding import FindingKind
from watermaster.auditor.reference import Reference, read_reference
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import HELD_FACTS_PREFIX, RESERVED_HEADER

_ORIGINAL_HEADERS = HELD_FACTS_PREFIX + "original_headers"
_REFERENCE = HELD_FACTS_PREFIX + "reference"

_COUNT_DIGITS_MAX = 9
_pack = struct.Struct("<qqqq").pack
_unpack = struct.Struct("<qqqq").unpack

_FIELDS = (
    FindingKind.ALTERED_TIMESTAMP,
    FindingKind.ALTERED_KEY,
    FindingKind.ALTERED_VALUE,
    FindingKind.ALTERED_HEADERS,
)

OriginalHeaders = tuple[tuple[str, bytes | None], ...]


def fingerprint(timestamp_ms: int, key: bytes | None, value: bytes | None, headers: OriginalHeaders) -> bytes:
    """32 bytes; equal for equal content. Null and empty differ, and so do order and number of headers."""
    return _pack(timestamp_ms, hash(key), hash(value), hash(headers))


def altered_fields(source: bytes, output: bytes) -> list[FindingKind]:
    """Which fields two fingerprints disagree on."""
    pairs = zip(_FIELDS, _unpack(source), _unpack(output), strict=True)
    return [field for field, before, after in pairs if before != after]


def source_headers(headers: RawHeaders | None) -> OriginalHeaders:
    """The headers of a source record that must arrive: all but the reserved one, which is taken from outsiders."""
    return tuple([header for header in headers if header[0] != RESERVED_HEADER]) if headers else ()


class Stamped(NamedTuple):
    """The headers of an output, taken apart."""

    stamp: bytes | None
    """The value of the reserved header; None if there is none."""
    originals: OriginalHeaders
    reference: Reference | None = None
    """The record stands for one that could not be carried: these facts are compared instead of the content."""
    fault: str = ""
    """What is wrong with the stamp; empty if nothing is."""


_UNSTAMPED = Stamped(None, ())


def take_trusted(headers: RawHeaders | None) -> Stamped:
    """Take the headers of a trusted record apart: the originals, then one stamp."""
    if not headers:
        return _UNSTAMPED
    if headers[-1][0] == RESERVED_HEADER:
        originals = tuple(headers[:-1])
        if not any([name == RESERVED_HEADER for name, _ in originals]):  # noqa: C419 - a list is faster in the hot loop
            return Stamped(headers[-1][1], originals)
    return _ill_stamped(headers)


def _ill_stamped(headers: RawHeaders) -> Stamped:
    stamps = [value for name, value in headers if name == RESERVED_HEADER]
    if not stamps:
        return _UNSTAMPED
    fault = f"{len(stamps)} reserved headers" if len(stamps) > 1 else "the reserved header is not the last one"
    return Stamped(stamps[-1], source_headers(headers), fault=fault)


def take_held(headers: RawHeaders | None) -> Stamped:
    """Take the headers of a quarantine record apart: counted originals, our facts, one stamp at the very end."""
    taken = take_trusted(headers)
    if taken.stamp is None:
        return taken
    names = [name for name, _ in taken.originals]
    if _ORIGINAL_HEADERS not in names:
        return taken._replace(fault=taken.fault or f"no {_ORIGINAL_HEADERS} header")
    at = len(names) - 1 - names[::-1].index(_ORIGINAL_HEADERS)
    count = taken.originals[at][1] or b""
    if not count.isdigit() or len(count) > _COUNT_DIGITS_MAX or int(count) > at:
        return taken._replace(fault=taken.fault or f"{_ORIGINAL_HEADERS} is not a number of headers before it")
    originals, fault, reference = int(count), taken.fault, None
    if _REFERENCE in names[originals:]:
        reference = read_reference(taken.originals[names.index(_REFERENCE, originals)][1])
        if reference is None:
            fault = fault or f"{_REFERENCE} cannot be read"
    return Stamped(taken.stamp, taken.originals[:originals], reference, fault)
