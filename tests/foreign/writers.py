"""Real writers of dead letters: Kafka Connect, Kafka Streams, the broker for a share group, and Spring Kafka.

Their jars are locked by checksum as Kafka's are. The few lines of Java that each needs lie in `java/` and are compiled
by Eclipse's compiler, which is a jar too: a Java to run things is all that a machine must have.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from watermaster.testing.installation import Installation, find_installation
from watermaster.testing.jars import cached_jars, parse_lock
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import ReservedPort, reserve_port
from watermaster.testing.process import Child
from watermaster.testing.settings import settings_from_environment

HERE = Path(__file__).parent
SOURCES = HERE / "java"
OPTIONS = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")

_LOGGING = """\
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""


class Writers:
    """Starts writers as processes of their own, in one directory; `stop` ends them all."""

    def __init__(self, cluster: KafkaCluster, directory: Path) -> None:
        settings = settings_from_environment()
        self._installation: Installation = find_installation(settings)
        lock = (HERE / "foreign.lock").read_text(encoding="ascii")
        version = hashlib.sha256(lock.encode()).hexdigest()[:8]
        cache = settings.jar_cache.with_name(f"foreign-{version}")
        self._jars = cached_jars("what writes dead letters", parse_lock(lock), cache, settings)
        self._cluster = cluster
        self._directory = directory
        self._classes = directory / "classes"
        self._running: list[Child] = []
        self._ports: list[ReservedPort] = []
        (directory / "log4j2.properties").write_text(_LOGGING)
        self._compile()

    def connect(self, name: str, topic: str, letters: str) -> None:
        """A standalone Connect worker whose sink cannot read values that are no JSON."""
        port = reserve_port()
        self._ports.append(port)
        worker = {
            "bootstrap.servers": self._cluster.bootstrap,
            "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "offset.storage.file.filename": self._directory / "connect.offsets",
            "listeners": f"http://127.0.0.1:{port.number}",
        }
        sink = {
            "name": name,
            "connector.class": "NullSink",
            "topics": topic,
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": letters,
            "errors.deadletterqueue.topic.replication.factor": 1,
            "errors.deadletterqueue.context.headers.enable": "true",
        }
        files = [self._properties("worker", worker), self._properties(name, sink)]
        self._start("org.apache.kafka.connect.cli.ConnectStandalone", *map(str, files))

    def streams(self, application: str, topic: str, letters: str) -> None:
        """A topology that fails on bad values, exactly once."""
        self._start("StreamsWriter", self._cluster.bootstrap, application, topic, letters, str(self._directory / "s"))

    def share_group(self, group: str, topic: str, letters: str, *, copy: bool = True) -> None:
        """A share group whose member rejects bad values."""
        self._start("ShareRejecter", self._cluster.bootstrap, group, topic, letters, str(copy).lower())

    def spring(self, group: str, topic: str, letters: str) -> None:
        """A listener whose failures Spring's recoverer publishes."""
        self._start("SpringRecoverer", self._cluster.bootstrap, group, topic, letters)

    def last_words(self) -> str:
        """The end of what the writers have said."""
        return "\n".join(child.log.read_text(errors="replace")[-3_000:] for child in self._running)

    def stop(self) -> None:
        """End all of them."""
        for child in self._running:
            child.kill()
        self._running.clear()
        while self._ports:
            self._ports.pop().release()

    def _start(self, main: str, *arguments: str) -> None:
        logging = f"-Dlog4j2.configurationFile={self._directory / 'log4j2.properties'}"
        command = [str(self._installation.java), *OPTIONS, logging, "-cp", self._path(), main, *arguments]
        self._running.append(Child(command, self._directory / f"{main}.log"))

    def _path(self) -> str:
        return f"{self._classes}{os.pathsep}{self._jars}/*{os.pathsep}{self._installation.jars}/*"

    def _properties(self, name: str, settings: dict[str, object]) -> Path:
        file = self._directory / f"{name}.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return file

    def _compile(self) -> None:
        jars = [
            *self._jars.glob("*.jar"),
            *self._installation.jars.glob("*.jar"),
        ]  # this compiler knows no `*` in paths
        command = [
            str(self._installation.java),
            "-cp",
            f"{self._jars}/*",
            "org.eclipse.jdt.internal.compiler.batch.Main",
        ]
        command += ["-source", "17", "-target", "17", "-nowarn", "-cp", os.pathsep.join(map(str, jars))]
        command += ["-d", str(self._classes), *sorted(map(str, SOURCES.glob("*.java")))]
        subprocess.run(command, check=True, timeout=120)
