"""pytest fixtures: real Apache Kafka, shared by all tests of a session.

`kafka` is one broker, `kafka_three` three (two copies in sync), `kafka_secured` one behind TLS, SCRAM and ACLs; each
starts when a test first asks for it. Tests share them: take names from `fresh_name` or topics from `fresh_topic`, and
leave brokers running. A test that does harm starts a `KafkaCluster` of its own and carries the mark `kafka`.

Where no Java or no jars can be had, such tests are skipped and the session ends with a loud line saying how many did
not run and why; where the environment variable CI is set they fail, for a promise that was not tested is not kept.
`registry` is a real schema registry (Apicurio), shared too: take subjects from `fresh_name`.
Tests with the mark `prometheus` (fixture `prometheus_programs`) need real Prometheus and Alertmanager; they are told as
loudly, and fail only where WATERMASTER_PROMETHEUS_HOME says that there is one: not every build server has Debian's.

This module is loaded by every pytest run of an environment that has the package: it imports nothing heavy by itself.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from watermaster.stream.fault import Fault

if TYPE_CHECKING:
    from watermaster.testing.kafka import KafkaCluster
    from watermaster.testing.prometheus import PrometheusPrograms
    from watermaster.testing.registry import RegistryServer

CLUSTER_FIXTURES = frozenset({"kafka", "kafka_three", "kafka_secured"})
PROGRAMS_FIXTURE = "prometheus_programs"
REGISTRY_FIXTURE = "registry"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What tests with a mark need. `not_run` is the property of a report that says why its test was not run; reports
    travel from the processes of pytest-xdist. `look` says what is missing, empty for nothing.
    """

    mark: str
    what: str
    not_run: str
    look: Callable[[], str]
    fails: Callable[[], bool]
    """Whether it is a failure here if it is missing."""


_MISSING = pytest.StashKey[dict[str, str]]()


class FreshTopic(Protocol):
    """The shape of the `fresh_topic` fixture."""

    def __call__(self, cluster: KafkaCluster, partitions: int = 1, **configs: str | int) -> str:
        """Create a topic of a name that nobody has used and return the name; configs with `_` for `.`."""
        ...


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """One broker, plaintext."""
    yield from _cluster(1, "plaintext")


@pytest.fixture(scope="session")
def kafka_three() -> Iterator[KafkaCluster]:
    """Three brokers, plaintext: three copies, two in sync. Whoever takes a broker down brings it back."""
    yield from _cluster(3, "plaintext")


@pytest.fixture(scope="session")
def kafka_secured() -> Iterator[KafkaCluster]:
    """One broker that asks for SCRAM or PLAIN over TLS and denies what no ACL allows; super user "admin"."""
    yield from _cluster(1, "sasl_ssl")


