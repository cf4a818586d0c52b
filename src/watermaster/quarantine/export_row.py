"""One held record as a row for other tools: flat, of fixed columns, and masked where the contract says so. Pure."""

from __future__ import annotations

import base64
from typing import TypedDict

from watermaster.contract.checks import Checks
from watermaster.quarantine.exhibit import exhibit, is_guarded
from watermaster.quarantine.fingerprint import fingerprint
from watermaster.quarantine.held import HeldRecord, OriginalRecord
from watermaster.quarantine.lifecycle import Hold


class ExportHeader(TypedDict):
    """One header of the original record; null and empty differ."""

    name: str
    value: str | None
    encoding: str | None


class ExportRow(TypedDict):
    """`encoding`s are `text` (UTF-8) or `base64`, null where there is nothing. Of a masked row there is no key and no
    header, and the value is text for the eye. `carried` is false where the quarantine does not hold the bytes.
    """

    stream: str
    partition: int
    offset: int
    landed_ms: int | None
    state: str
    attempt: int
    group: str
    contract: str | None
    activation: int | None
    rules: list[str]
    paths: list[str]
    carried: bool
    masked: bool
    key: str | None
    key_encoding: str | None
    value: str | None
    value_encoding: str | None
    headers: list[ExportHeader]


def export_row(held: HeldRecord, hold: Hold, original: OriginalRecord | None, checks: Checks) -> ExportRow:
    """The row of one record under the contract that is in force now."""
    guarded = is_guarded(checks)
    row = ExportRow(
        stream=held.stream,
        partition=held.key.partition,
        offset=held.key.offset,
        landed_ms=held.landed_ms if held.landed_ms >= 0 else None,
        state=hold.state.value,
        attempt=hold.attempt,
        group=fingerprint(held),
        contract=held.contract,
        activation=held.activation,
        rules=[rule.rule for rule in held.broken],
        paths=[rule.path for rule in held.broken],
        carried=original is not None,
        masked=guarded,
        key=None,
        key_encoding=None,
        value=None,
        value_encoding=None,
        headers=[],
    )
    if original is not None and guarded:
        lines = exhibit(original.value, (), checks.value)
        row["value"], row["value_encoding"] = "\n".join(line.text for line in lines), "text"
    elif original is not None:
        row["key"], row["key_encoding"] = _encoded(original.key)
        row["value"], row["value_encoding"] = _encoded(original.value)
        row["headers"] = [_header(name, value) for name, value in original.headers]
    return row


def _header(name: str, value: bytes | None) -> ExportHeader:
    text, encoding = _encoded(value)
    return ExportHeader(name=name, value=text, encoding=encoding)


def _encoded(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"
