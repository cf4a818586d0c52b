"""A proxy on loopback before a schema registry, that can be down, slow, broken, or tell other things than the registry.

It also answers for what the registry behind it does not have, such as Confluent's lookup by GUID.
"""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

import httpx2

TIMEOUT_S: Final = 30.0


class RegistryProxy:
    """A context manager. Paths are those below the base of the API, without their query."""

    def __init__(self, target: str, certificate: Path | None = None) -> None:
        """`certificate` is a PEM file of key and certificate, to be reached by https."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and headers of every request."""
        self._target = target
        self._answers: dict[str, tuple[int, bytes]] = {}
        self._everything: tuple[int, bytes] | None = None
        self._down = False
        self._flowing = threading.Event()
        self._flowing.set()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._serve(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the server calls
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake in the thread of its connection: one that never shakes hands must not stop all others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, name="registry", daemon=True)

    @property
    def url(self) -> str:
        """The base of the API, as `registries` of watermaster.yaml wants it."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, body: Any, status: int = 200) -> None:  # noqa: ANN401 - any JSON
        """Answer this from now on, whatever the registry says; bytes are sent as they are."""
        self._answers[path] = status, body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer_all(self, body: bytes, status: int) -> None:
        """Answer everything so."""
        self._everything = status, body

    def go_down(self) -> None:
        """Close each connection without an answer."""
        self._down = True

    def hold(self) -> None:
        """Answer nothing until `heal`."""
        self._flowing.clear()

    def heal(self) -> None:
        """Be nothing but a proxy again."""
        self._answers.clear()
        self._everything, self._down = None, False
        self._flowing.set()

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in list(self.asked))

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        self.asked.append((path, dict(request.headers.items())))
        self._flowing.wait()
        if self._down:
            request.close_connection = True
            return
        status, body = self._everything or self._answers.get(path) or self._forward(request.path)
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            return  # whoever asked did not wait

    def _forward(self, path: str) -> tuple[int, bytes]:
        answer = httpx2.get(self._target + path, timeout=TIMEOUT_S)
        return answer.status_code, answer.content

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._flowing.set()
        self._server.shutdown()
        self._server.server_close()
