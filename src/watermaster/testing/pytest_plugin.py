"""pytest fixtures: real Apache Kafka, shared by all tests of a session.

`kafka` is one broker, `kafka_three` three (two copies in sync), `kafka_secured` one behind TLS, SCRAM and ACLs; each
starts when a test first asks for it. Tests share them: take names from `fresh_name` or topics from `fresh_topic`, and
leave brokers running. A test that does harm starts a `KafkaCluster` of its own and carries the mark `kafka`.

Where no Java or no jars can be had, such tests are skipped and the session ends with a loud line saying how many did
not run and why; where the environment variable CI is set they fail, for a promise that was not tested is not kept.

This module is loaded by every pytest run of an environment that has the package: it imports nothing heavy by itself.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import pytest

from watermaster.stream.fault import Fault

if TYPE_CHECKING:
    from watermaster.testing.kafka import KafkaCluster

CLUSTER_FIXTURES = frozenset({"kafka", "kafka_three", "kafka_secured"})
_MISSING = pytest.StashKey[str]()
_NOT_RUN = "real_kafka_missing"
"""The property of a report that says why its test was not run; reports travel from the processes of pytest-xdist."""


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
    """Make the mark known."""
    config.addinivalue_line("markers", "kafka: needs real Apache Kafka (started by the test kit)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who uses a cluster fixture is marked `kafka`, so that `-m "not kafka"` means what it says."""
    for item in items:
        if CLUSTER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a test on real Kafka, see to it that there is one."""
    if item.get_closest_marker("kafka") is None:
        return
    missing = _what_is_missing(item.config)
    if not missing:
        return
    item.user_properties.append((_NOT_RUN, missing))
    if is_ci():
        pytest.fail(f"Real Apache Kafka is needed, and CI is set: {missing}", pytrace=False)
    pytest.skip(f"No real Apache Kafka: {missing}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested."""
    not_run = _reasons_by_test(terminalreporter)
    if not_run:
        terminalreporter.section("real Apache Kafka is missing", sep="!", red=True, bold=True)
        plural = "test" if len(not_run) == 1 else "tests"
        reason = next(iter(not_run.values()))
        line = f"{len(not_run)} {plural} on real Apache Kafka were NOT run because: {reason}"
        terminalreporter.line(line, red=True, bold=True)


def is_ci() -> bool:
    """Whether the environment variable CI says that this is a build server."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def _reasons_by_test(terminalreporter: pytest.TerminalReporter) -> dict[str, str]:
    """Why which test was not run, by its identity; a test has one report for each of its phases."""
    return {
        report.nodeid: str(reason)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, reason in report.user_properties
        if name == _NOT_RUN
    }


def _what_is_missing(config: pytest.Config) -> str:
    """What keeps Kafka from being run, empty if nothing does; looked up once a session."""
    if _MISSING not in config.stash:
        config.stash[_MISSING] = _look()
    return config.stash[_MISSING]


def _look() -> str:
    try:
        from watermaster.testing.installation import find_installation  # noqa: PLC0415 - needs the extra `testing`
        from watermaster.testing.settings import settings_from_environment  # noqa: PLC0415

        find_installation(settings_from_environment())
    except ImportError as error:
        return f"the package {error.name} is not installed. pip install 'watermaster[testing]'"
    except Fault as fault:
        return f"{fault} {fault.hint}"
    return ""


def _cluster(brokers: int, security: str) -> Iterator[KafkaCluster]:
    from watermaster.testing.kafka import KafkaCluster  # noqa: PLC0415 - slow to import, and seldom needed

    with KafkaCluster(brokers, security) as cluster:
        yield cluster


def _fresh_name(stem: str = "name") -> str:
    return f"{stem}-{uuid.uuid4().hex[:12]}"
