"""The jars' way into the cache, from a repository on loopback that may misbehave."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.jars import Jar, fetch_jar, find_jars, locked_jars, parse_lock
from watermaster.testing.settings import KitSettings, settings_from_environment

CONTENT = b"bytes of a jar"
JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository(BaseHTTPRequestHandler):
    """Serves one jar, and fails as often as `failures` says."""

    failures = 0
    content = CONTENT

    def do_GET(self) -> None:
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        self.send_response(200 if self.path == "/m/org/example/thing/1.0/thing-1.0.jar" else 404)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet."""


@pytest.fixture
def mirror() -> Iterator[str]:
    Repository.failures, Repository.content = 0, CONTENT
    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/m"
        server.shutdown()
        thread.join()


def fetch(mirror: str, tmp_path: Path) -> Path:
    with httpx2.Client() as client:
        return fetch_jar(client, mirror, JAR, tmp_path)


def test_a_jar_is_fetched_and_kept(mirror: str, tmp_path: Path) -> None:
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["thing-1.0.jar"]


def test_a_repository_that_stumbles_is_asked_again(mirror: str, tmp_path: Path) -> None:
    Repository.failures = 2
    assert fetch(mirror, tmp_path).read_bytes() == CONTENT


def test_a_repository_that_is_down_is_named_with_a_way_out(mirror: str, tmp_path: Path) -> None:
    Repository.failures = 99
    with pytest.raises(WorldFault, match="503") as caught:
        fetch(mirror, tmp_path)
    assert (caught.value.code, caught.value.retriable) == ("WM-TESTKIT-JARS", True)
    assert "WATERMASTER_MAVEN_MIRROR" in caught.value.hint


def test_other_bytes_are_refused_and_not_kept(mirror: str, tmp_path: Path) -> None:
    Repository.content = CONTENT + b"!"
    with pytest.raises(WorldFault, match="WM-TESTKIT-CHECKSUM"):
        fetch(mirror, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_download_leaves_no_cache_behind(mirror: str, tmp_path: Path) -> None:
    settings = KitSettings(maven_mirror=mirror, cache=tmp_path)
    Repository.failures = 10_000
    with pytest.raises(WorldFault, match="WM-TESTKIT-JARS"):
        find_jars(settings, report=lambda _: None)
    assert [path.name for path in settings.jar_cache.parent.iterdir()] == ["kafka-4.4.0.flock"]


def test_the_lock_names_each_jar_once_with_a_whole_sum() -> None:
    jars = locked_jars()
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert "kafka_2.13-4.4.0.jar" in {jar.file_name for jar in jars}


def test_a_lock_may_have_comments_and_empty_lines() -> None:
    assert parse_lock(f"# why\n\norg.example:thing:1.0:{JAR.sha256}\n") == (JAR,)


def test_a_directory_that_is_not_kafka_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="WM-TESTKIT-KAFKA-HOME"):
        find_jars(KitSettings(kafka_home=tmp_path))


def test_a_kafka_directory_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    (tmp_path / "libs" / "kafka_2.13-4.1.0.jar").touch()
    assert find_jars(KitSettings(kafka_home=tmp_path)) == tmp_path / "libs"


def test_the_environment_says_where_things_are() -> None:
    found = settings_from_environment(
        {"WATERMASTER_MAVEN_MIRROR": "https://mirror/m/", "XDG_CACHE_HOME": "/c", "WATERMASTER_KAFKA_HOME": "/k"}
    )
    assert found == KitSettings(maven_mirror="https://mirror/m", cache=Path("/c"), kafka_home=Path("/k"))
    assert found.jar_cache == Path("/c/watermaster/kafka-4.4.0")
