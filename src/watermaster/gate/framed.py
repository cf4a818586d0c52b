"""Keys and values behind a registry's frame, read as the JSON text that a producer would have sent without one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Protocol, TypeAlias

import msgspec

from watermaster.contract.checks import FRAMED_ENCODINGS, Checks, Encoding, Limits
from watermaster.gate.avro_binary import Cursor, Read, Refused
from watermaster.gate.avro_schema import UnfitSchema, compile_avro, require_fastavro
from watermaster.gate.breach import document_breach
from watermaster.gate.frame import Frame, Part, read_frame
from watermaster.gate.key_check import KEY_PATH
from watermaster.gate.schema import AVRO, JSON, OVERSIZE, Lookup, Schema, SchemaId
from watermaster.gate.verdict import Judge, Outcome, Verdict
from watermaster.stream.batch import RawHeaders

_COMPILED_MAX: Final = 1000
"""Schemas kept ready; a stream has a few, unless someone tries."""

Contents: TypeAlias = list[bytes | None]
HeaderLists: TypeAlias = Sequence[RawHeaders | None]

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True)
class Texts:
    """Keys and values as JSON text. What is in `refused` could not be read; its text stands for nothing."""

    keys: Contents
    values: Contents
    refused: dict[int, str] = field(default_factory=dict)
    """Index to reason code, of a value that is no value."""
    refused_keys: dict[int, str] = field(default_factory=dict)


class TextReader(Protocol):
    """Whatever makes texts of the records of one contract."""

    def read(self, keys: Contents, values: Contents, headers: HeaderLists) -> Texts:
        """The texts. Never raises for bad data."""
        ...


def is_framed(checks: Checks) -> bool:
    """Whether a registry must be asked for what the records of this contract say."""
    return checks.encoding in FRAMED_ENCODINGS or checks.key.encoding in FRAMED_ENCODINGS


def schema_ids(checks: Checks, keys: Contents, values: Contents, headers: HeaderLists) -> set[SchemaId]:
    """Every schema that these records name, to be fetched before they are read."""
    found: set[SchemaId] = set()
    for part, encoding, contents in (
        (Part.KEY, checks.key.encoding, keys),
        (Part.VALUE, checks.encoding, values),
    ):
        if encoding not in FRAMED_ENCODINGS:
            continue
        for content, named in zip(contents, headers, strict=True):
            frame = None if content is None else read_frame(part, content, named)
            if isinstance(frame, Frame):
                found.add(frame.schema)
    return found


class FramedReader:
    """Reads the records of one contract. `lookup` knows every schema that `schema_ids` names."""

    def __init__(self, checks: Checks, lookup: Lookup) -> None:
        self._limits = checks.limits
        self._key = checks.key.encoding
        self._value = checks.encoding
        self._lookup = lookup
        self._compiled: dict[SchemaId, Read | str] = {}
        if Encoding.AVRO in (self._key, self._value):
            require_fastavro()

    def read(self, keys: Contents, values: Contents, headers: HeaderLists) -> Texts:
        """The texts. Never raises for bad data."""
        texts = Texts(keys, values)
        if self._key in FRAMED_ENCODINGS:
            texts.keys = self._texts(Part.KEY, self._key, keys, headers, texts.refused_keys)
        if self._value in FRAMED_ENCODINGS:
            texts.values = self._texts(Part.VALUE, self._value, values, headers, texts.refused)
        return texts

    def _texts(
        self, part: Part, encoding: Encoding, contents: Contents, headers: HeaderLists, refused: dict[int, str]
    ) -> Contents:
        texts: Contents = []
        for index, content in enumerate(contents):
            if content is None:
                texts.append(None)
                continue
            try:
                texts.append(self._text(part, encoding, content, headers[index]))
            except Refused as problem:
                refused[index] = problem.code
                texts.append(None)
        return texts

    def _text(self, part: Part, encoding: Encoding, content: bytes, headers: RawHeaders | None) -> bytes:
        if len(content) > self._limits.value_bytes_max:
            raise Refused("record.too_large")
        frame = read_frame(part, content, headers)
        if isinstance(frame, str):
            raise Refused(frame)
        if encoding is Encoding.AVRO:
            return self._avro_text(frame, content)
        _expect(self._schema(frame.schema), JSON)
        return content[frame.start :]

    def _avro_text(self, frame: Frame, content: bytes) -> bytes:
        read = self._compiled.get(frame.schema)
        if read is None:
            if len(self._compiled) >= _COMPILED_MAX:
                self._compiled.clear()
            read = self._compile(self._schema(frame.schema))
            self._compiled[frame.schema] = read
        if isinstance(read, str):
            raise Refused(read)
        return decode_avro(read, content, frame.start, self._limits)

    def _schema(self, schema_id: SchemaId) -> Schema:
        schema = self._lookup(schema_id)
        if schema is None:
            raise Refused("schema.unknown")  # not kept: the registry may come to know it
        return schema

    def _compile(self, schema: Schema) -> Read | str:
        try:
            _expect(schema, AVRO)
            return compile_avro(schema)
        except (Refused, UnfitSchema) as problem:
            return problem.code


def decode_avro(read: Read, content: bytes, start: int, limits: Limits) -> bytes:
    """The JSON text of one value that ends where the bytes end. Raises Refused."""
    cursor = Cursor(content, start, limits)
    try:
        value = read(cursor)
        cursor.expect_end()
        return _encode(value)
    except Refused:
        raise
    except (IndexError, struct.error):
        raise Refused("avro.truncated") from None
    except RecursionError:
        raise Refused("json.depth") from None
    except (ValueError, OverflowError, ArithmeticError):
        raise Refused("avro.value") from None  # of a logical type


def _expect(schema: Schema, kind: str) -> None:
    if schema.kind != kind:
        raise Refused("schema.limits" if schema.kind == OVERSIZE else "schema.kind")


class FramedJudge:
    """A `Judge` of framed records: reads them, and lets another judge what they say."""

    def __init__(self, reader: TextReader, inner: Judge) -> None:
        self._reader = reader
        self._inner = inner

    def judge(
        self, keys: Contents, values: Contents, now_ms: int, headers: HeaderLists | None = None
    ) -> dict[int, Verdict]:
        """See `Judge.judge`. A record that cannot be read is held for that alone."""
        texts = self._reader.read(keys, values, [None] * len(values) if headers is None else headers)
        found = self._inner.judge(texts.keys, texts.values, now_ms)
        for refused, path in ((texts.refused_keys, KEY_PATH), (texts.refused, "$")):
            for index, code in refused.items():
                found[index] = unreadable(code, path)
        return found


@cache
def unreadable(code: str, path: str = "$") -> Verdict:
    """The verdict on what cannot be read. Whether a registry knows a schema is no property of the record."""
    return Verdict(Outcome.HOLD, (document_breach(code, path),), operational=code == "schema.unknown")
