"""Client properties of Java or librdkafka, translated for our client.

Only keys of `property_keys` are read. A settings file is input from outside: some keys load libraries, run login
modules or read other files (`plugin.library.paths`, config providers, JNDI, `file:` endpoints), so what is not
listed is refused, with its line and the nearest key that is known.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from watermaster.adapters.kafka.jaas import KERBEROS_HINT, read_jaas
from watermaster.adapters.kafka.properties_syntax import Property, read_java, read_librdkafka
from watermaster.adapters.kafka.property_keys import (
    FILE_KEYS,
    IGNORED,
    JAVA,
    JAVA_ONLY,
    JAVA_STORES,
    KNOWN,
    LIBRDKAFKA,
    LIBRDKAFKA_ONLY,
    SECRET_KEYS,
    SHARED,
)
from watermaster.adapters.kafka.secret import Secret
from watermaster.adapters.kafka.stores import key_store_settings, trust_store_settings
from watermaster.runtime.loopback import is_loopback
from watermaster.stream.fault import UsageFault

FILE_BYTES_MAX: Final = 1024 * 1024
"""Client properties are a few lines; PEM chains inside them still stay far below this."""

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<provider>[^:}]*):(?P<name>[^}]*)\}")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_OAUTH_HANDLERS: Final = "org.apache.kafka.common.security.oauthbearer."


@dataclass(frozen=True, slots=True)
class ClientProperties:
    """librdkafka settings for security, with secrets wrapped; `ignored` names what was passed over."""

    settings: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def read_client_properties(path: Path, environment: Mapping[str, str] = os.environ) -> ClientProperties:
    """Translate the client properties at `path` (Java or librdkafka, told apart by their keys).

    `${env:NAME}` in a value is taken from `environment`. Relative paths are resolved against the file's folder.
    Raises `UsageFault` (WM-CLIENT-…) naming the file and line, never a value.
    """
    properties = _read_file(path)
    by_key: dict[str, Property] = {}
    ignored = []
    for entry in properties:
        if entry.key in IGNORED:
            ignored.append(entry.key)
            continue
        _refuse_unknown(path, entry)
        by_key[entry.key] = Property(entry.key, _expand(path, entry, environment), entry.line)
    settings = _translate(path, by_key)
    _check_mechanism(path, settings)
    _check_endpoint(path, settings)
    return ClientProperties(settings, tuple(ignored))


def _read_file(path: Path) -> list[Property]:
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _fault(
            "FILE", f"The client properties {path} cannot be read: {error.strerror}.", "Check client_config."
        ) from None
    if len(content) > FILE_BYTES_MAX:
        raise _fault("FILE", f"{path} is larger than 1 MiB.", "Name the client properties, not a log or a keystore.")
    try:
        text = content.decode("utf-8")
        literal = read_librdkafka(text)
        java = read_java(text)
    except (UnicodeDecodeError, ValueError):
        raise _fault(
            "SYNTAX", f"{path} is not a properties file.", "Is it UTF-8 text with one key=value a line?"
        ) from None
    keys = {entry.key for entry in java} | {entry.key for entry in literal}
    if keys & LIBRDKAFKA_ONLY and keys & JAVA_ONLY:
        first, second = min(keys & JAVA_ONLY), min(keys & LIBRDKAFKA_ONLY)
        raise _fault("DIALECT", f"{path} mixes Java ({first}) and librdkafka ({second}) keys.", "Keep to one of them.")
    return literal if keys & LIBRDKAFKA_ONLY else java


def _refuse_unknown(path: Path, entry: Property) -> None:
    if entry.key in KNOWN:
        return
    if entry.key.startswith("sasl.kerberos."):
        raise _fault("KERBEROS", f"{path}:{entry.line}: Kerberos (GSSAPI) is not in this Kafka client.", KERBEROS_HINT)
    near = difflib.get_close_matches(entry.key, KNOWN | IGNORED, n=1)
    shown = entry.key if re.fullmatch(r"[\w.\-]{1,100}", entry.key) else "a key"
    hint = f"Did you mean {near[0]}?" if near else "Leave it out: only keys that say where and how to connect are read."
    raise _fault("KEY", f"{path}:{entry.line}: {shown} is not allowed in client properties.", hint)


def _expand(path: Path, entry: Property, environment: Mapping[str, str]) -> Secret:
    def look_up(match: re.Match[str]) -> str:
        if match["provider"] != "env":
            raise _fault(
                "PROVIDER",
                f"{path}:{entry.line}: {entry.key} asks a config provider for its value.",
                "Only ${env:NAME} is read; a provider could read any file.",
            )
        value = environment.get(match["name"])
        if value is None:
            raise _fault(
                "ENVIRONMENT",
                f"{path}:{entry.line}: {entry.key} needs the environment variable {match['name']}, which is not set.",
                f"export {match['name']}=… and try again.",
            )
        return str(value)

    return Secret(_PLACEHOLDER.sub(look_up, str(entry.value)))


def _translate(path: Path, by_key: Mapping[str, Property]) -> dict[str, str]:
    plain = {key: str(entry.value) for key, entry in by_key.items()}
    java = not (plain.keys() & LIBRDKAFKA_ONLY)
    table = {**SHARED, **(JAVA if java else LIBRDKAFKA)}
    settings: dict[str, str] = {table[key]: value for key, value in plain.items() if key in table}
    if java:
        stores = {key: plain[key] for key in plain.keys() & (JAVA_STORES | {"ssl.key.password"})}
        settings |= trust_store_settings(stores, path.parent) | key_store_settings(stores, path.parent)
        settings |= _login_settings(path, by_key)
    if "ssl.endpoint.identification.algorithm" in settings:
        settings["ssl.endpoint.identification.algorithm"] = settings["ssl.endpoint.identification.algorithm"] or "none"
    if "security.protocol" in settings:
        settings["security.protocol"] = settings["security.protocol"].lower()
    for key in settings.keys() & FILE_KEYS:
        settings[key] = _existing(path, key, settings[key])
    return {key: Secret(value) if key in SECRET_KEYS else value for key, value in settings.items()}


def _login_settings(path: Path, by_key: Mapping[str, Property]) -> dict[str, str]:
    handler = by_key.get("sasl.login.callback.handler.class")
    if handler is not None and not str(handler.value).startswith(_OAUTH_HANDLERS):
        raise _fault(
            "JAAS",
            f"{path}:{handler.line}: sasl.login.callback.handler.class names code of another product.",
            "Only Kafka's own OAuth handler is understood; it takes its credentials from sasl.jaas.config.",
        )
    if "sasl.jaas.config" not in by_key:
        return {}
    login = read_jaas(str(by_key["sasl.jaas.config"].value))
    wanted = {"clientId": "sasl.oauthbearer.client.id", "clientSecret": "sasl.oauthbearer.client.secret"}
    wanted["scope"] = "sasl.oauthbearer.scope"
    if login.family != "OAUTHBEARER":
        wanted = {"username": "sasl.username", "password": "sasl.password"}
        missing = wanted.keys() - login.options.keys()
        if missing:
            raise _fault("JAAS", f"{path}: sasl.jaas.config has no {min(missing)}.", 'Add it as name="value".')
    found = {ours: str(login.options[theirs]) for theirs, ours in wanted.items() if theirs in login.options}
    return found | ({"sasl.oauthbearer.method": "oidc"} if login.family == "OAUTHBEARER" else {})


def _check_mechanism(path: Path, settings: dict[str, str]) -> None:
    mechanism = settings.get("sasl.mechanism")
    if settings.get("security.protocol", "").startswith("sasl") and mechanism is None:
        mechanism = "GSSAPI"  # the default of Kafka's clients
    if mechanism == "GSSAPI":
        raise _fault("KERBEROS", f"{path}: Kerberos (GSSAPI) is not in this Kafka client.", KERBEROS_HINT)
    if mechanism is not None and mechanism not in _MECHANISMS:
        raise _fault(
            "MECHANISM",
            f"{path}: sasl.mechanism is none of {', '.join(_MECHANISMS)}.",
            "Ask the cluster's owner which it offers.",
        )
    if mechanism == "OAUTHBEARER":
        settings.setdefault("sasl.oauthbearer.method", "oidc")


def _check_endpoint(path: Path, settings: Mapping[str, str]) -> None:
    """A token endpoint gets our client secret: https, or http on loopback; never a file (CVE-2025-27817)."""
    url = settings.get("sasl.oauthbearer.token.endpoint.url")
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    raise _fault(
        "ENDPOINT",
        f"{path}: sasl.oauthbearer.token.endpoint.url is not an https address.",
        "The client secret is sent there, so only https (or http on loopback) is allowed, and never file:.",
    )


def _existing(path: Path, key: str, value: str) -> str:
    target = (path.parent / value).resolve()
    if not target.is_file():
        raise _fault(
            "FILE",
            f"{path}: {key} names a file that does not exist ({target}).",
            "Relative paths start at the properties file.",
        )
    return str(target)


def _fault(code: str, message: str, hint: str) -> UsageFault:
    return UsageFault(f"WM-CLIENT-{code}", message, hint=hint)
