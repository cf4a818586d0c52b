"""Apache Kafka's jars: locked by SHA-256, fetched once from a Maven repository, cached for all projects of a user.

Invariant: a directory under the cache's final name holds every locked jar, each with its locked checksum. It appears
by one rename, so that parallel test runs and killed downloads never leave half of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import httpx2

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.settings import KAFKA_VERSION, KitSettings

JAR_BYTES_MAX = 32 * 1024 * 1024
"""No locked jar is larger than 11 MB; a repository that sends more is not sending our jar."""
DOWNLOAD_ATTEMPTS = 3
"""Public repositories drop a connection now and then; what fails three times is down."""
DOWNLOADS_AT_ONCE = 6
REQUEST_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
"""Seconds; a machine without a way out shall hear so soon."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file: `group:artifact:version:sha256`."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name under which Maven repositories serve it."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def repository_path(self) -> str:
        """The path below a Maven repository's base URL."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock file, in its order; empty lines and lines that start with `#` say nothing."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(Jar(*line.split(":")) for line in lines if line and not line.startswith("#"))


def locked_jars() -> tuple[Jar, ...]:
    """What the package's own lock file lists."""
    lock = resources.files("watermaster.testing").joinpath(f"kafka-{KAFKA_VERSION}.lock")
    return parse_lock(lock.read_text(encoding="ascii"))


def find_jars(settings: KitSettings, report: Report | None = None) -> Path:
    """The directory that holds Kafka's jars: of `kafka_home`, or of the cache, filled first if need be.

    Raises UsageFault where `kafka_home` is not a Kafka directory, WorldFault where jars cannot be had.
    """
    if settings.kafka_home is not None:
        return _jars_of_home(settings.kafka_home)
    return cached_jars(f"Apache Kafka {KAFKA_VERSION}", locked_jars(), settings.jar_cache, settings, report)


def cached_jars(
    what: str, jars: tuple[Jar, ...], cache: Path, settings: KitSettings, report: Report | None = None
) -> Path:
    """The directory `cache`, filled with these jars first if it is not there.

    Another list of jars needs a directory of another name: what is there is taken as it is. Raises WorldFault where
    they cannot be had.
    """
    if not cache.is_dir():
        with alone(cache.with_name(cache.name + ".flock")):
            if not cache.is_dir():
                _fill(what, jars, cache, settings.maven_mirror, report or _to_stderr)
    return cache


def _jars_of_home(home: Path) -> Path:
    libs = home / "libs"
    if not any(libs.glob("kafka_2.13-*.jar")):
        raise UsageFault(
            "WM-TESTKIT-KAFKA-HOME",
            f"{home} is not an Apache Kafka directory: it has no libs/kafka_2.13-*.jar.",
            hint="Point WATERMASTER_KAFKA_HOME at an unpacked Kafka 4 release, or unset it to fetch the jars.",
        )
    return libs


def _fill(what: str, jars: tuple[Jar, ...], cache: Path, mirror: str, report: Report) -> None:
    report(f"Fetching {what} ({len(jars)} jars, once) from {mirror}")
    partial = Path(tempfile.mkdtemp(prefix=cache.name + ".partial-", dir=cache.parent))
    try:
        with httpx2.Client(timeout=REQUEST_TIMEOUT, follow_redirects=True) as client:
            _fetch_all(client, mirror, jars, partial, report)
        partial.rename(cache)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch_all(client: httpx2.Client, mirror: str, jars: tuple[Jar, ...], into: Path, report: Report) -> None:
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="jar") as pool:
        fetched = pool.map(lambda jar: fetch_jar(client, mirror, jar, into), jars)
        for count, jar in enumerate(fetched, start=1):
            report(f"  {count}/{len(jars)} {jar.name}")


def fetch_jar(client: httpx2.Client, mirror: str, jar: Jar, into: Path) -> Path:
    """Download one jar into a directory and check its sum; raises WorldFault."""
    url = f"{mirror}/{jar.repository_path}"
    problem = ""
    for _ in range(DOWNLOAD_ATTEMPTS):
        try:
            content = _download(client, url)
        except httpx2.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        if hashlib.sha256(content).hexdigest() != jar.sha256:
            raise _wrong_checksum(jar, mirror)
        target = into / jar.file_name
        target.write_bytes(content)
        return target
    raise WorldFault(
        "WM-TESTKIT-JARS",
        f"{jar.file_name} cannot be fetched from {mirror} ({problem}).",
        hint="Set WATERMASTER_MAVEN_MIRROR to a repository that this machine reaches, or WATERMASTER_KAFKA_HOME to "
        "an unpacked Apache Kafka; behind a private certificate authority also set SSL_CERT_FILE.",
        retriable=True,
    )


def _download(client: httpx2.Client, url: str) -> bytes:
    content = bytearray()
    with client.stream("GET", url) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > JAR_BYTES_MAX:
                break
    return bytes(content)


def _wrong_checksum(jar: Jar, mirror: str) -> WorldFault:
    return WorldFault(
        "WM-TESTKIT-CHECKSUM",
        f"{jar.file_name} from {mirror} does not have its locked SHA-256 sum.",
        hint="The repository serves other bytes than Maven Central: do not use it, and tell whoever runs it.",
    )


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; the kernel releases it if this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
