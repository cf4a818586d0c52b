pytest_plugins = ["watermaster.testing.pytest_plugin"]
