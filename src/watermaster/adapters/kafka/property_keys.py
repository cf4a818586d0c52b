"""Which keys of client properties are read, and what our client calls them. What is not listed here is refused.

The rule for adding one: it says where or how securely to connect. Keys that name code, plugins, other configuration
files or debug output (which prints credentials) never belong here.
"""

from __future__ import annotations

from typing import Final

SHARED: Final = {
    "security.protocol": "security.protocol",
    "sasl.mechanism": "sasl.mechanism",
    "sasl.mechanisms": "sasl.mechanism",
    "sasl.oauthbearer.token.endpoint.url": "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.scope": "sasl.oauthbearer.scope",
    "ssl.endpoint.identification.algorithm": "ssl.endpoint.identification.algorithm",
    "ssl.key.password": "ssl.key.password",
    "client.dns.lookup": "client.dns.lookup",
}
"""Keys with one meaning in both dialects."""

LIBRDKAFKA: Final = {
    key: key
    for key in (
        "sasl.username",
        "sasl.password",
        "sasl.oauthbearer.method",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.extensions",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.key.pem",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.crl.location",
        "https.ca.location",
        "enable.ssl.certificate.verification",
        "broker.address.family",
    )
}

JAVA: Final = {
    "sasl.oauthbearer.client.credentials.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl.oauthbearer.client.secret",
}
"""Java keys that need only another name."""

JAVA_STORES: Final = frozenset(
    {
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
        "ssl.truststore.certificates",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.keystore.key",
        "ssl.keystore.certificate.chain",
    }
)
"""Java keys about stores, which depend on what the store's bytes are."""

JAVA_ONLY: Final = (
    (JAVA_STORES - LIBRDKAFKA.keys()) | JAVA.keys() | {"sasl.jaas.config", "sasl.login.callback.handler.class"}
)
LIBRDKAFKA_ONLY: Final = (LIBRDKAFKA.keys() - JAVA_STORES) | {"sasl.mechanisms"}
"""One key of either set tells which dialect a file is written in."""

KNOWN: Final = SHARED.keys() | JAVA_ONLY | JAVA_STORES | LIBRDKAFKA.keys()

IGNORED: Final = frozenset(
    {
        "acks",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "batch.size",
        "bootstrap.servers",
        "buffer.memory",
        "client.id",
        "compression.type",
        "connections.max.idle.ms",
        "default.api.timeout.ms",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.idempotence",
        "fetch.max.wait.ms",
        "fetch.min.bytes",
        "group.id",
        "heartbeat.interval.ms",
        "isolation.level",
        "key.deserializer",
        "key.serializer",
        "linger.ms",
        "max.in.flight.requests.per.connection",
        "max.poll.interval.ms",
        "max.poll.records",
        "metadata.broker.list",
        "metadata.max.age.ms",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "request.timeout.ms",
        "retries",
        "retry.backoff.max.ms",
        "retry.backoff.ms",
        "session.timeout.ms",
        "socket.connection.setup.timeout.ms",
        "socket.keepalive.enable",
        "ssl.cipher.suites",
        "ssl.enabled.protocols",
        "ssl.keymanager.algorithm",
        "ssl.protocol",
        "ssl.provider",
        "ssl.trustmanager.algorithm",
        "transactional.id",
        "value.deserializer",
        "value.serializer",
    }
)
"""Settings that this product decides itself, or that mean nothing to its client: named and passed over."""

SECRET_KEYS: Final = frozenset(
    {
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.extensions",
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.password",
    }
)
FILE_KEYS: Final = frozenset(
    {
        "https.ca.location",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.crl.location",
        "ssl.key.location",
        "ssl.keystore.location",
    }
)
