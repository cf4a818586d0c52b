"""Serves `/metrics` and `/health`. Loopback without a token, anywhere else only with one."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from watermaster.runtime.gate_statistics import GateStatistics
from watermaster.stream.fault import UsageFault

REQUEST_TIMEOUT_S = 10
"""A client that sends slower than this is cut off."""

Health = Callable[[], tuple[int, Mapping[str, object]]]
"""HTTP status and body of `/health`."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class MetricsServer:
    """One HTTP server in a thread of its own. Anything but the two routes is answered like a missing login."""

    def __init__(
        self,
        host: str,
        port: int,
        token_file: Path | None,
        collector: Collector,
        health: Health,
    ) -> None:
        """Bind the address. Raises UsageFault if it is taken or would be open to others without a token."""
        token = _read_token(token_file) if token_file is not None else ""
        if host not in _LOOPBACK and not token:
            raise UsageFault(
                "WM-METRICS-OPEN",
                f"metrics on {host} would be open to everybody",
                hint="Set metrics_token_file, or listen on 127.0.0.1.",
            )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collector)
        try:
            self._server = _Server((host, port), registry, health, token)
        except OSError as error:
            raise UsageFault(
                "WM-METRICS-ADDRESS",
                f"cannot listen on {host}:{port}: {error.strerror}",
                hint="Another program serves there, perhaps this command already. Choose another metrics_listen (of a"
                " gate) or monitor.listen; metrics_listen: null switches it off.",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is the real one if 0 was asked for."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def __enter__(self) -> MetricsServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _read_token(path: Path) -> str:
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise UsageFault(
            "WM-METRICS-TOKEN",
            f"cannot read the metrics token {path}: {error.strerror}",
            hint="Check metrics_token_file and who may read it.",
        ) from error
    if not token:
        raise UsageFault(
            "WM-METRICS-TOKEN", f"the metrics token {path} is empty", hint="Write a long random word into it."
        )
    return token


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        health: Health,
        token: str,
    ) -> None:
        self.registry = registry
        self.health = health
        self.token = token
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_TIMEOUT_S
    server_version = "watermaster"
    sys_version = ""

    def do_GET(self) -> None:
        if not self._may():
            self._answer(401, "text/plain", b"login needed\n")
        elif self.path == "/metrics":
            self._answer(200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(self.server.registry))
        elif self.path == "/health":
            status, body = self.server.health()
            self._answer(status, "application/json", json.dumps(body).encode())
        else:
            self._answer(404, "text/plain", b"there are /metrics and /health\n")

    def _may(self) -> bool:
        if not self.server.token:
            return True
        given = self.headers.get_all("Authorization") or []
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), f"Bearer {self.server.token}".encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the shape of the base class
        """Scrapes are not worth a line each."""


def gate_health(statistics: GateStatistics) -> tuple[int, dict[str, object]]:
    """HTTP status and body: 200 while every worker works, 503 while something needs a person."""
    conditions = statistics.conditions()
    blocking = [condition for condition in conditions if not condition.name.startswith("gap:")]
    body: dict[str, object] = {
        "gate": statistics.gate,
        "status": "failing" if blocking else "ok",
        "workers": len(statistics.workers),
        "last_commit_ms": statistics.last_commit_ms(),
        "conditions": [
            {"name": c.name, "code": c.code, "message": c.message, "hint": c.hint, "since_ms": c.since_ms}
            for c in conditions
        ],
    }
    return (503 if blocking or not statistics.workers else 200), body
