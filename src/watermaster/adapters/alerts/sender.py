"""One route over HTTP: address and secrets are read when it is needed, so that a new secret needs no restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from watermaster.adapters.alerts.payload import alertmanager_alert, pagerduty, webhook
from watermaster.incident.incident import Incident
from watermaster.runtime.incident_ports import Delivery, Message
from watermaster.runtime.incident_settings import PAGERDUTY_URL, AlertConfiguration, AlertKind
from watermaster.runtime.loopback import is_loopback
from watermaster.stream.fault import UsageFault

TIMEOUT_S: Final = 10
"""Longer than any receiver that works takes; a page waits behind no dead one for long."""

SECRET_BYTES_MAX: Final = 16_384
OK_BELOW: Final = 300


class HttpSender:
    """An `AlertSender`; a redirect is no delivery, for it might lead a secret away."""

    def __init__(self, route: AlertConfiguration) -> None:
        self._route = route

    def send(self, message: Message, now_ms: int) -> Delivery:
        """Send one page in the route's form."""
        incident = message.incident
        match self._route.kind:
            case AlertKind.ALERTMANAGER:
                return self._post("/api/v2/alerts", [alertmanager_alert(incident, now_ms)], message.dedup_key)
            case AlertKind.PAGERDUTY:
                return self._pagerduty(message)
            case AlertKind.WEBHOOK | AlertKind.HEARTBEAT:
                return self._post("", webhook(incident, self._route.name), message.dedup_key)

    def remind(self, incidents: Sequence[Incident], now_ms: int) -> Delivery:
        """Alertmanager forgets what it is not told again; the others remember."""
        if self._route.kind is not AlertKind.ALERTMANAGER or not incidents:
            return Delivery()
        return self._post("/api/v2/alerts", [alertmanager_alert(incident, now_ms) for incident in incidents], "")

    def beat(self) -> Delivery:
        """Say that the monitor looks, judges and stores."""
        return self._post("", {"status": "alive"}, "")

    def _pagerduty(self, message: Message) -> Delivery:
        try:
            key = "" if self._route.key_file is None else _secret(self._route.key_file)
        except UsageFault as fault:
            return Delivery(fault.message)
        return self._post("", pagerduty(message.incident, message.happening, key), message.dedup_key)

    def _post(self, path: str, body: Any, dedup_key: str) -> Delivery:  # noqa: ANN401 -- any JSON
        try:
            address, headers = self._address(), self._headers()
            self._refuse_open(address, headers)
            if dedup_key:
                headers["Idempotency-Key"] = dedup_key.encode("ascii", "backslashreplace").decode()
            answer = httpx2.post(
                address.rstrip("/") + path if path else address, json=body, headers=headers, timeout=TIMEOUT_S
            )
        except UsageFault as fault:
            return Delivery(fault.message)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            # Its text may hold the address, which may be a secret.
            return Delivery(f"it cannot be reached ({type(error).__name__})")
        return Delivery() if answer.status_code < OK_BELOW else Delivery(f"it answers HTTP {answer.status_code}")

    def _address(self) -> str:
        if self._route.url_file is not None:
            return _secret(self._route.url_file)
        return self._route.url or PAGERDUTY_URL

    def _headers(self) -> dict[str, str]:
        token_file = self._route.token_file
        return {} if token_file is None else {"Authorization": f"Bearer {_secret(token_file)}"}

    def _refuse_open(self, address: str, headers: dict[str, str]) -> None:
        """A token or key never goes over an unencrypted line beyond this machine."""
        parts = urlsplit(address)
        secret = headers or self._route.key_file or self._route.url_file
        if parts.scheme != "https" and secret and not is_loopback(parts.hostname or ""):
            raise UsageFault("WM-ALERTS-PLAINTEXT", "it would send a secret unencrypted", hint="Use https.")


def _secret(path: Path) -> str:
    try:
        with path.open() as file:
            secret = file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(
            "WM-ALERTS-SECRET", f"its secret in {path.name} cannot be read ({type(error).__name__})", hint="Look at it."
        ) from None
    if not secret:
        raise UsageFault("WM-ALERTS-SECRET", f"its secret in {path.name} is empty", hint="Write it there.")
    return secret
