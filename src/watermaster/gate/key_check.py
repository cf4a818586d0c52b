"""The record's key: presence, encoding, and the checks on the decoded key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from watermaster.contract.cel import CelInput
from watermaster.contract.checks import Checks, Encoding, UnknownFields
from watermaster.gate.breach import Breaches, document_breach
from watermaster.gate.cel_view import as_spelled
from watermaster.gate.strict_json import Document, JsonProblem, decode_strictly
from watermaster.gate.value_check import compile_value, null_breach

KeyJudge: TypeAlias = Callable[[bytes | None, Breaches], CelInput]
"""Appends reasons and gives the key as rules see it: text, a JSON value, or bytes where it cannot be decoded."""

KEY_PATH = "key"


def compile_key(checks: Checks) -> KeyJudge:
    """Judge a key. A required key is neither null nor empty; a key that nothing is asked of is never held."""
    missing = document_breach("key.missing", KEY_PATH) if checks.key.required else None
    decode = _decoder(checks)

    def judge(key: bytes | None, broken: Breaches) -> CelInput:
        if not key and missing is not None:
            broken.append(missing)  # there is nothing more to judge
            return None
        return None if key is None else decode(key, broken)

    return judge


def _decoder(checks: Checks) -> Callable[[bytes, Breaches], CelInput]:
    if checks.key.is_json:
        return _json(checks)
    if checks.key.encoding is Encoding.BYTES:
        return lambda key, _broken: key
    return _text(checks)


def _text(checks: Checks) -> Callable[[bytes, Breaches], CelInput]:
    check = checks.key.check
    judge = None if check is None else compile_value(check, UnknownFields.ALLOW)
    undecodable = document_breach("key.encoding", KEY_PATH)

    def decode(key: bytes, broken: Breaches) -> CelInput:
        try:
            text = key.decode("utf-8")
        except UnicodeDecodeError:
            if judge is not None:
                broken.append(undecodable)
            return key
        if judge is not None:
            judge(text, broken)
        return text

    return decode


def _json(checks: Checks) -> Callable[[bytes, Breaches], CelInput]:
    check = checks.key.check
    judge = None if check is None else compile_value(check, checks.unknown_fields)
    null = None if check is None else null_breach(replace(check, required=check.required or checks.key.required))

    def decode(key: bytes, broken: Breaches) -> CelInput:
        document = decode_strictly(key, checks.limits)
        if isinstance(document, JsonProblem):
            broken.append(document_breach(document.code, KEY_PATH))
            return key
        _judge_document(document, broken)
        return as_spelled(document)

    def _judge_document(document: Document, broken: Breaches) -> None:
        if document is None and null is not None:
            broken.append(null)
        elif document is not None and judge is not None:
            judge(document, broken)

    return decode
