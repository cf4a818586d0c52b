"""The one cluster whose topic a command reads, and its schema registry: named on the spot, or the configuration's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.registry_settings import RegistryConfiguration

CLUSTER_PANEL: Final = "A cluster named on the spot, without a configuration"

BootstrapOption = Annotated[
    str | None,
    typer.Option("--bootstrap", help="HOST:PORT of a broker whose topic is read.", rich_help_panel=CLUSTER_PANEL),
]
ClientConfigOption = Annotated[
    Path | None,
    typer.Option("--client-config", help="Client properties, Java's or librdkafka's.", rich_help_panel=CLUSTER_PANEL),
]
AllowPlaintextOption = Annotated[
    bool,
    typer.Option("--allow-plaintext", help="Connect unencrypted beyond this machine.", rich_help_panel=CLUSTER_PANEL),
]
AllowAnonymousOption = Annotated[
    bool,
    typer.Option(
        "--allow-anonymous", help="Connect without a login beyond this machine.", rich_help_panel=CLUSTER_PANEL
    ),
]
AllowUnverifiedTlsOption = Annotated[
    bool,
    typer.Option("--allow-unverified-tls", help="Do not ask for proof of the broker.", rich_help_panel=CLUSTER_PANEL),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        help="URL of the schema registry that records name (Confluent's API).",
        rich_help_panel=CLUSTER_PANEL,
    ),
]
RegistryConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--registry-config",
        help="YAML with its login and TLS, as it stands under `registries:`.",
        rich_help_panel=CLUSTER_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """The options, as they were given. `name` is `--cluster`; all that follows is of `--bootstrap`."""

    config: Path
    name: str | None = None
    bootstrap: str | None = None
    client_config: Path | None = None
    allow_plaintext: bool = False
    allow_anonymous: bool = False
    allow_unverified_tls: bool = False
    registry: str | None = None
    registry_config: Path | None = None

    def on_the_spot(self) -> tuple[ClusterConfiguration, RegistryConfiguration | None] | None:
        """What is named without a configuration; None if nothing is.

        Raises UsageFault WM-CLUSTER-CHOICE for options that would not be heeded, and what `load_registry` raises.
        """
        from watermaster.runtime.configuration import ClusterConfiguration

        if self.bootstrap is None:
            self._refuse_details()
            return None
        if self.name is not None:
            raise UsageFault(
                "WM-CLUSTER-CHOICE", "--cluster and --bootstrap name two clusters.", hint="Leave one of them out."
            )
        cluster = ClusterConfiguration(
            name="cluster",
            bootstrap=self.bootstrap,
            client_config=self.client_config.absolute() if self.client_config else None,
            allow_plaintext=self.allow_plaintext,
            allow_anonymous=self.allow_anonymous,
            allow_unverified_tls=self.allow_unverified_tls,
        )
        return cluster, named_registry(self.registry, self.registry_config)

    def require(self) -> tuple[ClusterConfiguration, RegistryConfiguration | None]:
        """What is named on the spot, else the configuration's only cluster, or the named one. Raises UsageFault."""
        named = self.on_the_spot()
        if named is not None:
            return named
        cluster = configured_cluster(self.config, self.name)
        return cluster, configured_registry(self.config, cluster)

    def refuse_without(self, topic: str | None) -> None:
        """Raises UsageFault WM-CLUSTER-CHOICE if a cluster is named on the spot and no topic of it."""
        if topic is None:
            self._refuse("is for a topic, and none is named", "Add --topic.")

    def refuse_to_run(self) -> None:
        """Raises UsageFault WM-CLUSTER-CHOICE if a cluster is named on the spot: a gate would not heed it."""
        self._refuse("is for looking, and a gate runs on the cluster of its configuration", "Add --observe.")

    def _refuse_details(self) -> None:
        self._refuse(
            "belongs to --bootstrap, and no broker is named",
            f"Add --bootstrap HOST:PORT; the clusters of {self.config.name} say such things there.",
        )

    def _refuse(self, why: str, hint: str) -> None:
        for option in self._given():
            raise UsageFault("WM-CLUSTER-CHOICE", f"{option} {why}.", hint=hint)

    def _given(self) -> Iterator[str]:
        """The options about a cluster that is named on the spot."""
        given = {
            "--bootstrap": self.bootstrap is not None,
            "--client-config": self.client_config is not None,
            "--allow-plaintext": self.allow_plaintext,
            "--allow-anonymous": self.allow_anonymous,
            "--allow-unverified-tls": self.allow_unverified_tls,
            "--registry": self.registry is not None,
            "--registry-config": self.registry_config is not None,
        }
        return (option for option, is_given in given.items() if is_given)


def named_registry(url: str | None, config: Path | None) -> RegistryConfiguration | None:
    """The registry behind `--registry`, with what the file says of its login; None without it. Raises UsageFault."""
    from watermaster.runtime.names import REGISTRY_NAME
    from watermaster.wiring.observation import load_registry

    if url is not None:
        return load_registry(REGISTRY_NAME, url, config)
    if config is not None:
        raise UsageFault("WM-USAGE", "--registry-config is of no registry.", hint="Name it: --registry URL.")
    return None


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
