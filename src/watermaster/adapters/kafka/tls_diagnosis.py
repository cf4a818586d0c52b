"""Why a broker's certificate was refused.

The Kafka client says only that verification failed. Python's own TLS says which of the three it was (unknown
authority, expired, another host), so after such a failure one more handshake is made and hung up.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

from watermaster.adapters.kafka.faults import explain_text
from watermaster.stream.fault import Fault

HANDSHAKE_TIMEOUT_S: Final = 3.0
"""The broker has just answered a handshake; if it does not now, the client's own words have to do."""


def explain_certificate(settings: Mapping[str, Any]) -> Fault | None:
    """The fault of the first bootstrap server's certificate; None if this handshake tells no more."""
    bootstrap = str(settings["bootstrap.servers"])
    host, _, port = bootstrap.partition(",")[0].strip().rpartition(":")
    try:
        context = ssl.create_default_context(cafile=settings.get("ssl.ca.location"), cadata=settings.get("ssl.ca.pem"))
        with (
            socket.create_connection((host.strip("[]"), int(port)), HANDSHAKE_TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname=host.strip("[]")),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return explain_text(error.verify_message, where=bootstrap)
    except (OSError, ValueError):
        return None
