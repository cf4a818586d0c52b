"""CSV: cells by what the contract says, and every row that is none named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from watermaster.adapters.records.csv_rows import CELLS, QUOTES, TOO_LARGE
from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.runtime.record_source import Reading
from watermaster.stream.fault import WorldFault


def shape(**kinds: LogicalType) -> FieldCheck:
    fields = tuple(FieldCheck(name, f"$.{name}", kind) for name, kind in kinds.items())
    return FieldCheck("t", "$", LogicalType.OBJECT, properties=fields)


def read(
    folder: Path, text: bytes, check: FieldCheck | None = None, bytes_max: int = 1000, name: str = "f.csv"
) -> list[tuple[int, bytes | str | None]]:
    file = folder / name
    file.write_bytes(text)
    source = RecordFiles([file])
    found: list[tuple[int, bytes | str | None]] = []
    for part in source.parts():
        for chunk in source.read(part, Reading(check, bytes_max)):
            for index, (number, value) in enumerate(zip(chunk.numbers, chunk.values, strict=True)):
                found.append((number, chunk.refused.get(index, value)))
    return found


@pytest.mark.parametrize(
    ("kind", "cell", "text"),
    [
        (LogicalType.STRING, "1", '"1"'),
        (LogicalType.STRING, "", "null"),
        (LogicalType.STRING, '"a ""b"", c"', '"a \\"b\\", c"'),
        (LogicalType.INTEGER, "-12", "-12"),
        (LogicalType.INTEGER, "007", '"007"'),  # no JSON number: the judge says it is text
        (LogicalType.INTEGER, "+5", '"+5"'),
        (LogicalType.INTEGER, " 5", '" 5"'),
        (LogicalType.INTEGER, "١", '"١"'),
        (LogicalType.NUMBER, "1.10", "1.10"),
        (LogicalType.NUMBER, "NaN", '"NaN"'),
        (LogicalType.BOOLEAN, "TRUE", "true"),
        (LogicalType.BOOLEAN, "1", '"1"'),
        (LogicalType.ARRAY, '"[1, 2]"', "[1, 2]"),
        (LogicalType.ARRAY, "[1", '"[1"'),
        (LogicalType.OBJECT, '"{""a"": 1}"', '{"a": 1}'),
    ],
)
def test_cells_are_what_the_contract_says(tmp_path: Path, kind: LogicalType, cell: str, text: str) -> None:
    assert read(tmp_path, f"a,b\n{cell},x\n".encode(), shape(a=kind)) == [(2, f'{{"a":{text},"b":"x"}}'.encode())]


def test_rows_that_are_none_are_named_with_their_lines(tmp_path: Path) -> None:
    rows = [
        b"a,b",
        b"1",
        b"1,2",
        b"1,2,3",
        b'"x"y,2',
        b"",
        b'"two\nlines",3',
        b"4," + b"x" * 200,
        b"5,6",
        b'7,"open',
        b"8,9",
    ]
    found = read(tmp_path, b"\r\n".join(rows), bytes_max=100)
    assert [(number, value if isinstance(value, str) else "") for number, value in found] == [
        (2, CELLS), (3, ""), (4, CELLS), (5, QUOTES), (7, ""), (9, TOO_LARGE), (10, ""), (11, QUOTES),
    ]  # fmt: skip


def test_bytes_that_are_no_text_are_left_for_the_judge(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa\n\xff\n") == [(2, b'{"a":"\xff"}')]
    assert read(tmp_path, b"a\tb\n1\t2\n", name="f.tsv") == [(2, b'{"a":"1","b":"2"}')]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "no header"),
        (b"a,a\n1,2\n", "names a column twice"),
        (b"a;b\n1;2\n", "no commas"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_are_no_csv_are_named(tmp_path: Path, text: bytes, sentence: str) -> None:
    with pytest.raises(WorldFault, match=sentence):
        read(tmp_path, text)
