"""An entry added to a `watermaster.yaml` that people edit: everything else in it stays byte for byte.

The new text is read back before it takes the place of the old one, so a file that could not be read is never left.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.adapters.files.durable_file import write_durably
from watermaster.quarantine.letter import PlainMapping
from watermaster.runtime.configuration import QuarantineConfiguration
from watermaster.stream.fault import UsageFault

SECTION: Final = "quarantines:"
_INDENT: Final = "  "


def quarantine_entry(adopted: QuarantineConfiguration, indent: str = _INDENT) -> str:
    """The entry as it stands below `quarantines:`; what is as by default is left out."""
    body: dict[str, Any] = {"cluster": adopted.cluster, "topic": adopted.topic}
    if adopted.dialect is not None:
        body["dialect"] = adopted.dialect.value
    mapping = _without_defaults(adopted.mapping)
    if mapping:
        body["mapping"] = mapping
    if adopted.sources:
        body["sources"] = [
            {"topic": s.topic, "target": s.target, **({"contract": s.contract} if s.contract else {})}
            for s in adopted.sources
        ]
    text = yaml.safe_dump({adopted.name: body}, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return "".join(indent + line for line in text.splitlines(keepends=True))


def _without_defaults(mapping: PlainMapping) -> dict[str, Any]:
    fields = ("topic", "partition", "offset", "holder", "stage", "exception", "trace", "fixed_topic")
    found: dict[str, Any] = {name: getattr(mapping, name) for name in fields if getattr(mapping, name)}
    return {**found, **({"names": dict(mapping.names)} if mapping.names else {})}


def add_quarantine(path: Path, adopted: QuarantineConfiguration) -> None:
    """Add the entry to the file. Raises UsageFault, and then leaves the file as it was."""
    before = path.read_text(encoding="utf-8")
    text = _with_entry(before, adopted)
    _check(path, text, adopted)
    write_durably(path, text)


def _with_entry(text: str, adopted: QuarantineConfiguration) -> str:
    lines = text.splitlines(keepends=True)
    at = next((index for index, line in enumerate(lines) if line.split("#")[0].rstrip() == SECTION), None)
    if at is None:
        end = "" if text.endswith("\n") or not text else "\n"
        return f"{text}{end}\n{SECTION}\n{quarantine_entry(adopted)}"
    following = (line for line in lines[at + 1 :] if line.strip() and not line.lstrip().startswith("#"))
    first = next(following, "")
    indent = first[: len(first) - len(first.lstrip())] or _INDENT
    ending = "" if lines[at].endswith("\n") else "\n"
    return "".join([*lines[: at + 1], ending, quarantine_entry(adopted, indent), *lines[at + 1 :]])


def _check(path: Path, text: str, adopted: QuarantineConfiguration) -> None:
    """The new text says what the old one did, and the entry."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        old, new = load_configuration(path), load_configuration(Path(temporary))
    finally:
        Path(temporary).unlink(missing_ok=True)
    if new.quarantines != {**old.quarantines, adopted.name: adopted}:
        raise UsageFault(
            "WM-CONFIG-ENTRY",
            f"the entry cannot be added to {path.name} as it is written.",
            hint=f"Add it by hand below `{SECTION}`:\n{quarantine_entry(adopted)}",
        )
