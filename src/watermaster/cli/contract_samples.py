"""`watermaster contract test`: sample records kept beside a contract, judged as its author says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.contract_file import FileArgument, StreamOption, read_document
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, OutputOption, say, show_json
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.contract_samples import SampleReport

SamplesOption = Annotated[
    Path | None, typer.Option("--samples", help="Another folder than NAME.samples beside the contract.")
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="What rules see as `now`, as 2024-12-31T23:59:59Z; else the time it is.")
]


def try_samples(
    file: FileArgument,
    stream: StreamOption = None,
    samples: SamplesOption = None,
    now: NowOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge the sample records that are kept beside a contract.

    orders.odcs.yaml has its samples in orders.samples/ (with several streams: orders.samples/STREAM/). good.jsonl has
    one record a line, each of which must pass. bad.jsonl has lines such as
    {"broken": ["$.total:minimum"], "value": {"total": -1}}, which name every rule that the record breaks; with "text"
    instead of "value" for what is no JSON, "key" for the record's key, and "outcome" drop or pass instead of hold.
    Ends with 0, or with 1 if any sample is judged otherwise. Rules across fields that no sample breaks are named.
    """
    from watermaster.wiring.contract import compile_streams
    from watermaster.wiring.contract_samples import judge_samples, samples_folder

    streams = compile_streams(read_document(file), str(file), stream)
    reports = judge_samples(streams, samples or samples_folder(file), _now_ms(now))
    if output is OutputFormat.JSON:
        show_json({"file": str(file), "streams": [_plain(report) for report in reports]})
    else:
        _show(reports)
    if any(report.surprises for report in reports):
        raise typer.Exit(ExitCode.FINDINGS)


def _now_ms(now: str | None) -> int:
    if now is None:
        return int(time.time() * 1000)
    try:
        moment = datetime.fromisoformat(now)
    except ValueError:
        raise UsageFault("WM-NOW", f"{now!r} is no moment", hint="Write it as 2024-12-31T23:59:59Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _plain(report: SampleReport) -> dict[str, object]:
    return {
        "stream": report.stream,
        "good": report.good,
        "bad": report.bad,
        "surprises": report.surprises,
        "untried": report.untried,
    }


def _show(reports: Sequence[SampleReport]) -> None:
    for report in reports:
        for surprise in report.surprises:
            say(f"{surprise.file}:{surprise.line}: {surprise.why}")
            for rule in surprise.missing:
                say(f"  does not break {rule}")
            for rule in surprise.unexpected:
                say(f"  breaks {rule}")
        say(f"{report.stream}: {report.good} good and {report.bad} bad samples, {_ending(report)}")
        if report.untried:
            say(f"  No bad sample breaks: {', '.join(report.untried)}")


def _ending(report: SampleReport) -> str:
    wrong = len(report.surprises)
    return f"{wrong} of them judged otherwise." if wrong else "all judged as they say."
