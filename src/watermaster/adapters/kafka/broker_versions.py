"""The releases of brokers, as far as the requests that they offer tell: the minor version, and never the patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from watermaster.adapters.kafka.second_client import ASKED_AT_ONCE, ask_brokers
from watermaster.monitor.kafka_release import BrokerVersion
from watermaster.runtime.observed import ObservedBroker, Unseen

NEWEST: Final = (4, 3)
"""The newest release that the second client tells from its predecessor; what is newer looks like it."""


def read_broker_versions(
    settings: Mapping[str, Any], brokers: Sequence[ObservedBroker], unseen: list[Unseen]
) -> tuple[BrokerVersion, ...]:
    """Of each broker that answers, by a first contact of its own: the client holds all to the version of the first."""
    if not brokers:
        return ()
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        answers = list(pool.map(lambda broker: _version(settings, broker), brokers))
    unseen += [answer for answer in answers if isinstance(answer, Unseen)]
    return tuple(answer for answer in answers if isinstance(answer, BrokerVersion))


def _version(settings: Mapping[str, Any], broker: ObservedBroker) -> BrokerVersion | Unseen:
    host = f"[{broker.host}]" if ":" in broker.host else broker.host
    alone = {**settings, "bootstrap.servers": f"{host}:{broker.port}"}
    return ask_brokers(alone, {broker.id: lambda admin: _told_by(broker.id, admin)}, _told)[broker.id]


def _told_by(broker: int, admin: Any) -> BrokerVersion:  # noqa: ANN401 -- a client without types
    version = admin.get_broker_version_data(broker).broker_version
    minor = (int(version[0]), int(version[1]))
    return BrokerVersion(broker, minor, exact=minor < NEWEST)


def _told(broker: int) -> str:
    return f"the version of broker {broker}"
