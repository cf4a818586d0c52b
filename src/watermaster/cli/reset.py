"""`watermaster reset`: move the positions of a group that stands still, and undo it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import (
    ClusterOption,
    ConfigOption,
    OutputFormat,
    OutputOption,
    say,
    show_json,
    show_table,
)
from watermaster.stream.fault import Fault, UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.reset import Move, Target
    from watermaster.wiring.resetting import Resetter


def register(app: typer.Typer) -> None:
    """Add `reset`."""
    app.command("reset")(_reset)


def _reset(
    group: Annotated[str | None, typer.Argument(metavar="GROUP", help="Whose positions; not with --undo.")] = None,
    topics: Annotated[
        list[str] | None, typer.Option("--topic", help="Only on this topic; repeatable. All that the group reads.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="earliest, latest, an offset, or a moment: 2026-11-26T02:00:00Z.")
    ] = None,
    undo: Annotated[Path | None, typer.Option("--undo", help="Put back what the reset with this backup moved.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Move the positions; without this only the plan.")] = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = Path("watermaster.yaml"),
    cluster: ClusterOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Move the committed positions of a consumer group whose consumers are stopped.

    The plan says what will be skipped and what will be read again. The positions before are kept in a backup file,
    which --undo reads. Groups of gates are refused, for their positions belong to their ledger.
    """
    from watermaster.wiring.resetting import Resetter

    resetter = Resetter(config, cluster)
    if undo is not None:
        whose, moves = resetter.plan_undo(undo)
    else:
        if group is None or to is None:
            raise UsageFault("WM-USAGE", "A reset needs GROUP and --to.", hint="Or --undo FILE. See --help.")
        whose, moves = group, resetter.plan(group, topics or (), parse_target(to))
    fault = None
    if yes and moves:
        name_environment(resetter.cluster, environment, [f"move {len(moves)} positions of {whose}"])
        fault = resetter.apply(whose, moves)
    if output is OutputFormat.JSON:
        show_json(_plain(resetter, whose, moves, fault, yes=yes))
    else:
        _show(resetter, whose, moves, fault, yes=yes)
    return ExitCode.FINDINGS if fault else ExitCode.OK


def parse_target(text: str) -> Target:
    """Where to. Raises UsageFault WM-RESET-TARGET."""
    from watermaster.runtime.reset import Anchor, Moment, Offset

    if text in (Anchor.EARLIEST.value, Anchor.LATEST.value):
        return Anchor(text)
    if text.isascii() and text.isdecimal():
        return Offset(int(text[:20]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageFault(
            "WM-RESET-TARGET",
            f"{text} is no place in a log.",
            hint="Give earliest, latest, an offset, or a moment such as 2026-11-26T02:00:00Z.",
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Moment(round(aware.timestamp() * 1000))


def _plain(
    resetter: Resetter, group: str, moves: tuple[Move, ...], fault: Fault | None, *, yes: bool
) -> dict[str, object]:
    applied = yes and bool(moves) and fault is None
    return {
        "group": group,
        "moves": [{"move": move, "skipped": move.skipped, "again": move.again} for move in moves],
        "applied": applied,
        "failed": str(fault) if fault else None,
        "backup": resetter.backup_path if applied else None,
    }


def _show(resetter: Resetter, group: str, moves: tuple[Move, ...], fault: Fault | None, *, yes: bool) -> None:
    if not moves:
        say(f"The positions of {group} are there already.")
        return
    rows = [
        (
            move.source.topic,
            move.source.partition,
            None if move.before is None else move.before.offset,
            move.after.offset,
            move.skipped or None,
            move.again or None,
        )
        for move in moves
    ]
    columns = ("topic", "partition", "from", "to", "skipped ≤", "read again ≤")
    show_table(f"Positions of {group}", columns, rows)
    if any(move.before is None for move in moves):
        say("Where it had no position, none can be taken away again.")
    if fault is not None:
        say(f"FAILED: {fault}\n  {fault.hint}")
    elif yes:
        say(f"done; `watermaster reset --undo {resetter.backup_path}` puts it back.")
    else:
        say("Add --yes to do it.")
