"""Kafka's jars and a Java to run them: the commands for a broker, and the formatting of its directories."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watermaster.stream.fault import WorldFault
from watermaster.testing.account import scram_argument
from watermaster.testing.jars import find_jars
from watermaster.testing.java import find_java
from watermaster.testing.process import last_lines
from watermaster.testing.server_settings import BrokerAddress, ClusterPlan, Security, broker_settings, render_properties
from watermaster.testing.settings import KitSettings
from watermaster.testing.tls import Authority, write_private

FORMAT_TIMEOUT_S = 60.0
LINES_SHOWN = 25

_LOG_SETTINGS = """\
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
# Told many times a second, and of no use to who looks for why a broker did not start.
logger.state.name=state.change.logger
logger.state.level=warn
logger.loader.name=org.apache.kafka.image.loader
logger.loader.level=warn
logger.quorum.name=org.apache.kafka.raft.QuorumState
logger.quorum.level=warn
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where Java and the jars are."""

    java: Path
    jars: Path

    def command(self, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """A command line that runs one of Kafka's main classes."""
        return [str(self.java), *options, "-cp", f"{self.jars}/*", main, *arguments]


def find_installation(settings: KitSettings) -> Installation:
    """Java first, which is quick to miss; then the jars, fetched if need be. Raises Fault."""
    java = find_java(settings)
    return Installation(java, find_jars(settings))


def random_id() -> str:
    """A cluster or directory id in Kafka's form; never one that a command line would take for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def settings_file(plan: ClusterPlan, node: int) -> Path:
    """Where a broker's `server.properties` lies."""
    return plan.broker_directory(node) / "server.properties"


def broker_command(installation: Installation, plan: ClusterPlan, node: int, options: Sequence[str]) -> list[str]:
    """The command line of one broker."""
    logging = f"-Dlog4j2.configurationFile={plan.directory / 'log4j2.properties'}"
    return installation.command("kafka.Kafka", str(settings_file(plan, node)), options=[*options, logging])


def prepare(installation: Installation, plan: ClusterPlan, authority: Authority) -> None:
    """Write all files of a cluster that never ran: settings, certificates, formatted directories."""
    (plan.directory / "log4j2.properties").write_text(_LOG_SETTINGS, encoding="ascii")
    for broker in plan.brokers:
        plan.broker_directory(broker.node).mkdir(parents=True)
        text = render_properties(broker_settings(plan, broker))
        write_private(settings_file(plan, broker.node), text.encode())
    if plan.security is Security.SASL_SSL:
        plan.authority_file.write_bytes(authority.certificate_pem())
        authority.write_server(plan.server_file)
    _format_first(installation, plan)
    for broker in plan.brokers[1:]:
        _copy_format(plan, broker)


def _format_first(installation: Installation, plan: ClusterPlan) -> None:
    node = plan.brokers[0].node
    arguments = ["format", "--cluster-id", plan.cluster_id, "--config", str(settings_file(plan, node))]
    if plan.security is Security.SASL_SSL:
        for name, password in plan.users.items():
            arguments += ["--add-scram", scram_argument(name, password)]
    command = installation.command("kafka.tools.StorageTool", *arguments, options=["-XX:TieredStopAtLevel=1"])
    done = subprocess.run(  # noqa: S603 - our own command line
        command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise WorldFault(
            "WM-TESTKIT-FORMAT",
            f"Kafka's storage tool refused to format:\n{last_lines(done.stdout + done.stderr, LINES_SHOWN)}",
            hint="Check `overrides` and `log_directories`.",
        )


def _copy_format(plan: ClusterPlan, broker: BrokerAddress) -> None:
    """Format another node by copying the first one's metadata: the same result as the tool's, without its Java start.

    Only voters of the quorum carry the bootstrap snapshot; every directory has an id of its own.
    """
    metadata = plan.metadata_directory(broker.node)
    if "controller" in broker_settings(plan, broker)["process.roles"]:
        shutil.copytree(plan.metadata_directory(plan.brokers[0].node), metadata)
    for directory in (metadata, *plan.record_directories(broker.node)):
        directory.mkdir(parents=True, exist_ok=True)
        properties = {
            "version": "1",
            "cluster.id": plan.cluster_id,
            "node.id": str(broker.node),
            "directory.id": random_id(),
        }
        (directory / "meta.properties").write_text(render_properties(properties), encoding="ascii")
