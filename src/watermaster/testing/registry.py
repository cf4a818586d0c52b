"""A real schema registry, Apicurio, as a child process on loopback that forgets everything when it ends.

with RegistryServer(find_apicurio(settings), tmp_path) as registry:
    number = registry.register("orders-value", {"type": "record", ...})
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2

from watermaster.testing.apicurio import Apicurio
from watermaster.testing.local_server import TIMEOUT_S, LocalServer
from watermaster.testing.port import reserve_port

API_PATH: Final = "/apis/ccompat/v7"
"""Where Apicurio speaks Confluent's API."""
_JAVA_OPTIONS: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"


class RegistryServer(LocalServer):
    """A context manager. What is registered stays until it ends."""

    def __init__(self, apicurio: Apicurio, directory: Path) -> None:
        super().__init__(directory, "apicurio", f"{API_PATH}/subjects")
        self._apicurio = apicurio
        self._management = reserve_port()

    @property
    def url(self) -> str:
        """The base of Confluent's API, as `registries` of watermaster.yaml wants it."""
        return super().url + API_PATH

    def register(
        self,
        subject: str,
        schema: Mapping[str, Any] | Sequence[Any] | str,
        kind: str = "AVRO",
        references: Sequence[tuple[str, str, int]] = (),
    ) -> int:
        """Register the next version of a subject; references are (name, subject, version). Returns the schema's id."""
        body: dict[str, Any] = {"schema": schema if isinstance(schema, str) and kind != "AVRO" else json.dumps(schema)}
        if kind != "AVRO":
            body["schemaType"] = kind
        if references:
            body["references"] = [
                {"name": name, "subject": named, "version": version} for name, named, version in references
            ]
        answer = self._ask("POST", f"/subjects/{quote(subject, safe='')}/versions", json.dumps(body))
        return int(answer["id"])

    def delete(self, subject: str) -> None:
        """Delete a subject with all its versions, for good."""
        self._ask("DELETE", f"/subjects/{quote(subject, safe='')}")
        self._ask("DELETE", f"/subjects/{quote(subject, safe='')}?permanent=true")

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """The JSON under a path of the API. Raises httpx2.HTTPError."""
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:  # noqa: ANN401 - any JSON
        answer = httpx2.request(
            method, self.url + path, content=body, headers={"Content-Type": _MEDIA_TYPE}, timeout=TIMEOUT_S
        )
        answer.raise_for_status()
        return answer.json()

    def __enter__(self) -> Self:
        settings = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": str(self._port.number),
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": str(self._management.number),
            "apicurio.rest.deletion.artifact.enabled": "true",
            "apicurio.rest.deletion.artifact-version.enabled": "true",
        }
        options = [f"-D{name}={value}" for name, value in settings.items()]
        command = [str(self._apicurio.java), *_JAVA_OPTIONS, *options, "-jar", str(self._apicurio.runner)]
        self._run(command)
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._management.release()
