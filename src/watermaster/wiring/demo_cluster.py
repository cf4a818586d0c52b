"""Where the demonstration runs: the embedded broker, real Apache Kafka, or somebody's own cluster; and its topics."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, assert_never

from watermaster.adapters.broker.embedded import embedded_broker, embedded_broker_version
from watermaster.adapters.broker.removal import remove
from watermaster.adapters.files.flights import FLIGHTS_TOTAL
from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.topic_admin import KafkaTopicAdmin
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.demo import Audience
from watermaster.runtime.topic_needs import REPLICATION_MAX, DesiredTopic, Role
from watermaster.runtime.topic_plan import CreateTopic, plan_topics
from watermaster.stream.fault import Fault, UsageFault

CONTRACT: Final = "flights.odcs.yaml"
PARTITIONS: Final = 4
"""Two for each worker, so that they share the work; and each answer of the embedded broker stays small."""
WORKERS: Final = 2
EMBEDDED_LIMITS: Final = "For trying out: in memory, no login. What is promised is tested on real Kafka: --kafka real."
OWN_PREFIX: Final = "watermaster-demo"
"""Of everything on somebody's own cluster."""


class BrokerKind(Enum):
    """Where the records go."""

    EMBEDDED = "embedded"
    REAL = "real"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """What was asked for. `cluster` is there for `OWN`. `rate` (records per second) 0 leaves the slow phase out."""

    broker: BrokerKind
    index: str
    records: int = FLIGHTS_TOTAL
    rate: float = 400.0
    cluster: ClusterConfiguration | None = None


