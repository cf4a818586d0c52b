"""Confluent's API over HTTP, as far as a reader of records needs it.

`GET /schemas/ids/{id}`, `GET /schemas/guids/{guid}`, and `GET /subjects/{subject}/versions/{version}` for references.
No redirect is followed, and no address that a schema names is ever visited.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx2

from watermaster.adapters.registry.secret import authorization
from watermaster.gate.schema import AVRO, OVERSIZE, TEXT_CHARACTERS_MAX, Schema, SchemaId
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.stream.fault import WorldFault

ANSWER_BYTES_MAX: Final = 8 * TEXT_CHARACTERS_MAX
"""Of one answer: a schema of the greatest length, with every character escaped."""
REFERENCES_MAX: Final = 200
"""Schemas that one refers to, directly or not."""
SCHEMA_S_MAX: Final = 10.0
"""For one schema with all that it refers to: a worker that asks for longer gives no sign of life, and is ended."""
SCHEMA_NOT_FOUND: Final = 40403
_NOT_FOUND: Final = 404
_DENIED: Final = frozenset({401, 403})
_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json, application/json"


class HttpRegistry:
    """Implements `SchemaRegistry`. It is asked seldom, so it keeps no connection; secrets are read for each request."""

    def __init__(self, registry: RegistryConfiguration) -> None:
        """Raises WorldFault WM-REGISTRY-TLS if a certificate cannot be read."""
        self._registry = registry
        self._timeout_s = registry.timeout_ms / 1000
        self._tls = _tls(registry)
        self._until_s = 0.0

    def schema(self, schema_id: SchemaId) -> Schema | None:
        """See `SchemaRegistry.schema`."""
        self._until_s = time.monotonic() + SCHEMA_S_MAX
        with httpx2.Client(verify=self._tls, follow_redirects=False) as client:
            return self._schema(client, schema_id)

    def _schema(self, client: httpx2.Client, schema_id: SchemaId) -> Schema | None:
        kind = "guids" if isinstance(schema_id, UUID) else "ids"
        status, body = self._get(client, f"/schemas/{kind}/{schema_id}")
        if body is None:
            return Schema(OVERSIZE, "")
        if status == _NOT_FOUND and _error_code(body) == SCHEMA_NOT_FOUND:
            return None
        told = self._told(status, body)
        if told["kind"] != AVRO:  # what else refers to others is not followed: nothing is judged by it
            return Schema(told["kind"], told["text"])
        return Schema(AVRO, told["text"], tuple(self._references(client, told["references"])))

    def _references(self, client: httpx2.Client, references: list[Any]) -> Iterator[str]:
        """Texts, each before those that refer to it, and each once."""
        done: dict[tuple[str, str], str] = {}
        begun: set[tuple[str, str]] = set()

        def follow(entries: list[Any]) -> None:
            for entry in entries:
                subject, version = _reference(entry, self._wrong)
                if (subject, version) in begun:
                    continue
                begun.add((subject, version))
                if len(begun) > REFERENCES_MAX:
                    raise self._wrong(f"a schema refers to more than {REFERENCES_MAX} others")
                status, body = self._get(client, f"/subjects/{quote(subject, safe='')}/versions/{version}?deleted=true")
                told = self._told(status, body)
                follow(told["references"])
                done[subject, version] = told["text"]

        follow(references)
        yield from done.values()

    def _told(self, status: int, body: bytes | None) -> dict[str, Any]:
        """What an answer says of a schema. Raises WorldFault for what no registry says."""
        if status in _DENIED:
            raise WorldFault(
                "WM-REGISTRY-DENIED",
                f"the registry {self._registry.name} refuses this login (HTTP {status})",
                hint="Look at its user, password_file and token_file, and at what the login may read.",
                retriable=True,
            )
        if status != httpx2.codes.OK:
            raise self._wrong(f"it answers HTTP {status}")
        document = _parsed(body)
        text = document.get("schema") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(text, str) or not text:
            raise self._wrong("its answer holds no schema")
        kind, references = document.get("schemaType") or AVRO, document.get("references") or []
        if not isinstance(kind, str) or not isinstance(references, list):
            raise self._wrong("its answer is none of a registry")
        if kind == AVRO and _parsed(text.encode("utf-8", "surrogatepass")) is None:
            raise self._wrong("what it calls an Avro schema is no JSON")
        return {"text": text, "kind": kind, "references": references}

    def _get(self, client: httpx2.Client, path: str) -> tuple[int, bytes | None]:
        """Status and body; no body if it is longer than any schema. Bounded in time, however slowly it comes."""
        now_s = time.monotonic()
        if now_s >= self._until_s:
            raise self._unreachable("it answers too slowly")
        timeout_s = min(self._timeout_s, self._until_s - now_s)
        content = bytearray()
        address = self._registry.url.rstrip("/") + path
        try:
            headers = {"Accept": _MEDIA_TYPE, **authorization(self._registry)}
            with client.stream("GET", address, headers=headers, timeout=timeout_s) as answer:
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        return answer.status_code, None
                    if time.monotonic() > now_s + timeout_s:
                        raise self._unreachable("it answers too slowly")
                return answer.status_code, bytes(content)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Its text may hold the address, and with it what nobody should read in a log.
            raise self._unreachable(type(error).__name__) from None

    def _unreachable(self, why: str) -> WorldFault:
        return WorldFault(
            "WM-REGISTRY-UNREACHABLE",
            f"the registry {self._registry.name} cannot be asked ({why})",
            hint="Look at its url, at the registry and at the network.",
            retriable=True,
        )

    def _wrong(self, what: str) -> WorldFault:
        return WorldFault(
            "WM-REGISTRY-ANSWER",
            f"the registry {self._registry.name} does not answer as a schema registry does: {what}",
            hint="Its url must be the base of Confluent's API (Apicurio: …/apis/ccompat/v7).",
            retriable=True,
        )


def _reference(entry: Any, wrong: Any) -> tuple[str, str]:  # noqa: ANN401 - any JSON
    subject = entry.get("subject") if isinstance(entry, Mapping) else None
    version = entry.get("version") if isinstance(entry, Mapping) else None
    if not isinstance(subject, str) or not isinstance(version, int):
        raise wrong("a reference names no subject and version")
    return subject, str(version)


def _parsed(content: bytes | None) -> Any:  # noqa: ANN401 - any JSON
    """None for what is no JSON (and for null, which no answer of a registry is)."""
    try:
        return None if content is None else json.loads(content)
    except (ValueError, RecursionError):
        return None


def _error_code(body: bytes) -> int | None:
    document = _parsed(body)
    code = document.get("error_code") if isinstance(document, dict) else None
    return code if isinstance(code, int) else None


def _tls(registry: RegistryConfiguration) -> ssl.SSLContext | bool:
    if urlsplit(registry.url).scheme != "https":
        return True
    try:
        context = ssl.create_default_context(cafile=registry.ca_file)
        if registry.certificate_file is not None:
            context.load_cert_chain(registry.certificate_file, registry.key_file)
    except OSError as error:  # an SSLError is one
        raise WorldFault(
            "WM-REGISTRY-TLS",
            f"the certificates for the registry {registry.name} cannot be read ({type(error).__name__})",
            hint="Look at its ca_file, certificate_file and key_file.",
        ) from None
    return context
