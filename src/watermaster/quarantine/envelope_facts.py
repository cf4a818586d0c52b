"""What the gate's own headers say of a held record: the one place that reads what `envelope` writes.

A record's own headers stand first and may be forged in any way, ours behind them. So the count of the originals is
looked for from the end, and nothing before our part is believed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from watermaster.gate.verdict import BrokenRule, Severity
from watermaster.quarantine.envelope import CONTRACT, OPERATIONAL, ORIGINAL_HEADERS, REFERENCE, RULES
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import RESERVED_HEADER, Coordinates, decode_coordinates

OFFSET_HEADERS: Final = ("__dlq.errors.offset", "__connect.errors.offset")
"""The source offset for readers of other conventions; `read_envelope` takes it from the coordinates."""

_RULES_CACHE_MAX: Final = 4096
"""Records that break the same rules share the text; as many different ones as the writer keeps."""
_NUMBER_DIGITS_MAX: Final = 9


class ReferenceFacts(msgspec.Struct, frozen=True):
    """What stands at the coordinates of a record that could not be carried: sizes in bytes, `headers` their number."""

    reason: str
    key_bytes: int
    value_bytes: int
    timestamp_ms: int
    headers: int


class EnvelopeFacts(msgspec.Struct, frozen=True, gc=False):
    """The gate's part of the headers. `more` counts broken rules beyond those that are listed."""

    originals: int
    coordinates: Coordinates
    topic: str
    gate: str
    contract: str
    broken: tuple[BrokenRule, ...]
    more: int
    operational: bool
    reference: ReferenceFacts | None


def read_envelope(headers: RawHeaders) -> EnvelopeFacts | None:
    """Read the gate's headers; None if these are not a gate's."""
    if not headers or headers[-1][0] != RESERVED_HEADER:
        return None
    coordinates = decode_coordinates(headers[-1][1])
    originals = _originals(headers)
    if coordinates is None or originals is None:
        return None
    own = dict(headers[originals:])
    rules, reference = own.get(RULES), own.get(REFERENCE)
    listed = _rules(rules) if rules is not None else None
    if listed is None or "__dlq.errors.topic" not in own:
        return None
    return EnvelopeFacts(
        originals=originals,
        coordinates=coordinates,
        topic=_name(own["__dlq.errors.topic"]),
        gate=_name(own.get("__dlq.errors.group")),
        contract=_name(own.get(CONTRACT)),
        broken=listed[0],
        more=listed[1],
        operational=OPERATIONAL in own,
        reference=_reference(reference) if reference is not None else None,
    )


def _originals(headers: RawHeaders) -> int | None:
    for index in range(len(headers) - 1, -1, -1):
        name, value = headers[index]
        if name == ORIGINAL_HEADERS:
            # Ours stands behind the originals that it counts; any other is forged.
            count = int(value) if value and value.isdigit() and len(value) <= _NUMBER_DIGITS_MAX else None
            return count if count is not None and count <= index else None
    return None


class _ListedRule(msgspec.Struct):
    rule: str = ""
    path: str = "$"
    code: str = ""
    message: str = ""
    severity: Severity = Severity.ERROR
    more: str = ""


_read_rules = msgspec.json.Decoder(list[_ListedRule]).decode
_read_reference = msgspec.json.Decoder(ReferenceFacts).decode


@lru_cache(maxsize=_RULES_CACHE_MAX)
def _rules(text: bytes) -> tuple[tuple[BrokenRule, ...], int] | None:
    """The listed rules and the number of further ones; None if the text is none of ours."""
    try:
        listed = _read_rules(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    more = sum(int(item.more) for item in listed if item.more.isascii() and item.more.isdigit())
    broken = [BrokenRule(i.rule, i.path, i.code, i.message, i.severity) for i in listed if not i.more]
    return tuple(broken), more


def _reference(text: bytes) -> ReferenceFacts | None:
    try:
        return _read_reference(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=_RULES_CACHE_MAX)
def _name(value: bytes | None) -> str:
    """Topics, gates and contracts: few, and repeated in every record."""
    return (value or b"").decode(errors="replace")