@dataclass(frozen=True, slots=True)
class DemoScene:
    """The configuration of one demonstration, with what of it is used all the time."""

    configuration: Configuration
    broker: str
    """What the broker is, for people."""
    prefix: str
    """Of every topic."""

    @property
    def gate(self) -> GateConfiguration:
        """The one gate."""
        return next(iter(self.configuration.gates.values()))

    @property
    def stream(self) -> StreamConfiguration:
        """The one stream."""
        return self.gate.streams[0]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of every client."""
        return client_settings(self.configuration.clusters[self.gate.cluster])

    @property
    def topics(self) -> dict[str, str]:
        """Role to name."""
        return {
            "landing": self.stream.landing,
            "trusted": self.stream.trusted,
            "quarantine": self.stream.quarantine,
            "ledger": self.gate.ledger,
            "holds": self.gate.holds,
            "control": self.gate.control,
        }


class DemoDeclined(Exception):
    """A person did not agree to what would be done on their cluster."""


@contextmanager
def open_scene(order: DemoOrder, directory: Path, contract: bytes, audience: Audience) -> Iterator[DemoScene]:
    """A broker that answers, and the configuration for it; both go again at the end. Raises faults, DemoDeclined."""
    (directory / CONTRACT).write_bytes(contract)
    match order.broker:
        case BrokerKind.EMBEDDED:
            with _embedded(audience) as (bootstrap, named):
                yield _scene(ClusterConfiguration("demo", bootstrap), named, directory)
        case BrokerKind.REAL:
            with real_broker(audience) as (bootstrap, named):
                yield _scene(ClusterConfiguration("demo", bootstrap), named, directory)
        case BrokerKind.OWN:
            assert order.cluster is not None  # noqa: S101 - the order's own invariant
            with _own(order.cluster, directory, audience) as scene:
                yield scene
        case _:
            assert_never(order.broker)


@contextmanager
def _embedded(audience: Audience) -> Iterator[tuple[str, str]]:
    # The kit's children cannot outlive their parent and its ports are reserved; both serve here as well.
    from watermaster.testing.port import reserve_port  # noqa: PLC0415 - only where a broker is started
    from watermaster.testing.process import Child  # noqa: PLC0415

    named = f"noida-db {embedded_broker_version()}"
    port = reserve_port()
    with ExitStack() as stack:
        stack.callback(port.release)
        with audience.step("Start a broker") as step:
            bootstrap = stack.enter_context(embedded_broker(port.number, Child))
            step.result(f"{named}, embedded, on {bootstrap}")
        audience.note(EMBEDDED_LIMITS)
        yield bootstrap, f"{named}, embedded"


@contextmanager
def real_broker(audience: Audience) -> Iterator[tuple[str, str]]:
    """Real Apache Kafka of one node: its address, and what it is. Raises UsageFault without the extra `testing`."""
    try:
        from watermaster.testing.kafka import KafkaCluster  # noqa: PLC0415 - needs the extra `testing`
    except ImportError as error:
        raise UsageFault(
            "WM-DEMO-EXTRA",
            f"Running real Apache Kafka needs the package {error.name}.",
            hint="pipx install 'watermaster[demo,testing]' (or pip install).",
        ) from error
    from watermaster.testing.jars import find_jars, locked_jars  # noqa: PLC0415
    from watermaster.testing.settings import KAFKA_VERSION, settings_from_environment  # noqa: PLC0415

    settings, named = settings_from_environment(), f"Apache Kafka {KAFKA_VERSION}"
    with audience.step(f"Fetch {named}") as step:
        count = len(locked_jars())
        told = iter(range(count + 1))  # one line of introduction, then one for each jar
        find_jars(settings, lambda _: step.progress(next(told, count) / count))
        step.result(f"{count} jars, checked")
    with ExitStack() as stack:
        with audience.step("Start a broker") as step:
            kafka = stack.enter_context(KafkaCluster(settings=settings))
            step.result(f"{named}, one node, on {kafka.bootstrap}")
        yield kafka.bootstrap, f"{named}, one node"


@contextmanager
def _own(cluster: ClusterConfiguration, directory: Path, audience: Audience) -> Iterator[DemoScene]:
    with audience.step("Connect to the cluster") as step:
        answered = connect(cluster).cluster
        count = len(answered.brokers)
        step.result(f"{answered.cluster_id}, {count} broker{'s' if count != 1 else ''}")
    mark = secrets.token_hex(2)  # every name is new, whoever else tries the same on this cluster
    scene = _scene(cluster, f"your cluster {answered.cluster_id}", directory, mark)
    plan = [
        *(f"create the topic {name}" for name in scene.topics.values()),
        f"use the consumer group {scene.gate.group_id} and transactional ids {scene.gate.name}.*",
        "ask at the end whether to delete all of it",
    ]
    if not audience.agrees(plan, "Do this on the cluster?"):
        raise DemoDeclined
    try:
        yield scene
    finally:
        _clean(scene, audience)


def _clean(scene: DemoScene, audience: Audience) -> None:
    names = list(scene.topics.values())
    if not audience.agrees([f"delete the topic {name}" for name in names], "Delete the demo's topics and group?"):
        audience.note(f"They stay: the topics {scene.prefix}*, the group {scene.gate.group_id}.")
        return
    for fault in remove(scene.settings, names, scene.gate.group_id):
        audience.note(f"{fault.message} {fault.hint}")


def _scene(cluster: ClusterConfiguration, named: str, directory: Path, mark: str = "") -> DemoScene:
    """What `watermaster.yaml` would say."""
    prefix = f"{OWN_PREFIX}.{mark}." if mark else ""
    stream = StreamConfiguration(
        landing=f"{prefix}flights.landing",
        trusted=f"{prefix}flights",
        quarantine=f"{prefix}dlq.flights",
        contract=CONTRACT,
        schema_object="flights",
    )
    gate = GateConfiguration(
        name=f"{OWN_PREFIX}-{mark}" if mark else "demo",
        cluster=cluster.name,
        streams=(stream,),
        control=f"{prefix}flights.control",
        ledger=f"{prefix}flights.ledger",
        holds=f"{prefix}flights.holds",
        workers=WORKERS,
        metrics_listen=None,  # nobody scrapes it, and a real gate on this machine may have the port
    )
    configuration = Configuration(
        path=directory / "watermaster.yaml",
        clusters={cluster.name: cluster},
        contracts=directory,
        state_directory=directory / "state",
        gates={gate.name: gate},
    )
    return DemoScene(configuration, named, prefix)


def create_topics(scene: DemoScene) -> None:
    """The landing topic, then what enforcement needs, by the same plan as `gate topics`. Raises the first fault."""
    admin = KafkaTopicAdmin(scene.settings)
    names = list(scene.topics.values())
    copies = max(1, min(REPLICATION_MAX, admin.look([]).brokers))
    landing = DesiredTopic(scene.stream.landing, Role.LANDING, PARTITIONS, copies, ())
    _raise_if(admin.apply(CreateTopic(landing)))
    for action in plan_topics(scene.gate, admin.look(names)).actions:
        _raise_if(admin.apply(action))


def _raise_if(fault: Fault | None) -> None:
    if fault is not None:
        raise fault
