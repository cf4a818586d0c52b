"""From a cluster's configuration to the settings of a client: where, how securely, and with which safe defaults.

Every client of this product is made from `client_settings`, completed by `consumer_settings`, `producer_settings` or
`admin_settings`. Invariant: what those set is never weaker than written here; nothing takes librdkafka's defaults for
what they decide (it starts at the end, skips CRCs and creates topics).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from watermaster.adapters.kafka.client_properties import read_client_properties
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.loopback import is_loopback
from watermaster.stream.fault import UsageFault

_SERVER: Final = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_PORT_MAX: Final = 65_535

NOTHING_MORE: Final[Mapping[str, Any]] = MappingProxyType({})

CLIENT_LOGGER: Final = logging.getLogger("watermaster.kafka")
"""Where the client's own log lines go. Without a handler they go nowhere: they must not reach a person's terminal."""
CLIENT_LOGGER.addHandler(logging.NullHandler())
CLIENT_LOGGER.propagate = False

_COMMON: Final[dict[str, Any]] = {
    "client.id": "watermaster",
    "socket.timeout.ms": 30_000,
    "socket.connection.setup.timeout.ms": 10_000,
    "socket.keepalive.enable": True,
    "reconnect.backoff.max.ms": 5_000,
    "ssl.endpoint.identification.algorithm": "https",
    "enable.ssl.certificate.verification": True,
}
_CONSUMER: Final[dict[str, Any]] = {
    "check.crcs": True,
    "isolation.level": "read_committed",
    "allow.auto.create.topics": False,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
}
_PRODUCER: Final[dict[str, Any]] = {
    "enable.idempotence": True,
    "acks": "all",
    "allow.auto.create.topics": False,
}


def client_settings(cluster: ClusterConfiguration) -> dict[str, Any]:
    """Settings that every client of `cluster` shares; secrets in it show themselves as `***`.

    Raises `UsageFault`: WM-CLIENT-… for a wrong address or client properties file, WM-SECURITY-… for a connection
    beyond loopback that the configuration does not allow.
    """
    _refuse_misspelt(cluster.bootstrap)
    properties = read_client_properties(cluster.client_config).settings if cluster.client_config else {}
    settings = {**_COMMON, "security.protocol": "plaintext", **properties, "bootstrap.servers": cluster.bootstrap}
    if not all(is_loopback(host) for host in bootstrap_hosts(cluster.bootstrap)):
        refuse_open(cluster, settings)
    return settings


def consumer_settings(
    settings: Mapping[str, Any], group_id: str, more: Mapping[str, Any] = NOTHING_MORE
) -> dict[str, Any]:
    """Settings for a `Consumer`; `more` (sizes, timeouts, callbacks) wins."""
    return {"logger": CLIENT_LOGGER, **settings, **_CONSUMER, "group.id": group_id, **more}


def producer_settings(settings: Mapping[str, Any], more: Mapping[str, Any] = NOTHING_MORE) -> dict[str, Any]:
    """Settings for a `Producer`; `more` (sizes, timeouts, callbacks) wins."""
    return {"logger": CLIENT_LOGGER, **settings, **_PRODUCER, **more}


def admin_settings(settings: Mapping[str, Any], more: Mapping[str, Any] = NOTHING_MORE) -> dict[str, Any]:
    """Settings for an `AdminClient`; `more` (timeouts, callbacks) wins."""
    return {"logger": CLIENT_LOGGER, **settings, **more}


def _refuse_misspelt(bootstrap: str) -> None:
    """The client would take what is no address as a name to look up, and a wrong port as a failed connection."""
    for server in bootstrap.split(","):
        match = _SERVER.fullmatch(server.strip())
        if match is None or not 0 < int(match["port"]) <= _PORT_MAX:
            raise UsageFault(
                "WM-CLIENT-ADDRESS",
                "The bootstrap address is no HOST:PORT.",
                hint="For instance broker1.example:9092; several are separated by commas.",
            )


def bootstrap_hosts(bootstrap: str) -> tuple[str, ...]:
    """The host names of `host:port,host:port`; brackets of IPv6 addresses and ports are taken off."""
    return tuple(server.strip().rpartition(":")[0].strip("[]") for server in bootstrap.split(","))


def refuse_open(cluster: ClusterConfiguration, settings: Mapping[str, Any]) -> None:
    """Refuse a connection that leaves this machine unencrypted, without login, or to an unproven broker.

    Raises `UsageFault` WM-SECURITY-PLAINTEXT, WM-SECURITY-ANONYMOUS or WM-SECURITY-UNVERIFIED.
    """
    protocol = settings["security.protocol"]
    if protocol in ("plaintext", "sasl_plaintext") and not cluster.allow_plaintext:
        raise UsageFault(
            "WM-SECURITY-PLAINTEXT",
            f"The connection to {cluster.name} ({cluster.bootstrap}) would leave this machine unencrypted.",
            hint="Name a client properties file with security.protocol=SASL_SSL or SSL (client_config,"
            " --client-config), or say allow_plaintext: true (--allow-plaintext).",
        )
    if not _has_login(settings) and not cluster.allow_anonymous:
        raise UsageFault(
            "WM-SECURITY-ANONYMOUS",
            f"The connection to {cluster.name} ({cluster.bootstrap}) would go without a login.",
            hint="Name a client properties file with SASL credentials or a client certificate,"
            " or say allow_anonymous: true (--allow-anonymous).",
        )
    if protocol.endswith("ssl") and not _verifies(settings) and not cluster.allow_unverified_tls:
        raise UsageFault(
            "WM-SECURITY-UNVERIFIED",
            f"The connection to {cluster.name} ({cluster.bootstrap}) would trust whoever answers.",
            hint="Leave ssl.endpoint.identification.algorithm and certificate verification on,"
            " or say allow_unverified_tls: true (--allow-unverified-tls).",
        )


def _has_login(settings: Mapping[str, Any]) -> bool:
    if settings["security.protocol"].startswith("sasl"):
        return True
    certificates = ("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location")
    return settings["security.protocol"] == "ssl" and any(settings.get(key) for key in certificates)


def _verifies(settings: Mapping[str, Any]) -> bool:
    named = str(settings["ssl.endpoint.identification.algorithm"]).lower() == "https"
    return named and str(settings["enable.ssl.certificate.verification"]).lower() in ("true", "1")
