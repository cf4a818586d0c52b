"""Production is changed only by who names it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.output import say
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration

EnvironmentOption = Annotated[
    str | None, typer.Option("--environment", help="With --yes: names a production environment, so nobody is asked.")
]


def name_environment(cluster: ClusterConfiguration, environment: str | None, actions: Iterable[str]) -> None:
    """Return if `cluster` may be changed by `actions` (sentences; with none, nothing is asked).

    Raises UsageFault WM-ENVIRONMENT if another environment was named, or none of a production cluster.
    """
    from watermaster.runtime.configuration import Environment

    if environment is not None and environment != cluster.environment.value:
        raise UsageFault(
            "WM-ENVIRONMENT",
            f"{cluster.name} is {cluster.environment.value}, not {environment}",
            hint="Nothing was changed. Look at `environment` of this cluster in the configuration.",
        )
    sentences = list(actions)
    if cluster.environment is not Environment.PRODUCTION or environment is not None or not sentences:
        return
    named = None
    if sys.stdin.isatty():
        for sentence in sentences:
            say(f"  {sentence}")
        named = typer.prompt(f"{cluster.name} is production. Type the name of the environment to go on")
    if named != Environment.PRODUCTION.value:
        raise UsageFault(
            "WM-ENVIRONMENT",
            f"{cluster.name} is production, and nobody has named it; nothing was changed",
            hint="Add --environment production to --yes.",
        )
