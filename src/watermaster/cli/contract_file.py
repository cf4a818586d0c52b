"""Contract documents that a person names on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watermaster.stream.fault import UsageFault

FileArgument = Annotated[Path, typer.Argument(help="A contract document (*.odcs.yaml).")]
StreamOption = Annotated[str | None, typer.Option("--stream", help="One schema object or topic of the contract.")]


def read_document(file: Path) -> bytes:
    """The bytes of a document. Raises UsageFault if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CONTRACT-FILE", f"cannot read {file}: {error.strerror}", hint="Give the path of an *.odcs.yaml file."
        ) from error
