"""How the demonstration ends: the ledger, the reasons, one held record whole, and what to do next."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from watermaster.cli.demo_holds_view import show_holds
from watermaster.cli.demo_text import counted, first_sentence
from watermaster.cli.output import console, inert, one_line, plain
from watermaster.quarantine.envelope import RULES
from watermaster.stream.coordinates import RESERVED_HEADER, decode_coordinates

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from watermaster.runtime.demo import HeldRecord
    from watermaster.runtime.demo_result import DemoResult, LedgerRow, Reason

NEXT_STEPS: Final = (
    ("watermaster init --bootstrap HOST:9092 --client-config FILE", "look, draft contracts"),
    ("watermaster status", "topics, gates, held share"),
    ("watermaster gate --observe", "see what would be held"),
    ("watermaster gate topics --yes", "create what the gate needs"),
    ("watermaster gate", "enforce the contract"),
    ("watermaster quarantine groups", "what is held, and why"),
)
"""The newcomer's path, one command and what it does."""

_WIDTH_MAX: Final = 112
_HEADER_SHOWN_MAX: Final = 400
_VALUE_SHOWN_MAX: Final = 4000


def show_result(result: DemoResult) -> None:
    """Print the whole ending."""
    out = console()
    width = min(out.width, _WIDTH_MAX)
    _show_ledger(result, out)
    _show_reasons(result, out, width)
    if result.example is not None:
        _show_example(result.example, out, width)
    show_holds(result.holds, out, width)
    _show_next(out)


def result_document(result: DemoResult) -> dict[str, Any]:
    """The same for scripts. Bytes of the example become text."""
    document: dict[str, Any] = plain(result)
    document["total"] = plain(result.total)
    if result.example is not None:
        document["example"] = _example_document(result.example)
    document["next"] = [command for command, _ in NEXT_STEPS]
    return document


def _example_document(held: HeldRecord) -> dict[str, Any]:
    document: dict[str, Any] = plain(held)
    document["key"], document["value"] = _text(held.key), _text(held.value)
    document["headers"] = [[name, _text(value)] for name, value in held.headers]
    return document


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")


def _heading(out: Console, title: str, note: str = "") -> None:
    from rich.text import Text

    out.print()
    out.print(Text.assemble(" ", (title, "bold"), (f"  {note}" if note else "", "dim")))


# --- the ledger -----------------------------------------------------------------------------------------------------


def _show_ledger(result: DemoResult, out: Console) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    rate = int(result.records / result.seconds) if result.seconds else 0
    _heading(out, "The ledger", f"{result.broker}; {result.seconds:.1f} s, {counted(rate)} records/s on average")
    table = Table(box=None, pad_edge=False, show_footer=True, footer_style="bold")
    total = result.total
    landing = result.topics["landing"]
    table.add_column("partition", footer=Text("all"), header_style="dim")
    for name, number in (
        ("in", total.read),
        ("= passed", total.passed),
        ("+ held", total.held),
        ("+ dropped", total.dropped),
    ):
        table.add_column(name, footer=Text(counted(number)), justify="right", header_style="dim", min_width=10)
    table.add_column("", footer=_tick(result.closed))
    for row in result.ledger:
        table.add_row(f"{landing}[{row.partition}]", *_cells(row), _tick(row.proved))
    out.print(Padding(table, (0, 0, 0, 1), expand=False))
    if result.closed:
        out.print(
            Text.assemble(
                (" ✓ ", "green"),
                f"The ledger closes. Read back from {result.topics['trusted']} and {result.topics['quarantine']}: "
                f"every record once, in order, {counted(result.compared)} compared byte for byte with their source.",
            )
        )
        return
    out.print(Text.assemble((" ✗ ", "red"), "The ledger does not close. This is what stands against it:"))
    for finding in result.findings or ("the sums differ from what the gate has counted",):
        out.print(Text(f"   {one_line(finding)}"))


def _cells(row: LedgerRow) -> list[str]:
    return [counted(number) for number in (row.read, row.passed, row.held, row.dropped)]


def _tick(good: bool) -> Text:
    from rich.text import Text

    return Text("✓", style="green") if good else Text("✗", style="red")


# --- the reasons ----------------------------------------------------------------------------------------------------


