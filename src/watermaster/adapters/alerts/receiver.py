"""A receiver of webhooks on loopback: the on-call's telephone of the demonstration."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final

BODY_BYTES_MAX: Final = 64 * 1024


class PageReceiver:
    """Takes pages in Alertmanager's webhook form while it is entered; `pages` are their texts, oldest first."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = min(int(self.headers.get("Content-Length") or 0), BODY_BYTES_MAX)
                try:
                    pages.append(str(json.loads(self.rfile.read(size))["commonAnnotations"]["description"]))
                    code = 200
                except (ValueError, KeyError, TypeError):
                    code = 400
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the server calls
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    @property
    def url(self) -> str:
        """Where to send pages to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> PageReceiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
