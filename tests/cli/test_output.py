"""What reaches a terminal is inert (bad_inputs 75, 82)."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.cli.output import (
    cell_text,
    data_size,
    duration,
    inert,
    one_line,
    plain,
    rate,
    share,
    show_json,
    show_table,
)

HOSTILE = [
    ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
    ("a\rb", "a\\rb"),
    ("\x9b31m", "\\x9b31m"),
    ("\x07\x00\x7f", "\\x07\\x00\\x7f"),
    ("admin\u202etxt", "admin\\u202etxt"),
    ("a\u200bb", "a\\u200bb"),
    ("\u2028", "\\u2028"),
    ("\ud800", "\\ud800"),
    ("grün 漢字 👍", "grün 漢字 👍"),
    ("two\nlines", "two\nlines"),
    ("[bold]x[/bold]", "[bold]x[/bold]"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_inert(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.text())
def test_nothing_acts_on_the_terminal(text: str) -> None:
    assert all(char == "\n" or char.isprintable() or unicodedata.category(char) == "Zs" for char in inert(text))
    assert "\n" not in one_line(text)


def test_length_is_bounded() -> None:
    assert one_line("x" * 1000) == "x" * 200 + "…"


def test_table_shows_markup_and_escapes_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("T\x1b[1m", ["topic", "n"], [("[red]x[/red]\x1b[2J", 1234567), ("b", None)])
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out
    assert "\x1b[1m" not in out
    assert "[red]x[/red]\\x1b[2J" in out
    assert "1\u202f234\u202f567" in out


class Kind(Enum):
    A = "a"


@dataclass(frozen=True, slots=True)
class Value:
    kind: Kind
    path: Path
    items: tuple[int, ...]
    text: str


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"v": Value(Kind.A, Path("x"), (1,), "\x1bé\u202e"), 1: None})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == {"v": {"kind": "a", "path": "x", "items": [1], "text": "\x1bé\u202e"}, "1": None}
    assert plain({1}) == [1]


def test_units() -> None:
    assert [cell_text(each) for each in (None, True, False, 1.25, "a\nb")] == ["-", "yes", "no", "1.2", "a\\nb"]
    assert [share(each) for each in (None, 0.0, 0.0123, 1.0)] == [None, "0.00%", "1.23%", "100.00%"]
    assert [rate(each) for each in (None, 0, 50, 36_000_000)] == [None, "0/h", "50/h", "10,000/s"]
    assert [duration(each) for each in (None, 900, 125_000, 7_200_000, 200_000_000)] == [
        None,
        "0.9 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert [data_size(each) for each in (None, 0, 1023, 1536, 5 * 1024**4, 5 * 1024**5)] == [
        None,
        "0 B",
        "1023 B",
        "1.5 KiB",
        "5.0 TiB",
        "5120.0 TiB",
    ]
