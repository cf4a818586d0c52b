"""Which files there are, in what form, and in which parts they are read."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from watermaster.adapters.records.avro_container import read_avro, require_fastavro
from watermaster.adapters.records.csv_rows import read_csv
from watermaster.adapters.records.json_lines import read_json_document, read_json_lines
from watermaster.adapters.records.parquet_rows import parquet_parts, read_parquet
from watermaster.runtime.record_source import Chunk, Form, Part, Reading, Store
from watermaster.stream.fault import UsageFault, WorldFault

PART_BYTES: Final = 32 * 1024 * 1024
"""Of JSON lines: small enough that two cores end together, large enough that starting on one costs nothing."""
FILES_MAX: Final = 100_000
"""A folder with more is a wrong folder, or a job for several runs."""
_FIRST_LINE_MAX: Final = 16 * 1024 * 1024

ENDINGS: Final[dict[str, Form]] = {
    ".jsonl": Form.JSON_LINES,
    ".ndjson": Form.JSON_LINES,
    ".json": Form.JSON,
    ".csv": Form.CSV,
    ".tsv": Form.CSV,
    ".parquet": Form.PARQUET,
    ".avro": Form.AVRO,
}
_MAGIC: Final[dict[bytes, Form]] = {b"PAR1": Form.PARQUET, b"Obj\x01": Form.AVRO}
"""What a file of records in binary begins with."""
_PACKED: Final = ".gz"
_WILD: Final = "*?["


class RecordFiles:
    """Implements `RecordSource` over paths: files, folders (all files of known endings below), and globs."""

    def __init__(self, paths: Sequence[str | Path], form: Form | None = None) -> None:
        """`form` is what every named file is, whatever its ending; None goes by the ending and the first bytes."""
        self._paths = [str(path) for path in paths]
        self._form = form

    def parts(self) -> Sequence[Part]:
        """See `RecordSource.parts`."""
        return [part for file in self.files() for part in self._parts_of(file)]

    def files(self) -> Sequence[Path]:
        """Every file, once, in the order of the arguments and sorted inside each."""
        found = [file for path in self._paths for file in _expand(path, any_ending=self._form is not None)]
        if len(found) > FILES_MAX:
            raise UsageFault(
                "WM-CHECK-FILES", f"There are {len(found)} files.", hint=f"Give at most {FILES_MAX} at a time."
            )
        return list(dict.fromkeys(found))

    def read(self, part: Part, reading: Reading) -> Iterator[Chunk]:
        """See `RecordSource.read`."""
        return read_part(part, reading)

    def _parts_of(self, file: Path) -> Sequence[Part]:
        try:
            size, head = _look(file)
            form = self._form or _form_of(file, head)
            if form is Form.PARQUET and part_fault(file, form, head) is None:
                return parquet_parts(file, size)
            if form is Form.AVRO:
                require_fastavro()
        except WorldFault:
            # Said when its turn comes, beside what the other files hold.
            return [Part(str(file), self._form or ENDINGS.get(file.suffix.lower(), Form.JSON_LINES))]
        match form:
            case Form.JSON_LINES if file.suffix != _PACKED and size > PART_BYTES:
                starts = range(0, size, PART_BYTES)
                return [
                    Part(str(file), form, start, min(start + PART_BYTES, size), min(PART_BYTES, size - start))
                    for start in starts
                ]
            case _:
                return [Part(str(file), form, size=size)]


def read_part(part: Part, reading: Reading) -> Iterator[Chunk]:
    """All of one part. Raises WorldFault WM-CHECK-READ where reading cannot go on."""
    readers: dict[Form | Store, Callable[[Part, Reading], Iterator[Chunk]]] = {
        Form.JSON_LINES: read_json_lines,
        Form.JSON: read_json_document,
        Form.CSV: read_csv,
        Form.PARQUET: read_parquet,
        Form.AVRO: read_avro,
    }
    try:
        with Path(part.file).open("rb") as stream:
            fault = part_fault(Path(part.file), part.form, stream.read(8))
        if fault is not None:
            raise fault
        yield from readers[part.form](part, reading)
    except EOFError as error:
        raise WorldFault(
            "WM-CHECK-READ", f"{part.file} ends too early.", hint="It was not written or copied to its end."
        ) from error
    except OSError as error:
        raise WorldFault(
            "WM-CHECK-READ",
            f"{part.file} cannot be read: {error.strerror or 'it is damaged'}.",
            hint="Check the file's permissions and disk, and that it is complete.",
        ) from error


def part_fault(file: Path, form: Form | Store, head: bytes) -> WorldFault | None:
    """Why a file cannot be of this form, seen from its first bytes; None if it may be."""
    found = next((known for magic, known in _MAGIC.items() if head.startswith(magic)), None)
    if found is form or (found is None and form not in _MAGIC.values()):
        return None
    if not head:
        what = f"{file} is empty, which no file of {form.title} is."
    elif found is None:
        what = f"{file} is no file of {form.title}."
    else:
        what = f"{file} holds {found.title} and not {form.title}."
    return WorldFault("WM-CHECK-FORM", what, hint="Check that it was written to its end, or name its form: --format.")


def _look(file: Path) -> tuple[int, bytes]:
    try:
        with file.open("rb") as stream:
            return file.stat().st_size, stream.read(8)
    except OSError as error:
        raise WorldFault(
            "WM-CHECK-READ", f"{file} cannot be read: {error.strerror}.", hint="Check its permissions and disk."
        ) from None


def _form_of(file: Path, head: bytes) -> Form:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes[-1:] == [_PACKED]:
        suffixes.pop()
    form = ENDINGS.get(suffixes[-1] if suffixes else "")
    if form is Form.JSON:
        return Form.JSON_LINES if _begins_with_a_document(file) else Form.JSON
    return form or next((known for magic, known in _MAGIC.items() if head.startswith(magic)), Form.JSON_LINES)


def _begins_with_a_document(file: Path) -> bool:
    """Whether the first line alone is JSON and no array: then lines are records, whatever the ending says."""
    if file.suffix == _PACKED:
        return True
    with file.open("rb") as stream:
        line = stream.readline(_FIRST_LINE_MAX)
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return not line.lstrip().startswith(b"[")


def _expand(path: str, *, any_ending: bool) -> list[Path]:
    here = Path(path)
    if here.is_dir():
        found = sorted(file for file in here.rglob("*") if file.is_file() and _is_known(file.relative_to(here)))
    elif here.exists():
        return [here]
    elif any(sign in path for sign in _WILD):
        matched = sorted(Path(match) for match in glob.glob(path, recursive=True))  # noqa: PTH207 - `**` of a shell
        found = [file for file in matched if file.is_file() and (any_ending or _is_known(Path(file.name)))]
    else:
        raise UsageFault("WM-CHECK-FILE", f"There is no file {path}.", hint="Give a file, a folder or a glob.")
    if not found:
        raise UsageFault(
            "WM-CHECK-FILE",
            f"There is no file of records in {path}.",
            hint=f"Known endings are {', '.join(ENDINGS)}; or name a file and its form with --format.",
        )
    return found


def _is_known(file: Path) -> bool:
    # Hidden files and `_SUCCESS`, `_metadata`, `_delta_log` are bookkeeping of writers, not records.
    if any(part.startswith((".", "_")) for part in file.parts):
        return False
    return file.name.lower().removesuffix(_PACKED).endswith(tuple(ENDINGS))
