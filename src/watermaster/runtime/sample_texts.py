"""How the values of a topic are written, found out from its records, and these as text to learn from."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from watermaster.contract.checks import Checks, Encoding, FieldCheck, LogicalType
from watermaster.gate.frame import Frame, Part, read_frame
from watermaster.gate.framed import FramedReader
from watermaster.gate.schema import AVRO, JSON, SchemaId
from watermaster.runtime.contract_inference import SampleBlock
from watermaster.runtime.schema_shelf import SchemaShelf
from watermaster.runtime.value_format import framed_payload
from watermaster.stream.batch import RawHeaders, RecordBatch

LOOKED_AT: Final = 200
"""Values by which it is decided, of the first batch that has any."""
_KINDS: Final = {AVRO: Encoding.AVRO, JSON: Encoding.JSON_SCHEMA}
_NOTHING: Final = Checks("", "", "", "", value=FieldCheck("", "$", LogicalType.ANY))


class SampleTexts:
    """Asks the registry for what most values name; a topic whose values name nothing is taken as it is."""

    def __init__(self, shelf: SchemaShelf) -> None:
        self._shelf = shelf
        self._reader: FramedReader | None = None
        self._decided = False
        self.encoding = Encoding.JSON
        self.keys_are_framed = False

    def block(self, batch: RecordBatch, read: int) -> SampleBlock:
        """One batch to learn from. Keys behind a frame teach nothing. Raises WorldFault."""
        if not self._decided:
            self._decide(batch)
        keys = None if self.keys_are_framed else batch.keys
        if self._reader is None:
            return SampleBlock(batch.values, keys, read)
        ids = {frame.schema for frame in map(_value_frame, batch.values, batch.headers) if frame is not None}
        self._shelf.fetch(ids)
        texts = self._reader.read(batch.keys, batch.values, batch.headers)
        kept = [index for index in range(len(batch)) if index not in texts.refused]
        return SampleBlock(
            [texts.values[index] for index in kept],
            None if keys is None else [keys[index] for index in kept],
            read,
            tuple(texts.refused.values()),
        )

    def _decide(self, batch: RecordBatch) -> None:
        values = [(v, h) for v, h in zip(batch.values, batch.headers, strict=True) if v is not None][:LOOKED_AT]
        if not values:
            return
        self._decided = True
        frames = [_likely_frame(Part.VALUE, value, headers) for value, headers in values]
        keys = [(k, h) for k, h in zip(batch.keys, batch.headers, strict=True) if k is not None][:LOOKED_AT]
        framed = sum(_likely_frame(Part.KEY, key, headers) is not None for key, headers in keys)
        self.keys_are_framed = framed * 2 > len(keys)
        kinds = Counter(self._encoding_of(frame) for frame in frames)
        self.encoding = kinds.most_common(1)[0][0]
        if self.encoding is not Encoding.JSON:
            self._reader = FramedReader(replace(_NOTHING, encoding=self.encoding), self._shelf.lookup)

    def _encoding_of(self, schema_id: SchemaId | None) -> Encoding:
        if schema_id is None:
            return Encoding.JSON
        self._shelf.fetch([schema_id])
        schema = self._shelf.lookup(schema_id)
        return Encoding.JSON if schema is None else _KINDS.get(schema.kind, Encoding.JSON)


def _likely_frame(part: Part, content: bytes, headers: RawHeaders | None) -> SchemaId | None:
    """The schema that is named, where it is no accident of other bytes."""
    if framed_payload(content) is None and not any(name == part.value for name, _ in headers or ()):
        return None
    frame = read_frame(part, content, headers)
    return frame.schema if isinstance(frame, Frame) else None


def _value_frame(value: bytes | None, headers: RawHeaders | None) -> Frame | None:
    frame = None if value is None else read_frame(Part.VALUE, value, headers)
    return frame if isinstance(frame, Frame) else None
