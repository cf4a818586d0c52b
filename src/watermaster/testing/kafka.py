"""A real Apache Kafka cluster of one to three brokers on loopback, for tests.

with KafkaCluster(brokers=3) as kafka:
    kafka.create_topic("orders", partitions=4)
    producer = Producer(kafka.client_config(**{"enable.idempotence": True}))
    kafka.broker(kafka.leader("orders", 0)).kill()
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaException

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.account import ADMIN, new_password
from watermaster.testing.administration import Administration
from watermaster.testing.broker import Broker
from watermaster.testing.client_settings import (
    Access,
    Mechanism,
    PropertiesStyle,
    client_settings,
    librdkafka_settings,
)
from watermaster.testing.installation import broker_command, find_installation, prepare, random_id
from watermaster.testing.port import ReservedPort, reserve_port
from watermaster.testing.proxy import PORT_TAKEN, FrameProxy
from watermaster.testing.server_settings import HOST, BrokerAddress, ClusterPlan, Security, render_properties
from watermaster.testing.settings import KitSettings, settings_from_environment
from watermaster.testing.tls import Authority, write_private
from watermaster.testing.waiting import PATIENCE_S, wait_until

BROKERS_MAX = 3
"""Enough for a quorum and for two of three copies in sync; more would only fill the memory of a laptop."""
HEAP_MB = 320
START_ATTEMPTS = 3
"""Ports are reserved against other clusters of this kit; a foreign program may still take one."""
METADATA_TIMEOUT_S = 5.0

JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Djava.awt.headless=true")
"""Brokers of a test live for seconds: they start quickly, stay small, and do without the optimising compiler.

