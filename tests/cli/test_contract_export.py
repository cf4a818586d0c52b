"""`contract export` as a person runs it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import fastavro
import jsonschema_rs
import pytest

from watermaster.cli import main

FLIGHTS = str(resources.files("watermaster").joinpath("demo_data", "flights.odcs.yaml"))


def test_a_schema_and_what_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["contract", "export", FLIGHTS, "--to", "json-schema"]) == 0
    shown = capfd.readouterr()
    jsonschema_rs.meta.validate(json.loads(shown.out))
    assert shown.err
    assert all(line.startswith("Not in the schema: ") for line in shown.err.splitlines())


def test_an_avro_schema(capfd: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["contract", "export", FLIGHTS, "--to", "avro"]) == 0
    shown = capfd.readouterr()
    fastavro.parse_schema(json.loads(shown.out))
    assert all(line.startswith("Not in the schema: ") for line in shown.err.splitlines())


def test_a_page_in_a_file_that_is_not_written_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "flights.md"
    command = ["contract", "export", FLIGHTS, "--to", "markdown", "-o", str(out)]
    assert main.execute(command) == 0
    assert out.read_text().startswith("# ")
    assert main.execute(command) == 2
    assert "[WM-FILES-EXISTS]" in capfd.readouterr().err
    assert main.execute([*command, "--force"]) == 0
