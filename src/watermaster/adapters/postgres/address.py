"""Where a database is and how to log in, without a password that anybody could read over a shoulder.

A password on the command line is in every process list and shell history, so an address with one is refused. It comes
from a file of libpq's own keys (`password=…`), or from libpq's places (`PGPASSWORD`, `~/.pgpass`). Beyond this machine
an unencrypted connection is refused unless `sslmode` says otherwise in so many words.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from watermaster.runtime.loopback import is_loopback
from watermaster.stream.fault import UsageFault

SCHEMES: Final = ("postgresql://", "postgres://")
CONNECT_TIMEOUT_S: Final = 15
_FILE_BYTES_MAX: Final = 64 * 1024


def typed_address(text: str) -> dict[str, Any]:
    """Of an address that a person typed. Raises UsageFault WM-TABLE-PASSWORD and WM-TABLE-ADDRESS."""
    settings = configured_address(text)
    if "password" in settings:
        raise UsageFault(
            "WM-TABLE-PASSWORD",
            "The address of the database holds a password, which every process list would show.",
            hint="Write host=…, dbname=…, user=…, password=… into a file, a line each, and give that: --database FILE.",
        )
    return settings


def configured_address(text: str) -> dict[str, Any]:
    """Of an address from a configuration, whose password came from the environment. Raises UsageFault."""
    from psycopg import Error  # noqa: PLC0415 - an extra
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        if not text.startswith(SCHEMES):
            raise _no_address()
        return _guarded(conninfo_to_dict(text))
    except Error:
        # The library's words repeat the address.
        raise _no_address() from None


def filed_address(path: Path) -> dict[str, Any]:
    """Of a file with one libpq key and value a line (`host=db.example`), `#` for comments. Raises UsageFault."""
    from psycopg import Error  # noqa: PLC0415 - an extra
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    try:
        with path.open(encoding="utf-8") as stream:
            text = stream.read(_FILE_BYTES_MAX)
    except (OSError, UnicodeDecodeError):
        raise UsageFault(
            "WM-TABLE-ADDRESS", f"{path} cannot be read.", hint="Check its path and permissions."
        ) from None
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    settings: dict[str, Any] = {key.strip(): value.strip() for key, _, value in pairs}
    try:
        make_conninfo("", **settings)
    except Error:
        raise UsageFault(
            "WM-TABLE-ADDRESS",
            f"{path} holds something that is no libpq key.",
            hint="One key=value a line: host, port, dbname, user, password, sslmode, sslrootcert.",
        ) from None
    return _guarded(settings)


def _guarded(settings: Mapping[str, Any]) -> dict[str, Any]:
    hosts = str(settings.get("host") or settings.get("hostaddr") or "localhost").split(",")
    far = any(not (host.startswith("/") or is_loopback(host)) for host in hosts if host)
    guard = {"sslmode": "require"} if far else {}
    return {"connect_timeout": CONNECT_TIMEOUT_S, **guard, **settings}


def _no_address() -> UsageFault:
    return UsageFault(
        "WM-TABLE-ADDRESS",
        "The database is neither a name in the configuration, nor a file, nor a PostgreSQL address.",
        hint="For instance postgresql://user@host/name, with the password in ~/.pgpass, PGPASSWORD or a file.",
    )