Give `java_options=()` to measure throughput: the optimising compiler is then on.
"""


class KafkaCluster(Administration):
    """One to three combined broker-and-controller nodes, numbered from 1. A context manager.

    `security` is "plaintext" or "sasl_ssl": the latter asks clients for SCRAM-SHA-512 or PLAIN over TLS (or for a
    client certificate on a listener of its own), denies what no ACL allows, and has the super user "admin". `users`
    maps further names to passwords. `overrides` are broker settings that win over the kit's. `log_directories` gives
    record directories by node, for disks that fill up or break. `heap_mb` and `java_options` size each broker's Java.
    With `proxied` (plaintext only) clients that start from `proxied_bootstrap` reach every broker through `proxy`.
    """

    def __init__(
        self,
        brokers: int = 1,
        security: str | Security = Security.PLAINTEXT,
        *,
        users: Mapping[str, str] | None = None,
        overrides: Mapping[str, str | int] | None = None,
        log_directories: Mapping[int, Sequence[Path]] | None = None,
        heap_mb: int = HEAP_MB,
        java_options: Sequence[str] = JAVA_OPTIONS,
        proxied: bool = False,
        settings: KitSettings | None = None,
    ) -> None:
        if not 1 <= brokers <= BROKERS_MAX:
            raise UsageFault(
                "WM-TESTKIT-BROKERS",
                f"A test cluster has 1 to {BROKERS_MAX} brokers, not {brokers}.",
                hint="Give `brokers` a number in that range.",
            )
        self.security = Security(security)
        if proxied and self.security is Security.SASL_SSL:
            raise UsageFault(
                "WM-TESTKIT-PROXY",
                "A frame proxy cannot look into encrypted connections.",
                hint="Use `proxied` with security plaintext.",
            )
        self._proxied = proxied
        self._proxy: FrameProxy | None = None
        self._count = brokers
        self._users = {ADMIN: new_password(), **(users or {})}
        self._overrides = {key: str(value) for key, value in (overrides or {}).items()}
        self._log_directories = dict(log_directories or {})
        self._java_options = (f"-Xmx{heap_mb}m", *java_options)
        self._settings = settings
        self._authority = Authority()
        self._ports: list[ReservedPort] = []
        self._plan: ClusterPlan | None = None
        self._brokers: dict[int, Broker] = {}

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all brokers side by side and return when the cluster is ready. Raises Fault.

        A cluster that was stopped starts again as a new one: other ports, other cluster id, no data.
        """
        installation = find_installation(self._settings or settings_from_environment())
        for attempt in range(START_ATTEMPTS):
            self._plan = self._new_plan()
            try:
                self._start_proxy(self._plan)
                prepare(installation, self._plan, self._authority)
                for address in self._plan.brokers:
                    command = broker_command(installation, self._plan, address.node, self._java_options)
                    log = self._plan.broker_directory(address.node) / "broker.log"
                    self._brokers[address.node] = Broker(address, command, log, self.wait_until_ready)
                    self._brokers[address.node].start(wait=False)
                self.wait_until_ready()
            except BaseException as error:
                collided = _is_port_taken(error) or any(broker.port_was_taken for broker in self._brokers.values())
                self.stop()
                if not collided or attempt + 1 == START_ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End all brokers by SIGKILL, for nothing is kept, and remove their data. May be called twice."""
        for broker in self._brokers.values():
            broker.kill()
        self._brokers.clear()
        self._admin = None
        if self._proxy is not None:
            self._proxy.stop()
            self._proxy = None
        if self._plan is not None:
            shutil.rmtree(self._plan.directory, ignore_errors=True)
            self._plan = None
        while self._ports:
            self._ports.pop().release()

    def wait_until_ready(self, timeout_s: float = PATIENCE_S) -> None:
        """Return once every running broker serves clients and is known to the others.

        Raises WorldFault `WM-TESTKIT-BROKER` with the last lines of its log if a broker ends meanwhile.
        """
        running = [broker for broker in self._brokers.values() if broker.started]
        wait_until(
            lambda: self._are_ready(running),
            f"brokers {[broker.node for broker in running]} serve clients and know each other",
            timeout_s,
            lambda: "\n".join(broker.last_words() for broker in running),
        )

    # Looking at it

    @property
    def bootstrap(self) -> str:
        """All brokers' client listeners, `host:port,host:port,…`."""
        return ",".join(f"{HOST}:{broker.client}" for broker in self._started_plan().brokers)

    @property
    def proxied_bootstrap(self) -> str:
        """All brokers through the proxy, `host:port,host:port,…`."""
        return ",".join(f"{HOST}:{broker.proxy}" for broker in self._started_plan().brokers if broker.proxy)

    @property
    def proxy(self) -> FrameProxy:
        """The frame proxy of a cluster that was made with `proxied`."""
        if self._proxy is None:
            raise UsageFault(
                "WM-TESTKIT-PROXY", "This cluster has no proxy.", hint="Make it with `proxied=True` and start it."
            )
        return self._proxy

    @property
    def cluster_id(self) -> str:
        """The id that brokers tell to clients."""
        return self._started_plan().cluster_id

    @property
    def directory(self) -> Path:
        """Where settings, logs (`broker-<node>/broker.log`) and data lie while the cluster runs."""
        return self._started_plan().directory

    @property
    def brokers(self) -> list[Broker]:
        """All brokers, running or not."""
        return list(self._brokers.values())

    def broker(self, node: int) -> Broker:
        """The broker with this id, counted from 1."""
        if node not in self._brokers:
            raise UsageFault(
                "WM-TESTKIT-BROKERS",
                f"There is no broker {node} in this cluster.",
                hint=f"Brokers have the ids {sorted(self._brokers)}; a cluster that was not started has none.",
            )
        return self._brokers[node]

    def password(self, principal: str) -> str:
        """The password that a user was given at the start or by `add_user`."""
        return self._users[principal]

    def add_user(self, name: str, password: str | None = None) -> str:
        """Create a user for SCRAM-SHA-512 (PLAIN knows only the users given at the start); returns its password."""
        chosen = password or new_password()
        self.set_password(name, chosen)
        self._users[name] = chosen
        return chosen

    def client_config(
        self, principal: str = ADMIN, *, mechanism: str | Mechanism = Mechanism.SCRAM_SHA_512, **more: object
    ) -> dict[str, Any]:
        """librdkafka settings by which a principal connects; `more` are added, such as `{"group.id": "g"}`.

        To go through the proxy add `{"bootstrap.servers": cluster.proxied_bootstrap}`.

        `mechanism` is "SCRAM-SHA-512", "PLAIN" or "mTLS". On a plaintext cluster all principals are the same.
        """
        return {**librdkafka_settings(self.access(principal, mechanism)), **more}

    def administrator_settings(self) -> dict[str, Any]:
        """The super user's settings."""
        return self.client_config(ADMIN)

    def client_properties(
        self,
        principal: str,
        path: Path,
        style: str | PropertiesStyle = PropertiesStyle.LIBRDKAFKA,
        *,
        mechanism: str | Mechanism = Mechanism.SCRAM_SHA_512,
    ) -> Path:
        """Write a client properties file, readable by its owner alone, in "librdkafka" or "java" words."""
        settings = client_settings(self.access(principal, mechanism), PropertiesStyle(style))
        write_private(path, render_properties(settings).encode())
        return path

    def access(self, principal: str = ADMIN, mechanism: str | Mechanism = Mechanism.SCRAM_SHA_512) -> Access:
        """A principal's way in as a value, from which `client_settings` makes any client's settings."""
        plan, way = self._started_plan(), Mechanism(mechanism)
        if self.security is Security.PLAINTEXT:
            return Access(self.bootstrap)
        if way is Mechanism.MUTUAL_TLS:
            certificate = self._authority.write_client(plan.directory / f"client-{principal}.pem", principal)
            bootstrap = ",".join(f"{HOST}:{broker.mutual_tls}" for broker in plan.brokers)
            return Access(bootstrap, way, principal, "", plan.authority_file, certificate)
        return Access(self.bootstrap, way, principal, self._users.get(principal, ""), plan.authority_file)

    def _are_ready(self, brokers: Sequence[Broker]) -> bool:
        # All are asked each time: one that has ended explains why the others wait for it.
        started = [broker.has_started() for broker in brokers]
        return all(started) and {broker.node for broker in brokers} <= self._visible_nodes()

    def _visible_nodes(self) -> set[int]:
        try:
            found = self.admin().list_topics(timeout=METADATA_TIMEOUT_S)
        except KafkaException:
            return set()
        return set(found.brokers)

    def _started_plan(self) -> ClusterPlan:
        if self._plan is None:
            raise UsageFault(
                "WM-TESTKIT-STOPPED", "The Kafka cluster is not running.", hint="Use it in a `with` block, or start it."
            )
        return self._plan

    def _new_plan(self) -> ClusterPlan:
        return ClusterPlan(
            cluster_id=random_id(),
            brokers=tuple(self._new_address(node) for node in range(1, self._count + 1)),
            directory=Path(tempfile.mkdtemp(prefix="watermaster-kafka-")),
            security=self.security,
            users=self._users,
            log_directories=self._log_directories,
            overrides=self._overrides,
        )

    def _new_address(self, node: int) -> BrokerAddress:
        secured = self.security is Security.SASL_SSL
        return BrokerAddress(
            node=node,
            client=self._port(),
            internal=self._port(),
            controller=self._port(),
            mutual_tls=self._port() if secured else 0,
            proxied=self._port() if self._proxied else 0,
            proxy=self._port() if self._proxied else 0,
        )

    def _start_proxy(self, plan: ClusterPlan) -> None:
        if self._proxied:
            self._proxy = FrameProxy({broker.node: (broker.proxy, broker.proxied) for broker in plan.brokers})
            self._proxy.start()

    def _port(self) -> int:
        self._ports.append(reserve_port())
        return self._ports[-1].number


def _is_port_taken(error: BaseException) -> bool:
    return isinstance(error, WorldFault) and error.code == PORT_TAKEN
