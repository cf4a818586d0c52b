"""`contract infer`: records are summed up as the gate would read them, and the summary becomes a drafted contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from watermaster.contract.checks import FRAMED_ENCODINGS, Encoding, Limits
from watermaster.contract.draft import ContractDraft, FieldDraft
from watermaster.contract.draft.text import draft_text
from watermaster.contract.inference.cells import CellsSummary
from watermaster.contract.inference.proposal import Origin, propose
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.contract.inference.summary import Document
from watermaster.gate.strict_json import JsonProblem
from watermaster.gate.swift_json import decode_swiftly
from watermaster.runtime.record_source import Form, Part, Reading, RecordSource
from watermaster.stream.fault import UsageFault, WorldFault

_LIMITS: Final = Limits()
"""Those of a contract that sets none: what lies beyond them is held whatever is drafted."""


@dataclass(frozen=True, slots=True)
class Written:
    """How values and keys are written on the stream."""

    values: Encoding = Encoding.JSON
    keys: Encoding = Encoding.STRING


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Some records in the order of their source. `keys` None: it has none. `read` counts its bytes so far."""

    values: Sequence[bytes | None]
    keys: Sequence[bytes | None] | None = None
    read: int = 0
    written: Written = field(default_factory=Written)
    """Values and keys that were written in a framed encoding are JSON text here."""
    refused: Sequence[str] = ()
    """Reason codes of records beside these that are none."""


class SampleSource(Protocol):
    """Records to learn from, in one pass and in bounded memory."""

    @property
    def remarks(self) -> Sequence[str]:
        """What was not read and why, as sentences; known in the end."""
        ...

    @property
    def written(self) -> Written:
        """How its records are written on the stream; known in the end."""
        ...

    @property
    def unfit(self) -> WorldFault | None:
        """Why its records are no JSON objects, where it knows more than each record tells; known in the end."""
        ...

    def blocks(self) -> Iterator[SampleBlock]:
        """All records. Raises UsageFault or WorldFault."""
        ...


@dataclass(slots=True)
class Learning:
    """What has been learnt so far."""

    summary: StreamSummary = field(default_factory=StreamSummary)

    def take(self, block: SampleBlock) -> None:
        """Take in some records; bad ones are counted and teach nothing."""
        keys = block.keys
        for code in block.refused:
            self.summary.pass_over(code)
        for index, value in enumerate(block.values):
            if keys is None:
                self._take(value, None)
            elif block.written.keys in FRAMED_ENCODINGS:
                self._take_with_document(value, keys[index])
            else:
                self.summary.keys.add(keys[index])
                self._take(value, keys[index])

    def _take_with_document(self, value: bytes | None, key: bytes | None) -> None:
        """One record whose key is JSON text; it teaches nothing where the key is none."""
        if key is None:
            self.summary.keys.add(None)
            self._take(value, None)
            return
        document = decode_swiftly(key, _LIMITS)
        if isinstance(document, JsonProblem):
            self.summary.pass_over(document.code)
            return
        self.summary.keys.add_document(document, self.summary.budget)
        self._take(value, _plain_key(document, key))

    def _take(self, value: bytes | None, key: bytes | None) -> None:
        if value is None:
            self.summary.records += 1
            self.summary.tombstones += 1
            return
        if len(value) > _LIMITS.value_bytes_max:
            self.summary.pass_over("record.too_large")
            return
        document = decode_swiftly(value, _LIMITS)
        if isinstance(document, JsonProblem):
            self.summary.pass_over(document.code)
        elif isinstance(document, dict):
            self.summary.add(document, key)
        else:
            self.summary.pass_over("not an object")


@dataclass(frozen=True, slots=True)
class Inferred:
    """A drafted contract and the numbers behind it."""

    text: str
    records: int
    learnt: int
    passed_over: tuple[tuple[str, int], ...]
    """Codes with counts, most frequent first."""
    fields: int
    classified: tuple[str, ...]
    """Names of fields for which a classification is proposed."""
    rules: int
    remarks: tuple[str, ...] = ()
    """What of the source was not read."""


Progress: TypeAlias = Callable[[int, int, int | None], None]
"""Hears of records, bytes read, and bytes in all (None: not known), block by block."""


def infer(source: SampleSource, origin: Origin, progress: Progress = lambda *_: None) -> Inferred:
    """Learn from all records of a source.

    Raises UsageFault WM-INFER-NOTHING if no record is a JSON object, or what the source knows of that, and the faults
    of the source.
    """
    learning = Learning()
    for block in source.blocks():
        learning.take(block)
        progress(learning.summary.records, block.read, None)
    if not learning.summary.root.count and source.unfit is not None:
        raise source.unfit
    found = conclude_known(learning.summary, written_as(origin, source.written))
    return replace(found, remarks=tuple(source.remarks))


def written_as(origin: Origin, written: Written) -> Origin:
    """The origin of records that are written so."""
    return replace(origin, encoding=written.values, key_encoding=written.keys)


def learn_part(source: RecordSource, part: Part, tell: Callable[[int, int], None] = lambda *_: None) -> StreamSummary:
    """Learn from one part of files; `tell` hears of its records and bytes. Raises the faults of the source."""
    learning = Learning()
    if part.form is Form.CSV:
        learning.summary.cells = CellsSummary()
    for chunk in source.read(part, Reading(value_bytes_max=_LIMITS.value_bytes_max)):
        for code in chunk.refused.values():
            learning.summary.pass_over(code)
        learning.take(SampleBlock([value for index, value in enumerate(chunk.values) if index not in chunk.refused]))
        tell(learning.summary.records, chunk.read)
    return learning.summary


def conclude_known(summary: StreamSummary, origin: Origin) -> Inferred:
    """The draft of a summary. Raises UsageFault WM-INFER-NOTHING if there was no JSON object."""
    _refuse_empty(summary, origin)
    return conclude(summary, origin)


def _refuse_empty(summary: StreamSummary, origin: Origin) -> None:
    if summary.root.count:
        return
    found = ", ".join(f"{count} × {code}" for code, count in summary.passed_over.most_common(3))
    why = f" ({found})" if found else ""
    raise UsageFault(
        "WM-INFER-NOTHING",
        f"None of the {summary.records} records of {origin.place} is a JSON object{why}.",
        hint="A contract is drafted from JSON objects, one a record.",
    )


def conclude(summary: StreamSummary, origin: Origin) -> Inferred:
    """The draft of a summary; without a JSON object in it, one that asks for nothing."""
    summary.retype_cells()
    draft = propose(summary, origin)
    return Inferred(
        text=draft_text(draft),
        records=summary.records,
        learnt=summary.root.count,
        passed_over=tuple(summary.passed_over.most_common()),
        fields=sum(1 for _ in _described(draft)),
        classified=tuple(one.name for one in _described(draft) if one.classification is not None),
        rules=len(draft.rules),
    )


def _plain_key(document: Document, text: bytes) -> bytes:
    """To compare with members of the record: a text without its quotes."""
    return document.encode("utf-8", "surrogatepass") if isinstance(document, str) else text


def _described(draft: ContractDraft) -> Iterable[FieldDraft]:
    return (one for field_ in draft.fields for one in field_.walk() if one.name)
