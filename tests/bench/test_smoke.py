"""The benchmark itself must not rot: sections without Kafka, tiny, through the same door as `make bench`."""

import json
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.scale import Scale

TINY = Scale(
    records=500,
    held_records=500,
    rounds=1,
    decide_records=300,
    decide_turns=3,
    latency_s=1,
    latency_rounds=1,
    kills=1,
    audits=1,
    peer_records=500,
    starts=1,
    every_extra=False,
    check_rows=12_000,
    check_rows_few=600,
    check_rounds=1,
    watched_partitions=20,
    watched_groups=4,
    index_rows=5_000,
    horizon_turns=1,
    check_peers=False,
)


def test_one_section_is_measured_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "benchmarks.md"

    code = main(["--only", "decide", "--output", "json", "--write", str(document)], TINY)

    told = json.loads(capsys.readouterr().out)
    (section,) = told["sections"]
    assert code == 0
    assert section["missing"] == []
    assert [ratio["ratio"] > 0 for ratio in section["ratios"]] == [True] * 4
    held = [judged["held"] for judged in section["facts"]["judge"].values()]
    assert held == sorted(held)
    assert (held[0], held[-1]) == (0.0, 1.0)
    assert told["machine"]["Python"]
    text = document.read_text()
    assert "## Decide: what judging costs" in text
    assert "judging a record, 2% held" in text


def test_files_of_real_rows_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--only", "check", "--output", "json"], TINY)

    (section,) = json.loads(capsys.readouterr().out)["sections"]
    assert code == 0
    assert section["missing"] == []
    broken = {"arr_time": 3, "tailnum": 874, "arrival_reported": 40}
    assert section["facts"]["broken"] == {"Parquet": broken, "JSON lines": broken}
    assert [ratio["ratio"] > 0 for ratio in section["ratios"]] == [True] * 2, "memory, for each form"
    (table,) = section["tables"]
    assert [row[:2] for row in table["rows"]] == [["check", "Parquet"], ["check", "JSON lines"]]
