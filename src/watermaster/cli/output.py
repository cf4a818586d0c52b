"""What a person or a script gets to see: tables and JSON, in which nothing from a topic can act on the terminal."""

from __future__ import annotations

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

WIDTH_WITHOUT_TERMINAL: Final = 200
"""Columns when the output goes to a file or pipe: wide enough that no cell of a status table is cut."""

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that steer a terminal or hide text: controls, bidirectional and zero-width marks, separators."""


class OutputFormat(StrEnum):
    """For people, or for scripts."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[OutputFormat, typer.Option("--output", help="For people (table) or for scripts (json).")]
ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
ClusterOption = Annotated[str | None, typer.Option("--cluster", help="Only this cluster of the configuration.")]


def inert(text: str, *, length_max: int = 10_000) -> str:
    """`text` with everything that could act on a terminal shown as an escape, cut at `length_max` characters.

    Topic names, keys, error texts and record content come from others (ANSI escapes, bidirectional overrides).
    """
    cut = text if len(text) <= length_max else text[:length_max] + "…"
    return "".join(_visible(char) for char in cut)


def _visible(char: str) -> str:
    if char == "\n" or unicodedata.category(char) not in _INVISIBLE:
        return char
    return char.encode("unicode_escape").decode("ascii")


def one_line(text: str, *, length_max: int = 200) -> str:
    """`inert`, and on one line: for cells and list items."""
    return inert(text, length_max=length_max).replace("\n", "\\n")


def show_json(value: Any) -> None:  # noqa: ANN401 -- any value of ours
    """Print a value as JSON: dataclasses as objects, enums by value, paths and the rest as text."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=True) + "\n")


def show_json_line(value: Any) -> None:  # noqa: ANN401 -- any value of ours
    """Print a value as JSON on one line and at once, for what goes on and on."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=True) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:  # noqa: ANN401 -- any value of ours
    """A value made of what JSON knows."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Cells are made inert; numbers stand on the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(one_line(title), style="bold"), title_justify="left", box=None, pad_edge=False)
    cells = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[index], int | float) or row[index] is None for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", header_style="dim")
    for row in cells:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    console().print(table)


def cell_text(cell: object) -> str:
    """One cell: nothing known is a dash, large numbers are grouped by a thin blank."""
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", "\u202f")
    if isinstance(cell, float):
        return f"{cell:,.1f}".replace(",", "\u202f")
    return one_line(str(cell))


def say(text: str = "") -> None:
    """Print a sentence of ours to standard output, made inert."""
    sys.stdout.write(inert(text) + "\n")


def console() -> Any:  # noqa: ANN401 -- rich is imported only when something is shown
    """A console that neither reads markup in texts nor colours what it thinks it recognises."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def share(part: float | None) -> str | None:
    """A share as percent."""
    return None if part is None else f"{part:.2%}"


def rate(records_per_hour: int | None) -> str | None:
    """Records in an hour as a rate, in the unit that a person would use."""
    if records_per_hour is None:
        return None
    per_second = records_per_hour / 3600
    return f"{per_second:,.0f}/s" if per_second >= 1 else f"{records_per_hour}/h"


def duration(milliseconds: int | None) -> str | None:
    """A length of time in the largest unit that keeps two digits."""
    if milliseconds is None:
        return None
    seconds = milliseconds / 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def data_size(count: int | None) -> str | None:
    """Bytes in binary units."""
    if count is None:
        return None
    step = 1024.0
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= step and len(units) > 1:
        size, units = size / step, units[1:]
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
