"""A site of one gate whose cluster does not answer: for commands that show what the database has kept."""

from __future__ import annotations

from pathlib import Path

CONFIGURATION = """
clusters:
  primary:
    bootstrap: 127.0.0.1:9
gates:
  orders:
    cluster: primary
    streams:
      - {landing: orders.landing, trusted: orders, contract: orders.odcs.yaml}
"""
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - {name: orders, logicalType: object, properties: [{name: id, logicalType: integer}]}
"""


def write_site(directory: Path) -> Path:
    """The path of its watermaster.yaml."""
    (directory / "orders.odcs.yaml").write_text(CONTRACT)
    path = directory / "watermaster.yaml"
    path.write_text(CONFIGURATION)
    return path
