"""Real Kafka for all tests, and property tests without a stopwatch."""

from hypothesis import settings

pytest_plugins = ["watermaster.testing.pytest_plugin"]

# A test that fails because the machine is busy tells nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
