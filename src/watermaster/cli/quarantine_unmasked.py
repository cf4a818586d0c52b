"""`quarantine unmasked`: who was shown masked values, when and why, and whether that list is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, plain, say, show_json, show_table
from watermaster.cli.quarantine_look import moment

UnmaskOption = Annotated[
    bool, typer.Option("--unmask", help="Show masked values too; who, when, what and --why are written down first.")
]
_WORDS_MAX: Final = 120


def register(app: typer.Typer) -> None:
    """Add the command to those of `quarantine`."""
    app.command("unmasked")(_unmasked)


def _unmasked(
    cluster: Annotated[str | None, typer.Option(help="Which cluster; not needed if there is one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many of the newest events.")] = 50,
    config: ConfigOption = Path("watermaster.yaml"),
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """List who was shown masked values in clear, and verify that no event was altered, removed or put in between.

    The events stand in a topic that keeps everything. Where it is missing nobody can unmask; --yes creates it. Exit
    code 1 if the chain of events is broken.
    """
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.observation import one_cluster
    from watermaster.wiring.unmasking import create_audit, read_unmaskings

    configuration = load_configuration(config)
    name = one_cluster(configuration, cluster)
    topic = configuration.clusters[name].audit
    if yes:
        name_environment(configuration.clusters[name], environment, [f"create {topic}"])
    is_new = create_audit(configuration, name, yes=yes)
    if is_new and not yes:
        say(f"{topic} is not there, so nobody can unmask. Add --yes to create it.")
        return ExitCode.OK
    chain = read_unmaskings(configuration, name)
    newest = list(chain.events)[-limit:]
    if output is OutputFormat.JSON:
        show_json({"topic": topic, "count": chain.count, "problems": chain.problems, "events": plain(newest)})
    else:
        rows = [
            (
                event.number,
                moment(event.at_ms),
                f"{event.principal} ({event.system_user})",
                event.quarantine,
                event.record or str(event.chosen)[:_WORDS_MAX],
                event.why,
            )
            for event in newest
        ]
        show_table("Shown in clear", ("number", "when", "who", "quarantine", "what", "why"), rows)
        for problem in chain.problems:
            say(f"{problem}.")
        say(f"{chain.count} events; the chain is {'broken' if chain.problems else 'whole'}.")
    return ExitCode.FINDINGS if chain.problems else ExitCode.OK
