"""`watermaster gate`: run the gate, or look through it with `--observe`."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from watermaster.cli import gate_topics, observe, verify
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
from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.gate_choice import GateOption, YesOption, choose_gate
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, console, say, show_json


def register(app: typer.Typer) -> None:
    """Add `gate` and what belongs to it."""
    gate_app = typer.Typer(
        help="Run the gate: landing topics are judged, good records forwarded, bad ones held.",
        invoke_without_command=True,
    )
    gate_app.callback()(_gate)
    gate_app.command("resume")(_resume)
    verify.register(gate_app)
    gate_topics.register(gate_app)
    app.add_typer(gate_app, name="gate")


def _gate(
    context: typer.Context,
    config: ConfigOption = Path("watermaster.yaml"),
    gate: GateOption = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Worker processes, if not as configured.")] = None,
    accept_position: Annotated[
        bool, typer.Option("--accept-position", help="Go on although the group's offset and the ledger disagree.")
    ] = False,
    look_only: observe.ObserveOption = False,
    stream: observe.StreamOption = None,
    contract: observe.ContractOption = None,
    against: observe.AgainstOption = None,
    start: observe.FromOption = observe.DEFAULT_START,
    seconds: observe.SecondsOption = None,
    follow: observe.FollowOption = False,
    show_values: observe.ShowValuesOption = False,
    fail_on_held: observe.FailOnHeldOption = False,
    bootstrap: BootstrapOption = None,
    client_config: ClientConfigOption = None,
    allow_plaintext: AllowPlaintextOption = False,
    allow_anonymous: AllowAnonymousOption = False,
    allow_unverified_tls: AllowUnverifiedTlsOption = False,
    registry: RegistryOption = None,
    registry_config: RegistryConfigOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    if context.invoked_subcommand is not None:
        return
    choice = ClusterChoice(
        config, None, bootstrap, client_config, allow_plaintext, allow_anonymous, allow_unverified_tls, registry,
        registry_config,
    )  # fmt: skip
    if look_only:
        observe.observe_command(
            choice=choice,
            gate=gate,
            stream=stream,
            contract=contract,
            against=against,
            start=start,
            seconds=seconds,
            follow=follow,
            show_values=show_values,
            fail_on_held=fail_on_held,
            output=output,
        )
        return
    choice.refuse_to_run()
    import dataclasses

    from watermaster.adapters.files.configuration_file import load_configuration

    configuration = load_configuration(config)
    name = choose_gate(configuration.gates, gate)
    if workers is not None:
        chosen = dataclasses.replace(configuration.gates[name], workers=workers)
        configuration = dataclasses.replace(configuration, gates={**configuration.gates, name: chosen})
    _run(configuration, name, output, accept_position=accept_position)


def _run(configuration: object, name: str, output: OutputFormat, *, accept_position: bool) -> None:
    from watermaster.cli.gate_view import LiveView, LogView
    from watermaster.wiring.gate import run_gate

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    live = sys.stdout.isatty() and output is OutputFormat.TABLE
    view = LiveView(console()) if live else LogView(_log(json=output is OutputFormat.JSON))
    with view:
        statistics = run_gate(
            configuration,  # type: ignore[arg-type]
            name,
            should_stop=stop.is_set,
            on_change=view.show,
            accept_position=accept_position,
        )
        view.finish(statistics)
    if output is OutputFormat.TABLE:
        say("Stopped; everything that was read is committed.")


def _log(*, json: bool) -> object:
    import structlog

    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
    )
    return structlog.get_logger()


def _resume(
    stream: Annotated[str, typer.Argument(help="The landing topic whose breaker is open.")],
    config: ConfigOption = Path("watermaster.yaml"),
    gate: GateOption = None,
    environment: EnvironmentOption = None,
    yes: YesOption = False,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "",
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Let a paused stream go on: what breaks the contract in force is held without limit until the next activation."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.activation import cluster_of, resume_stream

    configuration = load_configuration(config)
    name = choose_gate(configuration.gates, gate)
    if yes:
        name_environment(cluster_of(configuration, stream), environment, [f"let {stream} go on"])
    told = resume_stream(configuration, name, stream, why=why, write=yes)
    if output is OutputFormat.JSON:
        show_json(told)
    elif yes:
        say(f"{stream} goes on; the gate reads this within a second.")
    else:
        say(f"Would let {stream} go on under activation {told['activation']}. Add --yes to do it.")
