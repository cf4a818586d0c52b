"""`contract infer`: sources of real records joined to what learns from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from watermaster.adapters.files.json_records import find_json_files
from watermaster.adapters.files.new_files import refuse_other, write_new_file
from watermaster.contract.inference.proposal import Origin
from watermaster.runtime.contract_inference import Inferred, infer

__all__ = ["infer_files", "refuse_other", "write_new_file"]


def infer_files(
    paths: Sequence[Path], stream: str | None, progress: Callable[[int, int, int | None], None]
) -> Inferred:
    """A draft from files and folders of JSON records; `stream` None takes the name of the first path. Raises faults."""
    source = find_json_files(paths)
    place = ", ".join(path.name or str(path) for path in paths)
    first = paths[0].resolve()
    name = first.name if first.is_dir() else first.name.split(".")[0]
    return infer(source, Origin(place, stream or name or "stream", "topic" if stream else "file"), progress)
