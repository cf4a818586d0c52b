"""Rows of Parquet become the text that a producer would have sent; damaged files get one sentence."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from watermaster.adapters.records import engine
from watermaster.adapters.records.files import RecordFiles
from watermaster.runtime.record_source import Form, Reading
from watermaster.stream.fault import WorldFault

TEXTS = [
    # what is stored, the text, and why it is not what DuckDB writes
    ("TIMESTAMP '2024-01-01 10:00:00.5'", '"2024-01-01T10:00:00.5"'),  # RFC 3339 has a T
    ("'2024-01-01 10:00:00.123456789'::TIMESTAMP_NS", '"2024-01-01T10:00:00.123456789"'),
    ("TIMESTAMPTZ '2024-01-01 10:00:00+02'", '"2024-01-01T08:00:00Z"'),  # and no `+00`
    ("'infinity'::TIMESTAMPTZ", '"infinity"'),
    ("DATE '2024-02-29'", '"2024-02-29"'),
    ("'\\xAA\\x00a'::BLOB", '"qgBh"'),  # bytes are base64
    ("1.1::FLOAT", "1.1"),  # not 1.100000023841858
    ("'nan'::FLOAT", "NaN"),  # the judge names it `json.nan`
    ("'nan'::DOUBLE", "NaN"),
    ("'-inf'::DOUBLE", "-Infinity"),
    ("12345678901234567890123456789.123456789::DECIMAL(38,9)", "12345678901234567890123456789.123456789"),
    ("9223372036854775807::BIGINT", "9223372036854775807"),
    ("NULL::INTEGER", "null"),
    ("[1.1::FLOAT, NULL]", "[1.1,null]"),
    ("[[TIMESTAMP '2024-01-01 10:00:00']]", '[["2024-01-01T10:00:00"]]'),
    ("{'a': {'t': TIMESTAMP '2024-01-01 10:00:00', 'n': 1}}", '{"a":{"t":"2024-01-01T10:00:00","n":1}}'),
    ("NULL::STRUCT(t TIMESTAMP)", "null"),  # and not {"t":null}
    ("MAP{'k': TIMESTAMP '2024-01-01 10:00:00'}", '{"k":"2024-01-01T10:00:00"}'),
    ("'é\"\n'", '"é\\"\\n"'),
]


def write(file: Path, query: str, options: str = "") -> Path:
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet {options})")
    return file


def read(file: Path) -> list[tuple[int, bytes | None]]:
    source, found, before = RecordFiles([file]), [], 0
    for part in source.parts():
        last = 0
        for chunk in source.read(part, Reading()):
            found += [(before + number, value) for number, value in zip(chunk.numbers, chunk.values, strict=True)]
            last = chunk.last_number
        before += last
    return found


@pytest.mark.parametrize(("stored", "text"), TEXTS)
def test_values_become_the_text_of_a_producer(tmp_path: Path, stored: str, text: str) -> None:
    file = write(tmp_path / "f.parquet", f'SELECT {stored} AS "a ""b"')
    assert read(file) == [(1, b'{"a \\"b":' + text.encode() + b"}")]


def test_parts_are_whole_row_groups_and_rows_are_numbered_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watermaster.adapters.records.parquet_rows.PART_ROWS", 3000)
    file = write(tmp_path / "f[1]*.parquet", "SELECT i FROM range(10000) t(i)", ", ROW_GROUP_SIZE 2048")
    assert len(RecordFiles([file]).parts()) == 3
    assert read(file) == [(i + 1, f'{{"i":{i}}}'.encode()) for i in range(10000)]


def test_a_file_without_rows_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path / "f.parquet", "SELECT 1 AS a WHERE false")) == []


@pytest.mark.parametrize(
    ("content", "form", "sentence"),
    [
        (b"", None, "is empty, which no file of Parquet is"),
        (b'{"a":1}', None, "is no file of Parquet"),
        (b"PAR1PAR1", None, "cannot be read as Parquet"),
        (b"PAR1" + bytes(1000) + b"PAR1", None, "cannot be read as Parquet"),
        (b"PAR1PAR1", Form.JSON_LINES, "holds Parquet and not JSON lines"),
    ],
)
def test_wrong_and_damaged_files_are_named(tmp_path: Path, content: bytes, form: Form | None, sentence: str) -> None:
    file = tmp_path / "f.parquet"
    file.write_bytes(content)
    source = RecordFiles([file], form)
    with pytest.raises(WorldFault, match=sentence):
        [chunk for part in source.parts() for chunk in source.read(part, Reading())]


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "f.parquet", "SELECT i FROM range(10000) t(i)")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WorldFault, match=r"f\.parquet cannot be read as Parquet"):
        read(file)


def test_columns_that_differ_by_case_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "f.parquet", "SELECT 1 AS aa, 2 AS bb")
    file.write_bytes(file.read_bytes().replace(b"bb", b"AA"))
    with pytest.raises(WorldFault, match="only by case"):
        read(file)


def test_nothing_is_painted_on_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connect = duckdb.connect

    def impatient(*args: object, **settings: object) -> duckdb.DuckDBPyConnection:
        database = connect(*args, **settings)  # type: ignore[arg-type]
        database.execute("SET progress_bar_time = 1")
        return database

    file = write(tmp_path / "f.parquet", "SELECT repeat('x', 200) || i AS a FROM range(200000) t(i)")
    monkeypatch.setattr(duckdb, "connect", impatient)
    monkeypatch.setattr(engine, "_of_thread", threading.local())
    assert len(read(file)) == 200_000
    assert capfd.readouterr().out == ""


def test_threads_do_not_take_the_memory_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_MEMORY", "100MB")
    monkeypatch.setattr(engine, "_of_thread", threading.local())
    query = "SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS a FROM range(400000) t(i)"
    file = write(tmp_path / "f.parquet", query, ", ROW_GROUP_SIZE 400000, COMPRESSION uncompressed")
    met = threading.Barrier(8)

    def count(_: int) -> int:
        met.wait(60)
        with engine.opened(str(file)) as database:
            query = "SELECT count(*) FROM read_parquet(?) WHERE length(a) = 64"
            ((found,),) = database.execute(query, [str(file)]).fetchall()
            return int(found)

    assert len(RecordFiles([file]).parts()) == 1  # as `check` does, before there are threads
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(8))) == [400_000] * 8
