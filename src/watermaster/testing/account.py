"""Accounts of a secured test cluster, and the SCRAM form in which Kafka's format tool takes them."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping

ADMIN = "admin"
"""The super user of every secured test cluster."""
SCRAM_ITERATIONS = 4096
"""The least that Kafka accepts: test logins shall be quick."""


def new_password() -> str:
    """A fresh password, letters and digits only, so that no configuration syntax needs quoting."""
    return secrets.token_hex(16)


def scram_argument(name: str, password: str) -> str:
    """The value of `--add-scram`: a salted hash, so that no password shows in the list of processes."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, SCRAM_ITERATIONS)
    return (
        f'SCRAM-SHA-512=[name="{name}",iterations={SCRAM_ITERATIONS},'
        f'salt="{base64.b64encode(salt).decode()}",saltedpassword="{base64.b64encode(salted).decode()}"]'
    )


def plain_module(users: Mapping[str, str]) -> str:
    """The JAAS line by which a broker knows the users of SASL/PLAIN."""
    accounts = " ".join(f'user_{name}="{password}"' for name, password in sorted(users.items()))
    return f"org.apache.kafka.common.security.plain.PlainLoginModule required {accounts};"
