"""`watermaster contract import`: a contract that says what a schema of another format says."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.contract_infer import ForceOption, OutOption
from watermaster.cli.output import OutputFormat, OutputOption, inert, say, show_json
from watermaster.contract.importing.form import SchemaForm

if TYPE_CHECKING:
    from watermaster.contract.importing.imported import Imported


class ValueEncoding(Enum):
    """How values may be written: plain, or behind the frame of a schema registry."""

    JSON = "json"
    JSON_SCHEMA = "json-schema"
    AVRO = "avro"


SchemaArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A JSON Schema (drafts 4 to 2020-12) or an .avsc.")
]
FromOption = Annotated[
    SchemaForm | None, typer.Option("--from", help="What the file is, if its text does not show it.")
]
EncodingOption = Annotated[
    ValueEncoding | None,
    typer.Option("--encoding", help="How the topic's values are written; else avro for Avro, json for a JSON Schema."),
]
StreamOption = Annotated[
    str | None, typer.Option("--stream", help="The topic that the contract is for; else the file's name.")
]


def import_(
    file: SchemaArgument,
    form: FromOption = None,
    stream: StreamOption = None,
    encoding: EncodingOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Make a contract of a JSON Schema or an Avro schema. Prints it, or writes it with -o; never over a file.

    What a contract has no words for is left out: it then passes what the schema refuses. What it reads in its own way
    (formats, white space in patterns) may also hold what the schema accepts. Both stand at the top of the contract and
    are said on standard error; without any of them the contract and the schema judge alike. References to other
    documents are never fetched.
    """
    from watermaster.contract.checks import Encoding
    from watermaster.contract.importing.remark import sentences
    from watermaster.wiring.contract_import import import_file
    from watermaster.wiring.contract_inference import refuse_other, write_new_file

    if out is not None:
        refuse_other(out, force=force)
    imported = import_file(file, stream, form, None if encoding is None else Encoding(encoding.value))
    if out is not None:
        write_new_file(out, imported.text, force=force)
    if output is OutputFormat.JSON:
        show_json({**_numbers(imported), "written": out, "contract": imported.text})
        return
    for sentence in sentences(imported.remarks):
        sys.stderr.write(inert(sentence) + "\n")
    if out is None:
        sys.stdout.write(imported.text)
    else:
        say(f"wrote {out}: {_numbers(imported)['fields']} fields and {len(imported.draft.rules)} rules")
        say("Read it, and make it say what must hold. Next: watermaster contract lint, then watermaster check.")


def _numbers(imported: Imported) -> dict[str, object]:
    return {
        "fields": sum(1 for top in imported.draft.fields for one in top.walk() if one.name),
        "rules": len(imported.draft.rules),
        "remarks": imported.remarks,
    }
