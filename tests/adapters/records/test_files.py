"""Which files are found, what they are taken for, and that parts of JSON lines are each line once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.adapters.records.files import RecordFiles
from watermaster.adapters.records.json_lines import read_json_lines
from watermaster.runtime.record_source import Form, Part, Reading
from watermaster.stream.fault import UsageFault, WorldFault


def test_folders_and_globs_find_records_and_pass_over_bookkeeping(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.ndjson", "day=1/c.jsonl.gz", "_SUCCESS", ".x.jsonl", "_log/d.jsonl", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}\n")
    found = [str(file.relative_to(tmp_path)) for file in RecordFiles([tmp_path]).files()]
    assert found == ["a.ndjson", "b.jsonl", "day=1/c.jsonl.gz"]
    assert [file.name for file in RecordFiles([f"{tmp_path}/*.jsonl", tmp_path / "b.jsonl"]).files()] == ["b.jsonl"]
    with pytest.raises(UsageFault, match="no file of records"):
        RecordFiles([f"{tmp_path}/*.txt"]).files()


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("f.json", b'{"a":1}\n{"a":2}\n', Form.JSON_LINES),
        ("f.json", b'{\n"a":1}\n', Form.JSON),
        ("f.json", b'[{"a":1}]\n', Form.JSON),
        ("f.log", b'{"a":1}\n', Form.JSON_LINES),
        ("part-0000", b"PAR1 and more", Form.PARQUET),
    ],
)
def test_forms_are_told_by_name_and_first_bytes(tmp_path: Path, name: str, content: bytes, form: Form) -> None:
    (tmp_path / name).write_bytes(content)
    parts = RecordFiles([tmp_path / name]).parts()
    assert [part.form for part in parts] == [form] or form is Form.PARQUET


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b'{\n"a": 1}', [b'{\n"a": 1}']),
        (b'[{"a": 1},\n {"a": [2]}]', [b'{"a": 1}', b'{"a": [2]}']),
        (b" [ ]", []),
        (b'[{"a": 1},', [b'[{"a": 1},']),
        (b"[" + b",".join([b"{}"] * 1201) + b"]", [b"{}"] * 1201),
    ],
)
def test_an_array_is_a_list_of_records(tmp_path: Path, content: bytes, records: list[bytes]) -> None:
    (tmp_path / "f.json").write_bytes(content)
    source = RecordFiles([tmp_path], None)
    [part] = source.parts()
    chunks = list(source.read(part, Reading()))
    assert [value for chunk in chunks for value in chunk.values] == records
    assert [number for chunk in chunks for number in chunk.numbers] == list(range(1, len(records) + 1))
    assert chunks[-1].read == len(content)


def test_a_broken_array_is_cut_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_bytes(b"[\n" + b"1" * 100)
    [part] = RecordFiles([tmp_path]).parts()
    [chunk] = RecordFiles([tmp_path]).read(part, Reading(value_bytes_max=10))
    assert chunk.values == [b"[\n" + b"1" * 9]


def test_gzip_is_unpacked_and_a_truncated_one_named(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl.gz"
    whole = gzip.compress(b"".join(b'{"a":%d}\n' % i for i in range(1000)))
    file.write_bytes(whole)
    source = RecordFiles([file])
    [part] = source.parts()
    assert sum(len(chunk.values) for chunk in source.read(part, Reading())) == 1000
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorldFault, match="ends too early"):
        list(source.read(part, Reading()))
    file.write_bytes(b"no gzip")
    with pytest.raises(WorldFault, match="damaged"):
        list(source.read(part, Reading()))


@given(
    lines=st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))),
    size=st.integers(1, 20),
    ended=st.booleans(),
)
def test_parts_give_each_line_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int, ended: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "parts.jsonl"
    text = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    file.write_bytes(text)
    found: list[bytes | None] = []
    numbers: list[int] = []
    before = 0
    for start in range(0, max(len(text), 1), size):
        part = Part(str(file), Form.JSON_LINES, start, min(start + size, len(text)))
        for chunk in read_json_lines(part, Reading(value_bytes_max=100)):
            found += chunk.values
            numbers += [before + number for number in chunk.numbers]
            last = chunk.last_number
        before += last
    assert found == [line for line in lines if line]
    assert numbers == [number for number, line in enumerate(lines, start=1) if line]
