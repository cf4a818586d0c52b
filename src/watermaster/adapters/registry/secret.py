"""How a registry is logged in to: secrets lie in files and are read when they are needed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from watermaster.runtime.registry_settings import RegistryConfiguration
from watermaster.stream.fault import WorldFault

SECRET_BYTES_MAX: Final = 16_384


def authorization(registry: RegistryConfiguration) -> dict[str, str]:
    """The header of a login: a bearer token, or user and password; empty without one. Raises WorldFault."""
    if registry.token_file is not None:
        return {"Authorization": f"Bearer {_secret(registry, registry.token_file)}"}
    if registry.password_file is not None:
        login = f"{registry.user}:{_secret(registry, registry.password_file)}"
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    return {}


def _secret(registry: RegistryConfiguration, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            secret = file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        secret, why = "", type(error).__name__
    else:
        why = "it is empty"
    if not secret or not secret.isascii() or not secret.isprintable():
        raise WorldFault(
            "WM-REGISTRY-SECRET",
            f"the secret for the registry {registry.name} in {path.name} cannot be used ({why})",
            hint="One line of ASCII, readable by this process.",
            retriable=True,
        )
    return secret
