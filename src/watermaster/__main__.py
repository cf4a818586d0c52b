"""`python -m watermaster`."""

from watermaster.cli.main import run

if __name__ == "__main__":
    run()
