"""From a plain description of a cluster to the settings of each broker. Pure: nothing is started or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from watermaster.testing.account import ADMIN, plain_module

QUORUM_MIN = 3
"""Below three brokers one controller stands alone: of two voters neither could be spared."""
HOST = "127.0.0.1"


class Security(Enum):
    """How clients reach the brokers. Brokers speak plaintext among themselves, always on loopback."""

    PLAINTEXT = "plaintext"
    SASL_SSL = "sasl_ssl"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The ports of one broker. `mutual_tls` is 0 without TLS; `proxied` and `proxy` are 0 without a proxy."""

    node: int
    client: int
    internal: int
    controller: int
    mutual_tls: int = 0
    proxied: int = 0
    proxy: int = 0


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """All that broker settings follow from. `users` maps names to passwords; `log_directories` is by node."""

    cluster_id: str
    brokers: tuple[BrokerAddress, ...]
    directory: Path
    security: Security = Security.PLAINTEXT
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    log_directories: Mapping[int, Sequence[Path]] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def authority_file(self) -> Path:
        """The PEM certificate that clients trust."""
        return self.directory / "authority.pem"

    @property
    def server_file(self) -> Path:
        """The PEM key and certificate that all brokers show."""
        return self.directory / "server.pem"

    def broker_directory(self, node: int) -> Path:
        """Where a broker's settings, log and data lie."""
        return self.directory / f"broker-{node}"

    def metadata_directory(self, node: int) -> Path:
        """Apart from the records, so that a full or broken record disk leaves the metadata quorum whole."""
        return self.broker_directory(node) / "metadata"

    def record_directories(self, node: int) -> Sequence[Path]:
        """The broker's `log.dirs`."""
        return self.log_directories.get(node) or [self.broker_directory(node) / "records"]


def broker_settings(plan: ClusterPlan, broker: BrokerAddress) -> dict[str, str]:
    """The content of one broker's `server.properties`; `overrides` win over everything."""
    return {
        **_identity(plan, broker),
        **_listeners(plan, broker),
        **_durability(len(plan.brokers)),
        **_QUICK,
        **_SMALL,
        **(_secured(plan) if plan.security is Security.SASL_SSL else {}),
        **plan.overrides,
    }


def render_properties(settings: Mapping[str, str]) -> str:
    """Java properties text; a backslash or newline in a value would be read as another value, so both are escaped."""
    lines = (f"{key}={value}" for key, value in settings.items())
    return "".join(line.replace("\\", "\\\\").replace("\n", "\\n") + "\n" for line in lines)


def _identity(plan: ClusterPlan, broker: BrokerAddress) -> dict[str, str]:
    voters = plan.brokers if len(plan.brokers) >= QUORUM_MIN else plan.brokers[:1]
    return {
        "node.id": str(broker.node),
        "process.roles": "broker,controller" if broker in voters else "broker",
        "controller.quorum.voters": ",".join(f"{voter.node}@{HOST}:{voter.controller}" for voter in voters),
        "log.dirs": ",".join(str(path) for path in plan.record_directories(broker.node)),
        "metadata.log.dir": str(plan.metadata_directory(broker.node)),
    }


def _listeners(plan: ClusterPlan, broker: BrokerAddress) -> dict[str, str]:
    client_protocol = "SASL_SSL" if plan.security is Security.SASL_SSL else "PLAINTEXT"
    listeners = [("CLIENT", client_protocol, broker.client, broker.client)]
    listeners += [("INTERNAL", "PLAINTEXT", broker.internal, broker.internal)]
    if broker.mutual_tls:
        listeners += [("MUTUAL", "SSL", broker.mutual_tls, broker.mutual_tls)]
    if broker.proxied:
        listeners += [("PROXIED", "PLAINTEXT", broker.proxied, broker.proxy)]
    served = [f"{name}://{HOST}:{port}" for name, _, port, _ in listeners]
    if "controller" in _identity(plan, broker)["process.roles"]:
        served.append(f"CONTROLLER://{HOST}:{broker.controller}")
    protocols = [f"{name}:{protocol}" for name, protocol, _, _ in listeners]
    return {
        "listeners": ",".join(served),
        "advertised.listeners": ",".join(f"{name}://{HOST}:{port}" for name, _, _, port in listeners),
        "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
        "inter.broker.listener.name": "INTERNAL",
        "controller.listener.names": "CONTROLLER",
    }


def _durability(brokers: int) -> dict[str, str]:
    """Three copies of which two must be in sync, where there are three brokers; else as many as there are, and one."""
    in_sync = "2" if brokers >= QUORUM_MIN else "1"
    return {
        "default.replication.factor": str(brokers),
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(brokers),
        "transaction.state.log.replication.factor": str(brokers),
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": str(brokers),
        "share.coordinator.state.topic.min.isr": in_sync,
    }


_QUICK = {
    # Tests wait for what production may take its time with.
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
    # A quorum that has nothing to say would say so twice a second, which is most of what an idle broker costs.
    "metadata.max.idle.interval.ms": "5000",
    "controlled.shutdown.retry.backoff.ms": "200",
    # A test that misspells a topic shall fail, not make one.
    "auto.create.topics.enable": "false",
}

_SMALL = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    # By default the cleaner alone takes half of the heap that a test broker is given.
    "log.cleaner.dedupe.buffer.size": str(4 * 1024 * 1024),
}


def _secured(plan: ClusterPlan) -> dict[str, str]:
    client = "listener.name.client."
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        # ANONYMOUS is who brokers are to each other on the plaintext loopback listeners; no client is told of these.
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        client + "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        client + "scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        client + "plain.sasl.jaas.config": plain_module(plan.users),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(plan.server_file),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(plan.authority_file),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=(.*?)(,.*)?$/$1/,DEFAULT",
    }
