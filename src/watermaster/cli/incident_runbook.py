"""`watermaster incident runbook`: what a signal means, what to type in which order, and when to call somebody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, one_line, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.incident.incident import Incident
    from watermaster.incident.runbook import SiteRunbook
    from watermaster.incident.signal import SignalKind, Subject

FIRST_STEPS: int = 2
"""So many stand on the screen of an incident."""


def register(incidents: typer.Typer) -> None:
    """Add `runbook`."""
    incidents.command("runbook")(_runbook)


def _runbook(
    signal: Annotated[str, typer.Argument(help="A kind of signal; not given: all of them, a line each.")] = "",
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Show the runbook of a signal: what it means, what to look at, commands in order, when to escalate.

    What the site has written itself under `runbooks` in watermaster.yaml goes first.
    """
    from watermaster.incident.runbook_table import RUNBOOKS

    written = _written(config)
    if not signal:
        if output is OutputFormat.JSON:
            show_json({"runbooks": {kind.value: runbook for kind, runbook in RUNBOOKS.items()}, "site": written})
        else:
            show_table("Runbooks", ("signal", "means"), [(kind.value, book.meaning) for kind, book in RUNBOOKS.items()])
        return
    kind = _kind(signal)
    own = [runbook for runbook in written if runbook.signal in (None, kind)]
    if output is OutputFormat.JSON:
        show_json({"signal": kind.value, "runbook": RUNBOOKS[kind], "site": own})
        return
    for runbook in own:
        say(f"This site, for {runbook.topic}: {one_line(runbook.told, length_max=1_000)}")
    _say_runbook(kind)


def _say_runbook(kind: SignalKind) -> None:
    from watermaster.incident.runbook import command_for
    from watermaster.incident.runbook_table import RUNBOOKS

    book = RUNBOOKS[kind]
    say(f"{kind.value}: {book.meaning}")
    say(f"Look at: {book.look_at}")
    for number, step in enumerate(book.steps, 1):
        command = command_for(step, None)
        say(f"{number}. {step.text}" + (f"\n   {command}" if command else ""))
    say(f"Escalate: {book.escalate}")


def say_first_steps(incident: Incident) -> None:
    """On the screen of an incident: the site's runbook, and what to type first."""
    from watermaster.incident.page import runbook_command
    from watermaster.incident.runbook_table import RUNBOOKS

    if incident.runbook is not None:
        say(f"Runbook of this site: {one_line(incident.runbook.told, length_max=1_000)}")
    first = incident.signals[0]
    commands = [command for command in _commands(first.kind, first.subject) if command]
    steps = "; ".join(commands[:FIRST_STEPS])
    say(f"First steps: {steps}")
    say(f"   {RUNBOOKS[first.kind].escalate} All of it: {runbook_command(incident)}")


def _commands(kind: SignalKind, subject: Subject) -> list[str | None]:
    from watermaster.incident.runbook import command_for
    from watermaster.incident.runbook_table import RUNBOOKS

    return [command_for(step, subject) for step in RUNBOOKS[kind].steps]


def _kind(text: str) -> SignalKind:
    from watermaster.contract.problem import suggest
    from watermaster.incident.signal import SignalKind
    from watermaster.stream.fault import UsageFault

    try:
        return SignalKind(text.casefold().replace("-", "_"))
    except ValueError:
        known = [kind.value for kind in SignalKind]
        raise UsageFault("WM-INCIDENT-SIGNAL", "There is no such signal.", hint=suggest(text, known)) from None


def _written(config: Path) -> list[SiteRunbook]:
    """The site's own; on a telephone, without a configuration at hand, the built-in ones are shown all the same."""
    from watermaster.adapters.files.configuration_file import load_configuration

    return list(load_configuration(config).runbooks) if config.exists() else []
