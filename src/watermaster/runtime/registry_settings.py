"""What `watermaster.yaml` says about schema registries: part of `Configuration`, with every default filled in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True)
class RegistryConfiguration:
    """One registry with Confluent's API, how to log in to it, and how long to wait for it.

    Secrets lie in files: `password_file` that of `user`, `token_file` a bearer token.
    """

    name: str
    url: Annotated[str, Field(min_length=1, max_length=2048)]
    """The base of the API: http://127.0.0.1:8081, or of Apicurio https://…/apis/ccompat/v7."""
    user: Annotated[str, Field(max_length=256)] = ""
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    """Who is trusted beside nobody else; None: who this machine trusts."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    """With `certificate_file`: who we are."""
    timeout_ms: Annotated[int, Field(ge=100, le=10_000)] = 5_000
    """For one answer."""
    unknown_wait_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 600_000
    """How long records wait for an id that the registry does not have, before they are held."""
    allow_plaintext: Annotated[bool, Field(strict=True)] = False
