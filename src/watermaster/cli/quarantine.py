"""`watermaster quarantine`: look at held records, mend them, replay them, and see that the ledger closes."""

from __future__ import annotations

import typer

from watermaster.cli import (
    quarantine_adopt,
    quarantine_approve,
    quarantine_export,
    quarantine_fix,
    quarantine_look,
    quarantine_replay,
    quarantine_show,
    quarantine_unmasked,
)


def register(app: typer.Typer) -> None:
    """Add `quarantine` and what belongs to it."""
    quarantine_app = typer.Typer(
        help="Held records: look, group, mend, replay, discard, and a ledger that closes.", no_args_is_help=True
    )
    quarantine_adopt.register(quarantine_app)
    quarantine_look.register(quarantine_app)
    quarantine_show.register(quarantine_app)
    quarantine_export.register(quarantine_app)
    quarantine_fix.register(quarantine_app)
    quarantine_replay.register(quarantine_app)
    quarantine_approve.register(quarantine_app)
    quarantine_unmasked.register(quarantine_app)
    app.add_typer(quarantine_app, name="quarantine")
