"""`watermaster gate --observe`: what enforcement would do to a live topic, without writing anything to Kafka."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
BootstrapOption = Annotated[
    str | None, typer.Option("--bootstrap", help="Observe without a configuration: HOST:PORT of a broker.")
]
ClientConfigOption = Annotated[
    Path | None, typer.Option("--client-config", help="With --bootstrap: client properties, Java's or librdkafka's.")
]
AllowPlaintextOption = Annotated[
    bool, typer.Option("--allow-plaintext", help="With --bootstrap: connect unencrypted beyond this machine.")
]
AllowAnonymousOption = Annotated[
    bool, typer.Option("--allow-anonymous", help="With --bootstrap: connect without a login beyond this machine.")
]
AllowUnverifiedTlsOption = Annotated[
    bool, typer.Option("--allow-unverified-tls", help="With --bootstrap: do not ask for proof of the broker.")
]


def observe_command(
    *,
    config: Path,
    gate: str | None = None,
    stream: str | None = None,
    contract: Path | None = None,
    against: Path | None = None,
    start: str = DEFAULT_START,
    seconds: float | None = None,
    follow: bool = False,
    show_values: bool = False,
    fail_on_held: bool = False,
    bootstrap: str | None = None,
    client_config: Path | None = None,
    allow_plaintext: bool = False,
    allow_anonymous: bool = False,
    allow_unverified_tls: bool = False,
    output: OutputFormat = OutputFormat.TABLE,
) -> None:
    """Observe and show. Raises `typer.Exit` with FINDINGS if asked to fail on held records, and Faults."""
    from watermaster.cli.cluster_choice import configured_registry
    from watermaster.runtime.observe import parse_start

    begin = parse_start(start)
    if follow and seconds is not None:
        raise UsageFault("WM-OBSERVE-HOW-LONG", "--follow and --seconds exclude each other", hint="Give one of them.")
    if bootstrap is not None:
        cluster = _cluster(
            bootstrap,
            client_config,
            allow_plaintext=allow_plaintext,
            allow_anonymous=allow_anonymous,
            allow_unverified_tls=allow_unverified_tls,
        )
        wanted = _wanted(stream, contract, against)
    else:
        cluster, wanted = _configured(config, gate, stream, contract, against)
    lasting = follow or seconds is not None
    registry = configured_registry(config, cluster)
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


def _cluster(
    bootstrap: str,
    client_config: Path | None,
    *,
    allow_plaintext: bool,
    allow_anonymous: bool,
    allow_unverified_tls: bool,
) -> ClusterConfiguration:
    from watermaster.runtime.configuration import ClusterConfiguration

    return ClusterConfiguration(
        name="cluster",
        bootstrap=bootstrap,
        client_config=client_config.absolute() if client_config else None,
        allow_plaintext=allow_plaintext,
        allow_anonymous=allow_anonymous,
        allow_unverified_tls=allow_unverified_tls,
    )


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
