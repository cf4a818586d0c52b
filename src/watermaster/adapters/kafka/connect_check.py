"""The first contact with a cluster: who it is, or one sentence why it cannot be reached, within seconds.

librdkafka keeps trying for ever and tells of failures only through callbacks and log lines. So the check listens to
both, gives every bootstrap server its chance, and takes the most telling failure as the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._cluster import DescribeClusterResult

from watermaster.adapters.kafka.connection import admin_settings, client_settings, refuse_open
from watermaster.adapters.kafka.faults import explain_text, translate_error
from watermaster.adapters.kafka.secret import redact
from watermaster.adapters.kafka.tls_diagnosis import explain_certificate
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.loopback import is_loopback
from watermaster.runtime.observed import ObservedBroker, ObservedCluster
from watermaster.stream.fault import Fault, UsageFault, WorldFault

CONNECT_TIMEOUT_S: Final = 10.0
"""Longer than any healthy cluster needs to answer, shorter than a person's patience."""

_GRACE_S: Final = 1.0
"""After all bootstrap servers have failed once, how long a late success may still arrive."""

_HEDGE_S: Final = 1.0
"""How long the clients so far may stay silent before another is asked beside them.

In the seconds after a broker's death its neighbours still name it as the controller to one client in three, which then
waits for it alone, as it does for one that stands still (its kernel takes the connection, nobody answers). A new client
is told another one, so each that is asked makes a false "nothing listens" three times as rare.
"""

_VAGUE: Final = frozenset({"WM-KAFKA-DISCONNECTED", "WM-KAFKA-UNREACHABLE"})
"""Answers that any more telling one replaces."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster that has answered: the settings for clients of it, and who it is."""

    settings: Mapping[str, Any]
    cluster: ObservedCluster


def connect(cluster: ClusterConfiguration, timeout_s: float = CONNECT_TIMEOUT_S) -> Connection:
    """Settings, first contact, and the same security rules once more for the addresses that brokers advertise.

    Raises what `client_settings` and `connect_check` raise.
    """
    settings = client_settings(cluster)
    answered = connect_check(settings, timeout_s)
    if not all(is_loopback(broker.host) for broker in answered.brokers):
        refuse_open(cluster, settings)
    return Connection(settings, answered)


def connect_check(settings: Mapping[str, Any], timeout_s: float = CONNECT_TIMEOUT_S) -> ObservedCluster:
    """Ask the cluster who it is, with settings from `client_settings`.

    Raises a `Fault` (WM-KAFKA-…) with the most telling cause within `timeout_s` seconds; writes nothing anywhere.
    """
    answer = _ask(settings, timeout_s)
    if isinstance(answer, Fault) and answer.code == "WM-KAFKA-TLS-CA":
        answer = explain_certificate(settings) or answer
    if isinstance(answer, Fault):
        raise answer
    return answer


def _ask(settings: Mapping[str, Any], timeout_s: float) -> ObservedCluster | Fault:
    """The answer as a value.

    Invariant: no exception leaves this frame, and none is raised from the future. Its traceback would hold the client
    in a reference cycle, and librdkafka aborts the process if the collector frees a client on one of its threads.
    """
    heard = _Heard(str(settings["bootstrap.servers"]))
    logger = logging.Logger("watermaster.kafka.connect")  # noqa: LOG001 -- private to this check, never configured
    logger.addHandler(heard)
    began = time.monotonic()
    asked: list[tuple[AdminClient, Future[DescribeClusterResult]]] = []
    while (now := time.monotonic()) < min(began + timeout_s, heard.give_up_at):
        if now >= began + _HEDGE_S * len(asked):
            try:
                client = AdminClient(admin_settings(settings, {"logger": logger, "error_cb": heard.on_error}))
            except (KafkaException, ValueError) as error:
                return _setting_fault(error, settings)
            asked.append((client, client.describe_cluster(request_timeout=began + timeout_s - now)))
        for client, _ in asked:
            client.poll(0.05 / len(asked))
        done = [answer for _, answer in asked if answer.done()]
        if any(answer.exception() is None for answer in done) or len(done) == len(asked):
            return _answered(done, heard, timeout_s)
    return _answered([answer for _, answer in asked if answer.done()], heard, timeout_s)


def _answered(
    done: Sequence[Future[DescribeClusterResult]], heard: _Heard, timeout_s: float
) -> ObservedCluster | Fault:
    """The first success, else the most telling failure."""
    for answer in done:
        if answer.exception() is None:
            return _observed(answer.result())
    failure = done[0].exception() if done else None
    if failure is None:
        return heard.fault(timeout_s)
    fault = translate_error(failure, doing="connecting to", resource=heard.bootstrap)
    return heard.best or (heard.fault(timeout_s) if fault.code == "WM-KAFKA-TIMEOUT" else fault)


def _observed(described: DescribeClusterResult) -> ObservedCluster:
    brokers = tuple(ObservedBroker(node.id, node.host, node.port) for node in described.nodes)
    return ObservedCluster(
        described.cluster_id or "", brokers, described.controller.id if described.controller else None
    )


class _Heard(logging.Handler):
    """What the client said while connecting: the best explanation so far, and when to stop waiting."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self.bootstrap = bootstrap
        self.best: Fault | None = None
        self.give_up_at = float("inf")
        self._servers = bootstrap.count(",") + 1

    def emit(self, record: logging.LogRecord) -> None:
        """A log line of the client."""
        self._consider(record.getMessage())

    def on_error(self, error: KafkaError) -> None:
        """An error event of the client."""
        self._consider(error.str())
        certain = self.best is not None and self.best.code not in _VAGUE and self._servers == 1
        if error.code() == KafkaError._ALL_BROKERS_DOWN or certain:
            self.give_up_at = min(self.give_up_at, time.monotonic() + _GRACE_S)

    def fault(self, timeout_s: float) -> Fault:
        """The answer when none came."""
        return self.best or WorldFault(
            "WM-KAFKA-UNREACHABLE",
            f"{self.bootstrap}: no answer within {timeout_s:g} seconds.",
            hint="Check host and port, firewalls, and that this is the port of a Kafka listener.",
            retriable=True,
        )

    def _consider(self, text: str) -> None:
        found = explain_text(text, where=self.bootstrap)
        if found is not None and (self.best is None or (self.best.code in _VAGUE and found.code not in _VAGUE)):
            self.best = found


def _setting_fault(error: KafkaException | ValueError, settings: Mapping[str, Any]) -> Fault:
    """A client that could not even be made: a key, certificate or password that does not fit."""
    kafka_error = error.args[0] if error.args else error
    text = kafka_error.str() if isinstance(kafka_error, KafkaError) else str(kafka_error)
    return UsageFault(
        "WM-CLIENT-SETTING",
        f"The client settings cannot be used: {redact(text, settings).splitlines()[0]}.",
        hint="Check the certificates, keys and their passwords in the client properties.",
    )
