"""The app: which commands there are, and what happens when one fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from watermaster import __version__
from watermaster.cli import (
    check,
    contract,
    demo,
    extend,
    gate,
    incident,
    init,
    metrics,
    monitor,
    quarantine,
    readiness,
    reset,
    status,
)
from watermaster.cli.errors import ExitCode, show_fault, show_unexpected
from watermaster.cli.guard import end_with_guard, needs_guard, own_command, run_guarded
from watermaster.cli.interruption import remember_ctrl_c, was_interrupted
from watermaster.stream.fault import Fault, UsageFault

PROGRAM = "watermaster"

app = typer.Typer(
    name=PROGRAM,
    help="Contracts enforced exactly once on Kafka streams, with a ledger that closes.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for command in (
    demo,
    init,
    status,
    readiness,
    extend,
    reset,
    metrics,
    check,
    contract,
    gate,
    quarantine,
    monitor,
    incident,
):
    command.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


def run() -> None:
    """The entry point of the `watermaster` command."""
    remember_ctrl_c()
    arguments = sys.argv[1:]
    if needs_guard(arguments, os.environ):
        sys.exit(_guarded(arguments))
    end_with_guard(os.environ)
    sys.exit(execute(arguments))


def _guarded(arguments: Sequence[str]) -> int:
    try:
        return run_guarded(own_command(arguments))
    except Fault as fault:
        return show_fault(fault)


def execute(arguments: Sequence[str]) -> int:
    """Run one command; every exception ends here as a sentence on standard error and an exit code."""
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except Fault as fault:
        return show_fault(fault)
    except TyperException as error:
        # A group without a command has shown its help and has nothing to add.
        return show_fault(_usage_fault(error)) if error.format_message().strip() else ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader of our output has gone (`watermaster status | head`); nothing is left to say.
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 -- the last line: no traceback reaches a person unasked
        return _interrupted() if was_interrupted() else show_unexpected(error)
    return result if isinstance(result, int) else ExitCode.OK


def _interrupted() -> ExitCode:
    sys.stderr.write("Interrupted.\n")
    return ExitCode.INTERRUPTED


def _usage_fault(error: TyperException) -> UsageFault:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else PROGRAM
    return UsageFault("WM-USAGE", error.format_message(), hint=f"`{command} --help` shows what there is.")
