"""`contract import`: a schema of another format from a file, as a contract."""

from __future__ import annotations

from pathlib import Path

from watermaster.contract.checks import Encoding
from watermaster.contract.importing.form import SchemaForm
from watermaster.contract.importing.imported import Imported
from watermaster.contract.importing.schema import import_schema
from watermaster.contract.importing.schema_text import SCHEMA_BYTES_MAX
from watermaster.stream.fault import UsageFault


def import_file(
    file: Path, stream: str | None, form: SchemaForm | None = None, encoding: Encoding | None = None
) -> Imported:
    """The contract of the schema in a file; `stream` None takes the file's name, the others what the text looks like.

    Raises UsageFault WM-IMPORT-…
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(SCHEMA_BYTES_MAX + 1)
    except OSError as error:
        raise UsageFault(
            "WM-IMPORT-FILE",
            f"cannot read {file}: {error.strerror}",
            hint="Give the path of a JSON Schema or an .avsc.",
        ) from error
    found = import_schema(data, file.name, stream or file.name.split(".")[0] or "stream", form, encoding)
    if isinstance(found, Imported):
        return found
    code = found.code.upper().replace(".", "-").replace("_", "-")
    raise UsageFault(f"WM-{code}", f"{file}: {found.message}", hint=found.hint)
