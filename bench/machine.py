"""What the benchmark ran on, for who compares two reports."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from watermaster.testing.java import find_java
from watermaster.testing.settings import KAFKA_VERSION, settings_from_environment

LIBRARIES = ("watermaster", "confluent-kafka", "msgspec", "google-re2", "cel-expr-python", "jsonschema-rs")


def describe() -> dict[str, str]:
    """Processor, memory, kernel, interpreters and versions."""
    import confluent_kafka  # noqa: PLC0415 - only to ask its library's version

    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "load before": f"{os.getloadavg()[0]:.1f} processes (1 min)",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Java": _java(),
        "Apache Kafka": f"{KAFKA_VERSION}, one broker, loopback, plaintext, optimising Java compiler",
        "librdkafka": confluent_kafka.libversion()[0],
        "libraries": ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _java() -> str:
    java = find_java(settings_from_environment())
    told = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    found = re.search(r'version "([^"]+)"', told)
    return found[1] if found else "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
