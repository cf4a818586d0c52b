"""The part of the demonstration's ending that is about held records: problems instead of records, and a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watermaster.cli.demo_text import counted
from watermaster.cli.output import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from watermaster.runtime.demo_holds import DryRun, HoldsShown, Mending

GROUPS_SHOWN: Final = 6


def show_holds(holds: HoldsShown, out: Console, width: int) -> None:
    """Groups and the dry run; nothing if nothing is held."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not holds.groups:
        return
    total = sum(group.records for group in holds.groups)
    out.print()
    note = f"{counted(total)} records, {len(holds.groups)} problems; `watermaster quarantine groups`"
    out.print(Text.assemble(" ", ("Held records by what makes them fail", "bold"), (f"  {note}", "dim")))
    table = Table(box=None, pad_edge=False, show_header=False, width=width - 1)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    for group in holds.groups[:GROUPS_SHOWN]:
        table.add_row(group.short, Text(counted(group.records)), Text(group.over_time), Text(one_line(group.title)))
    out.print(Padding(table, (0, 0, 0, 1), expand=False))
    hidden = len(holds.groups) - GROUPS_SHOWN
    if hidden > 0:
        out.print(Text(f" and {hidden} smaller ones", "dim"))
    if holds.dry_run is not None:
        _show_dry_run(holds.dry_run, out)
    if holds.mending is not None:
        _show_mending(holds.mending, out)


def _show_dry_run(run: DryRun, out: Console) -> None:
    from rich.text import Text

    out.print()
    out.print(Text.assemble(" ", ("What a replay would do", "bold"), ("  a dry run, nothing is written", "dim")))
    out.print(Text.assemble(" ", (run.command, "cyan")))
    out.print(
        Text(f" {counted(run.matched)} records match; {counted(run.passing)} would pass activation {run.activation}.")
    )
    for rule, records in run.still_broken.items():
        out.print(Text.assemble(f"   {counted(records)} still break ", (one_line(rule), "yellow")))
    if run.passing < run.matched:
        out.print(
            Text(" They wait for a fix, or for another contract: `--yes` would write what passes, exactly once.", "dim")
        )


def _show_mending(mending: Mending, out: Console) -> None:
    from rich.text import Text

    from watermaster.cli.quarantine_fix import show_difference

    out.print()
    note = f"  the fix {mending.fix}: a document, never code"
    out.print(Text.assemble(" ", ("One problem mended and replayed", "bold"), (note, "dim")))
    out.print(Text.assemble(" ", (mending.command, "cyan")))
    show_difference(mending.changes)
    out.print(
        Text(
            f" {counted(mending.matched)} records match, {counted(mending.replayed)} are replayed; "
            f"{counted(mending.group_open)} of the group {mending.group} are left open."
        )
    )
    out.print(
        Text.assemble(
            (" ✓ ", "green") if mending.closes else (" ✗ ", "red"),
            f"held {counted(mending.held)} = open {counted(mending.still_open)} "
            f"+ replayed {counted(mending.replayed)}; "
            f"{counted(mending.proved)} proved to be byte for byte what the fix makes.",
        )
    )
