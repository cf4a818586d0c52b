"""One suite over both databases: a SQLite file, and a real PostgreSQL server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from watermaster.adapters.database.engine import open_database


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    return fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture
def engine(address: str, tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(address, tmp_path)
    yield opened
    opened.dispose()


def fresh_database(server: str) -> str:
    """The address of an empty database of a server."""
    name = f"wm_{uuid.uuid4().hex[:12]}"
    admin = create_engine("postgresql+psycopg://" + server.split("://", 1)[1], isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    address, _, query = server.partition("?")
    base = address.rpartition("/")[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")
