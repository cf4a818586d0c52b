"""`watermaster.yaml` into a `Configuration`, or one sentence with file, line and what to do.

The steps: YAML with positions (the same strict reader that contracts have) -> unknown keys and inline secrets
refused -> `${env:NAME}` filled in -> paths made absolute -> types and bounds -> contradictions.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from watermaster.contract.problem import Position, join_path, locate, nearest, suggest
from watermaster.contract.yaml_text import read_yaml
from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.severity import SeverityRow
from watermaster.quarantine.letter import PlainMapping
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    QuarantineConfiguration,
    SourceConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.configuration_conflicts import find_conflicts, registry_conflicts
from watermaster.runtime.incident_settings import AlertConfiguration, MonitorConfiguration
from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.stream.fault import UsageFault

FILE_BYTES_MAX: Final = 1024 * 1024
"""A thousand gates stay far below this; whatever is larger is another file."""

_ENVIRONMENT: Final = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_PROVIDER: Final = re.compile(r"\$\{[^}]*\}?")
_SECRET_KEY: Final = re.compile(r"pass(?:w|phrase)|secret|token$|credential|api.?key|private.?key|jaas", re.I)
_CREDENTIALS_IN_ADDRESS: Final = re.compile(r"//[^/\s]*@|^[^/,\s]*:[^/,\s]*@")
_PATH_KEYS: Final = {
    Configuration: ("contracts", "state_directory", "kafka_directory"),
    ClusterConfiguration: ("client_config",),
    GateConfiguration: ("metrics_token_file",),
    AlertConfiguration: ("url_file", "token_file", "key_file"),
    RegistryConfiguration: ("password_file", "token_file", "ca_file", "certificate_file", "key_file"),
}
_FILLED_IN: Final = {
    Configuration: {"path"},
    ClusterConfiguration: {"name"},
    GateConfiguration: {"name"},
    QuarantineConfiguration: {"name"},
    AlertConfiguration: {"name"},
    RegistryConfiguration: {"name"},
}
"""Fields that the reader sets and the file must not."""

_DEFAULTS: Final = {"contracts": "contracts", "state_directory": ".watermaster"}
_SENTENCES: Final = {
    "missing": "is missing",
    "string_pattern_mismatch": "has characters that Kafka's names cannot have (letters, digits, '.', '_' and '-' can)",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping (key: value, indented)",
    "mapping_type": "must be a mapping (key: value, indented)",
    "tuple_type": "must be a list (each item starts with '- ')",
    "dataclass_type": "must be a mapping (key: value, indented)",
}


def load_configuration(path: Path, environment: Mapping[str, str] = os.environ) -> Configuration:
    """Read the configuration at `path`; `${env:NAME}` is taken from `environment`.

    Raises `UsageFault` with WM-CONFIG-… and `file:line` in its message, for the first thing that is wrong. Values
    are never quoted, since one of them may be a secret in the wrong place.
    """
    path = path.absolute()
    result = read_yaml(_read_bytes(path), path.name)
    if result.problems:
        first = result.problems[0]
        raise UsageFault(
            "WM-CONFIG-YAML", f"{path}:{first.line}: {first.message}.", hint=first.hint or "Mend the line."
        )
    reading = _Reading(path, result.positions, environment)
    document = reading.document(result.data)
    try:
        configuration = TypeAdapter(Configuration).validate_python(document)
    except ValidationError as error:
        raise reading.invalid(error) from None
    for conflict in find_conflicts(configuration):
        raise reading.fault(conflict.code, conflict.path, conflict.message, conflict.hint)
    return configuration


def load_registry(
    name: str, url: str, path: Path | None, environment: Mapping[str, str] = os.environ
) -> RegistryConfiguration:
    """A registry at `url`; the file at `path` has what else may stand under `registries:` (login, TLS, waiting).

    Raises `UsageFault` as `load_configuration` does.
    """
    result = read_yaml(_read_bytes(path), path.name) if path is not None else None
    place = Path("--registry") if path is None else path.absolute()
    reading = _Reading(place, result.positions if result else {}, environment)
    if result is not None and result.problems:
        first = result.problems[0]
        raise UsageFault("WM-CONFIG-YAML", f"{path}:{first.line}: {first.message}.", hint=first.hint or "Mend it.")
    body = reading.section(result.data if result else {}, "$", RegistryConfiguration)
    if "url" in body:
        raise reading.fault("KEY", "$.url", "is named by --registry already", "Remove one of them.")
    try:
        body = {**body, "url": reading.expand(url, "$.url"), "name": name}
        registry = TypeAdapter(RegistryConfiguration).validate_python(body)
    except ValidationError as error:
        raise reading.invalid(error) from None
    for conflict in registry_conflicts("$", registry):
        raise reading.fault(conflict.code, conflict.path, conflict.message, conflict.hint)
    return registry


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        hint = "Run `watermaster init --bootstrap HOST:PORT` to write one, or name it with --config."
        raise UsageFault("WM-CONFIG-FILE", f"{path} cannot be read: {error.strerror}.", hint=hint) from None
    if len(data) > FILE_BYTES_MAX:
        raise UsageFault("WM-CONFIG-FILE", f"{path} is larger than 1 MiB.", hint="Is it another file?")
    return data


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """One file on its way to values: knows where each part stands."""

    path: Path
    positions: Mapping[str, Position]
    environment: Mapping[str, str]

    def document(self, data: Any) -> dict[str, Any]:  # noqa: ANN401 -- whatever the file held
        """The file's mapping with names, paths and environment variables filled in."""
        root = self.section(data, "$", Configuration)
        for key, default in _DEFAULTS.items():
            root.setdefault(key, self.path.parent / default)
        clusters = self.named(root.get("clusters"), "$.clusters", ClusterConfiguration)
        gates = self.named(root.get("gates", {}), "$.gates", GateConfiguration)
        for name, gate in gates.items():
            self.complete_gate(gate, f"$.gates.{name}")
        quarantines = self.named(root.get("quarantines", {}), "$.quarantines", QuarantineConfiguration)
        for name, adopted in quarantines.items():
            self.complete_quarantine(adopted, f"$.quarantines.{name}")
        root["quarantines"] = quarantines
        databases = root.get("databases", {})
        if isinstance(databases, dict):
            root["databases"] = {name: self.expand(value, f"$.databases.{name}") for name, value in databases.items()}
        root["alerts"] = self.named(root.get("alerts", {}), "$.alerts", AlertConfiguration)
        root["registries"] = self.named(root.get("registries", {}), "$.registries", RegistryConfiguration)
        root["monitor"] = self.section(root.get("monitor", {}), "$.monitor", MonitorConfiguration)
        monitor = root["monitor"]
        if "severities" in monitor:
            monitor["severities"] = self.rows(monitor["severities"], "$.monitor.severities", SeverityRow)
        if "runbooks" in root:
            root["runbooks"] = self.rows(root["runbooks"], "$.runbooks", SiteRunbook)
        return {**root, "path": self.path, "clusters": clusters, "gates": gates}

    def named(self, data: Any, path: str, kind: type) -> dict[str, Any]:  # noqa: ANN401 -- whatever the file held
        """A mapping of names to sections, each told its own name."""
        if data is None:
            raise self.fault("MISSING", path, "is missing or empty", "`watermaster init` writes a complete file.")
        if not isinstance(data, dict):
            raise self.fault("VALUE", path, _SENTENCES["mapping_type"], "Give each one a name.")
        return {name: {**self.section(body, join_path(path, name), kind), "name": name} for name, body in data.items()}

    def complete_quarantine(self, adopted: dict[str, Any], path: str) -> None:
        """The lists and mappings inside, their keys known."""
        sources = adopted.get("sources")
        if isinstance(sources, list):
            adopted["sources"] = [
                self.section(source, f"{path}.sources[{index}]", SourceConfiguration)
                for index, source in enumerate(sources)
            ]
        if "mapping" in adopted:
            adopted["mapping"] = self.section(adopted["mapping"], f"{path}.mapping", PlainMapping)

    def complete_gate(self, gate: dict[str, Any], path: str) -> None:
        streams = gate.get("streams")
        if isinstance(streams, list):
            gate["streams"] = [
                self.section(stream, f"{path}.streams[{index}]", StreamConfiguration)
                for index, stream in enumerate(streams)
            ]
        if isinstance(gate.get("metrics_listen"), str):
            host, _, port = gate["metrics_listen"].rpartition(":")
            if not host or not port.isdigit():
                raise self.fault("VALUE", f"{path}.metrics_listen", "is no host:port", "For instance 127.0.0.1:9464.")
            gate["metrics_listen"] = {"host": host.strip("[]"), "port": int(port)}

    def rows(self, data: Any, path: str, kind: type) -> Any:  # noqa: ANN401 -- whatever the file held
        """A list of sections; what is no list is left to the validation."""
        if not isinstance(data, list):
            return data
        return [self.section(body, f"{path}[{index}]", kind) for index, body in enumerate(data)]

    def section(self, data: Any, path: str, kind: type) -> dict[str, Any]:  # noqa: ANN401 -- whatever the file held
        """One mapping of the file, its keys known, its texts expanded, its paths absolute."""
        if not isinstance(data, dict):
            raise self.fault("VALUE", path, _SENTENCES["mapping_type"], "See the comments that `init` writes.")
        known = {field.name for field in dataclasses.fields(kind)} - _FILLED_IN.get(kind, set())
        for key in data:
            if key not in known:
                raise self.unknown_key(key, path, known)
        section = {key: self.expand(value, join_path(path, key)) for key, value in data.items()}
        for key in _PATH_KEYS.get(kind, ()):
            if isinstance(section.get(key), str):
                section[key] = self.path.parent / Path(section[key]).expanduser()
        return section

    def expand(self, value: Any, path: str) -> Any:  # noqa: ANN401 -- whatever the file held
        """A text with its environment variables filled in; everything else as it is."""
        if not isinstance(value, str):
            return value
        if _CREDENTIALS_IN_ADDRESS.search(value):
            raise self.secret(path)
        for name in _ENVIRONMENT.findall(value):
            if name not in self.environment:
                hint = f"export {name}=… and try again."
                raise self.fault("ENVIRONMENT", path, f"needs the environment variable {name}, which is not set", hint)
        expanded = _ENVIRONMENT.sub(lambda match: self.environment[match[1]], value)
        if _PROVIDER.search(_ENVIRONMENT.sub("", value)):
            raise self.fault("PROVIDER", path, "has a ${…} that is not read", "Only ${env:NAME} is filled in.")
        return expanded

    def unknown_key(self, key: str, path: str, known: set[str]) -> UsageFault:
        place = join_path(path, key)
        if _SECRET_KEY.search(key) and nearest(key, known) is None:
            return self.secret(place)
        return self.fault("KEY", place, "is not a key of this file", suggest(key, known))

    def secret(self, path: str) -> UsageFault:
        hint = (
            "Keep secrets out of this file: name a client properties file with client_config,"
            " and let it take them from the environment (sasl.password=${env:KAFKA_PASSWORD})."
        )
        return self.fault("SECRET", path, "looks like a secret", hint)

    def invalid(self, error: ValidationError) -> UsageFault:
        """The first error of type or bounds, in our words where we have them."""
        first = error.errors(include_url=False, include_context=True)[0]
        path = "$"
        for step in first["loc"]:
            if step != "[key]":
                path = join_path(path, step)
        sentence = _SENTENCES.get(first["type"]) or first["msg"].replace("Input should", "must", 1)
        hint = "See the comments that `watermaster init` writes."
        if first["type"] == "enum":
            near = nearest(str(first["input"]), re.findall(r"'([^']+)'", first["msg"]))
            hint = f"Did you mean {near}?" if near else "Use one of these."
        return self.fault("MISSING" if first["type"] == "missing" else "VALUE", path, sentence, hint)

    def fault(self, code: str, path: str, sentence: str, hint: str) -> UsageFault:
        place = locate(self.positions, path)
        line = f":{place.line}" if place else ""
        return UsageFault(f"WM-CONFIG-{code}", f"{self.path}{line}: {path[2:] or 'it'}: {sentence}.", hint=hint)
