"""`watermaster incident`: the list, the five answers on one screen, and what people do with them."""

from __future__ import annotations

import getpass
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from watermaster.cli import incident_runbook, incident_view
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, inert, say, show_json, show_table

LISTED_MAX: Final = 200
NumberArgument = Annotated[int, typer.Argument(min=1, help="The number of the incident.")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it; otherwise the name of this account.")]
CONFIG: Final = Path("watermaster.yaml")


def register(app: typer.Typer) -> None:
    """Add `incident` and what belongs to it."""
    incidents = typer.Typer(help="Incidents: what broke, whose it is, how long, how to mend it.", no_args_is_help=True)
    for name, command in (
        ("list", _list),
        ("show", _show),
        ("ack", _ack),
        ("assign", _assign),
        ("note", _note),
        ("resolve", _resolve),
        ("silence", _silence),
    ):
        incidents.command(name)(command)
    incident_runbook.register(incidents)
    alerts = typer.Typer(help="The alert routes of the configuration.", no_args_is_help=True)
    alerts.command("test")(_alerts_test)
    # A lone command of a group would otherwise become the group itself.
    alerts.callback()(_alerts)
    incidents.add_typer(alerts, name="alerts")
    app.add_typer(incidents, name="incident")


def _alerts() -> None:
    """The alert routes of the configuration."""


def _list(
    config: ConfigOption = CONFIG,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """List incidents, the newest first."""
    from watermaster.wiring.incidents import open_incidents

    found = open_incidents(config).listed(resolved=everything, limit=LISTED_MAX)
    if output is OutputFormat.JSON:
        show_json({"incidents": found})
        return
    columns = ("number", "alarms", "state", "owner", "taken by", "opened", "what")
    show_table("Incidents", columns, [incident_view.row(incident) for incident in found])


def _show(number: NumberArgument, config: ConfigOption = CONFIG, output: OutputOption = OutputFormat.TABLE) -> None:
    """Show one incident on one screen: the five answers with their evidence, the timeline, and the next command."""
    from watermaster.runtime.incident_changes import find_incident
    from watermaster.wiring.incidents import open_incidents

    found = find_incident(open_incidents(config), number)
    if output is OutputFormat.JSON:
        show_json(found)
    else:
        incident_view.show(found, _now_ms())


def _ack(number: NumberArgument, config: ConfigOption = CONFIG, by: ByOption = "", yes: YesOption = False) -> None:
    """Take an incident: routes that escalate are no longer paged for it."""
    from watermaster.incident.incident import acknowledge

    who = by or getpass.getuser()
    _do(config, number, lambda incident: acknowledge(incident, who, _now_ms()), f"acknowledged by {who}", yes=yes)


def _assign(
    number: NumberArgument,
    to: Annotated[str, typer.Argument(help="A person or a team.")],
    config: ConfigOption = CONFIG,
    by: ByOption = "",
    yes: YesOption = False,
) -> None:
    """Give an incident to somebody; it counts as acknowledged."""
    from watermaster.incident.incident import assign

    who = by or getpass.getuser()
    _do(config, number, lambda incident: assign(incident, to, who, _now_ms()), f"assigned to {to}", yes=yes)


def _resolve(
    number: NumberArgument,
    why: Annotated[str, typer.Option("--why", help="How it ended, for the record.")],
    config: ConfigOption = CONFIG,
    by: ByOption = "",
    yes: YesOption = False,
) -> None:
    """Close an incident with its summary. It opens again by itself if its signals stay."""
    from watermaster.incident.incident import resolve

    who = by or getpass.getuser()
    _do(config, number, lambda incident: resolve(incident, who, why, _now_ms()), "resolved", yes=yes)


def _note(
    what: Annotated[
        str, typer.Argument(help="The number of an incident, or the kind of what happened: deploy, change.")
    ],
    text: Annotated[str, typer.Argument(help="What to note, for instance 'billing 1.4.2'.")],
    on: Annotated[str, typer.Option("--on", help="Pattern of the topics, groups or clusters that it may touch.")] = "*",
    config: ConfigOption = CONFIG,
    by: ByOption = "",
    yes: YesOption = False,
) -> None:
    """Note something on an incident; or record a deploy or a change, so that an incident after it names it
    and one that is open has it in its timeline.

    For CI: watermaster incident note deploy "billing $VERSION" --on "billing*" --by ci --yes
    """
    from watermaster.runtime.incident_changes import note_on, record_note
    from watermaster.runtime.incident_ports import Note
    from watermaster.wiring.incidents import open_incidents

    who = by or getpass.getuser()
    if what.isdecimal():
        _do(config, int(what), lambda incident: note_on(incident, who, text, _now_ms()), "noted", yes=yes)
    elif not yes:
        say(f"Would record: {what} by {who}: {text} (on {on}). Add --yes to do it.")
    else:
        record_note(open_incidents(config), Note(_now_ms(), what, on, who, text))
        say(f"Recorded: {what} by {who}: {text} (on {on}).")


def _silence(
    pattern: Annotated[
        str, typer.Argument(help="Problems, as `incident show` names them: cluster/group, with * and ?.")
    ],
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=10_080, help="How long; at most a week.")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the record.")],
    config: ConfigOption = CONFIG,
    by: ByOption = "",
    yes: YesOption = False,
) -> None:
    """Keep back pages of some problems for a while. Incidents still open; what is still open then is paged."""
    from watermaster.incident.paging import Silence
    from watermaster.runtime.incident_changes import record_silence
    from watermaster.wiring.incidents import open_incidents

    now_ms, who = _now_ms(), by or getpass.getuser()
    until_ms = now_ms + 60_000 * minutes
    until = incident_view.moment(until_ms)
    if not yes:
        say(f"Would keep back pages of {pattern} until {until}. Add --yes to do it.")
        return
    record_silence(open_incidents(config), Silence(pattern, until_ms, who, why), now_ms)
    say(f"Pages of {pattern} are kept back until {until}.")


def _alerts_test(
    config: ConfigOption = CONFIG, yes: YesOption = False, output: OutputOption = OutputFormat.TABLE
) -> int:
    """Send a trial page to every route and say which took it; `readiness` tells when that was.

    Exit code 1 if one did not take it, or if that could not be recorded.
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.cli.errors import ExitCode
    from watermaster.wiring.incidents import try_routes

    if not yes:
        names = ", ".join(load_configuration(config).alerts) or "no route"
        say(f"Would send a trial page to: {names}. Add --yes to do it.")
        return ExitCode.OK
    trials = try_routes(config, _now_ms())
    told = trials.told
    if output is OutputFormat.JSON:
        results = {name: {"arrived": not done.refused, "refused": done.refused} for name, done in told.items()}
        show_json(results)
    else:
        show_table(
            "Trial pages", ("route", "result"), [(name, done.refused or "arrived") for name, done in told.items()]
        )
    if trials.unkept is not None:
        sys.stderr.write(f"Not recorded: {inert(trials.unkept.message)}\n")
    failed = trials.unkept is not None or any(done.refused for done in told.values())
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _do(config: Path, number: int, deed: incident_view.Deed, told: str, *, yes: bool) -> None:
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.runtime.incident_changes import do, find_incident
    from watermaster.runtime.incident_watch import routes_of
    from watermaster.wiring.incidents import open_incidents

    store = open_incidents(config)
    if not yes:
        found = find_incident(store, number)
        say(f"Incident {number} ({found.state.value}): {found.title} Would be {told}. Add --yes to do it.")
        return
    done = do(store, number, deed, routes_of(load_configuration(config)), _now_ms())
    say(f"Incident {number} ({done.state.value}): {told}.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
