"""Short-lived certificates for loopback: an authority, a broker certificate, and client certificates for mutual TLS."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=7)
"""Longer than any test run; a leaked test key is worth nothing soon."""
BACKDATED = datetime.timedelta(hours=1)
"""Clocks of machines that share a directory differ a little."""


class Authority:
    """A certificate authority that lives in memory; only certificates and their own keys are written to files."""

    def __init__(self, name: str = "Test kit authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        builder = _builder(self._name, self._name, self._key.public_key(), LIFETIME)
        self._certificate = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())

    def certificate_pem(self) -> bytes:
        """What clients and brokers trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def write_server(
        self, path: Path, hosts: Sequence[str] = ("127.0.0.1", "localhost"), lifetime: datetime.timedelta = LIFETIME
    ) -> Path:
        """Write key and certificate for a server under these names or addresses; a negative lifetime has expired."""
        return self._write(path, hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, hosts, lifetime)

    def write_client(self, path: Path, name: str, lifetime: datetime.timedelta = LIFETIME) -> Path:
        """Write key and certificate for a client whose common name is the Kafka principal."""
        return self._write(path, name, ExtendedKeyUsageOID.CLIENT_AUTH, (), lifetime)

    def _write(
        self, path: Path, name: str, usage: x509.ObjectIdentifier, hosts: Sequence[str], lifetime: datetime.timedelta
    ) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, self._name, key.public_key(), lifetime)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(path, secret + certificate.public_bytes(serialization.Encoding.PEM))
        return path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: datetime.timedelta
) -> x509.CertificateBuilder:
    end = datetime.datetime.now(datetime.UTC) + lifetime
    start = min(datetime.datetime.now(datetime.UTC) - BACKDATED, end - BACKDATED)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
