"""`watermaster gate verify`: prove from outside that each record got exactly one verdict."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watermaster.auditor.finding import AuditVerdict
from watermaster.auditor.report import AuditMode
from watermaster.auditor.sample import SHARE_DEFAULT
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, console, plain, say, show_json, show_table
from watermaster.cli.quarantine_fix import load_fix

if TYPE_CHECKING:
    from watermaster.auditor.report import AuditReport
    from watermaster.runtime.audit import AuditProgress

EXIT_CODES: Final = {
    AuditVerdict.OK: ExitCode.OK,
    AuditVerdict.FAILED: ExitCode.FINDINGS,
    AuditVerdict.UNVERIFIABLE: ExitCode.UNVERIFIABLE,
}

_ROWS_SHOWN_MAX: Final = 200
"""Partitions shown in a table: the bad ones come first, and `--output json` has all."""

_PROGRESS_EVERY_S: Final = 1.0


def register(gate_app: typer.Typer) -> None:
    """Add `verify` to the commands of `gate`."""
    gate_app.command("verify")(_verify)


def _verify(
    gate: Annotated[str | None, typer.Argument(help="Which gate; not needed if there is one.")] = None,
    config: ConfigOption = Path("watermaster.yaml"),
    mode: Annotated[
        AuditMode, typer.Option(help="full compares every byte; sampled a share; counts none (cheapest).")
    ] = AuditMode.FULL,
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the bytes that `sampled` compares.")] = (
        SHARE_DEFAULT
    ),
    seed: Annotated[int, typer.Option(help="Another number samples other records.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on beside the gate until interrupted.")] = False,
    settle: Annotated[
        float, typer.Option(min=0.0, max=600.0, help="Seconds for outputs to become visible before they are judged.")
    ] = 5.0,
    interval: Annotated[float, typer.Option(min=0.1, max=3600.0, help="Seconds between rounds of --follow.")] = 5.0,
    fix: Annotated[
        list[Path] | None, typer.Option("--fix", help="A fix (*.fix.yaml) to prove its replays with; repeatable.")
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Prove that each source record below the committed offsets is passed, held or dropped exactly once. Reads only.

    Exit codes: 0 proved, 1 disproved, 4 not provable any more (records or ledger are gone), 3 the cluster is out of
    reach, 2 wrong use.
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.auditor.sample import Sample
    from watermaster.cli.gate_choice import choose_gate
    from watermaster.runtime.audit import follow as follow_gate
    from watermaster.wiring.audit import open_auditor

    fixes = [load_fix(file) for file in fix or ()]
    configuration = load_configuration(config)
    name = choose_gate(configuration.gates, gate)
    last = AuditVerdict.UNVERIFIABLE

    def show(report: AuditReport) -> None:
        nonlocal last
        last = report.verdict
        _show(report, output)

    with open_auditor(
        configuration, name, Sample(mode, share, seed), fixes=fixes, settle_s=settle, progress=_Progress().show
    ) as auditor:
        if follow:
            stop = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            follow_gate(auditor, interval_s=interval, should_stop=stop.is_set, on_report=show, sleep=stop.wait)
        else:
            show(auditor.round())
    return EXIT_CODES[last]


class _Progress:
    """One line on a terminal's standard error, renewed each second."""

    def __init__(self) -> None:
        self._shown_s = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def show(self, progress: AuditProgress) -> None:
        if self._is_terminal and time.monotonic() - self._shown_s >= _PROGRESS_EVERY_S:
            self._shown_s = time.monotonic()
            megabytes = progress.payload_bytes / 1e6
            sys.stderr.write(
                f"\r{progress.records:,} records, {megabytes:,.0f} MB read; now {progress.partition}\033[K\r"
            )
            sys.stderr.flush()


def _show(report: AuditReport, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_json({**plain(report), "records_per_second": round(report.cost.records_per_second)})
        return
    from watermaster.auditor.summary import summary_lines

    shown = [partition for partition in report.partitions if partition.entries or partition.findings]
    shown.sort(key=lambda partition: (partition.verdict is AuditVerdict.OK, partition.source))
    rows = [
        (str(p.source), p.verdict.value, p.begin, p.end, p.read, p.passed, p.held, p.dropped, p.lost_max, p.compared)
        for p in shown[:_ROWS_SHOWN_MAX]
    ]
    columns = ("partition", "verdict", "from", "to", "in", "passed", "held", "dropped", "lost ≤", "compared")
    show_table(f"Gate {report.gate} on cluster {report.cluster_id}", columns, rows)
    console().print()
    for line in summary_lines(report):
        say(line)
    cost = report.cost
    say(
        f"This audit: {cost.records} records and {cost.payload_bytes / 1e6:.1f} MB read in {cost.seconds:.1f} s "
        f"({cost.records_per_second:.0f} records/s), {cost.cpu_seconds:.1f} s of CPU."
    )
