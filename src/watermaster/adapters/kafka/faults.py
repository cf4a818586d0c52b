"""Client errors, translated once: what happened in one sentence, what to do next, and a stable code.

librdkafka tells most connection failures only in free text (its error callback and log lines), so text is matched
here and nowhere else. Order matters: the first row that matches says the cause that is nearest to the truth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from watermaster.stream.fault import Fault, InternalFault, UsageFault, WorldFault


@dataclass(frozen=True, slots=True)
class _Row:
    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str
    usage: bool = True
    retriable: bool = False


def _row(pattern: str, code: str, message: str, hint: str, *, usage: bool = True, retriable: bool = False) -> _Row:
    return _Row(re.compile(pattern, re.IGNORECASE), code, message, hint, usage, retriable)


_TEXTS: Final = (
    _row(
        r"invalid response size 1213486160|Invalid response size (?:1347375956|1195725856)",
        "WM-KAFKA-NOT-KAFKA",
        "an HTTP server answers there, not Kafka",
        "Give the port of a Kafka listener (often 9092 or 9093), not that of a web page or REST proxy.",
    ),
    _row(
        r"invalid response size",
        "WM-KAFKA-NOT-KAFKA",
        "what answers there does not speak Kafka's protocol",
        "Give the port of a Kafka listener (often 9092 or 9093).",
    ),
    _row(
        r"broker certificate could not be verified|certificate verify failed|unable to get (?:local )?issuer"
        r"|self.signed certificate",
        "WM-KAFKA-TLS-CA",
        "the broker's certificate is signed by no authority that is trusted here",
        "Name the authority's certificate in the client properties: ssl.truststore.location (PEM) or ssl.ca.location.",
    ),
    _row(
        r"certificate has expired|certificate is not yet valid",
        "WM-KAFKA-TLS-EXPIRED",
        "the broker's certificate is not valid at this time",
        "Check this machine's clock; if it is right, the cluster's owner must renew the certificate.",
    ),
    _row(
        r"hostname mismatch|IP address mismatch|hostname verification",
        "WM-KAFKA-TLS-HOST",
        "the broker's certificate is for another host name",
        "Connect by a name that the certificate carries; advertised.listeners must use such names too.",
    ),
    _row(
        r"alert (?:bad certificate|certificate required|unknown ca|handshake failure|certificate unknown)"
        r"|certificate required|peer did not return a certificate",
        "WM-KAFKA-TLS-CLIENT",
        "the broker does not accept this client's certificate",
        "Set ssl.keystore.location (Java) or ssl.certificate.location and ssl.key.location to one that it trusts.",
    ),
    _row(
        r"wrong version number|connecting to a PLAINTEXT broker listener|packet length too long",
        "WM-KAFKA-PROTOCOL",
        "the port does not speak TLS",
        "Use the port of the SSL or SASL_SSL listener, or set security.protocol=PLAINTEXT or SASL_PLAINTEXT.",
    ),
    _row(
        r"connecting to a SSL listener|incorrect security\.protocol configuration"
        r"|disconnected.*in state APIVERSION_QUERY",
        "WM-KAFKA-PROTOCOL",
        "the port closes the connection at once: it probably speaks TLS, or is not Kafka's",
        "Set security.protocol=SSL or SASL_SSL in the client properties, or use the port of the plaintext listener.",
    ),
    _row(
        r"unsupported SASL mechanism|mechanism handshake failed",
        "WM-KAFKA-SASL-MECHANISM",
        "the listener does not offer this SASL mechanism",
        "Set sasl.mechanism to one that it offers (SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER).",
    ),
    _row(
        r"(?:failed to (?:acquire|retrieve).*token|OAUTHBEARER|OIDC)",
        "WM-KAFKA-OAUTH",
        "no OAuth token could be had",
        "Check sasl.oauthbearer.token.endpoint.url, the client id, its secret and the scope.",
    ),
    _row(
        r"authentication fail|invalid credentials|SASL.*(?:failed|error)",
        "WM-KAFKA-AUTHENTICATION",
        "the cluster refuses the login",
        "Check user name, password and sasl.mechanism in the client properties.",
    ),
    _row(
        r"failed to resolve|name or service not known|nodename nor servname|no address associated",
        "WM-KAFKA-RESOLVE",
        "the host name is unknown",
        "Check the spelling of the address, and that this machine's DNS knows it.",
    ),
    _row(
        r"connection refused",
        "WM-KAFKA-UNREACHABLE",
        "nothing listens on that port",
        "Check host and port (bootstrap), and that the broker is up.",
        usage=False,
        retriable=True,
    ),
    _row(
        r"SSL handshake failed|SSL (?:transport )?error",
        "WM-KAFKA-TLS",
        "the TLS handshake failed",
        "Check that the port speaks TLS and that both sides share a TLS version and cipher.",
    ),
    _row(
        r"no route to host|network is unreachable|connection setup timed out|timed out|connect to .* failed",
        "WM-KAFKA-UNREACHABLE",
        "the address does not answer",
        "Check host and port (bootstrap), firewalls, and that the brokers' advertised listeners can be reached.",
        usage=False,
        retriable=True,
    ),
    _row(
        r"disconnected",
        "WM-KAFKA-DISCONNECTED",
        "the broker closed the connection",
        "The listener may want a login: name a client properties file with its security.protocol and credentials.",
        usage=False,
        retriable=True,
    ),
)

_AUTHORIZATION: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional id",
}
LEADER_MOVES: Final = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.REPLICA_NOT_AVAILABLE,
    }
)
"""A partition is between two leaders, or its new one does not know yet how far the log is safe."""
_UNKNOWN_TOPIC: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)


@dataclass(frozen=True, slots=True)
class _Passing:
    codes: frozenset[int]
    code: str
    message: str
    """`{doing}` is what was tried, `{on}` a space and the resource, or nothing."""
    hint: str


_PASSING: Final = (
    _Passing(
        frozenset({KafkaError._TIMED_OUT, KafkaError._TIMED_OUT_QUEUE, KafkaError.REQUEST_TIMED_OUT}),
        "WM-KAFKA-TIMEOUT",
        "Kafka did not answer in time while {doing}{on}.",
        "A broker is down, hangs or cannot be reached from here; `watermaster status` shows what can be seen.",
    ),
    _Passing(
        frozenset({KafkaError._DESTROY_BROKER}),
        "WM-KAFKA-UNREACHABLE",
        "The broker that was asked went away while {doing}{on}.",
        "Try again: another one answers for it, or it comes back.",
    ),
    _Passing(
        frozenset(
            {
                KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
                KafkaError.COORDINATOR_NOT_AVAILABLE,
                KafkaError.NOT_COORDINATOR,
                KafkaError._WAIT_COORD,
            }
        ),
        "WM-KAFKA-COORDINATOR",
        "The coordinator{on} is not available at this moment ({doing}).",
        "It has moved or is loading; try again in a few seconds.",
    ),
    _Passing(
        LEADER_MOVES,
        "WM-KAFKA-LEADER",
        "A partition{on} has no leader that can answer at this moment ({doing}).",
        "One is being chosen, which takes seconds; if it lasts, `watermaster status --health` says what is offline.",
    ),
    _Passing(
        frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}),
        "WM-KAFKA-OFFSET",
        "The log{on} does not hold the offset that was asked for ({doing}): its beginning or its end has moved since.",
        "Try again: the next look asks where the log begins. If it lasts, the topic was deleted and made anew.",
    ),
)
"""Conditions that pass by themselves."""


def translate_error(error: KafkaError | BaseException, *, doing: str = "talking to Kafka", resource: str = "") -> Fault:
    """The fault for a client error. `doing` says what was tried ("reading flights"), `resource` on what.

    Never shows the client's own text where a row fits; where none does, the error's name and number are given.
    """
    if isinstance(error, Fault):
        return error
    kafka_error = _kafka_error(error)
    if kafka_error is None:
        return InternalFault(
            "WM-INTERNAL", f"Unexpected {type(error).__name__} while {doing}.", hint="This is a defect: report it."
        )
    on = f" {resource}" if resource else ""
    known = _explain_code(kafka_error.code(), doing, on) or explain_text(kafka_error.str(), where=resource or doing)
    return known or WorldFault(
        "WM-KAFKA-ERROR",
        f"Kafka answered {kafka_error.name()} ({kafka_error.code()}) while {doing}{on}.",
        hint="If it lasts, look at the brokers' logs.",
        retriable=kafka_error.retriable() or not kafka_error.fatal(),
    )


def _explain_code(code: int, doing: str, on: str) -> Fault | None:
    """The fault of an error code that says enough by itself."""
    if code in _AUTHORIZATION:
        kind = _AUTHORIZATION[code]
        return UsageFault(
            f"WM-KAFKA-DENIED-{kind.upper().replace(' ', '-')}",
            f"The cluster does not allow this login to use the {kind}{on} while {doing}.",
            hint="`watermaster gate topics` prints the minimal ACLs; ask the cluster's owner for them.",
        )
    if code in _UNKNOWN_TOPIC:
        return UsageFault(
            "WM-KAFKA-UNKNOWN-TOPIC",
            f"The topic{on} does not exist, or this login may not see it ({doing}).",
            hint="Check its name and the login's DESCRIBE permission; topics are never created on the way.",
        )
    for row in _PASSING:
        if code in row.codes:
            message = row.message.format(doing=doing, on=on)
            return WorldFault(row.code, message, hint=row.hint, retriable=True)
    return None


def explain_text(text: str, *, where: str) -> Fault | None:
    """The fault that a client's error text or log line tells of, or None. `where` is an address or an action."""
    for row in _TEXTS:
        if row.pattern.search(text):
            kind: type[Fault] = UsageFault if row.usage else WorldFault
            return kind(row.code, f"{where}: {row.message}.", hint=row.hint, retriable=row.retriable)
    return None


def _kafka_error(error: object) -> KafkaError | None:
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return error.args[0]
    return error if isinstance(error, KafkaError) else None
