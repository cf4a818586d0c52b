"""`contract import` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from watermaster.cli import main

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string", "maxLength": 3}, "note": {"type": "string"}},
    "required": ["id"],
}
AVRO = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "string", "altnames": {"json": "order id"}},
        {"name": "n", "type": ["null", "int"]},
    ],
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    file = tmp_path / "orders.schema.json"
    file.write_text(json.dumps(SCHEMA))
    return file


def run(*arguments: object, code: int = 0) -> None:
    assert main.execute([str(argument) for argument in ("contract", *arguments)]) == code


def test_it_prints_the_contract_and_says_what_is_left_out(schema: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("import", schema)
    shown = capfd.readouterr()
    assert "physicalName: orders\n" in shown.out
    assert shown.err.startswith("left out: $.note type: ")
    assert [path.name for path in schema.parent.iterdir()] == [schema.name]


def test_what_it_writes_can_be_linted_and_judges(schema: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contract, records = schema.parent / "c.odcs.yaml", schema.parent / "r.jsonl"
    run("import", schema, "--stream", "shop.orders", "-o", contract)
    run("lint", contract)
    records.write_text('{"id":"abc"}\n{"id":"abcd"}\n')
    assert main.execute(["check", str(records), "--contract", str(contract)]) == 1
    assert "string.max_length" in capfd.readouterr().out
    run("import", schema, "-o", contract, code=2)
    assert "[WM-FILES-EXISTS]" in capfd.readouterr().err
    run("import", schema, "-o", contract, "--force")


def test_an_avro_file_passes_the_contract_of_its_schema(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    schema, contract, records = tmp_path / "order.avsc", tmp_path / "c.odcs.yaml", tmp_path / "r.avro"
    schema.write_text(json.dumps(AVRO))
    with records.open("wb") as stream:
        fastavro.writer(stream, fastavro.parse_schema(AVRO), [{"id": "a", "n": None}, {"id": "b", "n": 1}])
    run("import", schema, "-o", contract)
    assert '"order id"' in contract.read_text()
    assert "{property: encoding, value: avro, vendor: watermaster}" in contract.read_text()
    assert main.execute(["check", str(records), "--contract", str(contract)]) == 0
    run("export", contract, "--to", "avro")
    assert '"altnames"' in capfd.readouterr().out
    run("import", schema, "--encoding", "json")
    assert "encoding" not in capfd.readouterr().out


def test_numbers_for_scripts(schema: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("import", schema, "--output", "json")
    found = json.loads(capfd.readouterr().out)
    assert (found["fields"], found["rules"], found["written"]) == (2, 0, None)
    (remark,) = found["remarks"]
    assert (remark["kind"], remark["path"], remark["keyword"]) == ("left out", "$.note", "type")
    assert "apiVersion: v3.2.0" in found["contract"]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("{", (), "WM-IMPORT-JSON"),
        ('{"$ref": "https://shop.example/order.json"}', (), "WM-IMPORT-REMOTE-REFERENCE"),
        (json.dumps(SCHEMA), ("--from", "avro"), "WM-IMPORT-REFERENCE"),
        (json.dumps(AVRO), ("--from", "json-schema"), "WM-IMPORT-SCHEMA"),
    ],
)
def test_what_cannot_be_imported_has_a_code_and_a_hint(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, options: tuple[str, ...], code: str
) -> None:
    file = tmp_path / "s.json"
    file.write_text(text)
    run("import", file, *options, code=2)
    first, hint = capfd.readouterr().err.splitlines()
    assert f"[{code}]" in first
    assert hint.startswith("  ")


def test_a_file_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("import", tmp_path / "none.json", code=2)
    assert "[WM-IMPORT-FILE]" in capfd.readouterr().err
