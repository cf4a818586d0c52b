"""A real HTTP server that takes pages, and may be told to refuse them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`taken` are (path, headers, body) of what was answered with 200."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.refused = 0
        self.refuses = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if owner.refuses:
                    owner.refused += 1
                else:
                    owner.taken.append((self.path, dict(self.headers.items()), body))
                self.send_response(503 if owner.refuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of(self, problem: str) -> list[Any]:
        """The webhooks of one problem, in their order."""
        bodies = [body for _, _, body in list(self.taken) if isinstance(body, dict) and "alerts" in body]
        return [body for body in bodies if body["commonLabels"]["problem"] == problem]

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
