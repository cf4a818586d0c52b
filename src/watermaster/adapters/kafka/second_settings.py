"""Settings of a cluster in the words of the second client (kafka-python), with the same security or not at all.

What cannot be said in them with the same meaning is refused: a look that goes another way than everything else would
tell of another cluster, or send a password where nobody has looked.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any, Final

from watermaster.stream.fault import UsageFault

_PASSWORDS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_TRUE: Final = ("true", "1")


def second_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """From the settings of a `Connection`; secrets in it show themselves as `***`.

    Raises `UsageFault` WM-CLIENT-SECOND for a login that the second client does not have or a key that it cannot read.
    """
    protocol = str(settings["security.protocol"]).upper()
    found: dict[str, Any] = {
        "bootstrap_servers": str(settings["bootstrap.servers"]).split(","),
        "client_id": str(settings["client.id"]),
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        found["ssl_context"] = _context(settings)
    if protocol.startswith("SASL"):
        found |= _login(settings)
    return found


def _login(settings: Mapping[str, Any]) -> dict[str, Any]:
    mechanism = settings["sasl.mechanism"]
    if mechanism not in _PASSWORDS:
        raise _refused(f"the login {mechanism} is not translated for the client that asks for it")
    return {
        "sasl_mechanism": str(mechanism),
        "sasl_plain_username": settings["sasl.username"],
        "sasl_plain_password": settings["sasl.password"],
    }


def _context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    if settings.get("ssl.keystore.location"):
        raise _refused("a PKCS12 key store cannot be read by the client that asks for it; PEM can")
    try:
        context = ssl.create_default_context(cafile=settings.get("ssl.ca.location"), cadata=settings.get("ssl.ca.pem"))
        if settings.get("ssl.crl.location"):
            context.load_verify_locations(settings["ssl.crl.location"])
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        _load_key(context, settings)
    except (OSError, ValueError):
        # Nothing of the error is repeated: it may quote what it could not read.
        raise _refused("certificates or keys of this login cannot be read by the client that asks for it") from None
    context.check_hostname = str(settings["ssl.endpoint.identification.algorithm"]).lower() == "https"
    if str(settings["enable.ssl.certificate.verification"]).lower() not in _TRUE:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _load_key(context: ssl.SSLContext, settings: Mapping[str, Any]) -> None:
    password = str(settings.get("ssl.key.password", ""))
    if settings.get("ssl.certificate.location"):
        context.load_cert_chain(settings["ssl.certificate.location"], settings.get("ssl.key.location"), password)
    elif settings.get("ssl.certificate.pem"):
        # OpenSSL's own reader takes a file only; one in memory leaves no key on any disk.
        pem = f"{settings['ssl.certificate.pem']!s}\n{settings.get('ssl.key.pem', '')!s}\n"
        descriptor = os.memfd_create("key")
        try:
            os.write(descriptor, pem.encode())
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=password)
        finally:
            os.close(descriptor)


def _refused(why: str) -> UsageFault:
    return UsageFault(
        "WM-CLIENT-SECOND", f"{why}.", hint="Log in by SCRAM, PLAIN or a PEM certificate, or ask Kafka's own tools."
    )
