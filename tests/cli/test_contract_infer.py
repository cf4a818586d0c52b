"""`watermaster contract infer`: prints or writes, never over a file, and what it writes can be linted and checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import fastavro
import pytest
from typer.testing import CliRunner

from watermaster.cli.main import app
from watermaster.stream.fault import UsageFault


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    file = tmp_path / "orders.jsonl"
    file.write_text(
        "".join(
            json.dumps({"order_id": f"o-{i}", "email": f"u{i}@example.org", "total": i % 90}) + "\n"
            for i in range(1500)
        )
    )
    return file


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, UsageFault):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_it_prints_by_default_and_writes_nothing(orders: Path) -> None:
    text = run("contract", "infer", orders)
    assert text.startswith("# Drafted from 1,500 records of orders.jsonl.")
    assert "physicalName: orders\n" in text
    assert [path.name for path in orders.parent.iterdir()] == ["orders.jsonl"]


def test_what_it_writes_can_be_linted_and_the_sample_passes(orders: Path) -> None:
    file = orders.parent / "orders.odcs.yaml"
    told = run("contract", "infer", orders, "--stream", "shop.orders", "-o", file)
    assert "Confirm the classification of email." in told
    assert "can be enforced" in run("contract", "lint", file)
    assert "shop.orders" in run("contract", "show", file)
    assert "1500 pass" in run("check", orders, "--contract", file)


def test_it_never_writes_over_a_file_unless_told_to(orders: Path) -> None:
    file = orders.parent / "mine.odcs.yaml"
    file.write_text("precious")
    with pytest.raises(UsageFault) as fault:
        run("contract", "infer", orders, "-o", file)
    assert fault.value.code == "WM-FILES-EXISTS"
    assert file.read_text() == "precious"
    run("contract", "infer", orders, "-o", file, "--force")
    assert file.read_text().startswith("# Drafted")


def test_numbers_for_scripts(orders: Path) -> None:
    orders.write_text(orders.read_text() + "{broken\n")
    found = json.loads(run("contract", "infer", orders, "--output", "json"))
    assert (found["records"], found["learnt"], found["passed_over"]) == (1501, 1500, {"json.syntax": 1})
    assert found["classified"] == ["email"]
    assert "apiVersion: v3.2.0" in found["contract"]


def test_parquet_and_parts_give_what_one_process_gives(
    orders: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    alone = run("contract", "infer", orders)
    parquet = tmp_path / "folder" / "orders.parquet"
    parquet.parent.mkdir()
    duckdb.sql(f"COPY (FROM read_json('{orders}')) TO '{parquet}'")
    (tmp_path / "lines").write_bytes(orders.read_bytes())
    lines = run("contract", "infer", tmp_path / "lines", "--format", "jsonl", "--stream", "orders")
    assert lines.count("\n") == alone.count("\n")
    assert run("contract", "infer", parquet) == alone.replace("orders.jsonl", "orders.parquet")
    monkeypatch.setattr("watermaster.adapters.records.files.PART_BYTES", 20_000)
    monkeypatch.setattr("watermaster.wiring.contract_inference.ALONE_BYTES_MAX", 0)
    assert run("contract", "infer", orders) == alone


def test_an_avro_file_is_drafted_and_passes_its_draft(tmp_path: Path) -> None:
    fields = [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "type": ["null", "string"]},
    ]
    rows = [{"id": n, "at": datetime.fromtimestamp(n, UTC), "note": None if n % 2 else "x"} for n in range(1_200)]
    file, contract = tmp_path / "orders.avro", tmp_path / "c.odcs.yaml"
    with file.open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "Order", "fields": fields}, rows)
    run("contract", "infer", file, "-o", contract)
    text = contract.read_text()
    assert "logicalType: timestamp" in text
    assert text.count("required: true") == 2
    assert "1200 pass" in run("check", file, "--contract", contract)


def test_a_folder_of_documents_passes_the_check_by_its_own_contract(tmp_path: Path) -> None:
    for number in range(30):
        documents = [{"kind": "a", "n": number}, {"kind": "b", "list": [{"x": number}]}]
        text = json.dumps(documents if number % 2 else documents[0], indent=2)
        (tmp_path / f"{number}.json").write_text(text)
    contract = tmp_path / "c.odcs.yaml"
    assert "from 45 records" in run("contract", "infer", tmp_path, "-o", contract)
    run("check", tmp_path, "--contract", contract)
