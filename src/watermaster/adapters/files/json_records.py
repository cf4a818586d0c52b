"""Files and folders of JSON records: JSON lines, one document, or an array of documents a file; plain or gzip.

One pass, a block at a time. A document that is an array is held in memory whole, so its size is bounded; lines are not.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from watermaster.contract.checks import Limits
from watermaster.runtime.contract_inference import SampleBlock
from watermaster.stream.fault import UsageFault, WorldFault

ENDINGS: Final = (".jsonl", ".ndjson", ".json")
"""Each also with `.gz`."""
FILES_MAX: Final = 100_000
"""A folder with more is a wrong folder, or a job for several runs."""
DOCUMENT_BYTES_MAX: Final = 256 * 1024 * 1024
"""A larger array is better kept as JSON lines: it would take several times this much memory."""
_BLOCK_RECORDS: Final = 500
_BLOCK_BYTES: Final = 8 * 1024 * 1024
_RECORD_BYTES_MAX: Final = Limits().value_bytes_max
"""Of a longer line only so much is kept that it is seen to be beyond the limit."""

_decode_array: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_any: Final = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """Implements `SampleSource`."""

    files: tuple[Path, ...]
    size: int
    remarks: tuple[str, ...] = ()

    def blocks(self) -> Iterator[SampleBlock]:
        """See `SampleSource.blocks`. Raises WorldFault WM-INFER-READ where a file cannot be read on."""
        before = 0
        for file in self.files:
            try:
                with file.open("rb") as raw:
                    for values in _blocks(_records(raw, file)):
                        yield SampleBlock(values, read=before + raw.tell())
                    before += raw.tell()
            except (OSError, EOFError, zlib.error) as error:
                raise WorldFault(
                    "WM-INFER-READ",
                    f"{file} cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}.",
                    hint="Check the file's permissions and disk, and that it is complete.",
                ) from error


def find_json_files(paths: Sequence[Path]) -> JsonFiles:
    """The files themselves, and all of known endings below folders. Raises UsageFault if there is none."""
    files = tuple(dict.fromkeys(file for path in paths for file in _files_at(path)))
    if len(files) > FILES_MAX:
        raise UsageFault(
            "WM-INFER-FILES", f"There are {len(files)} files.", hint=f"Give at most {FILES_MAX} at a time."
        )
    return JsonFiles(files, sum(file.stat().st_size for file in files))


def _files_at(path: Path) -> Sequence[Path]:
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise UsageFault("WM-INFER-FILES", f"There is no file {path}.", hint="Give files or folders of JSON records.")
    found = sorted(file for file in path.rglob("*") if file.is_file() and _is_known(file.relative_to(path)))
    if not found:
        raise UsageFault(
            "WM-INFER-FILES",
            f"There is no file of JSON records in {path}.",
            hint=f"Known endings are {', '.join(ENDINGS)}, also with .gz; a file named itself may have any.",
        )
    return found


def _is_known(file: Path) -> bool:
    # Hidden files and `_SUCCESS`, `_metadata` are bookkeeping of their writers.
    hidden = any(part.startswith((".", "_")) for part in file.parts)
    return not hidden and file.name.lower().removesuffix(".gz").endswith(ENDINGS)


def _blocks(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    values: list[bytes] = []
    size = 0
    for record in records:
        values.append(record)
        size += len(record)
        if len(values) >= _BLOCK_RECORDS or size >= _BLOCK_BYTES:
            yield values
            values, size = [], 0
    yield values


def _records(raw: BinaryIO, file: Path) -> Iterator[bytes]:
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if file.name.lower().endswith(".gz") else raw
    first = _line(stream)
    if _is_whole(first) and not first.lstrip().startswith(b"["):
        yield first.strip()
        yield from _lines(stream)
    else:
        yield from _document(first, stream, file)


def _document(first: bytes, stream: BinaryIO, file: Path) -> Iterator[bytes]:
    """One document over several lines, or else lines after all, of which the first is none."""
    begins = first.lstrip()[:1] in (b"{", b"[") or not first.strip()
    text = first + (stream.read(DOCUMENT_BYTES_MAX + 1 - len(first)) if begins else b"")
    if len(text) > DOCUMENT_BYTES_MAX:
        raise UsageFault(
            "WM-INFER-SIZE",
            f"{file} is one JSON document of more than {DOCUMENT_BYTES_MAX:,} bytes.",
            hint="Write it as JSON lines, one record a line.",
        )
    if _is_whole(text):
        yield from map(bytes, _decode_array(text)) if text.lstrip().startswith(b"[") else (text.strip(),)
        return
    yield from (line.strip() for line in text.splitlines() if line.strip())
    yield from _lines(stream)


def _is_whole(text: bytes) -> bool:
    try:
        _decode_any(text)
    except msgspec.DecodeError:
        return False
    return True


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := _line(stream):
        if record := line.strip():
            yield record


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_RECORD_BYTES_MAX + 2)
    if len(line) == _RECORD_BYTES_MAX + 2 and not line.endswith(b"\n"):
        while (rest := stream.readline(_BLOCK_BYTES)) and not rest.endswith(b"\n"):
            continue
    return line
