"""`watermaster contract export`: a contract in the words of another format."""

from __future__ import annotations

import json
import sys
from enum import Enum
from typing import Annotated

import typer

from watermaster.cli.contract_file import FileArgument, StreamOption, read_document
from watermaster.cli.contract_infer import ForceOption, OutOption


class ExportFormat(Enum):
    """What a contract can be written as."""

    JSON_SCHEMA = "json-schema"
    AVRO = "avro"
    MARKDOWN = "markdown"


def export(
    file: FileArgument,
    to: Annotated[
        ExportFormat, typer.Option("--to", help="JSON Schema 2020-12, an Avro schema, or a page in Markdown.")
    ],
    stream: StreamOption = None,
    out: OutOption = None,
    force: ForceOption = False,
) -> None:
    """Write a contract as JSON Schema or Avro, for producers, or as Markdown, for people; to a file with -o.

    What the JSON Schema refuses, the gate holds; what the gate passes can be written by the Avro schema. What a schema
    has no words for is left out, and said on standard error.
    """
    from watermaster.contract.export.avro import export_avro
    from watermaster.contract.export.json_schema import export_json_schema
    from watermaster.contract.export.markdown import markdown
    from watermaster.contract.outline import outline
    from watermaster.wiring.contract import compile_checks, compile_streams

    document, source = read_document(file), str(file)
    if to is ExportFormat.MARKDOWN:
        chosen = compile_streams(document, source) if stream is None else (compile_checks(document, source, stream),)
        text = markdown([outline(checks) for checks in chosen])
    else:
        checks = compile_checks(document, source, stream)
        exported = export_avro(checks) if to is ExportFormat.AVRO else export_json_schema(checks)
        text = json.dumps(exported.schema, indent=2, ensure_ascii=False) + "\n"
        for what in exported.left_out:
            sys.stderr.write(f"Not in the schema: {what}\n")
    if out is None:
        sys.stdout.write(text)
    else:
        from watermaster.adapters.files.new_files import write_new_file

        write_new_file(out, text, force=force)
