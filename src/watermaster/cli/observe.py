"""`watermaster gate --observe`: what enforcement would do to a live topic, without writing anything to Kafka."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.cluster_choice import ClusterChoice, configured_registry
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import OutputFormat, show_json
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.observe import Start
    from watermaster.runtime.observe_report import ObserveReport
    from watermaster.runtime.registry_settings import RegistryConfiguration
    from watermaster.wiring.observe import Wanted

DEFAULT_START = "-10000"
"""Records of each partition: enough for a share of one in a thousand, read in a second or two."""

ObserveOption = Annotated[
    bool, typer.Option("--observe", help="Judge and count without writing anything to Kafka; READ on landing suffices.")
]
StreamOption = Annotated[str | None, typer.Option("--stream", help="Observe this topic.")]
ContractOption = Annotated[
    Path | None, typer.Option("--contract", help="Observe by this contract file instead of the configured one.")
]
AgainstOption = Annotated[
    Path | None, typer.Option("--against", help="Observe: compare with this other contract on the same records.")
]
FromOption = Annotated[
    str, typer.Option("--from", help="Observe from beginning, end, or -N: the last N records of each partition.")
]
SecondsOption = Annotated[
    float | None, typer.Option("--seconds", min=0.1, help="Observe for so long, new records too.")
]
FollowOption = Annotated[bool, typer.Option("--follow", help="Observe until Ctrl-C, new records too.")]
ShowValuesOption = Annotated[
    bool, typer.Option("--show-values", help="Observe: show the beginning of the examples' values.")
]
FailOnHeldOption = Annotated[
    bool, typer.Option("--fail-on-held", help="Observe: end with exit code 1 if any record would be held.")
]


def observe_command(
    *,
    choice: ClusterChoice,
    gate: str | None = None,
    stream: str | None = None,
    contract: Path | None = None,
    against: Path | None = None,
    start: str = DEFAULT_START,
    seconds: float | None = None,
    follow: bool = False,
    show_values: bool = False,
    fail_on_held: bool = False,
    output: OutputFormat = OutputFormat.TABLE,
) -> None:
    """Observe and show. Raises `typer.Exit` with FINDINGS if asked to fail on held records, and Faults."""
    from watermaster.runtime.observe import parse_start

    begin = parse_start(start)
    if follow and seconds is not None:
        raise UsageFault("WM-OBSERVE-HOW-LONG", "--follow and --seconds exclude each other", hint="Give one of them.")
    named = choice.on_the_spot()
    if named is not None:
        cluster, registry = named
        wanted = _wanted(stream, contract, against)
    else:
        cluster, wanted = _configured(choice.config, gate, stream, contract, against)
        registry = configured_registry(choice.config, cluster)
    lasting = follow or seconds is not None
    report = _observe(
        cluster, wanted, begin, output, to_end=not lasting, seconds=seconds, show_values=show_values, registry=registry
    )
    _show(report, output)
    if fail_on_held and report.held:
        raise typer.Exit(ExitCode.FINDINGS)


def _observe(
    cluster: ClusterConfiguration,
    wanted: tuple[Wanted, ...],
    start: Start,
    output: OutputFormat,
    *,
    to_end: bool,
    seconds: float | None,
    show_values: bool,
    registry: RegistryConfiguration | None,
) -> ObserveReport:
    from watermaster.cli.observe_view import LiveObservation
    from watermaster.wiring.observe import observe

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    live = LiveObservation() if sys.stdout.isatty() and output is OutputFormat.TABLE else None
    with live or nullcontext():
        return observe(
            cluster,
            wanted,
            start,
            to_end=to_end,
            seconds=seconds,
            show_values=show_values,
            should_stop=stop.is_set,
            on_progress=live.show if live else lambda _: None,
            registry=registry,
        )


def _show(report: ObserveReport, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_json(report)
        return
    from watermaster.cli.observe_view import show_report

    show_report(report)


def _wanted(stream: str | None, contract: Path | None, against: Path | None) -> tuple[Wanted, ...]:
    from watermaster.wiring.observe import Wanted

    if stream is None or contract is None:
        raise UsageFault(
            "WM-OBSERVE-STREAM",
            "with --bootstrap a topic and a contract must be named",
            hint="watermaster gate --observe --bootstrap HOST:PORT --stream TOPIC --contract FILE",
        )
    return (Wanted(stream, contract, against=against),)


def _configured(
    config: Path, gate: str | None, stream: str | None, contract: Path | None, against: Path | None
) -> tuple[ClusterConfiguration, tuple[Wanted, ...]]:
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.cli.gate_choice import choose_gate
    from watermaster.wiring.observe import wanted_of_gate

    configuration = load_configuration(config)
    if not configuration.gates and stream is not None and len(configuration.clusters) == 1:
        return next(iter(configuration.clusters.values())), _wanted(stream, contract, against)
    name = choose_gate(configuration.gates, gate)
    wanted = wanted_of_gate(configuration, name, stream=stream, contract=contract, against=against)
    return configuration.clusters[configuration.gates[name].cluster], wanted
