"""When the certificates of a cluster end: those that brokers show, and the authorities that this client trusts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from watermaster.monitor.health import Certificate
from watermaster.runtime.observed import ObservedBroker, Unseen

HANDSHAKE_TIMEOUT_S: Final = 3.0
"""A broker that has just answered over TLS; if it does not now, its certificate is unseen this time."""

HANDSHAKES_AT_ONCE: Final = 16


def read_certificates(
    settings: Mapping[str, Any], brokers: Sequence[ObservedBroker], unseen: list[Unseen]
) -> tuple[Certificate, ...]:
    """One handshake with each broker; nothing for a cluster without TLS. The certificate of a client is not read."""
    if not brokers or "ssl" not in str(settings.get("security.protocol", "")).lower():
        return ()
    try:
        context = ssl.create_default_context(cafile=settings.get("ssl.ca.location"), cadata=settings.get("ssl.ca.pem"))
    except (OSError, ValueError):
        unseen.append(Unseen("the certificates", "the trusted authorities cannot be read.", "WM-KAFKA-TLS-CA"))
        return ()
    with ThreadPoolExecutor(HANDSHAKES_AT_ONCE) as pool:
        answers = list(pool.map(lambda broker: _shown(context, broker), brokers))
    unseen += [answer for answer in answers if isinstance(answer, Unseen)]
    own = _authorities(context) if settings.get("ssl.ca.location") or settings.get("ssl.ca.pem") else ()
    return (*(answer for answer in answers if isinstance(answer, Certificate)), *own)


def _shown(context: ssl.SSLContext, broker: ObservedBroker) -> Certificate | Unseen:
    try:
        with (
            socket.create_connection((broker.host, broker.port), HANDSHAKE_TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname=broker.host) as secured,
        ):
            shown = secured.getpeercert() or {}
    except (OSError, ValueError) as error:
        reason = f"the handshake failed ({type(error).__name__})."
        return Unseen(f"the certificate of broker {broker.id}", reason, "WM-KAFKA-TLS")
    return Certificate(f"certificate of broker {broker.id}", _ends_ms(shown))


def _authorities(context: ssl.SSLContext) -> Iterable[Certificate]:
    """Authorities that were named for this cluster; the system's own are no matter of its owner."""
    for number, authority in enumerate(context.get_ca_certs(), start=1):
        yield Certificate(f"trusted authority {number} of this client", _ends_ms(authority))


def _ends_ms(certificate: Mapping[str, Any]) -> int:
    return round(ssl.cert_time_to_seconds(str(certificate["notAfter"])) * 1000)
