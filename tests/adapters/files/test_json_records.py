"""Files and folders of JSON records: every form gives the same records; what is broken is handed on or named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from watermaster.adapters.files import json_records
from watermaster.adapters.files.json_records import find_json_files
from watermaster.stream.fault import UsageFault, WorldFault


def records(*paths: Path) -> list[bytes | None]:
    return [value for block in find_json_files(paths).blocks() for value in block.values]


A, B = b'{"a": 1}', b'{"a": [2, "x\\n"]}'
FORMS = [
    ("lines", A + b"\n" + B + b"\n"),
    ("lines without an end", A + b"\n" + B),
    ("lines of Windows", A + b"\r\n" + B + b"\r\n"),
    ("blank lines", b"\n\n" + A + b"\n\n" + B + b"\n \n"),
    ("an array in one line", b"[" + A + b"," + B + b"]"),
    ("an array over lines", b"[\n  " + A + b",\n  " + B + b"\n]\n"),
]


@pytest.mark.parametrize(("form", "content"), FORMS, ids=[form for form, _ in FORMS])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.json.gz"])
def test_every_form_gives_the_same_records(tmp_path: Path, form: str, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert records(tmp_path / name) == [A, B], form


def test_one_document_over_lines_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{\n "a": 1,\n "b": 2\n}\n')
    (record,) = records(tmp_path / "x.json")
    assert record == b'{\n "a": 1,\n "b": 2\n}'


def test_what_is_no_document_is_handed_on_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"a": 1\n' + A + b"\nword\n" + B)
    assert records(tmp_path / "x.jsonl") == [b'{"a": 1', A, b"word", B]


def test_folders_are_searched_and_bookkeeping_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.json", "sub/b.ndjson", "sub/c.txt", ".hidden.json", "_meta/d.json", "e.JSONL"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(A)
    found = find_json_files([tmp_path, tmp_path / "a.json"])
    assert [file.name for file in found.files] == ["a.json", "e.JSONL", "b.ndjson"]
    assert found.size == 3 * len(A)


def test_a_line_beyond_the_limit_is_cut_and_the_next_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "_RECORD_BYTES_MAX", 10)
    (tmp_path / "x.jsonl").write_bytes(A + b"\n" + b'{"a": "' + b"x" * 1000 + b'"}\n' + A + b"\n")
    first, cut, last = records(tmp_path / "x.jsonl")
    assert first == last == A
    assert cut is not None
    assert len(cut) == 12


def test_blocks_are_bounded_and_tell_how_far_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes((A + b"\n") * 1200)
    (tmp_path / "b.jsonl").write_bytes(B)
    source = find_json_files([tmp_path])
    blocks = list(source.blocks())
    assert [len(block.values) for block in blocks] == [500, 500, 200, 1]
    assert blocks[-1].read == source.size


def test_faults(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "no", "WM-INFER-FILES"), (tmp_path, "WM-INFER-FILES")):
        with pytest.raises(UsageFault) as usage:
            records(path)
        assert usage.value.code == code
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(A * 1000)[:30])
    with pytest.raises(WorldFault) as world:
        records(tmp_path)
    assert world.value.code == "WM-INFER-READ"


def test_one_document_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "DOCUMENT_BYTES_MAX", 100)
    (tmp_path / "x.json").write_bytes(b"[\n" + b",\n".join([A] * 100) + b"]")
    with pytest.raises(UsageFault) as fault:
        records(tmp_path)
    assert fault.value.code == "WM-INFER-SIZE"
