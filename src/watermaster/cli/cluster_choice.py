"""The one cluster whose topic a command about a contract reads: named on the spot, or the configuration's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.registry_settings import RegistryConfiguration

BootstrapOption = Annotated[
    str | None, typer.Option("--bootstrap", help="With --topic, without a configuration: HOST:PORT of a broker.")
]


def named_cluster(
    bootstrap: str | None, client_config: Path | None, *, plaintext: bool, anonymous: bool
) -> ClusterConfiguration | None:
    """The cluster behind `--bootstrap`, None without it."""
    from watermaster.runtime.configuration import ClusterConfiguration

    if bootstrap is None:
        return None
    return ClusterConfiguration(
        name="cluster",
        bootstrap=bootstrap,
        client_config=client_config.absolute() if client_config else None,
        allow_plaintext=plaintext,
        allow_anonymous=anonymous,
    )


def configured_cluster(config: Path, name: str | None) -> ClusterConfiguration:
    """The configuration's only cluster, or the named one. Raises UsageFault."""
    from watermaster.wiring.observation import chosen_clusters, load_configuration

    configuration = load_configuration(config)
    names = chosen_clusters(configuration, name)
    if len(names) != 1:
        raise UsageFault(
            "WM-CLUSTER-CHOICE", f"{config} has {len(names)} clusters: {', '.join(names)}.", hint="Name one: --cluster."
        )
    return configuration.clusters[names[0]]


def configured_registry(config: Path, cluster: ClusterConfiguration) -> RegistryConfiguration | None:
    """The schema registry of a cluster of the configuration; None for any other. Raises UsageFault."""
    from watermaster.wiring.observation import load_configuration

    if cluster.registry is None:
        return None
    return load_configuration(config).registries[cluster.registry]
