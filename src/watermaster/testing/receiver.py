"""A real HTTP server on loopback that takes pages, and may be told to refuse them: on-call's telephone in tests."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class PageReceiver:
    """A context manager. `taken` are (path, headers, body) of what was answered with 200, `refused` counts the rest.

    What is no JSON object or array is answered with 400.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.refused = 0
        self.refuses = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                code = owner._take(self.path, dict(self.headers.items()), self._body())
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the server calls
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not self.refuses and isinstance(document, dict | list):
            self.taken.append((path, headers, document))
            return 200
        self.refused += 1
        return 503 if self.refuses else 400

    @property
    def url(self) -> str:
        """Where to send pages to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def webhooks(self) -> list[Any]:
        """The pages in Alertmanager's webhook form, oldest first."""
        return [body for _, _, body in list(self.taken) if isinstance(body, dict) and "alerts" in body]

    def of(self, problem: str) -> list[Any]:
        """The webhooks of one problem."""
        return [body for body in self.webhooks() if body["commonLabels"]["problem"] == problem]

    def pages(self) -> list[str]:
        """The texts of the webhooks."""
        return [body["commonAnnotations"]["description"] for body in self.webhooks()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
