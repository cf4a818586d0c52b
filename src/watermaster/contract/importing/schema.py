"""A schema of another format as a contract: its text in, the contract's text out, and all that is said of the way."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final, assert_never

from watermaster.contract.checks import Encoding
from watermaster.contract.document import read_contract
from watermaster.contract.draft import ContractDraft
from watermaster.contract.draft.text import contract_id, draft_text
from watermaster.contract.importing.avro import import_avro
from watermaster.contract.importing.avro_type import looks_like_avro
from watermaster.contract.importing.form import SchemaForm
from watermaster.contract.importing.imported import Imported, Unimportable
from watermaster.contract.importing.json_schema import import_json_schema
from watermaster.contract.importing.record import RecordDraft
from watermaster.contract.importing.remark import sentences
from watermaster.contract.importing.schema_text import read_schema_text
from watermaster.contract.problem import Problem, ProblemCode

_COMMENT_WIDTH: Final = 116


_ENCODINGS: Final = {SchemaForm.JSON_SCHEMA: Encoding.JSON, SchemaForm.AVRO: Encoding.AVRO}
_NAMES: Final = {SchemaForm.JSON_SCHEMA: "a JSON Schema", SchemaForm.AVRO: "an Avro schema"}


def import_schema(
    data: bytes, source: str, stream: str, form: SchemaForm | None = None, encoding: Encoding | None = None
) -> Imported | Problem:
    """The contract for `stream` that says what a schema says; `source` is what comments call it (a file name).

    `form` None tells the formats apart by what stands in the text; `encoding` None takes an Avro schema for one of
    values in Avro, a JSON Schema for one of plain JSON. Never raises for bad bytes.
    """
    try:
        schema = read_schema_text(data)
        chosen = form or (SchemaForm.AVRO if looks_like_avro(schema) else SchemaForm.JSON_SCHEMA)
        match chosen:
            case SchemaForm.JSON_SCHEMA:
                record = import_json_schema(schema)
            case SchemaForm.AVRO:
                record = import_avro(schema)
            case _:
                assert_never(chosen)
        return _imported(record, source, stream, chosen, encoding or _ENCODINGS[chosen])
    except Unimportable as stop:
        return stop.problem


def _imported(record: RecordDraft, source: str, stream: str, form: SchemaForm, encoding: Encoding) -> Imported:
    name = contract_id(stream)
    draft = ContractDraft(
        id=name,
        object_name=name,
        physical_name=stream,
        description=record.description,
        fields=record.fields,
        rules=record.rules,
        unknown_fields_held=record.unknown_fields_held,
        encoding=encoding,
        comments=(*_preface(record, source, form), *record.notes),
    )
    text = draft_text(draft)
    problems = read_contract(text.encode(), source).problems
    if any(problem.code in (ProblemCode.YAML_SIZE, ProblemCode.YAML_NODES) for problem in problems):
        message = "the schema says more than a contract can hold"
        raise Unimportable(ProblemCode.IMPORT_SIZE, message, "Import the part that describes the records.")
    return Imported(draft, text, record.remarks)


def _preface(record: RecordDraft, source: str, form: SchemaForm) -> Iterator[str]:
    yield f"Imported from {source}, {_NAMES[form]}. Read it, and make it say what must hold."
    if not record.remarks:
        yield "Nothing is left out."
    for sentence in sentences(record.remarks):
        yield from textwrap.wrap(sentence, _COMMENT_WIDTH, subsequent_indent="  ", break_long_words=False)
