"""How the records of a topic are written, found out from some of them, and these as text to learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from watermaster.contract.checks import FRAMED_ENCODINGS, Checks, Encoding, FieldCheck, KeyCheck, LogicalType
from watermaster.gate.frame import Frame, Part, read_frame
from watermaster.gate.framed import Contents, FramedReader, schema_ids
from watermaster.gate.schema import AVRO, JSON, SchemaId
from watermaster.runtime.contract_inference import SampleBlock, Written
from watermaster.runtime.schema_shelf import SchemaShelf
from watermaster.runtime.value_format import framed_payload
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.fault import WorldFault

LOOKED_AT: Final = 200
"""Values and keys by which it is decided, of the first batch that has any."""
UNNAMED: Final = ""
"""The kind of what names no schema."""
UNKNOWN: Final = "unknown"
"""The kind of a schema that the registry does not know."""
_KINDS: Final = {AVRO: Encoding.AVRO, JSON: Encoding.JSON_SCHEMA}
_NOTHING: Final = Checks("", "", "", "", value=FieldCheck("", "$", LogicalType.ANY))
_OWN: Final = "the keys name schemas of a registry and were not learnt from: describe them (`key.encoding`)"


class SampleTexts:
    """Asks the registry for what most values and keys name; a topic whose records name nothing is taken as it is."""

    def __init__(self, shelf: SchemaShelf) -> None:
        self._shelf = shelf
        self._checks = _NOTHING
        self._reader: FramedReader | None = None
        self._keys_left_out = False
        self.kind: str | None = None
        """The registry's word for the schemas that most values name, `UNNAMED`, `UNKNOWN`; None until a value came."""
        self._keys_known = False

    @property
    def written(self) -> Written:
        """How values and keys are written, as far as it is known."""
        return Written(self._checks.encoding, self._checks.key.encoding)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was not learnt from."""
        return (_OWN,) if self._keys_left_out else ()

    @property
    def unfit(self) -> WorldFault | None:
        """Why most values are no JSON text although they name schemas; None where that is not so."""
        return None if self.kind in (None, UNNAMED, *_KINDS) else unfit_schemas(self.kind)

    def block(self, batch: RecordBatch, read: int) -> SampleBlock:
        """One batch to learn from; keys that cannot be read teach nothing. Raises WorldFault."""
        self._decide(batch)
        keys = None if self._keys_left_out else batch.keys
        if self._reader is None:
            return SampleBlock(batch.values, keys, read, self.written)
        self._shelf.fetch(schema_ids(self._checks, batch.keys, batch.values, batch.headers))
        texts = self._reader.read(batch.keys, batch.values, batch.headers)
        refused = texts.refused_keys | texts.refused
        kept = [index for index in range(len(batch)) if index not in refused]
        return SampleBlock(
            [texts.values[index] for index in kept],
            None if keys is None else [texts.keys[index] for index in kept],
            read,
            self.written,
            tuple(refused.values()),
        )

    def _decide(self, batch: RecordBatch) -> None:
        values = _there(batch.values, batch.headers)
        if self.kind is None and values:
            self.kind = self._kind(Part.VALUE, values)
            self._read_as(replace(self._checks, encoding=_KINDS.get(self.kind, Encoding.JSON)))
        keys = _there(batch.keys, batch.headers)
        if not self._keys_known and keys:
            self._keys_known = True
            self._decide_keys(keys)

    def _decide_keys(self, keys: Sequence[tuple[bytes, RawHeaders | None]]) -> None:
        """What only looks like frames (numbers of eight bytes may) is not taken for keys that name schemas."""
        try:
            kind = self._kind(Part.KEY, keys)
        except WorldFault:
            kind = UNKNOWN
        if kind in (UNNAMED, UNKNOWN) or kind not in _KINDS:
            self._keys_left_out = kind != UNNAMED
            return
        checks = replace(self._checks, key=KeyCheck(encoding=_KINDS[kind]))
        bare = replace(checks, encoding=Encoding.JSON)
        contents: Contents = [key for key, _ in keys]
        nothing: Contents = [None] * len(keys)
        headers = [named for _, named in keys]
        self._shelf.fetch(schema_ids(bare, contents, nothing, headers))
        read = FramedReader(bare, self._shelf.lookup).read(contents, nothing, headers)
        if len(read.refused_keys) * 2 < len(keys):
            self._read_as(checks)

    def _read_as(self, checks: Checks) -> None:
        self._checks = checks
        if {checks.encoding, checks.key.encoding} & FRAMED_ENCODINGS:
            self._reader = FramedReader(checks, self._shelf.lookup)

    def _kind(self, part: Part, contents: Iterable[tuple[bytes, RawHeaders | None]]) -> str:
        named = [_likely_schema(part, content, headers) for content, headers in contents]
        self._shelf.fetch({one for one in named if one is not None})
        return Counter(map(self._kind_of, named)).most_common(1)[0][0]

    def _kind_of(self, schema_id: SchemaId | None) -> str:
        if schema_id is None:
            return UNNAMED
        schema = self._shelf.lookup(schema_id)
        return UNKNOWN if schema is None else schema.kind


def unfit_schemas(kind: str | None) -> WorldFault:
    """What is said where the schemas that records name, of this `SampleTexts.kind`, make no JSON text of them."""
    if kind == UNKNOWN:
        return WorldFault(
            "WM-SCHEMA-UNKNOWN",
            "the registry does not know the schemas that the records name",
            hint="Is it the registry that the producer uses, and is it complete?",
            retriable=True,
        )
    return WorldFault(
        "WM-SCHEMA-KIND",
        "the schemas that the records name are neither Avro nor JSON Schema",
        hint="Only these two are read.",
    )


def _there(
    contents: Sequence[bytes | None], headers: Sequence[RawHeaders | None]
) -> list[tuple[bytes, RawHeaders | None]]:
    found = ((content, named) for content, named in zip(contents, headers, strict=True) if content is not None)
    return [pair for pair, _ in zip(found, range(LOOKED_AT), strict=False)]


def _likely_schema(part: Part, content: bytes, headers: RawHeaders | None) -> SchemaId | None:
    """The schema that is named, where it is no accident of other bytes."""
    if framed_payload(content) is None and not any(name == part.value for name, _ in headers or ()):
        return None
    frame = read_frame(part, content, headers)
    return frame.schema if isinstance(frame, Frame) else None
