"""The rows that are made for the looks are those that the looks expect, and the bare insert puts all of them."""

from __future__ import annotations

from pathlib import Path

from bench import hold_rows
from watermaster.adapters.database.engine import FILE


def test_looks_see_the_rows_that_were_made(tmp_path: Path) -> None:
    hold_rows.fill(tmp_path, 12_000)
    seen = hold_rows.main("look", str(tmp_path))
    templates = hold_rows.RULES * hold_rows.PRODUCERS + hold_rows.RARE
    assert seen["rows"] == 12_000 + templates
    assert seen["open"] == 12_000 * 19 // 20 + templates
    assert (seen["groups"], seen["rare"], seen["one"]) == (hold_rows.RULES + 1, hold_rows.RARE, 1)
    put = hold_rows.main("put", str(tmp_path / FILE), str(tmp_path / "another"))
    assert put["records"] == seen["rows"] + hold_rows.LOOKS * hold_rows.BATCH
