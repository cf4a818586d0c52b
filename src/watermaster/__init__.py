"""Watermaster: contracts enforced exactly once on Kafka streams, with a ledger that closes.

ARCHITECTURE.md is the map of this package.
"""

__version__ = "0.1.0"
