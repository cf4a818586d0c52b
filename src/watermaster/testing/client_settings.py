"""What a client needs to reach a test cluster, in librdkafka's words and in the Java client's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class PropertiesStyle(Enum):
    """Whose property names a file uses."""

    LIBRDKAFKA = "librdkafka"
    JAVA = "java"


class Mechanism(Enum):
    """How a client proves who it is."""

    SCRAM_SHA_512 = "SCRAM-SHA-512"
    PLAIN = "PLAIN"
    MUTUAL_TLS = "mTLS"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Access:
    """One principal's way in; `client_file` is its PEM key and certificate for mutual TLS."""

    bootstrap: str
    mechanism: Mechanism = Mechanism.NONE
    name: str = ""
    password: str = field(default="", repr=False)
    authority_file: Path | None = None
    client_file: Path | None = None


def librdkafka_settings(access: Access) -> dict[str, str]:
    """Settings for confluent-kafka and every other client that is built on librdkafka."""
    settings = {"bootstrap.servers": access.bootstrap}
    match access.mechanism:
        case Mechanism.NONE:
            settings["security.protocol"] = "PLAINTEXT"
        case Mechanism.MUTUAL_TLS:
            settings |= {
                "security.protocol": "SSL",
                "ssl.certificate.location": str(access.client_file),
                "ssl.key.location": str(access.client_file),
            }
        case Mechanism.SCRAM_SHA_512 | Mechanism.PLAIN:
            settings |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": access.mechanism.value,
                "sasl.username": access.name,
                "sasl.password": access.password,
            }
    if access.authority_file is not None:
        settings["ssl.ca.location"] = str(access.authority_file)
    return settings


def java_settings(access: Access) -> dict[str, str]:
    """Settings for the Java client and the tools that ship with Kafka."""
    settings = {"bootstrap.servers": access.bootstrap}
    match access.mechanism:
        case Mechanism.NONE:
            settings["security.protocol"] = "PLAINTEXT"
        case Mechanism.MUTUAL_TLS:
            settings |= {
                "security.protocol": "SSL",
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(access.client_file),
            }
        case Mechanism.SCRAM_SHA_512 | Mechanism.PLAIN:
            settings |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": access.mechanism.value,
                "sasl.jaas.config": _jaas(access),
            }
    if access.authority_file is not None:
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(access.authority_file)}
    return settings


def client_settings(access: Access, style: PropertiesStyle) -> Mapping[str, str]:
    """The settings in the words of `style`."""
    return java_settings(access) if style is PropertiesStyle.JAVA else librdkafka_settings(access)


def _jaas(access: Access) -> str:
    package = "org.apache.kafka.common.security"
    module = f"{package}.plain.PlainLoginModule"
    if access.mechanism is Mechanism.SCRAM_SHA_512:
        module = f"{package}.scram.ScramLoginModule"
    return f'{module} required username="{access.name}" password="{access.password}";'
