"""How an observation looks: a live line for each stream while it runs, tables at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from watermaster.cli.output import cell_text, console, one_line, say, show_table
from watermaster.runtime.observe import Observation
from watermaster.runtime.observe_report import (
    ComparisonLine,
    ExampleLine,
    ObserveReport,
    PartitionLine,
    ReasonLine,
    StreamReport,
    report_on,
)

REDRAW_INTERVAL_S: Final = 0.25


class LiveObservation:
    """Counts that renew themselves in a terminal, and vanish before the final tables."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live = Live(console=console(), auto_refresh=False, transient=True)
        self._drawn_s = 0.0

    def __enter__(self) -> LiveObservation:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, observation: Observation) -> None:
        """Redraw, a few times a second at most."""
        if time.monotonic() - self._drawn_s >= REDRAW_INTERVAL_S:
            self._drawn_s = time.monotonic()
            self._live.update(_drawing(report_on(observation)), refresh=True)


def _drawing(report: ObserveReport) -> Any:  # noqa: ANN401 -- rich is imported only when something is shown
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text("observing; nothing is written", style="bold"), title_justify="left", box=None)
    for name in ("stream", "read", "would pass", "would hold", "would drop", "held per 1000", "first reason"):
        table.add_column(name, justify="left" if name in ("stream", "first reason") else "right", header_style="dim")
    for stream in report.streams:
        first = stream.reasons[0].rule if stream.reasons else ""
        cells = (stream.records, stream.passed, stream.held, stream.dropped, stream.held_per_1000, first)
        table.add_row(Text(one_line(stream.topic)), *(Text(cell_text(cell)) for cell in cells))
    notes = [Text(one_line(f"{note.code}: {note.message}"), style="yellow") for note in report.notes[-3:]]
    return Group(table, *notes, Text("Ctrl-C ends and shows the whole", style="dim"))


def show_report(report: ObserveReport) -> None:
    """The whole answer as tables."""
    for stream in report.streams:
        _show_stream(stream)
    for note in report.notes:
        times = f" ({note.times} times)" if note.times > 1 else ""
        say(f"{note.code}: {note.message}{times}")
    if not report.complete:
        say("Not everything could be read; the counts are of what was read.")


def _show_stream(stream: StreamReport) -> None:
    contract = stream.contract
    say(f"{stream.topic} by {contract.contract_id} {contract.version} ({contract.source})")
    say()
    _show_ledger(stream)
    _show_reasons("Why, most frequent first", stream.reasons)
    if stream.reasons_not_shown:
        say(f"and {stream.reasons_not_shown} times other rules.")
    if stream.unforwardable:
        _show_reasons("Records that cannot be forwarded as they are, held by reference", stream.unforwardable)
    if stream.oversize:
        say(
            f"{stream.oversize} records are larger than the trusted topic's {stream.record_bytes_max} bytes before "
            f"compression, for instance {stream.oversize_examples[0].at}; the broker may refuse them. "
            "`watermaster gate topics` plans the right size."
        )
    _show_examples(stream.reasons)
    _show_verdict(stream)
    if stream.comparison is not None:
        _show_comparison(stream.comparison)
    for sentence in contract.unjudged:
        say(f"Not judged: {sentence}")
    say()


def _show_ledger(stream: StreamReport) -> None:
    rows: list[Sequence[object]] = [_ledger_row(line) for line in stream.partitions]
    if len(stream.partitions) > 1:
        rows.append(("all", "", "", stream.records, stream.passed, stream.held, stream.dropped, None, None))
    columns = ("partition", "from", "to", "in", "would pass", "would hold", "would drop", "no record", "lost at most")
    show_table("The ledger as enforcement would write it", columns, rows)
    for line in stream.partitions:
        for gap in line.gaps:
            say(f"partition {line.partition}: offsets {gap.from_} to {gap.to} were gone before they were read")


def _ledger_row(line: PartitionLine) -> Sequence[object]:
    counts = (line.records, line.passed, line.held, line.dropped, line.without_record, line.lost_max)
    return (line.partition, line.start, line.end, *counts)


def _show_reasons(title: str, reasons: Sequence[ReasonLine]) -> None:
    if not reasons:
        return
    show_table(
        title,
        ("rule", "code", "severity", "records", "per 1000", "for instance", "what it asks"),
        [
            (
                reason.rule,
                reason.code,
                reason.severity,
                reason.records,
                reason.per_1000,
                ", ".join(example.at for example in reason.examples[:2]),
                reason.examples[0].message if reason.examples else "",
            )
            for reason in reasons
        ],
    )


def _show_examples(reasons: Sequence[ReasonLine]) -> None:
    """One record for each reason, by sizes and time; the value itself only when it was asked for."""
    rows = [(reason.rule, *_example_row(reason.examples[0])) for reason in reasons if reason.examples]
    if not rows:
        return
    columns = ["rule", "record", "its time", "key bytes", "value bytes", "headers"]
    with_values = any(row[-1] is not None for row in rows)
    show_table("One of each", [*columns, "value"] if with_values else columns, [_fit(row, with_values) for row in rows])


def _example_row(example: ExampleLine) -> tuple[object, ...]:
    key = "null" if example.key_bytes is None else example.key_bytes
    value = "null" if example.value_bytes is None else example.value_bytes
    return (example.at, _moment(example.timestamp_ms), key, value, example.headers, example.value)


def _fit(row: Sequence[object], with_values: object) -> Sequence[object]:
    return row if with_values else row[:-1]


def _moment(timestamp_ms: int) -> str:
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{timestamp_ms} ms"


def _show_verdict(stream: StreamReport) -> None:
    if not stream.records:
        say("No record was read, so nothing can be said of this contract.")
        return
    say(f"Enforcement would hold {stream.held_per_1000:.1f} of 1000 records.")
    breaker = stream.breaker
    budget = f"{breaker.budget_share:.0%} of {breaker.window} records"
    if breaker.openings and breaker.share_at_opening is not None:
        say(
            f"The breaker would open after {breaker.first_opening}: {breaker.share_at_opening:.0%} held, the budget is "
            f"{budget}. The gate would pause there and commit nothing more."
        )
    elif stream.records < breaker.minimum:
        say(f"The breaker judges from {breaker.minimum} records on; these are fewer.")
    else:
        say(f"The breaker would stay closed (budget: {budget}).")


def _show_comparison(comparison: ComparisonLine) -> None:
    contract = comparison.contract
    say()
    say(f"Against {contract.contract_id} {contract.version} ({contract.source}) on the same records:")
    show_changes(comparison)


def show_changes(comparison: ComparisonLine) -> None:
    """Whose verdict changes, and because of what."""
    show_table(
        "Changes of verdict",
        ("newly held", "newly passed", "held by both"),
        [(comparison.newly_held, comparison.newly_passed, comparison.held_by_both)],
    )
    _show_reasons("Why records would newly be held", comparison.holding)
    _show_reasons("What held records that would now pass", comparison.releasing)