def _show_reasons(result: DemoResult, out: Console, width: int) -> None:
    errors = [reason for reason in result.reasons if reason.severity == "error"]
    warnings = [reason for reason in result.reasons if reason.severity != "error"]
    _heading(out, "Why records were held", "by rule of the contract; nothing was planted")
    _show_ranked(errors, out, width)
    if warnings:
        _heading(out, "Counted only", "rules of severity warning")
        _show_ranked(warnings, out, width)


def _show_ranked(reasons: list[Reason], out: Console, width: int) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, width=width - 1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(no_wrap=True, style="yellow")
    table.add_column(ratio=1)
    for reason in reasons:
        share = f"{reason.share:.2%}" if reason.share >= 0.0001 else "<0.01%"  # noqa: PLR2004
        table.add_row(Text(counted(reason.records)), share, Text(one_line(reason.rule)), Text(inert(reason.why)))
    out.print(Padding(table, (0, 0, 0, 1), expand=False))


# --- one record whole -----------------------------------------------------------------------------------------------


def _show_example(held: HeldRecord, out: Console, width: int) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    _heading(out, "One held record, whole", "the original bytes; headers behind them that existing tools read")
    table = Table(box=None, pad_edge=False, show_header=False, width=width - 1)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    when = datetime.fromtimestamp(held.timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    table.add_row("source", Text(f"{held.source_topic}[{held.source_partition}] offset {counted(held.source_offset)}"))
    table.add_row("held as", Text(f"{held.topic}[{held.partition}] offset {counted(held.offset)}"))
    table.add_row("timestamp", when)
    table.add_row(
        "broken",
        Text("\n".join(one_line(f"{rule}: {first_sentence(message)}") for rule, message in held.broken), "yellow"),
    )
    table.add_row("key", Text(one_line(_text(held.key) or "null")))
    table.add_row("value", _value(held, width - 14))
    out.print(Padding(table, (0, 0, 0, 1), expand=False))
    headers = Table(box=None, pad_edge=False, show_header=False, width=width - 1)
    headers.add_column(no_wrap=True, style="dim")
    headers.add_column(ratio=1, overflow="fold")
    for name, value in held.headers:
        headers.add_row(Text(one_line(name)), Text(_header(name, value)))
    out.print(Padding(headers, (0, 0, 0, 1), expand=False))


def _value(held: HeldRecord, width: int) -> Text:
    """Pretty-printed: several members on a line, those of the broken rules marked."""
    from rich.text import Text

    try:
        record = json.loads(held.value or b"")
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return Text(inert(_text(held.value) or "null", length_max=_VALUE_SHOWN_MAX))
    marked = {rule.removeprefix("$.").rpartition(":")[0] for rule, _ in held.broken}
    text, column = Text("{ "), 2
    for index, (name, value) in enumerate(record.items()):
        piece = f"{json.dumps(name)}: {json.dumps(value)}" + (", " if index < len(record) - 1 else " }")
        if column + len(piece) > width:
            text.append("\n  ")
            column = 2
        text.append(one_line(piece), "bold yellow" if name in marked else "")
        column += len(piece)
    return text


def _header(name: str, value: bytes | None) -> str:
    """The value as text; the coordinates in words."""
    found = decode_coordinates(value) if name == RESERVED_HEADER else None
    if found is not None:
        return (
            f"cluster {found.cluster_id} · topic {found.topic_id} · partition {found.partition} · "
            f"offset {found.offset} · attempt {found.attempt} · activation {found.activation}"
        )
    if name == RULES:
        value = _spaced(value)
    return one_line(_text(value) or "null", length_max=_HEADER_SHOWN_MAX)


def _spaced(value: bytes | None) -> bytes | None:
    """JSON with blanks behind its commas, so that it wraps between words."""
    try:
        return json.dumps(json.loads(value or b"")).encode()
    except ValueError:
        return value


def _show_next(out: Console) -> None:
    from rich.padding import Padding
    from rich.table import Table

    _heading(out, "Next, on your own cluster")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    for command, meaning in NEXT_STEPS:
        table.add_row(command, meaning)
    out.print(Padding(table, (0, 0, 0, 1), expand=False))
    out.print()
