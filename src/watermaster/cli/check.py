"""`watermaster check … --contract C`: the gate's verdicts on records at rest, in files, tables and topics."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watermaster.cli.check_source import (
    CheckSource,
    DatabaseOption,
    FromOption,
    RangeOption,
    TableOption,
    TopicOption,
    judge,
)
from watermaster.cli.check_view import CheckOutput, show_report
from watermaster.cli.check_window import FollowOption, GraceOption, WindowOption, check_windows
from watermaster.cli.cluster_choice import (
    AllowAnonymousOption,
    AllowPlaintextOption,
    AllowUnverifiedTlsOption,
    BootstrapOption,
    ClientConfigOption,
    ClusterChoice,
    RegistryConfigOption,
    RegistryOption,
)
from watermaster.cli.errors import EXIT_CODES, ExitCode
from watermaster.cli.output import ClusterOption, ConfigOption, show_json, show_table
from watermaster.runtime.record_source import Form
from watermaster.stream.fault import UsageFault, WorldFault

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.runtime.check import Progress
    from watermaster.runtime.check_report import CheckReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


ContractOption = Annotated[Path | None, typer.Option("--contract", help="The contract (*.odcs.yaml).")]
PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Files, folders or globs: JSON lines, JSON, CSV, Parquet, Avro."),
]
StreamOption = Annotated[
    str | None, typer.Option("--stream", help="The stream of the contract, if it describes several.")
]
FormatOption = Annotated[
    Form | None, typer.Option("--format", help="What the files are, whatever their names end with.")
]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", min=1, max=256, help="Instead of one for each core.")
]
RecordOption = Annotated[
    bool, typer.Option("--record", help="Keep when, what and how many in the database: `monitor` watches it.")
]
RecordFileOption = Annotated[
    Path | None, typer.Option("--record-file", help="Append the same to this file, as one line of JSON.")
]
RunsOption = Annotated[bool, typer.Option("--runs", help="Check nothing: list the runs that were kept.")]
CheckOutputOption = Annotated[
    CheckOutput, typer.Option("--output", help="For people, scripts, CI systems, or a merge request.")
]


def check(
    contract: ContractOption = None,
    paths: PathsArgument = None,
    stream: StreamOption = None,
    form: FormatOption = None,
    processes: ProcessesOption = None,
    table: TableOption = None,
    database: DatabaseOption = None,
    topic: TopicOption = None,
    start: FromOption = "beginning",
    offsets: RangeOption = None,
    window: WindowOption = None,
    grace: GraceOption = "5m",
    follow: FollowOption = False,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    bootstrap: BootstrapOption = None,
    client_config: ClientConfigOption = None,
    allow_plaintext: AllowPlaintextOption = False,
    allow_anonymous: AllowAnonymousOption = False,
    allow_unverified_tls: AllowUnverifiedTlsOption = False,
    registry: RegistryOption = None,
    registry_config: RegistryConfigOption = None,
    record: RecordOption = False,
    record_file: RecordFileOption = None,
    runs: RunsOption = False,
    output: CheckOutputOption = CheckOutput.TABLE,
) -> None:
    """Judge records in files, tables or a topic as the gate would, and what the contract asserts of all together.

    A row of a table is judged as the JSON object that a producer would send of it. A table is read in one read-only
    snapshot through a cursor; beyond this machine only over TLS, unless sslmode says otherwise. A password comes from a
    file, the environment (PGPASSWORD) or ~/.pgpass. Keys are judged where there are any: in topics.

    Assertions are the contract's `unique`, `primaryKey`, and `quality` of the types `library` and `sql` (DuckDB,
    read-only and shut in; the records are the table `${table}`, also under the schema object's name). They are judged
    over all of the run as one batch, exactly, and never change the verdict of a record.

    --window judges the newest closed window of a topic, for instance the last whole hour of the trusted stream; with
    --record the one after the newest kept one, so that none is left out and each record is in one of them, and --follow
    goes on for ever. Findings hold nothing back: what stands in trusted stays there.

    With --record the run is kept in the database of the configuration, where `--runs` lists it. `monitor` opens an
    incident when the newest run of a stream failed, or none came for longer than the contract's SLA `frequency`.

    Ends with 0 if all records pass, 1 if any is held or dropped or an assertion of severity error is not met, and as
    other commands do if something cannot be read to its end; what was read until then is still reported. Values of
    records are never shown.
    """
    if runs:
        _show_runs(config, output)
        return
    if contract is None:
        raise UsageFault("WM-CHECK-CONTRACT", "No contract is named.", hint="Give --contract FILE.")
    choice = ClusterChoice(
        config, cluster, bootstrap, client_config, allow_plaintext, allow_anonymous, allow_unverified_tls, registry,
        registry_config,
    )  # fmt: skip
    source = CheckSource(paths or (), form, processes, table or (), database, topic, start, offsets or (), choice)
    source.require_one()
    if window is not None:
        judged = _checks(contract, stream)
        raise typer.Exit(
            check_windows(judged, topic, window, grace, choice, output, _exit_code, keep=record, follow=follow)
        )
    report = _judge_and_keep(source, contract, stream, config if record else None, record_file)
    show_report(report, output)
    _end(report)


def _judge_and_keep(
    source: CheckSource, contract: Path, stream: str | None, runs_of: Path | None, record_file: Path | None
) -> CheckReport:
    """`runs_of` is the configuration whose database keeps the run."""
    checks = _checks(contract, stream)
    now_ms = int(time.time() * 1000)
    with _progress() as progress:
        report = judge(source, checks, now_ms, progress)
    if runs_of is not None:
        from watermaster.wiring.check_runs import open_runs, run_of

        open_runs(runs_of).keep(run_of(report, checks, now_ms, _exit_code(report)))
    if record_file is not None:
        from watermaster.wiring.check_record import keep_run

        keep_run(report, record_file, now_ms, _exit_code(report))
    return report


def _checks(contract: Path, stream: str | None) -> Checks:
    from watermaster.wiring.contract import compile_checks

    return compile_checks(_read(contract), str(contract), stream)


def _read(contract: Path) -> bytes:
    try:
        return contract.read_bytes()
    except OSError as error:
        raise UsageFault(
            "WM-CHECK-CONTRACT", f"The contract {contract} cannot be read: {error.strerror}.", hint="Check its path."
        ) from None


def _end(report: CheckReport) -> None:
    if report.unread is not None:
        raise WorldFault(report.unread.code, report.unread.message, hint=report.unread.hint)
    if report.has_findings:
        raise typer.Exit(ExitCode.FINDINGS)


def _exit_code(report: CheckReport) -> int:
    outcome = ExitCode.FINDINGS if report.has_findings else ExitCode.OK
    return int(outcome if report.unread is None else EXIT_CODES[WorldFault])


_RUN_COLUMNS = ("When", "Stream", "What", "Records", "Pass", "Held", "Dropped", "Assertions failed", "Exit")


def _show_runs(config: Path, output: CheckOutput) -> None:
    from watermaster.wiring.check_runs import list_runs

    found = list_runs(config)
    if output is CheckOutput.JSON:
        show_json(found)
        return
    rows = [
        (
            datetime.fromtimestamp(run.at_ms / 1000, UTC).isoformat(timespec="seconds"), run.stream, run.source,
            run.records, run.passed, run.held, run.dropped, run.failed_assertions, run.exit_code,
        )
        for run in found
    ]  # fmt: skip
    show_table("Kept runs", _RUN_COLUMNS, rows)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A line on standard error that is only there while a person watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (BarColumn(), TextColumn("{task.fields[records]:,} records"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("check", total=None, records=0)

        def tell(done: int, total: int, records: int) -> None:
            bar.update(task, completed=done, total=total, records=records)

        yield tell
