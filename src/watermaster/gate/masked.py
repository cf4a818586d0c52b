"""A failing record as a report may show it: its shape without its values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from watermaster.contract.checks import FieldCheck

SAMPLE_MEMBERS_MAX: Final = 40
"""Members or items shown of each object or array."""
SAMPLE_BYTES_MAX: Final = 64 * 1024
"""A larger record is only measured: a report is no place to look at it."""
_DEPTH_MAX: Final = 8
_UNNAMED: Final = "<name that the contract does not have>"


def mask_record(value: bytes | None, check: FieldCheck) -> str:
    """JSON in which every value is replaced by what kind it is and how long: `{"id": "<string, 8>"}`.

    Names that the contract does not have are replaced too, for a producer may have put data into them. What is no JSON
    is only measured.
    """
    if value is None:
        return "null"
    if len(value) > SAMPLE_BYTES_MAX:
        return f"<{len(value)} bytes>"
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return f"<{len(value)} bytes that are no JSON>"
    return json.dumps(_masked(decoded, check, 0), ensure_ascii=False)


def _masked(value: Any, check: FieldCheck | None, depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if depth > _DEPTH_MAX:
        return "<deeper>"
    if isinstance(value, dict):
        return _masked_object(value, check, depth)
    if isinstance(value, list):
        item = check.items if check is not None else None
        return [_masked(member, item, depth + 1) for member in value[:SAMPLE_MEMBERS_MAX]]
    if isinstance(value, str):
        return f"<string, {len(value)}>"
    return {type(None): None, bool: "<boolean>"}.get(type(value), "<number>")


def _masked_object(value: Mapping[str, Any], check: FieldCheck | None, depth: int) -> Mapping[str, Any]:
    known = {field.name: field for field in check.properties} if check is not None else {}
    shown: dict[str, Any] = {}
    for name, member in list(value.items())[:SAMPLE_MEMBERS_MAX]:
        field = known.get(name)
        shown[_UNNAMED if field is None else name] = _masked(member, field, depth + 1)
    return shown
