"""`watermaster contract schema`: what editors need to check contracts while they are written."""

from __future__ import annotations

from watermaster.cli.output import show_json


def schema() -> None:
    """Print the JSON schema of contracts, for editors: completion, help and mistakes while one writes.

    Keep it in a file, and name the file in a contract's first line, which most editors that know YAML follow:

    # yaml-language-server: $schema=odcs.schema.json
    """
    from watermaster.contract.official_schema import editor_schema

    show_json(editor_schema())
