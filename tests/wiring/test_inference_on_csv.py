"""Columns of CSV files have no types: a draft takes them for what all of their cells spell, and holds none of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watermaster.adapters.records.files import RecordFiles
from watermaster.contract.checks import Checks, FieldCheck, LogicalType
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.runtime.contract_inference import Inferred, learn_part
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks
from watermaster.wiring.contract_inference import infer_files


def write(file: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows(rows)
    return file


def draft(*files: Path) -> Inferred:
    return infer_files(files, "rows", lambda *_: None)


def checks_of(inferred: Inferred) -> Checks:
    return compile_checks(inferred.text.encode(), "c", None)


def field(checks: Checks, name: str) -> FieldCheck:
    return next(one for one in checks.value.properties if one.name == name)


T = LogicalType
COLUMNS: list[tuple[str, list[str], LogicalType]] = [
    ("whole", [str(number) for number in range(200)], T.INTEGER),
    ("parts", ["1", "2.5", "-0.25", "1e3"] * 50, T.NUMBER),
    ("few", ["1", "2"] * 10, T.NUMBER),
    ("truth", ["true", "FALSE", "True", ""] * 50, T.BOOLEAN),
    ("gaps", ["1", "", "", "2"] * 100, T.INTEGER),
    ("zip", ["01234", "12345"] * 100, T.STRING),
    ("marked", ["12", "NA"] * 100, T.STRING),
    ("grouped", ["1,200", "900"] * 100, T.STRING),
    ("mixed", ["1", "true"] * 100, T.STRING),
    ("precise", ["0.12345678901234567890123", "1.5"] * 100, T.STRING),
    ("account", ["1" * 41, "2" * 41] * 100, T.STRING),
    ("huge", ["1e400", "1"] * 100, T.STRING),
    ("digest", ["1e99999999999999999999", "12"] * 100, T.STRING),
    ("order_date", ["20240102", "20240131"] * 100, T.DATE),
    ("hex", ["0x7f", "10"] * 100, T.STRING),
]


@pytest.mark.parametrize(("name", "cells", "kind"), COLUMNS, ids=[column[0] for column in COLUMNS])
def test_a_column_is_what_all_of_its_cells_spell(
    tmp_path: Path, name: str, cells: list[str], kind: LogicalType
) -> None:
    file = write(tmp_path / "rows.csv", [name, "row"], [(cell, f"r{n}") for n, cell in enumerate(cells)])
    checks = checks_of(draft(file))
    assert field(checks, name).type is kind
    assert check_files([file], checks, 0).held == 0


def test_numbers_have_ranges_and_the_bounds_of_their_names(tmp_path: Path) -> None:
    rows = [(str(n % 12 + 1), str(n * 397 % 900)) for n in range(2_000)]
    checks = checks_of(draft(write(tmp_path / "rows.csv", ["month", "weight_kg"], rows)))
    month, weight = (field(checks, name) for name in ("month", "weight_kg"))
    assert month.range is not None
    assert (month.range.minimum, month.range.maximum) == (1, 12)
    assert weight.range is not None
    assert (weight.range.minimum, weight.range.maximum) == (0, 1800)


def test_a_column_that_tells_kinds_apart_by_number_gives_no_rule_for_texts(tmp_path: Path) -> None:
    rows = [("1", "a", "") if n % 2 else ("2", "", "b") for n in range(1_200)]
    file = write(tmp_path / "rows.csv", ["type", "one", "other"], rows)
    inferred = draft(file)
    assert (inferred.rules, "variants" in inferred.text) == (0, False)
    assert check_files([file], checks_of(inferred), 0).held == 0


def test_rows_beside_documents_are_taken_as_texts(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["n"], [(str(n),) for n in range(200)])
    (tmp_path / "b.jsonl").write_text("".join(f'{{"n": "x{n}"}}\n' for n in range(200)))
    checks = checks_of(draft(tmp_path))
    assert field(checks, "n").type is T.STRING
    assert check_files([tmp_path], checks, 0).held == 0


def test_parts_give_what_one_file_gives(tmp_path: Path) -> None:
    rows = [(str(n), "1.5" if n == 150 else "2", "NA" if n == 290 else "3") for n in range(300)]
    names = ("id", "x", "y")
    whole = draft(write(tmp_path / "rows.csv", names, rows)).text
    parts = [write(tmp_path / f"{n}.csv", names, rows[n * 100 : n * 100 + 100]) for n in range(3)]
    source = RecordFiles(parts, None)
    merged = StreamSummary()
    for part in source.parts():
        merged.merge(learn_part(source, part))
    assert merged.cells is not None
    assert draft(*parts).text.split("\n", 1)[1] == whole.split("\n", 1)[1]


CELLS = st.sampled_from(
    ["", "1", "0", "-0", "01", "1.5", "1.0", "-7", "1e5", "1E-3", "1e400", "1e-9999999999999999999",
     "9007199254740993", "1" * 30, "0.1" + "2" * 30,
     "true", "FALSE", "NA", "2024-01-31", "20240131", "2024-02-30", 'a "b"', "a,b", "é", " 1",
     "+1", "1 ", ".5", "a\nb"]
)  # fmt: skip
NAMES = ["id", "type", "created_date", "amount", "start_time"]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    usual=st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=3),
    odd=st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=2),
)
def test_a_draft_holds_no_row_of_its_sample(
    tmp_path_factory: pytest.TempPathFactory, usual: list[list[str]], odd: list[list[str]]
) -> None:
    file = write(tmp_path_factory.mktemp("csv") / "rows.csv", NAMES, [*usual * 600, *odd])
    checks = checks_of(draft(file))
    report = check_files([file], checks, 0)
    assert report.held == 0
    assert [result.id for result in report.assertions if result.is_failure] == []
