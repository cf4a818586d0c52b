"""Production is changed only by who names it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration

EnvironmentOption = Annotated[
    str | None, typer.Option("--environment", help="With --yes: names a production environment, so nobody is asked.")
]


def refuse_unnamed_environment(cluster: ClusterConfiguration, named: str | None) -> None:
    """Raises UsageFault unless the cluster is no production, or somebody names it: by option or at the prompt."""
    from watermaster.runtime.configuration import Environment

    if named is not None and named != cluster.environment.value:
        raise UsageFault(
            "WM-ENVIRONMENT",
            f"{cluster.name} is {cluster.environment.value}, not {named}",
            hint="Nothing was changed. Look at `environment` of this cluster in the configuration.",
        )
    if cluster.environment is not Environment.PRODUCTION or named is not None:
        return
    said = None
    if sys.stdin.isatty():
        said = typer.prompt(f"{cluster.name} is production. Type the name of the environment to go on")
    if said != Environment.PRODUCTION.value:
        raise UsageFault(
            "WM-ENVIRONMENT",
            f"{cluster.name} is production, and nobody has named it; nothing was changed",
            hint="Add --environment production to --yes.",
        )
