"""The one line of JAAS that Java clients keep their credentials in: `sasl.jaas.config`.

Only login modules that carry credentials in their options are read. Every other one is refused: login modules are
code that a Java client would load, and the JNDI and LDAP ones fetch code from elsewhere (CVE-2023-25194).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from watermaster.adapters.kafka.secret import Secret
from watermaster.stream.fault import UsageFault

_MODULES: Final = {"PlainLoginModule": "PLAIN", "ScramLoginModule": "SCRAM", "OAuthBearerLoginModule": "OAUTHBEARER"}
_STATEMENT: Final = re.compile(
    r"\s*(?P<module>[\w.$]+)\s+(?P<flag>\w+)(?P<options>(?:[^;\"]|\"(?:[^\"\\]|\\.)*\")*);\s*"
)
_OPTION: Final = re.compile(r"\s*([\w.\-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\";]+))")

KERBEROS_HINT: Final = (
    "The Kafka client that pip installs is built without Kerberos. Ask for a SCRAM, OAUTHBEARER or client-certificate"
    " listener, or build confluent-kafka against a librdkafka with libsasl2 (pip install --no-binary confluent-kafka"
    " confluent-kafka) and use a librdkafka properties file."
)


@dataclass(frozen=True, slots=True)
class JaasLogin:
    """A login module by family (`PLAIN`, `SCRAM`, `OAUTHBEARER`) and its options."""

    family: str
    options: dict[str, Secret]


def read_jaas(text: str) -> JaasLogin:
    """Read one login statement.

    Raises `UsageFault`: WM-CLIENT-KERBEROS for Kerberos, WM-CLIENT-JAAS for another module or a broken statement.
    The messages never quote the statement, which holds the password.
    """
    match = _STATEMENT.fullmatch(text)
    if match is None:
        raise UsageFault(
            "WM-CLIENT-JAAS",
            "sasl.jaas.config is not one login statement.",
            hint='Write: <login module> required username="…" password="…"; with the semicolon at the end.',
        )
    name = match["module"].rpartition(".")[2]
    if name == "Krb5LoginModule":
        raise UsageFault("WM-CLIENT-KERBEROS", "Kerberos (GSSAPI) is not in this Kafka client.", hint=KERBEROS_HINT)
    if name not in _MODULES or not match["module"].startswith("org.apache.kafka.common.security."):
        raise UsageFault(
            "WM-CLIENT-JAAS",
            "sasl.jaas.config names a login module that is not allowed here.",
            hint="Use Kafka's own PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule.",
        )
    return JaasLogin(_MODULES[name], _read_options(match["options"]))


def _read_options(text: str) -> dict[str, Secret]:
    options: dict[str, Secret] = {}
    position = 0
    while text[position:].strip():
        match = _OPTION.match(text, position)
        if match is None:
            raise UsageFault(
                "WM-CLIENT-JAAS",
                "An option of sasl.jaas.config cannot be read.",
                hint='Options are name="value", separated by blanks; a quote inside a value is written \\".',
            )
        quoted, plain = match[2], match[3]
        options[match[1]] = Secret(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = match.end()
    return options
