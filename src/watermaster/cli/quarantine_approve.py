"""`quarantine approve`: the second person's word, which carries a production replay or discard out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, plain, say, show_json, show_table
from watermaster.cli.quarantine_choice import QuarantineOption, choose_quarantine
from watermaster.cli.quarantine_look import moment
from watermaster.cli.quarantine_replay import carry_out
from watermaster.stream.fault import UsageFault


def register(app: typer.Typer) -> None:
    """Add the command to those of `quarantine`."""
    app.command("approve")(_approve)


def _approve(
    request: Annotated[str, typer.Argument(help="The id of a request; without one, all that wait are listed.")] = "",
    gate: QuarantineOption = None,
    config: ConfigOption = Path("watermaster.yaml"),
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Carry out a replay or discard that somebody else has asked for; without --yes its plan is printed.

    The one who approves must not be the one who asked: another Kafka principal, or another user of the system.
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.approval import forget_request, open_requests, wish_of
    from watermaster.wiring.quarantine import open_desk

    configuration = load_configuration(config)
    with open_desk(configuration, choose_quarantine(configuration, gate)) as desk:
        waiting = open_requests(desk)
        if not request:
            _show_requests([_row(found) for found in waiting.values()], list(waiting.values()), output)
            return 0
        if request not in waiting:
            raise UsageFault("WM-REQUEST", f"no request {request!r} waits", hint="`quarantine approve` lists them.")
        found = waiting[request]
        if yes:
            action = f"{found.step.value} held records of {', '.join(found.streams)}"
            name_environment(configuration.clusters[desk.gate.cluster], environment, [action])
        wish, streams = wish_of(found, desk)
        code = carry_out(desk, wish, streams, yes=yes, output=output)
        if yes:
            forget_request(found, desk)
    return code


def _row(request: Any) -> tuple[object, ...]:  # noqa: ANN401 - a Request, imported late
    who = f"{request.principal} ({request.system_user})"
    return request.id, request.step.value, ", ".join(request.streams), who, moment(request.at_ms), request.why


def _show_requests(rows: list[tuple[object, ...]], requests: list[Any], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_json([{"id": request.id, **plain(request)} for request in requests])
        return
    show_table("Waiting for a second person", ("id", "step", "streams", "asked by", "when", "why"), rows)
    if rows:
        say("`watermaster quarantine approve ID` shows the plan of one.")
