"""Opening a database: the right driver, transactions that run alone, and the newest form of the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from watermaster.stream.fault import UsageFault, WorldFault

LOCK_KEY: Final = 0x57617465
"""Of PostgreSQL's advisory lock; any number will do that nobody else takes ("Wate")."""

WAIT_S: Final = 15
"""How long a writer waits for another one: steps take milliseconds, a migration a second."""

_READS: Final = "watermaster_reads"
"""Set on connections that change nothing."""

FILE: Final = "watermaster.db"

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def is_there(state_directory: Path) -> bool:
    """Whether the SQLite file has been made: who only looks makes none."""
    return (state_directory / FILE).exists()


def open_database(address: str, state_directory: Path) -> Engine:
    """An engine for `address`, a SQLite file in the state directory if it is empty; its tables are up to date.

    Raises UsageFault WM-DATABASE-ADDRESS or WorldFault WM-DATABASE. No message repeats the address.
    """
    engine = _sqlite(state_directory / FILE) if not address else _postgres(address)
    try:
        with alone(engine) as connection:
            _upgrade(connection)
    except SQLAlchemyError as error:
        raise database_fault(error) from None
    return engine


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A transaction during which nobody else changes anything; committed at its end, rolled back on an exception."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        yield connection


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """`alone`, for stores: what the database refuses is a WorldFault WM-DATABASE."""
    try:
        with alone(engine) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise database_fault(error) from None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction for what has a lock of its own and would hold up the others: on PostgreSQL it runs beside them."""
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise database_fault(error) from None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One snapshot, which hinders no writer however long it is looked at."""
    is_postgres = engine.dialect.name == "postgresql"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if is_postgres else {_READS: True}
    try:
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise database_fault(error) from None


def database_fault(error: Exception) -> WorldFault:
    """Named by its type, since the text of a driver may repeat the address."""
    return WorldFault(
        "WM-DATABASE",
        f"The database does not do its part: {type(error).__name__}.",
        hint="Is it up, reachable and not full? `database` in watermaster.yaml names it; empty is a file beside it.",
        retriable=True,
    )


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 -- the event's own shape
    # The driver's own transactions begin too late to keep two writers apart; ours begin at once.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _postgres(address: str) -> Engine:
    if not address.startswith(("postgresql://", "postgres://")):
        raise UsageFault(
            "WM-DATABASE-ADDRESS",
            "`database` is no PostgreSQL address.",
            hint="database: ${env:WATERMASTER_DATABASE}, which holds postgresql://user:password@host/name.",
        )
    try:
        return create_engine(
            "postgresql+psycopg://" + address.split("://", 1)[1],
            pool_pre_ping=True,
            connect_args={"connect_timeout": WAIT_S},
        )
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise UsageFault(
            "WM-DATABASE-ADDRESS",
            "The address of the database cannot be used.",
            hint="Is it postgresql://user:password@host/name, and is watermaster[postgres] installed?",
        ) from None


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and not needed by those who only look
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
