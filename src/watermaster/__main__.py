"""`python -m watermaster`, and the `watermaster` command.

Processes that `check` starts import this module again, and need no commands.
"""


def run() -> None:
    """One command, from its words to its exit code."""
    from watermaster.cli.main import run as run_command  # noqa: PLC0415 - see the module

    run_command()


if __name__ == "__main__":
    run()
