"""Avro records become the text that a producer would have sent; damaged files get one sentence."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest

from watermaster.adapters.records.files import RecordFiles
from watermaster.runtime.record_source import Reading
from watermaster.stream.fault import WorldFault

MOMENT = datetime(2024, 1, 1, 10, 0, 0, 500, tzinfo=UTC)
INNER = {"type": "record", "name": "ns.Inner", "fields": [{"name": "f", "type": "float"}]}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2}
OUTER = {
    "type": "record",
    "name": "ns.Outer",
    "fields": [{"name": "a", "type": INNER}, {"name": "b", "type": "ns.Inner"}],
}
TEXTS: list[tuple[Any, Any, str]] = [
    ("long", 2**63 - 1, "9223372036854775807"),
    ("float", 1.1, "1.1"),  # not 1.100000023841858
    (["null", "float"], 3.4028234663852886e38, "3.4028235e38"),
    ("float", float("nan"), "NaN"),  # and not null
    ("double", float("-inf"), "-Infinity"),
    (["null", "double"], None, "null"),
    ("bytes", b"\xaa\x00a", '"qgBh"'),
    ({"type": "fixed", "name": "F", "size": 2}, b"ab", '"YWI="'),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", '"B"'),
    (DECIMAL, Decimal("123456789012345678.10"), "123456789012345678.10"),
    ({"type": "long", "logicalType": "timestamp-micros"}, MOMENT, '"2024-01-01T10:00:00.000500Z"'),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, datetime(2024, 1, 1, 10), '"2024-01-01T10:00:00"'),  # noqa: DTZ001
    ({"type": "long", "logicalType": "timestamp-nanos"}, 1_704_103_200_000_000_001, '"2024-01-01T10:00:00.000000001Z"'),
    ({"type": "int", "logicalType": "date"}, date(2024, 2, 29), '"2024-02-29"'),
    ({"type": "int", "logicalType": "time-millis"}, time(10, 0, 1), '"10:00:01"'),
    ({"type": "array", "items": ["null", "float"]}, [1.1, None], "[1.1,null]"),
    ({"type": "map", "values": "float"}, {"k": 1.1}, '{"k":1.1}'),
    (["null", INNER, "string"], {"f": 1.1}, '{"f":1.1}'),
    (OUTER, {"a": {"f": 1.1}, "b": {"f": 2.2}}, '{"a":{"f":1.1},"b":{"f":2.2}}'),
]  # fmt: skip


def write(file: Path, kind: Any, values: list[Any]) -> Path:
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": kind}]}
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(schema), [{"x": value} for value in values])
    file.write_bytes(stream.getvalue())
    return file


def read(file: Path) -> list[bytes | None]:
    source = RecordFiles([file])
    return [value for part in source.parts() for chunk in source.read(part, Reading()) for value in chunk.values]


@pytest.mark.parametrize(("kind", "value", "text"), TEXTS)
def test_values_become_the_text_of_a_producer(tmp_path: Path, kind: Any, value: Any, text: str) -> None:
    assert read(write(tmp_path / "f.avro", kind, [value])) == [b'{"x":' + text.encode() + b"}"]


def test_a_field_is_called_as_in_json(tmp_path: Path) -> None:
    kind = {"type": "record", "name": "N", "fields": [{"name": "v", "type": "int", "altnames": {"json": "v é"}}]}
    assert read(write(tmp_path / "f.avro", kind, [{"v": 1}])) == ['{"x":{"v é":1}}'.encode()]


def test_a_type_that_contains_itself(tmp_path: Path) -> None:
    kind = {
        "type": "record",
        "name": "N",
        "fields": [{"name": "v", "type": "float"}, {"name": "n", "type": ["null", "N"]}],
    }
    value = {"v": 1.1, "n": {"v": 2.2, "n": None}}
    assert read(write(tmp_path / "f.avro", kind, [value])) == [b'{"x":{"v":1.1,"n":{"v":2.2,"n":null}}}']


def test_every_truncation_of_a_file_is_named_or_ends_between_blocks(tmp_path: Path) -> None:
    whole = write(tmp_path / "f.avro", "string", ["a" * 20] * 5).read_bytes()
    file = tmp_path / "cut.avro"
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        try:
            assert read(file) == []  # only the header is there: an empty file
        except WorldFault as fault:
            assert "cut.avro" in fault.message  # noqa: PT017 - either may happen


def test_flipped_bytes_never_end_in_anything_else(tmp_path: Path) -> None:
    whole = write(tmp_path / "f.avro", ["null", "string", "float"], ["a", 1.5, None] * 3).read_bytes()
    file = tmp_path / "flipped.avro"
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(file)
        except WorldFault:
            continue
