"""CSV as RFC 4180 has it: a header, commas (tabs in `.tsv`), quotes that close.

A cell is a text; the contract says what the text is meant to be. An empty cell is null. A cell of a number field that
is a number as JSON writes it becomes that number, `true` and `false` in any case become truth values, an object or
array is read as JSON; all else stays text, and the judge says that it is of another type. Bytes that are no UTF-8
stay as they are, for the judge to name.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring
from typing import Final, TypeAlias

import msgspec

from watermaster.adapters.records.opened import OpenedFile
from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.runtime.record_source import Chunk, Part, Reading
from watermaster.stream.fault import WorldFault

Cell: TypeAlias = Callable[[str], str]
"""From a cell that is not empty to JSON."""

CELLS: Final = "row.cells"
QUOTES: Final = "row.quotes"
TOO_LARGE: Final = "record.too_large"
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OTHER_SIGNS: Final = ";\t|"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def read_csv(part: Part, reading: Reading) -> Iterator[Chunk]:
    """All rows, numbered by the line on which each begins. Raises WorldFault WM-CHECK-COLUMNS for a wrong header."""
    csv.field_size_limit(reading.value_bytes_max)
    with OpenedFile(part.file) as opened:
        lines = _Lines(opened, part.file, reading.value_bytes_max)
        rows = csv.reader(lines, strict=True, delimiter=_delimiter(part.file))
        header = _header(rows, part.file)
        row_text = _row_text(header, reading.shape)
        chunk = Chunk()
        while True:
            before = rows.line_num
            outcome = _next(rows, lines, len(header))
            if outcome is None:
                break
            if isinstance(outcome, str):
                chunk.refuse(before + 1, outcome)
            elif not outcome:
                chunk.blank_lines += 1
            else:
                chunk.add(before + 1, row_text(outcome))
            if chunk.is_full:
                chunk.read = opened.read
                yield chunk
                chunk = Chunk()
        chunk.last_number, chunk.read = rows.line_num, opened.read
        yield chunk


class _Lines:
    """Lines with their ends; of one beyond the limit only the beginning, and `cut` says so."""

    def __init__(self, opened: OpenedFile, file: str, bytes_max: int) -> None:
        if opened.stream.read(2) in _UTF16:
            raise WorldFault("WM-CHECK-FORM", f"{file} is UTF-16 and not UTF-8.", hint="Write it as UTF-8.")
        opened.stream.seek(0)
        self._text = io.TextIOWrapper(opened.stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._max = bytes_max
        self.cut = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._max + 2)
        if not line:
            raise StopIteration
        if len(line) == self._max + 2 and line[-1] not in "\r\n":
            self.cut = True
            while (rest := self._text.readline(self._max)) and rest[-1] not in "\r\n":
                pass
        return line


def _next(rows: Iterator[list[str]], lines: _Lines, cells: int) -> list[str] | str | None:
    """The next row, the code of why it is none, or None at the end."""
    try:
        row = next(rows, None)
    except csv.Error as error:
        return TOO_LARGE if lines.cut or "limit" in str(error) else QUOTES
    finally:
        cut, lines.cut = lines.cut, False
    if row is None:
        return None
    if cut:
        return TOO_LARGE
    return CELLS if row and len(row) != cells else row


def _delimiter(file: str) -> str:
    return "\t" if file.lower().removesuffix(".gz").endswith(".tsv") else ","


def _header(rows: Iterator[list[str]], file: str) -> Sequence[str]:
    try:
        names = next(rows, [])
    except csv.Error:
        names = []
    if not names:
        raise WorldFault("WM-CHECK-COLUMNS", f"{file} has no header.", hint="The first line must name the columns.")
    if len(set(names)) < len(names):
        raise WorldFault("WM-CHECK-COLUMNS", f"{file} names a column twice.", hint="Names of columns must differ.")
    if len(names) == 1 and any(sign in names[0] for sign in _OTHER_SIGNS):
        raise WorldFault(
            "WM-CHECK-COLUMNS", f"{file} has no commas between its columns.", hint="Write it with commas, or as .tsv."
        )
    return names


def _row_text(header: Sequence[str], shape: FieldCheck | None) -> Callable[[list[str]], bytes]:
    fields = {field.name: field.type for field in shape.properties} if shape is not None else {}
    columns = [(encode_basestring(name) + ":", _cell(fields.get(name, LogicalType.STRING))) for name in header]

    def make(row: list[str]) -> bytes:
        cells = [f"{name}{text(cell) if cell else 'null'}" for (name, text), cell in zip(columns, row, strict=True)]
        return f"{{{','.join(cells)}}}".encode("utf-8", "surrogateescape")

    return make


def _cell(kind: LogicalType) -> Cell:
    match kind:
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return lambda cell: cell if _NUMBER.fullmatch(cell) else encode_basestring(cell)
        case LogicalType.BOOLEAN:
            return lambda cell: cell.lower() if cell.lower() in {"true", "false"} else encode_basestring(cell)
        case LogicalType.OBJECT | LogicalType.ARRAY | LogicalType.MAP:
            return lambda cell: cell if _is_json(cell) else encode_basestring(cell)
        case _:
            return encode_basestring


def _is_json(cell: str) -> bool:
    if not cell.startswith(("{", "[")):
        return False
    try:
        msgspec.json.decode(cell, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    return True
