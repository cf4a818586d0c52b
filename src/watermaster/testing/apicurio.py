"""Apicurio Registry: locked by SHA-256, fetched once from a Maven repository, unpacked into the cache.

It speaks Confluent's API beside its own, keeps everything in memory, and runs on the Java that Kafka runs on if that is
new enough.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.jars import DOWNLOAD_ATTEMPTS, REQUEST_TIMEOUT, Report, alone
from watermaster.testing.java import find_java
from watermaster.testing.settings import APICURIO_VERSION, KitSettings

JAVA_VERSION_MIN: Final = 21
"""Apicurio Registry 3 needs Java 21."""
ARCHIVE_SHA256: Final = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
ARCHIVE_BYTES: Final = 158_577_952
_PATH: Final = (
    f"io/apicurio/apicurio-registry-app/{APICURIO_VERSION}/apicurio-registry-app-{APICURIO_VERSION}-all.tar.gz"
)
_RUNNER: Final = "quarkus-run.jar"


@dataclass(frozen=True, slots=True)
class Apicurio:
    """A Java and the jar that starts the registry."""

    java: Path
    runner: Path


def find_apicurio(settings: KitSettings, report: Report | None = None) -> Apicurio:
    """Java first, which is quick to miss; then `apicurio_home`, or the cache, filled first if need be. Raises Fault."""
    java = find_java(settings, JAVA_VERSION_MIN, "Apicurio Registry")
    if settings.apicurio_home is not None:
        return Apicurio(java, _of_home(settings.apicurio_home))
    cache = settings.apicurio_cache
    if not cache.is_dir():
        with alone(cache.with_name(cache.name + ".flock")):
            if not cache.is_dir():
                _fill(cache, settings.maven_mirror, report or _to_stderr)
    return Apicurio(java, cache / _RUNNER)


def _of_home(home: Path) -> Path:
    if not (home / _RUNNER).is_file():
        raise UsageFault(
            "WM-TESTKIT-APICURIO-HOME",
            f"{home} is not an unpacked Apicurio Registry 3: it has no {_RUNNER}.",
            hint="Correct WATERMASTER_APICURIO_HOME, or unset it to fetch the archive.",
        )
    return home / _RUNNER


def _fill(cache: Path, mirror: str, report: Report) -> None:
    """Fetch, compare, unpack, and rename, so that no half of it is ever taken for the whole."""
    report(f"Fetching Apicurio Registry {APICURIO_VERSION} (159 MB, once) from {mirror}")
    partial = Path(tempfile.mkdtemp(prefix=cache.name + ".partial-", dir=cache.parent))
    try:
        archive = partial / "archive"
        fetch_archive(f"{mirror}/{_PATH}", archive)
        with tarfile.open(archive) as packed:
            packed.extractall(partial / "root", filter="data")
        (partial / "root").rename(cache)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fetch_archive(url: str, into: Path, sha256: str = ARCHIVE_SHA256) -> None:
    """Download the archive into a file and check its sum; raises WorldFault."""
    problem = ""
    with httpx2.Client(timeout=REQUEST_TIMEOUT, follow_redirects=True) as client:
        for _ in range(DOWNLOAD_ATTEMPTS):
            try:
                found = _download(client, url, into)
            except httpx2.HTTPError as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if found != sha256:
                raise WorldFault(
                    "WM-TESTKIT-CHECKSUM",
                    f"{url} does not have its locked SHA-256 sum.",
                    hint="The repository serves other bytes than Maven Central: do not use it, and tell whoever runs "
                    "it.",
                )
            return
    raise WorldFault(
        "WM-TESTKIT-APICURIO",
        f"Apicurio Registry cannot be fetched ({problem}).",
        hint="Set WATERMASTER_MAVEN_MIRROR to a repository that this machine reaches, or WATERMASTER_APICURIO_HOME to "
        "an unpacked Apicurio Registry 3.",
        retriable=True,
    )


def _download(client: httpx2.Client, url: str, into: Path) -> str:
    """The SHA-256 sum of what was sent; no more is taken than the archive has."""
    digest, size = hashlib.sha256(), 0
    with client.stream("GET", url) as response, into.open("wb") as file:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
            if size > ARCHIVE_BYTES:
                break
    return digest.hexdigest()


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
