"""Which gate a command means, and whether it may change anything."""

from __future__ import annotations

from typing import Annotated

import typer

from watermaster.stream.fault import UsageFault

GateOption = Annotated[
    str | None, typer.Option("--gate", "-g", help="Which gate of the configuration; not needed if there is one.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without this the plan is printed.")]


def choose_gate(gates: object, name: str | None) -> str:
    """The gate's name: the one asked for, or the only one. Raises UsageFault."""
    names = sorted(gates)  # type: ignore[call-overload]
    if name is None and len(names) == 1:
        return str(names[0])
    if name in names:
        return str(name)
    asked = f"there is no gate {name!r}" if name else "the configuration has several gates" if names else "no gate"
    raise UsageFault(
        "WM-GATE-NAME",
        f"{asked}; configured: {', '.join(names) or 'none'}",
        hint="Name one with --gate." if names else "Add a `gates:` section to watermaster.yaml.",
    )
