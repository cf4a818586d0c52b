"""Which quarantine a command means: that of a gate, or an adopted one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import Configuration

QuarantineOption = Annotated[
    str | None,
    typer.Option("--gate", "--quarantine", "-g", help="Which gate or adopted quarantine; not needed if there is one."),
]


def choose_quarantine(configuration: Configuration, name: str | None) -> str:
    """The name of a gate or of an adopted quarantine: the one asked for, or the only one. Raises UsageFault."""
    names = [*sorted(configuration.gates), *sorted(configuration.quarantines)]
    if name is None and len(names) == 1:
        return names[0]
    if name is not None and name in names:
        return name
    asked = f"there is no gate or quarantine {name!r}" if name else "there are several" if names else "there is none"
    raise UsageFault(
        "WM-GATE-NAME",
        f"{asked}; configured: {', '.join(names) or 'none'}",
        hint="Name one with --gate or --quarantine." if names else "`watermaster quarantine adopt TOPIC` adopts one.",
    )