@pytest.fixture(scope="session")
def prometheus_programs() -> PrometheusPrograms:
    """The programs of real Prometheus and Alertmanager; see `watermaster.testing.prometheus_server`."""
    from watermaster.testing.prometheus import find_prometheus  # noqa: PLC0415 - seldom needed
    from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

    return find_prometheus(settings_from_environment())


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A real schema registry with Confluent's API."""
    from watermaster.testing.apicurio import find_apicurio  # noqa: PLC0415 - seldom needed
    from watermaster.testing.registry import RegistryServer  # noqa: PLC0415
    from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

    apicurio = find_apicurio(settings_from_environment())
    with RegistryServer(apicurio, tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture
def fresh_name() -> Callable[[str], str]:
    """A function that makes a name (of a topic, group, transactional id) unique: `fresh_name("orders")`."""
    return _fresh_name


@pytest.fixture
def fresh_topic() -> FreshTopic:
    """A function that makes a topic nobody else uses: `fresh_topic(kafka, 4, retention_ms=1000) -> name`."""

    def make(cluster: KafkaCluster, partitions: int = 1, **configs: str | int) -> str:
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        return cluster.create_topic(_fresh_name("topic"), partitions, configs=settings)

    return make


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", "kafka: needs real Apache Kafka (started by the test kit)")
    config.addinivalue_line("markers", "prometheus: needs real Prometheus and Alertmanager (started by the test kit)")
    config.addinivalue_line("markers", "registry: needs a real schema registry (started by the test kit)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who uses a cluster fixture is marked `kafka`, so that `-m "not kafka"` means what it says."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if CLUSTER_FIXTURES & fixtures:
            item.add_marker(pytest.mark.kafka)
        if PROGRAMS_FIXTURE in fixtures:
            item.add_marker(pytest.mark.prometheus)
        if REGISTRY_FIXTURE in fixtures:
            item.add_marker(pytest.mark.registry)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a test on real servers, see to it that there are some."""
    for needed in REQUIREMENTS:
        missing = "" if item.get_closest_marker(needed.mark) is None else _what_is_missing(item.config, needed)
        if not missing:
            continue
        item.user_properties.append((needed.not_run, missing))
        if needed.fails():
            pytest.fail(f"{needed.what} is needed here: {missing}", pytrace=False)
        pytest.skip(f"No {needed.what}: {missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested."""
    for needed in REQUIREMENTS:
        not_run = _reasons_by_test(terminalreporter, needed.not_run)
        if not_run:
            terminalreporter.section(f"{needed.what} is missing", sep="!", red=True, bold=True)
            plural = "test" if len(not_run) == 1 else "tests"
            reason = next(iter(not_run.values()))
            line = f"{len(not_run)} {plural} on {needed.what} were NOT run because: {reason}"
            terminalreporter.line(line, red=True, bold=True)


def is_ci() -> bool:
    """Whether the environment variable CI says that this is a build server."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def _reasons_by_test(terminalreporter: pytest.TerminalReporter, not_run: str) -> dict[str, str]:
    """Why which test was not run, by its identity; a test has one report for each of its phases."""
    return {
        report.nodeid: str(reason)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, reason in report.user_properties
        if name == not_run
    }


def _what_is_missing(config: pytest.Config, needed: Requirement) -> str:
    """What keeps it from being run, empty if nothing does; looked up once a session."""
    known = config.stash.setdefault(_MISSING, {})
    if needed.mark not in known:
        known[needed.mark] = needed.look()
    return known[needed.mark]


def _look_for_kafka() -> str:
    try:
        from watermaster.testing.installation import find_installation  # noqa: PLC0415 - needs the extra `testing`
        from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

        find_installation(settings_from_environment())
    except ImportError as error:
        return f"the package {error.name} is not installed. pip install 'watermaster[testing]'"
    except Fault as fault:
        return f"{fault} {fault.hint}"
    return ""


def _look_for_prometheus() -> str:
    from watermaster.testing.prometheus import find_prometheus  # noqa: PLC0415 - seldom needed
    from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

    try:
        find_prometheus(settings_from_environment())
    except Fault as fault:
        return f"{fault} {fault.hint}"
    return ""


def _look_for_registry() -> str:
    try:
        from watermaster.testing.apicurio import find_apicurio  # noqa: PLC0415 - seldom needed
        from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

        find_apicurio(settings_from_environment())
    except Fault as fault:
        return f"{fault} {fault.hint}"
    return ""


def _has_prometheus_home() -> bool:
    return bool(os.environ.get("WATERMASTER_PROMETHEUS_HOME"))


REQUIREMENTS = (
    Requirement("kafka", "real Apache Kafka", "real_kafka_missing", _look_for_kafka, is_ci),
    Requirement(
        "prometheus",
        "real Prometheus and Alertmanager",
        "real_prometheus_missing",
        _look_for_prometheus,
        _has_prometheus_home,
    ),
    Requirement("registry", "a real schema registry", "real_registry_missing", _look_for_registry, is_ci),
)


def _cluster(brokers: int, security: str) -> Iterator[KafkaCluster]:
    from watermaster.testing.kafka import KafkaCluster  # noqa: PLC0415 - slow to import, and seldom needed

    with KafkaCluster(brokers, security) as cluster:
        yield cluster


def _fresh_name(stem: str = "name") -> str:
    return f"{stem}-{uuid.uuid4().hex[:12]}"
